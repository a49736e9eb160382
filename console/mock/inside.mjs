// What is inside the processes of the made-up platform: components, configuration, connections, log lines, metrics, profiles, users.
import { failingOf, fullName, makeRandom, nowMs, processes, processOf, rateOf, services, slownessOf, startedOf, trouble, wander } from "./world.mjs";

const service = (name, target, location = "local") => ({ type: name, unique_id: "1.0", kind: "one", target, location });
const need = (type, target) => ({ type, unique_id: "", kind: "one", target, location: "local" });

/** name, type, module, needs, offers, construct and start in microseconds. */
const made = {
  "bank-gateway": [
    ["clock", "sofa::Clock", "", [], [], 2, 0],
    ["metrics", "sofa::MetricRegistry", "", [], [], 6, 0],
    ["limits", "bank::Limits", "gateway", [need("sofa::Clock", "clock")], [], 40, 300],
    ["ledger-client", "bank::LedgerClient", "gateway", [service("bank.Ledger", "bolt://127.0.0.1:12201", "remote"), need("sofa::MetricRegistry", "metrics")], [], 90, 5200],
    ["risk-client", "bank::RiskClient", "gateway", [service("bank.Risk", "bolt://127.0.0.1:12202", "remote"), need("sofa::MetricRegistry", "metrics")], [], 85, 4100],
    ["accounts", "bank::Accounts", "gateway", [need("bank::LedgerClient", "ledger-client")], [], 30, 900],
    ["transfers", "bank::Transfers", "gateway", [need("bank::LedgerClient", "ledger-client"), need("bank::RiskClient", "risk-client"), need("bank::Limits", "limits")], [], 60, 1500],
    ["statements", "bank::Statements", "gateway", [need("bank::Accounts", "accounts")], [], 25, 400],
    ["gateway", "bank::Gateway", "gateway", [need("bank::Transfers", "transfers"), need("bank::Statements", "statements"), need("bank::Accounts", "accounts")], [{ service: "bank.Gateway", unique_id: "1.0", protocols: ["bolt", "triple", "rest"] }], 110, 1800],
    ["audit-trail", "bank::AuditTrail", "audit", [need("sofa::Clock", "clock"), need("bank::Transfers", "transfers")], [], 45, 700],
  ],
  "bank-ledger": [
    ["clock", "sofa::Clock", "", [], [], 2, 0],
    ["journal", "bank::Journal", "ledger", [need("sofa::Clock", "clock")], [], 120, 24800],
    ["book", "bank::Book", "ledger", [need("bank::Journal", "journal")], [], 70, 8900],
    ["snapshots", "bank::Snapshots", "ledger", [need("bank::Journal", "journal"), need("bank::Book", "book")], [], 35, 600],
    ["ledger", "bank::Ledger", "ledger", [need("bank::Book", "book")], [{ service: "bank.Ledger", unique_id: "1.0", protocols: ["bolt"] }], 80, 900],
  ],
  "bank-risk": [
    ["rules", "bank::Rules", "risk", [], [], 140, 2600],
    ["history", "bank::History", "risk", [], [], 60, 1200],
    ["risk", "bank::Risk", "risk", [need("bank::Rules", "rules"), need("bank::History", "history")], [{ service: "bank.Risk", unique_id: "1.0", protocols: ["bolt"] }], 75, 700],
  ],
};

export function components(processId) {
  return (made[processOf(processId)?.name] ?? []).map(([name, type, module, needs, offers, construct_us, start_us], index) => ({
    name, type, module, state: "started", health: name === "rules" && trouble(nowMs()) ? "down" : "up",
    registered_at: `examples/bank/${processOf(processId).name.slice(5)}.cpp:${40 + 3 * index}`, needs, offers, construct_us, start_us,
  }));
}

