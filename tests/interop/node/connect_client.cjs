// Connect-ES on the contract's gRPC service, by its three protocols: connect_client.cjs HOST:PORT[,HOST:PORT] DESCRIPTORS
// The second address is for HTTP/2, where it has a port of its own.
"use strict";
const assert = require("node:assert/strict");
const http = require("node:http");
const http2 = require("node:http2");
const { Code, ConnectError, createClient } = require("@connectrpc/connect");
const { compressionGzip, createConnectTransport, createGrpcTransport, createGrpcWebTransport } = require("@connectrpc/connect-node");
const { check, run } = require("./checks.cjs");
const { readContract } = require("./contract.cjs");

const [addresses, descriptors] = process.argv.slice(2);
const urlOf = (httpVersion) => `http://${addresses.split(",").at(httpVersion === "1.1" ? 0 : -1)}`;
const { Interop } = readContract(descriptors);
const timeoutMs = 20_000;

async function failure(promise) {
  const error = await promise.then(() => assert.fail("an answer where an error is due"), ConnectError.from);
  return { code: error.code, message: error.rawMessage };
}
async function all(stream) {
  const answers = [];
  for await (const answer of stream) answers.push(answer);
  return answers;
}

/// What a client sees whatever it speaks.
function addChecks(name, transport, overHttp2) {
  const client = createClient(Interop, transport);
  const checkOf = (what, body) => check(`${name}.${what}`, body);
  checkOf("echo", async () => {
    const sent = { text: "text 中", times: 7, blob: Uint8Array.from({ length: 256 }, (_, i) => i), attrs: { a: "1", 中: "" } };
    const answer = await client.echo(sent, { timeoutMs });
    assert.deepEqual([answer.text, answer.index, answer.attrs], [sent.text, 0, sent.attrs]);
    assert.deepEqual(Buffer.from(answer.blob), Buffer.from(sent.blob));
  });
  for (const size of [0, 1, 16384, 3 << 20]) {
    checkOf(`size_${size}`, async () => {
      const blob = new Uint8Array(size).fill(120);
      assert.equal(Buffer.compare((await client.echo({ blob }, { timeoutMs })).blob, blob), 0);
    });
  }
  checkOf("fail", async () => {
    assert.deepEqual(await failure(client.echo({ fail: "ed 100% 中" }, { timeoutMs })), { code: Code.Unknown, message: "boom ed 100% 中" });
  });
  checkOf("deadline", async () => {
    assert.equal((await failure(client.echo({ sleepMs: 10_000 }, { timeoutMs: 200 }))).code, Code.DeadlineExceeded);
  });
  checkOf("cancel", async () => {
    const calling = new AbortController();
    const call = client.echo({ sleepMs: 10_000 }, { signal: calling.signal });
    setTimeout(() => calling.abort(), 50);
    assert.equal((await failure(call)).code, Code.Canceled);
    assert.equal((await client.echo({ text: "after" }, { timeoutMs })).text, "after");
  });
  checkOf("server_stream", async () => {
    const answers = await all(client.serverStream({ text: "s".repeat(2000), times: 100 }, { timeoutMs }));
    assert.deepEqual(answers.map((answer) => answer.index), Array.from({ length: 100 }, (_, i) => i));
    assert.deepEqual(await all(client.serverStream({ times: 0 }, { timeoutMs })), []);
  });
  checkOf("server_stream_fails", async () => {
    assert.deepEqual(await failure(all(client.serverStream({ times: 3, fail: "ed" }, { timeoutMs }))), { code: Code.Unknown, message: "boom ed" });
  });
  if (!overHttp2) return;
  checkOf("client_stream", async () => {
    const texts = Array.from({ length: 100 }, (_, i) => ({ text: String(i) }));
    const answer = await client.clientStream((async function* () { yield* texts; })(), { timeoutMs });
    assert.deepEqual([answer.text, answer.index], [texts.map(({ text }) => text).join(""), 100]);
  });
  checkOf("bidi_stream", async () => {
    let answered = () => {};
    async function* requests() {
      for (let i = 0; i < 50; i += 1) {
        const turn = new Promise((resolve) => (answered = resolve));
        yield { text: String(i) };
        await turn;
      }
    }
    const got = [];
    for await (const answer of client.bidiStream(requests(), { timeoutMs })) {
      got.push([answer.text, answer.index]);
      answered();
    }
    assert.deepEqual(got, Array.from({ length: 50 }, (_, i) => [String(i), i]));
  });
}

/// The transport and the codings of the answers that it gets.
function watched(create, options) {
  const seen = [];
  const interceptor = (next) => async (call) => {
    const answer = await next(call);
    seen.push(answer.header.get("content-encoding") ?? answer.header.get("connect-content-encoding"));
    return answer;
  };
  return { seen, transport: create({ baseUrl: urlOf(options.httpVersion), ...options, interceptors: [interceptor] }) };
}

/// The methods of all requests, which the transport does not show: Node's own modules tell.
const methods = [];
function watch(owner, name, methodOf) {
  const original = owner[name];
  owner[name] = function (...values) {
    methods.push(methodOf(values));
    return original.apply(this, values);
  };
}
watch(http, "request", ([, options]) => options.method);
const connect = http2.connect;
http2.connect = (...values) => {
  const session = connect(...values);
  watch(session, "request", ([headers]) => headers[":method"]);
  return session;
};

const gzip = { acceptCompression: [compressionGzip], sendCompression: compressionGzip };
for (const httpVersion of ["1.1", "2"]) {
  const at = { baseUrl: urlOf(httpVersion), httpVersion };
  for (const useBinaryFormat of [true, false]) {
    const name = `connect_${useBinaryFormat ? "proto" : "json"}_http${httpVersion}`;
    addChecks(name, createConnectTransport({ ...at, useBinaryFormat, acceptCompression: [] }), httpVersion === "2");
    addChecks(`${name}_gzip`, createConnectTransport({ ...at, useBinaryFormat, ...gzip }), httpVersion === "2");
    check(`${name}.get`, async () => {
      const transport = createConnectTransport({ ...at, useBinaryFormat, useHttpGet: true, acceptCompression: [] });
      const answer = await createClient(Interop, transport).echo({ text: "a?&=/+ 中", blob: new Uint8Array([0, 255]) }, { timeoutMs });
      assert.deepEqual([answer.text, [...answer.blob]], ["a?&=/+ 中", [0, 255]]);
      assert.equal(methods.at(-1), "GET");
    });
    check(`${name}.gzip_is_used`, async () => {
      const { seen, transport } = watched(createConnectTransport, { httpVersion, useBinaryFormat, ...gzip });
      const client = createClient(Interop, transport);
      await client.echo({ text: "x".repeat(10_000) }, { timeoutMs });
      await all(client.serverStream({ text: "x".repeat(10_000), times: 2 }, { timeoutMs }));
      assert.deepEqual(seen, ["gzip", "gzip"]);
    });
  }
  addChecks(`grpc_web_http${httpVersion}`, createGrpcWebTransport({ ...at, acceptCompression: [] }), httpVersion === "2");
  addChecks(`grpc_web_http${httpVersion}_gzip`, createGrpcWebTransport({ ...at, ...gzip }), httpVersion === "2");
}
addChecks("grpc", createGrpcTransport({ baseUrl: urlOf("2"), acceptCompression: [] }), true);
addChecks("grpc_gzip", createGrpcTransport({ baseUrl: urlOf("2"), ...gzip }), true);

run();
