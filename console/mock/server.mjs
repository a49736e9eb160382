// The admin API and the built console without a platform: for development, tests and screenshots.
//   node mock/server.mjs [--port 9909] [--auth] [--empty] [--permissions a,b] [--dist FOLDER]
// --auth: dev/correct-horse-battery logs in. --empty: a platform on which nothing runs yet. --permissions: what the user may.
import { createReadStream, existsSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import * as inside from "./inside.mjs";
import * as world from "./world.mjs";

const { values: options } = parseArgs({
  options: {
    port: { type: "string", default: "9909" },
    auth: { type: "boolean", default: false },
    empty: { type: "boolean", default: false },
    permissions: { type: "string", default: "*:*" },
    dist: { type: "string", default: fileURLToPath(new URL("../dist", import.meta.url)) },
  },
});

const password = "correct-horse-battery";
const identity = inside.makeIdentity();
const sessions = new Set();
if (options.empty) Object.assign(identity, { users: [], keys: [], tokens: [], audit: [] });

class Refusal extends Error {
  constructor(status, code, message) {
    super(message);
    Object.assign(this, { status, code });
  }
}

const problemOf = (error) => ({ status: error.status ?? 500, code: error.code ?? "internal", detail: error.message });
const notFound = (what) => new Refusal(404, "not_found", `There is no ${what}: it may have stopped, look at /v1/processes.`);
const shown = (all) => (options.empty ? [] : all);

function serviceOf(id, name) {
  const service = world.services.find((one) => one.process === id && (world.fullName(one) === name || one.name === name));
  if (!service) throw notFound(`service '${name}' in the process '${id}'`);
  return service;
}

function raftProcess(id) {
  if (options.empty || !inside.hasRaft(processOf(id).id)) throw notFound("Raft group in this process");
  return id;
}

function processOf(id) {
  const process = world.processOf(id);
  if (!process) throw notFound(`process '${id}'`);
  return process;
}

function session() {
  return { user: "dev", proof: options.auth ? "session" : "nothing", csrf_token: "mock-csrf", open: !options.auth, permissions: options.permissions.split(",") };
}

function overview(at) {
  const all = world.overview(at);
  if (!options.empty) return all;
  const flat = all.history.times_ms.map(() => 0);
  const zero = { calls_per_second: 0, errors_per_second: 0, p50_us: 0, p99_us: 0, connections: 1, memory_bytes: 31e6, cpu_cores: 0.002 };
  return { ...all, processes: [], events: [], rates: zero, history: Object.fromEntries(Object.keys(all.history).map((name) => [name, name === "times_ms" ? all.history.times_ms : flat])) };
}

function call({ id }, _, body) {
  const service = serviceOf(id, body.service);
  const method = service.methods.find((one) => one.name === body.method);
  if (!method) throw notFound(`method '${body.method}'`);
  const random = world.makeRandom(world.nowMs());
  const duration = Math.round(method.p50 * (1 + random()));
  const base = { duration_us: duration, stages: world.stagesOf(duration, random) };
  const cents = Array.isArray(body.arguments) ? body.arguments[Object.keys(method.request.properties).indexOf("cents")] : body.arguments.cents;
  if (cents < 0) return { ...base, ok: false, result: null, code: "invalid_argument", message: `cents is ${cents} and must be at least 1.` };
  const answers = { transfer: { booked: true, balance: 99750 }, balance: { cents: 99750 }, check: { allowed: true, reason: "" } };
  return { ...base, ok: true, result: answers[method.name] ?? { postings: [{ id: "t-1", account: "bob", cents: -250, at_ms: world.nowMs() }] }, code: "", message: "" };
}

function makeCredential(list, name, prefix, key) {
  return (_, __, body) => {
    const made = { id: `${prefix}${Math.floor(Math.random() * 1e9).toString(36)}`, owner: body.owner, doc: body.doc, roles: body.roles, created_at_ms: world.nowMs() };
    if (body.expires_in_days) made.expires_at_ms = world.nowMs() + body.expires_in_days * 86400e3;
    identity[list].push(made);
    return { [key]: made, secret: `${name}-shown-once-4f9c2d` };
  };
}

function remove(list, field) {
  return (path) => {
    identity[list] = identity[list].filter((one) => one[field] !== path[field]);
    return undefined;
  };
}

function makeUser(_, __, body) {
  if (identity.users.some((user) => user.name === body.name)) throw new Refusal(409, "already_exists", `There is a user '${body.name}' already: choose another name.`);
  const user = { name: body.name, display_name: body.display_name ?? "", roles: body.roles, namespaces: ["*"], disabled: false, created_at_ms: world.nowMs() };
  identity.users.push(user);
  return user;
}

const routes = {
  "GET /v1/session": session,
  "GET /v1/overview": (_, __, ___, at) => overview(at),
  "GET /v1/processes": () => shown(world.processes).map(world.processAnswer),
  "GET /v1/processes/{id}": ({ id }) => world.processAnswer(processOf(id)),
  "GET /v1/processes/{id}/v1/services": ({ id }, _, __, at) => ({ services: shown(world.services).filter((one) => one.process === id).map((one) => world.serviceAnswer(one, at)) }),
  "GET /v1/processes/{id}/v1/services/{service}": ({ id, service }, _, __, at) => {
    const found = serviceOf(id, service);
    return { service: world.serviceAnswer(found, at), methods: found.methods.map((one) => world.methodAnswer(found, one, at)) };
  },
  "GET /v1/processes/{id}/v1/latency": ({ id }, query, _, at) => world.latency(serviceOf(id, query.get("service")), query.get("method"), Number(query.get("seconds") ?? 300), at),
  "GET /v1/processes/{id}/v1/slowest": ({ id }, query, _, at) => ({ calls: world.slowest(serviceOf(id, query.get("service")), query.get("method") ?? "", Number(query.get("limit") ?? 20), at) }),
  "GET /v1/processes/{id}/v1/errors": ({ id }, query, _, at) => ({ errors: world.errorsOf(serviceOf(id, query.get("service")), query.get("method"), at) }),
  "POST /v1/processes/{id}/v1/calls": call,
  "GET /v1/processes/{id}/v1/components": ({ id }) => ({ components: inside.components(processOf(id).id) }),
  "GET /v1/processes/{id}/v1/startup": ({ id }) => inside.startup(processOf(id).id),
  "GET /v1/processes/{id}/v1/config": ({ id }) => ({ entries: inside.config(processOf(id).id) }),
  "GET /v1/processes/{id}/v1/connections": ({ id }, _, __, at) => ({ connections: shown(inside.connections(id, at)), left_off: 0 }),
  "GET /v1/processes/{id}/v1/raft/groups": ({ id }, query, __, at) => inside.raftPage(raftProcess(id), query, at),
  "GET /v1/processes/{id}/v1/raft/groups/{group}": ({ id, group }, _, __, at) => {
    const found = inside.raftGroup(raftProcess(id), group, at);
    if (!found) throw notFound(`Raft group '${group}'`);
    return found;
  },
  "GET /v1/processes/{id}/v1/logs/levels": () => identity.loggers,
  "PUT /v1/processes/{id}/v1/logs/levels/{space}": ({ space }, _, body) => Object.assign(identity.loggers.find((one) => one.space === space), body),
  "GET /v1/processes/{id}/v1/metrics": () => ({ metrics: inside.metrics, left_off: 0 }),
  "GET /v1/processes/{id}/v1/metrics/query": (_, query, __, at) => {
    const found = inside.queryMetric(query, at);
    if (!found) throw notFound(`metric '${query.get("name")}'`);
    return found;
  },
  "GET /v1/processes/{id}/v1/profiles/cpu": async (_, query, __, at) => {
    const seconds = Number(query.get("seconds") ?? 5);
    await new Promise((resolve) => setTimeout(resolve, Math.min(seconds, 1) * 1000));
    return inside.profile("cpu", seconds, at);
  },
  "GET /v1/processes/{id}/v1/profiles/heap": (_, __, ___, at) => inside.profile("heap", 0, at),
  "GET /v1/users": () => ({ users: identity.users, next: "" }),
  "POST /v1/users": makeUser,
  "PATCH /v1/users/{name}": ({ name }, _, body) => Object.assign(identity.users.find((user) => user.name === name), body),
  "DELETE /v1/users/{name}": remove("users", "name"),
  "GET /v1/keys": () => ({ keys: identity.keys, next: "" }),
  "POST /v1/keys": makeCredential("keys", "sk", "AK", "key"),
  "DELETE /v1/keys/{id}": remove("keys", "id"),
  "GET /v1/tokens": () => ({ tokens: identity.tokens, next: "" }),
  "POST /v1/tokens": makeCredential("tokens", "sofa", "tk-", "token"),
  "DELETE /v1/tokens/{id}": remove("tokens", "id"),
  "GET /v1/roles": () => ({ roles: identity.roles, next: "" }),
  "GET /v1/audit": () => ({ entries: identity.audit, next: "" }),
};

const described = JSON.parse(readFileSync(new URL("../api/openapi.json", import.meta.url), "utf8")).paths;

/** As the gate of a platform: what the description says that a route needs. */
function admit(route) {
  const [method, path] = route.split(" ");
  const needed = described[path]?.[method.toLowerCase()]?.["x-permission"] ?? "";
  const held = options.permissions.split(",");
  if (needed && !held.includes("*:*") && !held.includes(needed)) throw new Refusal(403, "permission_denied", `The user 'dev' may not: it needs the permission ${needed}.`);
}

function find(method, path) {
  for (const [route, handler] of Object.entries(routes)) {
    const [own, pattern] = route.split(" ");
    const found = own === method && new RegExp(`^${pattern.replace(/{(\w+)}/g, "(?<$1>[^/]+)")}$`).exec(path);
    if (!found) continue;
    admit(route);
    return { handler, parameters: Object.fromEntries(Object.entries(found.groups ?? {}).map(([name, value]) => [name, decodeURIComponent(value)])) };
  }
  throw notFound(`route ${method} ${path}`);
}

async function answer(method, target, body) {
  const url = new URL(target, "http://localhost");
  const { handler, parameters } = find(method, url.pathname);
  return handler(parameters, url.searchParams, body, world.nowMs());
}

function stream(request, response) {
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  const tell = (data) => response.write(`data: ${JSON.stringify(data)}\n\n`);
  const timers = [];
  request.on("close", () => timers.forEach(clearInterval));
  return { tell, every: (ms, run) => timers.push(setInterval(run, ms)) };
}

function watch(request, response, url) {
  const { tell, every } = stream(request, response);
  const last = new Map();
  const look = async () => {
    for (const path of url.searchParams.getAll("watch")) {
      const [status, body] = await answer("GET", path).then((value) => [200, value]).catch((error) => [error.status ?? 500, problemOf(error)]);
      const text = JSON.stringify(body);
      if (last.get(path) !== text) tell({ path, status, body });
      last.set(path, text);
    }
  };
  look();
  every(Number(url.searchParams.get("period_ms") ?? 1000), look);
}

function logs(request, response, url, id) {
  processOf(id);
  const { tell, every } = stream(request, response);
  const query = url.searchParams;
  const asked = { after: Number(query.get("after") ?? 0), most: Number(query.get("most") ?? 200), level: query.get("level") ?? "debug", contains: (query.get("contains") ?? "").toLowerCase() };
  const look = () => {
    const found = inside.logLines(id, asked, world.nowMs());
    asked.after = found.last;
    if (!options.empty && found.lines.length > 0) tell(found);
  };
  response.write(": lines follow\n\n");
  look();
  every(200, look);
}

const kinds = { ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml", ".woff2": "font/woff2" };
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

function file(response, path) {
  let found = join(options.dist, normalize(path.replace(/^\/console\/?/, "/")));
  if (!existsSync(found) || statSync(found).isDirectory()) found = join(options.dist, "index.html");
  response.writeHead(200, { "content-type": kinds[extname(found)] ?? "application/octet-stream", "content-security-policy": policy, "x-content-type-options": "nosniff" });
  createReadStream(found).pipe(response);
}

async function bodyOf(request) {
  let text = "";
  for await (const piece of request) text += piece;
  return text ? JSON.parse(text) : undefined;
}

function json(response, status, body, headers = {}) {
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store", ...headers });
  response.end(body === undefined ? undefined : JSON.stringify(body));
}

function login(response, body) {
  if (body.user !== "dev" || body.password !== password) throw new Refusal(401, "unauthenticated", "The name or the password is wrong.");
  const id = Math.random().toString(36).slice(2);
  sessions.add(id);
  json(response, 200, session(), { "set-cookie": `sofa=${id}; HttpOnly; SameSite=Strict; Path=/` });
}

async function api(request, response, url) {
  const body = await bodyOf(request);
  const cookie = /sofa=(\w+)/.exec(request.headers.cookie ?? "")?.[1];
  if (url.pathname === "/v1/session" && request.method === "POST") return login(response, body);
  const signedIn = !options.auth || sessions.has(cookie);
  if (url.pathname === "/v1/session" && request.method === "GET") return json(response, 200, signedIn ? session() : { user: "", proof: "nothing", csrf_token: "", open: false });
  if (!signedIn) throw new Refusal(401, "unauthenticated", "Log in first.");
  if (request.method !== "GET" && request.headers["x-csrf-token"] !== "mock-csrf") throw new Refusal(403, "permission_denied", "The header x-csrf-token is not that of the session.");
  if (url.pathname === "/v1/session" && request.method === "DELETE") {
    sessions.delete(cookie);
    return json(response, 204);
  }
  if (url.pathname === "/v1/events") return watch(request, response, url);
  const [, logged] = /^\/v1\/processes\/([^/]+)\/v1\/logs\/stream$/.exec(url.pathname) ?? [];
  if (logged) return logs(request, response, url, decodeURIComponent(logged));
  const value = await answer(request.method, request.url, body);
  return json(response, value === undefined ? 204 : 200, value);
}

const server = createServer((request, response) => {
  const url = new URL(request.url, "http://localhost");
  if (url.pathname === "/") {
    response.writeHead(302, { location: "/console/" }).end();
  } else if (url.pathname.startsWith("/v1/")) {
    api(request, response, url).catch((error) => json(response, error.status ?? 500, problemOf(error)));
  } else {
    file(response, url.pathname);
  }
});
server.listen(Number(options.port), "127.0.0.1", () => console.log(`listening on http://127.0.0.1:${server.address().port}/console/`));
