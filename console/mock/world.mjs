// A made-up platform that lives: the bank of examples/bank with its figures moving. What it tells has the shapes of api/openapi.json.
const startMs = Date.now();
export const nowMs = () => Date.now();

/** Numbers that are the same in every run for the same seed (mulberry32). */
export function makeRandom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const hash = (text) => [...text].reduce((sum, character) => (Math.imul(sum, 31) + character.charCodeAt(0)) >>> 0, 17);

/** A smooth wander around 1, different for each name, the same for the same moment. */
export function wander(name, atMs, depth = 0.25) {
  const phase = (hash(name) % 1000) / 159;
  const at = atMs / 1000;
  return 1 + depth * (0.5 * Math.sin(at / 47 + phase) + 0.3 * Math.sin(at / 11 + 2 * phase) + 0.2 * Math.sin(at / 2.7 + 3 * phase));
}

/** Every 200 s the risk process is slow for 20 s, and some calls fail. */
export const trouble = (atMs) => (Math.floor(atMs / 1000) % 200 < 20 ? 1 : 0);

const hour = 3600e3;
export const processes = [
  { id: "sofa-4711", name: "sofa", kind: "platform", pid: 4711, address: "127.0.0.1:9900", cores: 0.04, memory: 41e6, connections: 6, upMs: 3 * hour },
  { id: "bank-gateway-4802", name: "bank-gateway", kind: "application", pid: 4802, address: "127.0.0.1:9910", cores: 0.62, memory: 23e6, connections: 68, upMs: 2.9 * hour },
  { id: "bank-ledger-4803", name: "bank-ledger", kind: "application", pid: 4803, address: "127.0.0.1:9911", cores: 0.48, memory: 58e6, connections: 3, upMs: 0.7 * hour },
  { id: "bank-risk-4804", name: "bank-risk", kind: "application", pid: 4804, address: "127.0.0.1:9912", cores: 0.21, memory: 17e6, connections: 3, upMs: 2.9 * hour },
];

const text = (description, rest = {}) => ({ type: "string", description, ...rest });
const whole = (description, rest = {}) => ({ type: "integer", format: "int64", description, ...rest });
const object = (properties, required = Object.keys(properties)) => ({ type: "object", properties, required });
const posting = object({ id: text("of the transfer"), account: text("other side"), cents: whole("negative when paid"), at_ms: whole("booked at") });

function method(name, doc, rate, p50, request, response, rest = {}) {
  return { name, doc, kind: "unary", rate, p50, request, response, ...rest };
}

export const services = [
  {
    process: "bank-gateway-4802", name: "bank.Gateway", unique_id: "1.0", protocols: ["bolt", "triple", "rest"],
    methods: [
      method("transfer", "Moves money once, however often it is asked with the same id.", 1830, 640, object({ id: text("chosen by the client, at most 64 bytes"), from: text("payer"), to: text("payee"), cents: whole("amount", { minimum: 1 }) }), object({ booked: { type: "boolean" }, balance: whole("of the payer") })),
      method("statement", "A page of an account's postings, oldest first.", 410, 380, object({ account: text("whose"), skip: whole("postings passed over", { minimum: 0 }), limit: whole("at most 10,000", { minimum: 1, maximum: 10000 }) }), object({ postings: { type: "array", items: posting } })),
      method("balance", "What an account holds.", 940, 210, object({ account: text("whose") }), object({ cents: whole("balance") })),
      method("openAccount", "Opens an account with a first deposit.", 3, 720, object({ account: text("name"), cents: whole("first deposit") }), object({ opened: { type: "boolean" } })),
      method("watch", "Postings as they are booked.", 0.4, 90, object({ account: text("whose"), kinds: { type: "array", description: "empty: all", items: { type: "string", enum: ["payment", "deposit", "fee"] } } }), posting, { kind: "server_stream" }),
    ],
  },
  {
    process: "bank-ledger-4803", name: "bank.Ledger", unique_id: "1.0", protocols: ["bolt"],
    methods: [
      method("post", "Books an entry of two sides; answers when it is on disk.", 1833, 410, object({ id: text("of the entry"), debit: text("account"), credit: text("account"), cents: whole("amount", { minimum: 1 }) }), object({ position: whole("in the log") })),
      method("read", "Balance and postings of an account.", 1350, 120, object({ account: text("whose"), skip: whole("passed over"), limit: whole("at most") }), object({ cents: whole("balance"), postings: { type: "array", items: posting } })),
      method("snapshot", "Writes a snapshot now.", 0.01, 48000, object({}), object({ bytes: whole("written") })),
    ],
  },
  {
    process: "bank-risk-4804", name: "bank.Risk", unique_id: "1.0", protocols: ["bolt"],
    methods: [
      method("check", "Whether a transfer may be done.", 1832, 150, object({ from: text("payer"), to: text("payee"), cents: whole("amount"), trusted: { type: "boolean", description: "skips the slow part" } }), object({ allowed: { type: "boolean" }, reason: text("when not") })),
    ],
  },
  {
    process: "sofa-4711", name: "grpc.health.v1.Health", unique_id: "", protocols: ["grpc"],
    methods: [method("Check", "The state of one service.", 0.6, 40, object({ service: text("empty: the whole server") }), object({ status: { type: "string", enum: ["SERVING", "NOT_SERVING"] } }))],
  },
];

