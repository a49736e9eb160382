// Loads the first page of each program in Debian's Chromium, a context of its own each time, so that nothing is cached; they take turns.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { openBrowser } from "../../tests/console/harness.mjs";

const { values: options } = parseArgs({ options: { sofa: { type: "string" }, loads: { type: "string", default: "10" }, quick: { type: "boolean" }, json: { type: "string" } } });
const loads = options.quick ? 1 : Number(options.loads);
const startMs = 30000;

const freePort = () =>
  new Promise((resolve) => {
    const probe = createServer();
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });

async function start(command, args, url) {
  const child = spawn(command, args, { stdio: "ignore" });
  const end = Date.now() + startMs;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`${command} ended with ${child.exitCode}`);
    const answer = await fetch(url).catch(() => null);
    if (answer?.ok) return child;
    if (Date.now() > end) throw new Error(`${command} did not answer at ${url} within ${startMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** First contentful paint in ms, and the bytes that came over the network for the page, compressed as they came. */
async function load(browser, url) {
  const context = await browser.newContext();
  const page = await context.newPage();
  const client = await context.newCDPSession(page);
  await client.send("Network.enable");
  const pages = new Map();
  let bytes = 0;
  client.on("Network.responseReceived", ({ requestId, type }) => pages.set(requestId, type));
  client.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    if (["Document", "Script", "Stylesheet", "Font", "Image"].includes(pages.get(requestId))) bytes += encodedDataLength;
  });
  await page.goto(url, { waitUntil: "load" });
  const paint = await page.evaluate(
    () =>
      new Promise((resolve) => {
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) if (entry.name === "first-contentful-paint") resolve(entry.startTime);
        }).observe({ type: "paint", buffered: true });
      }),
  );
  await page.waitForTimeout(500);
  await context.close();
  return { paint, bytes };
}

const median = (numbers) => numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

const folder = mkdtempSync(join(tmpdir(), "sofa-paint-"));
const [own, theirs] = [await freePort(), await freePort()];
writeFileSync(join(folder, "prometheus.yml"), "scrape_configs: []\n");
const programs = [];
const browser = await openBrowser();
const figures = { console: [], Prometheus: [] };
try {
  programs.push(await start(options.sofa, ["dev", "--data", join(folder, "data"), "--port-offset", String(own - 9900)], `http://127.0.0.1:${own}/readyz`));
  programs.push(
    await start("prometheus", [`--config.file=${folder}/prometheus.yml`, `--storage.tsdb.path=${folder}/tsdb`, `--web.listen-address=127.0.0.1:${theirs}`], `http://127.0.0.1:${theirs}/-/ready`),
  );
  const urls = { console: `http://127.0.0.1:${own}/console/`, Prometheus: `http://127.0.0.1:${theirs}/graph` };
  for (const url of Object.values(urls)) await load(browser, url); // the browser itself is warm
  for (let i = 0; i < loads; i += 1) for (const [name, url] of Object.entries(urls)) figures[name].push(await load(browser, url));
} finally {
  await browser.close();
  for (const program of programs) program.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
}

const rows = Object.entries(figures).map(([what, all]) => ({ what, paint_ms: median(all.map((one) => one.paint)), kb: median(all.map((one) => one.bytes)) / 1000 }));
console.log("| first page | first contentful paint ms, median | compressed kB |\n|---|---:|---:|");
for (const row of rows) console.log(`| ${row.what} | ${row.paint_ms.toFixed(0)} | ${row.kb.toFixed(0)} |`);
const [ours, peer] = rows;
const verdicts = [
  { what: "first contentful paint ms, absolute", ours: ours.paint_ms, bar: 500 },
  { what: "compressed kB of the first page, absolute", ours: ours.kb, bar: 400 },
];
console.log(`\n| against the bar | ours | bar | |\n|---|---:|---:|---|`);
for (const { what, ours: figure, bar } of verdicts) console.log(`| ${what} | ${figure.toFixed(0)} | ${bar} | ${figure <= bar ? "bar" : "MISSED"} |`);
console.log(`\nBeside Prometheus: ${(ours.paint_ms / peer.paint_ms).toFixed(2)}x of its time, ${(ours.kb / peer.kb).toFixed(2)}x of its bytes.`);
if (options.json) writeFileSync(options.json, JSON.stringify({ rows, verdicts }, null, 1));
if (verdicts.some(({ ours: figure, bar }) => figure > bar)) process.exit(1);