/** Constructed one after another in the order of needs, then each started as soon as what it needs has. */
export function startup(processId) {
  const all = components(processId);
  let at = 900;
  const rows = new Map();
  for (const one of all) {
    rows.set(one.name, { name: one.name, module: one.module, construct: { start_us: at, end_us: at + one.construct_us }, start: { start_us: 0, end_us: 0 }, critical: false, waited_for: "" });
    at += one.construct_us + 4;
  }
  const begin = at + 60;
  const settle = (one) => {
    const row = rows.get(one.name);
    if (row.start.end_us > 0) return row.start.end_us;
    row.start.start_us = begin;
    for (const each of one.needs) {
      const other = all.find((candidate) => candidate.name === each.target);
      if (other && settle(other) > row.start.start_us) Object.assign(row, { waited_for: other.name }).start.start_us = settle(other);
    }
    return (row.start.end_us = row.start.start_us + one.start_us);
  };
  const ends = all.map(settle);
  const started = Math.max(begin, ...ends);
  for (let row = [...rows.values()].find((one) => one.start.end_us === started); row; row = rows.get(row.waited_for)) row.critical = true;
  const stages = [["configuration", 0, 900], ["construct", 900, begin], ["start", begin, started], ["ports", started, started + 350], ["readiness", started + 350, started + 1200]];
  return { started_at_ms: startedOf(processOf(processId)), ready_us: started + 1200, stages: stages.map(([name, start_us, end_us]) => ({ name, start_us, end_us })), components: [...rows.values()] };
}

const entry = (key, value, default_value, type, origin, where, doc, rest = {}) => ({ key, value, default_value, type, origin, where, doc, live: false, secret: false, ...rest });

export function config(processId) {
  const { name, address } = processOf(processId);
  const file = `/etc/bank/${name}.yaml`;
  return [
    entry("server.name", name, "", "string", "file", `${file}:2:9`, "The name under which it announces itself."),
    entry("server.host", "127.0.0.1", "127.0.0.1", "string", "default", "", "The address that ports are opened on."),
    entry("server.port", "12200", "12200", "port", "flag", "--server-port", "The port of every protocol; 0 picks a free one."),
    entry("server.drain_timeout", "20s", "20s", "duration", "default", "", "How long running calls may go on after a stop was asked for.", { live: true }),
    entry("server.max_calls", "1024", "1024", "integer", "default", "", "Calls that run at once; more are refused as busy.", { live: true }),
    entry("admin.port", address.split(":")[1], "9910", "port", "environment", "ADMIN_PORT", "Where probes, metrics and this page are."),
    entry("platform", "127.0.0.1:9900", "", "address", "file", `${file}:9:11`, "The platform to announce itself to."),
    entry("log.level", "info", "info", "debug | info | warn | error | off", "dynamic", "set by dev, 14 minutes ago", "From which level lines are written.", { live: true }),
    entry("log.json", "false", "false", "boolean", "default", "", "One JSON object a line."),
    entry("gateway.retries", "3", "2", "integer", "dynamic", "set by dev, 14 minutes ago", "How often a call to risk is repeated.", { live: true }),
    entry("gateway.signing_key", "***", "", "secret", "file", "/run/secrets/signing-key", "Signs receipts.", { secret: true }),
    entry("tls.certificate", "", "", "path", "default", "", "PEM file; with tls.key it turns TLS on."),
  ];
}

export function connections(processId, atMs) {
  const random = makeRandom(99);
  const protocols = ["bolt", "bolt", "bolt", "triple", "rest", "http2"];
  return processes
    .filter((process) => process.id === processId)
    .flatMap((process) =>
      Array.from({ length: process.connections }, (_, index) => {
        const outward = process.name === "bank-gateway" && index < 4;
        const protocol = process.kind === "platform" ? "http" : outward ? "bolt" : protocols[Math.floor(random() * protocols.length)];
        const opened = startedOf(process) + Math.round(random() * process.upMs * 0.9);
        const requests = Math.round(((atMs - opened) / 1000) * (3 + 40 * random()));
        return {
          id: `c${index}`, protocol, direction: outward ? "out" : "in",
          peer: `127.0.0.1:${outward ? 12201 + (index % 2) : 40000 + Math.floor(random() * 20000)}`, local: `127.0.0.1:${12200 + (process.pid % 3)}`,
          tls: random() < 0.2, opened_at_ms: opened, requests, bytes_in: requests * 212, bytes_out: requests * 148, shard: index % 2,
        };
      }),
    );
}