export const processOf = (id) => processes.find((process) => process.id === id);
export const startedOf = (process) => startMs - process.upMs;
export const fullName = (service) => (service.unique_id ? `${service.name}:${service.unique_id}` : service.name);

export function rateOf(service, one, atMs) {
  const sum = one ? one.rate : service.methods.reduce((total, each) => total + each.rate, 0);
  return sum * wander(service.name + (one?.name ?? ""), atMs);
}
export const failingOf = (service, one, atMs) => rateOf(service, one, atMs) * (/Gateway|Risk/.test(service.name) ? 0.0006 + 0.02 * trouble(atMs) : 0.00002);
export const slownessOf = (service, atMs) => wander(`${service.name} slow`, atMs, 0.5) * (/Gateway|Risk/.test(service.name) && trouble(atMs) ? 3.5 : 1);

const lastMinute = (of, atMs) => Array.from({ length: 60 }, (_, index) => of(atMs - (59 - index) * 1000));

export function figuresOf(service, one, atMs) {
  const base = one ? one.p50 : service.methods[0].p50;
  const slow = slownessOf(service, atMs);
  const seconds = (atMs - startedOf(processOf(service.process))) / 1000;
  const rate = one ? one.rate : service.methods.reduce((total, each) => total + each.rate, 0);
  return {
    calls_total: Math.round(rate * seconds),
    errors_total: Math.round(rate * seconds * 0.0021),
    calls_per_second: rateOf(service, one, atMs),
    errors_per_second: failingOf(service, one, atMs),
    p50_us: Math.round(base * (0.9 + 0.1 * slow)),
    p99_us: Math.round(base * 6.5 * slow),
    history: lastMinute((at) => rateOf(service, one, at), atMs),
  };
}

export function serviceAnswer(service, atMs) {
  return {
    name: service.name,
    unique_id: service.unique_id,
    protocols: service.protocols,
    methods: service.methods.length,
    ...figuresOf(service, null, atMs),
  };
}

export function methodAnswer(service, one, atMs) {
  return {
    name: one.name,
    doc: one.doc,
    kind: one.kind,
    ...figuresOf(service, one, atMs),
    in_flight: Math.round((rateOf(service, one, atMs) * one.p50) / 1e6) + (one.kind === "unary" ? 0 : 4),
    request_schema: { type: "array", prefixItems: Object.entries(one.request.properties).map(([title, schema]) => ({ ...schema, title })) },
    response_schema: one.response,
  };
}

export const processAnswer = (process) => ({
  id: process.id,
  name: process.name,
  version: "0.1.0",
  host: "localhost",
  pid: process.pid,
  started_at: startedOf(process),
  attached_at: startedOf(process) + 12,
  admin: process.address,
});

function figuresOfProcess(process, atMs) {
  const own = services.filter((service) => service.process === process.id);
  const sum = (of) => own.reduce((total, service) => total + of(service), 0);
  return {
    id: process.id,
    name: process.name,
    admin: process.address,
    state: "ready",
    started_at_ms: startedOf(process),
    cpu_cores: process.cores * wander(`${process.name} cpu`, atMs),
    memory_bytes: Math.round(process.memory * wander(`${process.name} memory`, atMs / 20, 0.08)),
    connections: process.connections,
    services: own.length,
    calls_per_second: sum((service) => rateOf(service, null, atMs)),
    errors_per_second: sum((service) => failingOf(service, null, atMs)),
    p99_us: Math.max(0, ...own.map((service) => figuresOf(service, null, atMs).p99_us)),
    history: lastMinute((at) => sum((service) => rateOf(service, null, at)), atMs),
  };
}

