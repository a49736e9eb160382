// A real platform on which the bank and three counters (examples/counter) run: `sofa dev` and bank-demo, from the folder that $SOFA_BIN names (build/release/bin).
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { until } from "./harness.mjs";

const programs = process.env.SOFA_BIN ?? fileURLToPath(new URL("../../build/release/bin", import.meta.url));
const usualPort = 9900;
const longestSeconds = 1800; // the bank ends by itself when nobody ends it

const freePort = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

/** Starts a program; `line` waits for one that it prints. */
function start(name, options) {
  const child = spawn(`${programs}/${name}`, options, { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.on("data", (data) => (text += data));
  const gone = new Promise((resolve) => child.once("exit", resolve));
  return {
    line: (pattern) =>
      until(() => {
        if (child.exitCode !== null) throw new Error(`${name} has ended with ${child.exitCode}: ${text}`);
        return pattern.exec(text);
      }, `${name} prints ${pattern}`),
    stop: async (signal = "SIGTERM") => {
      child.kill(signal);
      await gone;
    },
  };
}

/** Three nodes of examples/counter, of which one leads. */
async function startCounters(folder, platformPort) {
  const ports = [await freePort(), await freePort(), await freePort()];
  const peers = ports.map((port) => `127.0.0.1:${port}`);
  const options = (id) => ["--counter-id", id, "--counter-peers", peers.join(","), "--counter-data", `${folder}/${id}`];
  const nodes = peers.map((id) => start("counter-server", [...options(id), "--admin-port", "0", "--admin-platform", `127.0.0.1:${platformPort}`]));
  for (const node of nodes) await node.line(/^ready counter-server /m);
  return nodes;
}

async function post(url, path, body) {
  const answer = await fetch(new URL(path, url), { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`POST ${path}: ${answer.status} ${await answer.text()}`);
}

async function leadsSomewhere(url, processes) {
  const counters = processes.filter((one) => one.name === "counter-server");
  const pages = await Promise.all(counters.map(async ({ id }) => (await fetch(new URL(`/v1/processes/${id}/v1/raft/groups`, url))).json()));
  return pages.some((page) => page.sums?.leaders > 0);
}

async function isReady(url) {
  const { processes } = await (await fetch(new URL("/v1/overview", url))).json();
  const isThere = ["sofa", "bank-gateway", "bank-ledger", "bank-risk", "counter-server"].every((name) =>
    processes.some((one) => one.name === name && one.state === "ready"),
  );
  return isThere && (await leadsSomewhere(url, processes));
}

/** Somebody to be seen under users, tokens and in the audit. */
async function addPeople(url) {
  await post(url, "/v1/users", { name: "ann", display_name: "Ann", password: "correct-horse-battery", roles: ["operator"] });
  await post(url, "/v1/tokens", { owner: "ann", doc: "deploys", roles: ["viewer"] });
  await post(url, "/v1/keys", { owner: "ann", doc: "signs requests" });
}

/**
 * `url` is where its console is; `stopServer` ends the platform alone, `stop` all that is left. So many clients keep the bank busy: few, as the browser
 * needs the processors, too.
 */
export async function startPlatform({ clients = 2 } = {}) {
  const folder = mkdtempSync(`${tmpdir()}/sofa-console-`);
  const started = [];
  const stop = async () => {
    for (const program of started.reverse()) await program.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const platform = start("sofa", ["dev", "--data", `${folder}/data`, "--port-offset", String((await freePort()) - usualPort)]);
    started.push(platform);
    const [, port] = await platform.line(/^ready sofa .*admin=(\d+)/m);
    const url = `http://127.0.0.1:${port}/console`;
    started.push(
      start("bank-demo", ["--seconds", String(longestSeconds), "--clients", String(clients), "--folder", `${folder}/bank`, "--platform", `127.0.0.1:${port}`]),
    );
    started.push(...(await startCounters(folder, port)));
    await until(() => isReady(url), "the bank and the counters are attached, and ready");
    await addPeople(url);
    return { url, stopServer: () => platform.stop("SIGKILL"), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