const accounts = ["alice", "bob", "carol", "dave", "erin", "frank", "grace"];
const sentences = [
  (pick) => ["info", "bank-gateway", "rpc", "a transfer was booked", { id: `t-${pick(90000)}`, from: accounts[pick(7)], to: accounts[pick(7)], cents: String(100 + pick(9000)) }],
  (pick) => ["info", "bank-ledger", "journal", "a batch is on disk", { entries: String(8 + pick(60)), us: String(300 + pick(500)) }],
  (pick) => ["debug", "bank-gateway", "transport", "a connection was opened", { peer: `127.0.0.1:${40000 + pick(9999)}` }],
  (pick) => ["info", "bank-gateway", "access", "bank.Gateway:1.0.statement", { status: "ok", us: String(200 + pick(900)), account: accounts[pick(7)] }],
  (pick) => ["debug", "bank-risk", "rules", "a rule said yes", { rule: "daily-limit", from: accounts[pick(7)] }],
  (pick) => ["warn", "bank-gateway", "rpc", "a call to bank.Risk:1.0.check is repeated: it was not answered within 200 ms", { attempt: String(2 + pick(2)) }],
  (pick) => ["info", "sofa", "admin", "GET /v1/overview", { status: "200", us: String(40 + pick(200)), user: "dev" }],
  (pick) => ["error", "bank-risk", "rules", "the rules could not be read again: /etc/bank/rules.yaml:14:3: a rule needs a limit", { kept: `version ${pick(9)}` }],
];
const weights = [0, 0, 0, 1, 1, 1, 2, 3, 3, 3, 4, 4, 6, 0, 1, 3, 5, 0, 1, 3, 0, 3, 6, 1, 0, 3, 7];
const linePeriodMs = 180;

/** The line of a process that was written in one period of 180 ms; null when another process wrote then. Always the same for the same period. */
function lineOf(processName, number) {
  const random = makeRandom(number);
  const pick = (n) => Math.floor(random() * n);
  const [level, name, space, message, fields] = sentences[weights[pick(weights.length)]](pick);
  if (name !== processName && processName !== "sofa") return null;
  return { number, at: number * linePeriodMs, level, space, text: [message, ...Object.entries(fields).map(([key, value]) => `${key}=${value}`)].join(" ") };
}

const levels = ["debug", "info", "warn", "error"];

/** Lines behind a number that fit, the newest `most` of them. */
export function logLines(processId, { after, most, level, contains }, atMs) {
  const last = Math.floor(atMs / linePeriodMs);
  const lines = [];
  for (let number = Math.max(after + 1, last - 3 * most); number <= last; number++) {
    const line = lineOf(processOf(processId).name, number);
    if (line && levels.indexOf(line.level) >= levels.indexOf(level) && line.text.toLowerCase().includes(contains)) lines.push(line);
  }
  return { lines: lines.slice(-most), last };
}

export const metrics = [
  { name: "rpc_server_calls_total", kind: "counter", unit: "", doc: "Calls that were answered.", labels: ["service", "method", "protocol", "result"], series: 22 },
  { name: "rpc_server_duration_seconds", kind: "histogram", unit: "seconds", doc: "From the first byte of a request to the last of its answer.", labels: ["service", "method"], series: 10 },
  { name: "rpc_server_running", kind: "gauge", unit: "", doc: "Calls that run now.", labels: ["service"], series: 4 },
  { name: "rpc_client_calls_total", kind: "counter", unit: "", doc: "Calls that were made.", labels: ["service", "method", "result"], series: 6 },
  { name: "transport_connections", kind: "gauge", unit: "", doc: "Open connections.", labels: ["protocol", "direction"], series: 6 },
  { name: "transport_received_bytes_total", kind: "counter", unit: "bytes", doc: "Bytes that came.", labels: ["protocol"], series: 5 },
  { name: "transport_sent_bytes_total", kind: "counter", unit: "bytes", doc: "Bytes that went.", labels: ["protocol"], series: 5 },
  { name: "log_sync_seconds", kind: "histogram", unit: "seconds", doc: "How long an fdatasync took.", labels: ["log"], series: 2 },
  { name: "log_appended_bytes_total", kind: "counter", unit: "bytes", doc: "Bytes appended to logs.", labels: ["log"], series: 2 },
  { name: "process_resident_memory_bytes", kind: "gauge", unit: "bytes", doc: "Memory that is resident.", labels: ["process"], series: 4 },
  { name: "process_cpu_seconds_total", kind: "counter", unit: "seconds", doc: "Processor time.", labels: ["process"], series: 4 },
  { name: "io_tasks", kind: "gauge", unit: "", doc: "Tasks that live on a shard.", labels: ["shard"], series: 2 },
  { name: "http_server_requests_total", kind: "counter", unit: "", doc: "Requests that were answered.", labels: ["route", "status"], series: 18 },
];

const labelValues = { process: processes.map((one) => one.name), shard: ["0", "1"], protocol: ["bolt", "triple", "rest"], direction: ["in", "out"], result: ["ok", "error"], log: ["journal", "identity"], route: ["/v1/overview", "/v1/events", "/metrics"], status: ["200", "304"] };