function ratesAt(atMs) {
  const all = processes.map((process) => ({ process, cpu: process.cores * wander(`${process.name} cpu`, atMs), memory: process.memory * wander(`${process.name} memory`, atMs / 20, 0.08) }));
  const gateway = services[0];
  return {
    calls_per_second: services.reduce((sum, service) => sum + rateOf(service, null, atMs), 0),
    errors_per_second: services.reduce((sum, service) => sum + failingOf(service, null, atMs), 0),
    p50_us: Math.round(gateway.methods[0].p50 * (0.9 + 0.1 * slownessOf(gateway, atMs))),
    p99_us: Math.round(gateway.methods[0].p50 * 6.5 * slownessOf(gateway, atMs)),
    connections: processes.reduce((sum, process) => sum + process.connections, 0) + Math.round(6 * (wander("connections", atMs) - 1)),
    memory_bytes: Math.round(all.reduce((sum, one) => sum + one.memory, 0)),
    cpu_cores: all.reduce((sum, one) => sum + one.cpu, 0),
  };
}

const happened = [
  [12, "info", "readiness", "bank-risk", "bank.Risk:1.0", "bank-risk takes traffic again: its check rules answered in time"],
  [31, "warn", "readiness", "bank-risk", "rules", "the check rules took 512 ms, over its timeout of 500 ms"],
  [840, "info", "configuration", "bank-gateway", "gateway.retries", "gateway.retries is now 3 (was 2), set by dev"],
  [2500, "info", "attached", "bank-ledger", "", "bank-ledger is ready after 38 ms, 1 service on bolt"],
  [2502, "warn", "gone", "bank-ledger", "", "bank-ledger (pid 4799) is gone: its connection was closed without a farewell"],
  [10380, "info", "attached", "bank-risk", "", "bank-risk is ready after 11 ms, 1 service on bolt"],
  [10381, "info", "attached", "bank-gateway", "", "bank-gateway is ready after 14 ms, 1 service on bolt, triple and rest"],
  [10800, "info", "attached", "sofa", "", "the platform is ready after 96 ms: http://127.0.0.1:9900"],
];

export function overview(atMs) {
  const times = Array.from({ length: 180 }, (_, index) => Math.floor(atMs / 5000) * 5000 - (179 - index) * 5000);
  const rates = times.map(ratesAt);
  const column = (name) => rates.map((one) => one[name]);
  return {
    platform: { name: "sofa", version: "0.1.0", mode: "dev", address: "127.0.0.1:9900", started_at_ms: startedOf(processes[0]) },
    health: "up",
    roles: [
      { name: "platform", state: "ready", ports: [{ name: "http", address: "127.0.0.1:9900" }], doc: "Admin API, console, metrics" },
      { name: "identity", state: "ready", ports: [], doc: "Users, keys, tokens, audit; on the log in ./data/identity" },
      { name: "announcements", state: "ready", ports: [{ name: "bolt", address: "127.0.0.1:9901" }], doc: "Where applications tell that they are there", next: "platform: 127.0.0.1:9900" },
    ],
    checks: [
      { name: "disk", status: "up", detail: "412 GiB free; a sync takes 0.8 ms", checked_at_ms: atMs - 2100, duration_us: 830 },
      { name: "clock", status: "up", detail: "0.2 ms from the monotonic clock since the start", checked_at_ms: atMs - 900, duration_us: 4 },
    ],
    rates: ratesAt(atMs),
    history: {
      times_ms: times,
      ...Object.fromEntries(["calls_per_second", "errors_per_second", "p50_us", "p99_us", "connections", "memory_bytes", "cpu_cores"].map((name) => [name, column(name)])),
    },
    processes: processes.map((process) => figuresOfProcess(process, atMs)),
    events: happened.map(([seconds, severity, kind, process, subject, message], index) => ({ id: `e${index}`, at_ms: startMs - seconds * 1000, severity, kind, process, subject, message })),
  };
}

const bounds = [50, 100, 150, 200, 300, 400, 600, 800, 1200, 1600, 2400, 3200, 4800, 6400, 9600, 12800, 25600, 51200, 102400];