function seriesOf(metric) {
  if (metric.labels[0] === "service") {
    const called = services.flatMap((one) => (metric.labels[1] === "method" ? one.methods.map((method) => ({ service: fullName(one), method: method.name, of: one, method_of: method })) : [{ service: fullName(one), of: one, method_of: null }]));
    return called.map(({ service, method, of, method_of }) => ({ labels: { service, ...(method && { method }) }, of, method_of }));
  }
  return labelValues[metric.labels[0]].map((value) => ({ labels: { [metric.labels[0]]: value } }));
}

function valueOf(metric, series, kind, atMs) {
  const name = metric.name + Object.values(series.labels).join();
  if (metric.unit === "seconds" && kind !== "rate") {
    const base = series.of ? (series.method_of?.p50 ?? 300) / 1e6 : 0.0007;
    return base * { p50: 1, p90: 2.4, p99: 6.5, value: 1 }[kind] * (series.of ? slownessOf(series.of, atMs) : wander(name, atMs));
  }
  if (series.of) return rateOf(series.of, series.method_of, atMs) * (metric.kind === "gauge" ? 0.004 : 1) + 0 * failingOf(series.of, series.method_of, atMs);
  const base = { bytes: 24e6, seconds: 0.3, "": 14 }[metric.unit];
  return base * (0.4 + (name.length % 7) / 5) * wander(name, atMs);
}

export function queryMetric(parameters, atMs) {
  const metric = metrics.find((one) => one.name === parameters.get("name"));
  if (!metric) return null;
  const kind = parameters.get("function") || { counter: "rate", gauge: "value", histogram: "p99" }[metric.kind];
  const seconds = Number(parameters.get("seconds") || 900);
  const step = Math.max(1, Math.round(seconds / 180));
  const end = Math.floor(atMs / (step * 1000)) * step * 1000;
  const times = Array.from({ length: 180 }, (_, index) => end - (179 - index) * step * 1000);
  const conditions = parameters.getAll("where").map((one) => one.split("="));
  const fitting = seriesOf(metric).filter((series) => conditions.every(([label, value]) => series.labels[label] === value));
  const by = parameters.get("by");
  const groups = new Map();
  for (const series of fitting) {
    const labels = by ? { [by]: series.labels[by] ?? "" } : series.labels;
    const key = JSON.stringify(labels);
    groups.set(key, { labels, members: [...(groups.get(key)?.members ?? []), series] });
  }
  return {
    times_ms: times,
    series: [...groups.values()].map(({ labels, members }) => ({ labels, values: times.map((at) => members.reduce((sum, series) => sum + valueOf(metric, series, kind, at), 0)) })),
    left_off: 0,
    unit: metric.unit,
  };
}

const loop = ["main", "sofa::boot::Application::run(int, char**)", "sofa::io::Shard::run()", "sofa::io::Reactor::poll(std::chrono::nanoseconds)"];
const stacks = [
  [["sofa::io::Socket::on_readable()", "sofa::bolt::Session::on_data(sofa::Buffer&)", "sofa::bolt::FrameDecoder::next(sofa::Buffer&)"], 61],
  [["sofa::io::Socket::on_readable()", "sofa::bolt::Session::on_data(sofa::Buffer&)", "sofa::rpc::Dispatcher::dispatch(sofa::rpc::Request)", "sofa::hessian::Decoder::read_object(sofa::hessian::Value&)", "sofa::hessian::Decoder::read_string(std::string&)"], 88],
  [["sofa::io::Socket::on_readable()", "sofa::bolt::Session::on_data(sofa::Buffer&)", "sofa::rpc::Dispatcher::dispatch(sofa::rpc::Request)", "sofa::hessian::Decoder::read_object(sofa::hessian::Value&)", "sofa::hessian::Decoder::read_class()"], 37],
  [["sofa::io::Socket::on_readable()", "sofa::bolt::Session::on_data(sofa::Buffer&)", "sofa::rpc::Dispatcher::dispatch(sofa::rpc::Request)", "bank::Gateway::transfer(bank::Transfer)", "bank::Transfers::run(bank::Transfer)", "bank::RiskClient::check(bank::Transfer)", "sofa::rpc::Client::call(sofa::rpc::Request)", "sofa::hessian::Encoder::write_object(sofa::hessian::Value const&)"], 54],
  [["sofa::io::Socket::on_readable()", "sofa::bolt::Session::on_data(sofa::Buffer&)", "sofa::rpc::Dispatcher::dispatch(sofa::rpc::Request)", "bank::Gateway::transfer(bank::Transfer)", "bank::Transfers::run(bank::Transfer)", "bank::LedgerClient::post(bank::Entry)", "sofa::rpc::Client::call(sofa::rpc::Request)", "sofa::bolt::FrameEncoder::encode(sofa::bolt::Frame const&)"], 47],
  [["sofa::io::Socket::on_readable()", "sofa::bolt::Session::on_data(sofa::Buffer&)", "sofa::rpc::Dispatcher::dispatch(sofa::rpc::Request)", "bank::Gateway::statement(bank::Page)", "bank::Statements::page(bank::Page)", "sofa::hessian::Encoder::write_list(sofa::hessian::Value const&)"], 66],
  [["sofa::io::Socket::on_readable()", "read"], 42],
  [["sofa::io::Socket::on_writable()", "sofa::io::SendQueue::flush()", "writev"], 93],
  [["sofa::io::Timers::expire(std::chrono::nanoseconds)", "sofa::rpc::Deadlines::expire()"], 14],
  [["sofa::io::Timers::expire(std::chrono::nanoseconds)", "sofa::MetricRegistry::read()"], 9],
  [["epoll_wait"], 120],
];