/** The counts of one slice: a log-normal hump, and a second one of the slow calls. */
function slice(service, one, atMs, seconds) {
  const random = makeRandom(hash(service.name + one.name) ^ Math.floor(atMs / 1000));
  const calls = rateOf(service, one, atMs) * seconds;
  const middle = Math.log(one.p50 * (0.9 + 0.1 * slownessOf(service, atMs)));
  const weight = (us, center, width) => Math.exp(-(((Math.log(us) - center) / width) ** 2));
  const slow = 0.03 * slownessOf(service, atMs);
  const weights = [...bounds, 204800].map((us) => (weight(us * 0.8, middle, 0.42) + slow * weight(us * 0.8, middle + 1.6, 0.6)) * (0.8 + 0.4 * random()));
  const all = weights.reduce((sum, value) => sum + value, 0);
  return weights.map((value) => Math.round((value / all) * calls));
}

export function latency(service, methodName, seconds, atMs) {
  const step = Math.max(2, Math.round(seconds / 120));
  const end = Math.floor(atMs / (step * 1000)) * step * 1000;
  const times = Array.from({ length: Math.floor(seconds / step) }, (_, index, all) => end - ((all?.length ?? Math.floor(seconds / step)) - 1 - index) * step * 1000);
  const chosen = methodName ? service.methods.filter((one) => one.name === methodName) : service.methods;
  const busiest = [...chosen].sort((a, b) => b.rate - a.rate)[0];
  return {
    times_ms: times,
    bounds_us: bounds,
    counts: times.map((at) => ({ rows: chosen.map((one) => slice(service, one, at, step)).reduce((sum, rows) => sum.map((value, index) => value + rows[index])) })),
    p50_us: times.map((at) => busiest.p50 * (0.9 + 0.1 * slownessOf(service, at))),
    p99_us: times.map((at) => busiest.p50 * 6.5 * slownessOf(service, at)),
    calls_per_second: times.map((at) => chosen.reduce((sum, one) => sum + rateOf(service, one, at), 0)),
    errors_per_second: times.map((at) => chosen.reduce((sum, one) => sum + failingOf(service, one, at), 0)),
  };
}

export function stagesOf(total, random) {
  const shares = [0.05 + 0.5 * random() * random(), 0.03 + 0.02 * random(), 0.4 + 0.4 * random(), 0.02 + 0.03 * random(), 0.02 + 0.05 * random()];
  const all = shares.reduce((sum, share) => sum + share, 0);
  return ["queue", "deserialize", "implementation", "serialize", "filters"].map((name, index) => ({ name, duration_us: Math.round((shares[index] / all) * total) }));
}

export function slowest(service, methodName, limit, atMs) {
  const chosen = methodName ? service.methods.filter((one) => one.name === methodName) : service.methods.filter((one) => one.rate > 1);
  const random = makeRandom(hash(service.name + methodName) ^ Math.floor(atMs / 20000));
  return Array.from({ length: chosen.length === 0 ? 0 : limit }, (_, index) => {
    const one = chosen[Math.floor(random() * chosen.length)];
    const total = Math.round(one.p50 * (46 - 3.5 * index) * (0.9 + 0.2 * random()));
    return {
      at_ms: atMs - Math.round(random() * 240e3),
      service: fullName(service),
      method: one.name,
      protocol: service.protocols[0],
      caller: random() < 0.5 ? "teller" : "",
      duration_us: total,
      error: random() < 0.18 ? "deadline_exceeded" : "",
      stages: stagesOf(total, random),
    };
  });
}

export function errorsOf(service, methodName, atMs) {
  if (!/Gateway|Risk/.test(service.name)) return [];
  const busiest = methodName || service.methods[0].name;
  return [
    { code: "deadline_exceeded", message: "bank.Risk:1.0.check was not answered within 500 ms: raise the caller's timeout or look at the provider's slowest calls", service: fullName(service), method: busiest, count: 1204, last_at_ms: atMs - 9000 },
    { code: "failed_precondition", message: "the account 'mallory' holds 120 cents and cannot pay 250", service: fullName(service), method: busiest, count: 318, last_at_ms: atMs - 41000 },
    { code: "resource_exhausted", message: "1024 calls are running (server.max_calls): try again later", service: fullName(service), method: busiest, count: 12, last_at_ms: atMs - 1.9e6 },
  ];
}