export function profile(kind, seconds, atMs) {
  const functions = [];
  const indexOf = (name) => (functions.includes(name) ? functions.indexOf(name) : functions.push(name) - 1);
  const scale = kind === "heap" ? 61440 : seconds / 5;
  return {
    kind, unit: kind === "heap" ? "bytes" : "samples", period_us: 10101, seconds, at_ms: atMs,
    stacks: stacks.map(([frames, count]) => ({ frames: [...loop, ...frames].map(indexOf), count: Math.max(1, Math.round(count * scale)) })),
    functions,
  };
}

const hours = 3600e3;
export function makeIdentity() {
  const at = nowMs();
  return {
    users: [
      { name: "dev", display_name: "", roles: ["admin"], namespaces: ["*"], disabled: false, created_at_ms: at - 900 * hours },
      { name: "lin", display_name: "Lin Yue", roles: ["operator"], namespaces: ["bank"], disabled: false, created_at_ms: at - 600 * hours },
      { name: "mara", display_name: "Mara Ilić", roles: ["viewer"], namespaces: ["bank", "shop"], disabled: false, created_at_ms: at - 420 * hours },
      { name: "nightly", display_name: "Nightly jobs", roles: ["operator"], namespaces: ["bank"], disabled: true, created_at_ms: at - 300 * hours },
    ],
    keys: [
      { id: "AK7Q2MZ4T9", owner: "lin", doc: "RocketMQ producers of the bank", created_at_ms: at - 500 * hours },
      { id: "AKW81C0P3X", owner: "nightly", doc: "Nacos client of the batch", created_at_ms: at - 290 * hours, expires_at_ms: at + 430 * hours },
    ],
    tokens: [
      { id: "tk-01hv9", owner: "mara", doc: "dashboards", roles: ["viewer"], created_at_ms: at - 200 * hours, expires_at_ms: at + 520 * hours },
      { id: "tk-01hx2", owner: "lin", doc: "deployments", roles: ["operator"], created_at_ms: at - 90 * hours },
    ],
    roles: [
      { name: "admin", doc: "May do everything.", permissions: ["*:*"], built_in: true, users: 1 },
      { name: "operator", doc: "May do everything but change who may do what.", permissions: ["*:*", "!users:write", "!keys:write", "!tokens:write", "!roles:write", "!namespaces:write"], built_in: true, users: 2 },
      { name: "viewer", doc: "May look at everything but the audit.", permissions: ["*:read", "!audit:read"], built_in: true, users: 1 },
    ],
    audit: [
      ["dev", "config.set", "bank-gateway gateway.retries", "ok", "2 → 3"],
      ["mara", "logs.level", "bank-risk rules", "denied", "needs the permission processes:write"],
      ["lin", "method.call", "bank.Gateway:1.0.transfer", "ok", "answered in 812 µs"],
      ["lin", "key.add", "AK7Q2MZ4T9", "ok", ""],
      ["?", "login", "root", "failed", "wrong password, third try within a minute: the next one waits 4 s"],
      ["dev", "token.remove", "tk-01hr7", "ok", ""],
      ["dev", "user.add", "mara", "ok", "roles: viewer"],
      ["dev", "user.change", "nightly", "ok", ""],
    ].map(([actor, action, target, result, detail], index) => ({ id: `a${index}`, at_ms: at - (index * index + 0.2) * hours, actor, action, target, result, peer: "127.0.0.1", detail })),
    loggers: ["root", "access", "admin", "journal", "rpc", "rules", "transport"].map((space) => ({ space, level: space === "transport" ? "warn" : "info" })),
  };
}

// Two of the processes take part in Raft groups; the others have no such route.
const raftPeers = ["127.0.0.1:8701", "127.0.0.1:8702", "127.0.0.1:8703"];
const raftGroups = [
  { group: "accounts", leader: 0, term: 4, entries: 128_400, rate: 60, reason: "the leader 127.0.0.1:8702 was silent for 1,204 ms" },
  { group: "limits", leader: 1, term: 2, entries: 912, rate: 0, reason: "no leader is known since the start" },
  { group: "statements", leader: 2, term: 11, entries: 52_310, rate: 12, reason: "127.0.0.1:8701 has handed leadership over" },
];
const raftNodes = { "bank-ledger": 0, "bank-risk": 1 };

export const hasRaft = (processId) => raftNodes[processOf(processId).name] !== undefined;

function raftMember(node, one, atMs) {
  const leads = one.leader === node;
  const last = one.entries + Math.floor(((atMs % 3.6e6) / 1000) * one.rate);
  const followers = raftPeers
    .filter((_, peer) => leads && peer !== node)
    .map((peer, index) => {
      const lag = index === 1 && one.rate > 50 ? 2300 : 0;
      return { peer, learner: false, state: lag > 0 ? "probing" : "replicating", match: last - lag, next: last - lag + 1, lag, inflight: 0, blocked: lag > 0, silent_ms: lag > 0 ? 14000 : 40, errors: lag > 0 ? 9 : 0 };
    });
  return {
    group: one.group, node: raftPeers[node], role: leads ? "LEADER" : "FOLLOWER", leader: raftPeers[one.leader], members: raftPeers.join(","), old_members: "", term: one.term,
    voted_for: raftPeers[one.leader], first_log: Math.max(1, last - 20_000), last_log: last, last_log_term: one.term, saved: last, committed: last, applied: last, snapshot: Math.max(0, last - 20_000),
    snapshot_term: one.term, target_priority: -1, waiting: leads && one.rate > 0 ? 3 : 0, reads: 0, elections: leads ? 1 : 0, last_election: one.reason,
    last_election_at_ms: startedOf(processOf("bank-ledger-4803")) + one.term * 60e3, next_timer_ms: 80, quiet: one.rate === 0, disk_full: false, installing: false, saving_snapshot: false, error: "", followers,
  };
}

function raftNote(member) {
  const silent = member.followers.find((one) => one.silent_ms > 2000);
  return silent ? `${silent.peer} has not answered for ${Math.floor(silent.silent_ms / 1000)} s` : "";
}

/** A page of the groups, as the query asks for it. */
export function raftPage(processId, query, atMs) {
  const node = raftNodes[processOf(processId).name];
  const all = raftGroups.map((one) => raftMember(node, one, atMs));
  const rows = all.map((member) => {
    const { group, node: self, role, leader, term, last_log, committed, applied, elections, last_election, last_election_at_ms, quiet, followers } = member;
    const lag = role === "LEADER" ? Math.max(0, ...followers.map((one) => one.lag)) : -1;
    return { group, node: self, role, leader, term, last_log, committed, applied, lag, elections, last_election, last_election_at_ms, quiet, note: raftNote(member) };
  });
  const found = rows.filter((row) => row.group.includes(query.get("contains") ?? "") && (query.get("attention") !== "true" || row.note));
  const count = (is) => rows.filter(is).length;
  const sums = { groups: rows.length, leaders: count((row) => row.role === "LEADER"), followers: count((row) => row.role === "FOLLOWER"), quiet: count((row) => row.quiet), attention: count((row) => row.note) };
  return { address: raftPeers[node], sums, matching: found.length, groups: found, next: "" };
}

/** The members of one group; undefined: there is none. */
export function raftGroup(processId, name, atMs) {
  const one = raftGroups.find((group) => group.group === name);
  return one && { members: [raftMember(raftNodes[processOf(processId).name], one, atMs)] };
}
