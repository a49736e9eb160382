// @grpc/grpc-js on the contract's gRPC service (docs/protocols/interop-service.md, section 3): grpc_client.cjs HOST:PORT DESCRIPTORS
"use strict";
const assert = require("node:assert/strict");
const { once } = require("node:events");
const grpc = require("@grpc/grpc-js");
const { create, fromBinary, toBinary } = require("@bufbuild/protobuf");
const { check, run } = require("./checks.cjs");
const { readContract } = require("./contract.cjs");

const [address, descriptors] = process.argv.slice(2);
const { EchoRequest, EchoResponse } = readContract(descriptors);
const seconds = 20;
const limits = { "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 };

const method = (name, requestStream, responseStream) => ({
  path: `/sofa.interop.pb.Interop/${name}`,
  requestStream,
  responseStream,
  requestSerialize: (message) => Buffer.from(toBinary(EchoRequest, message)),
  requestDeserialize: (bytes) => fromBinary(EchoRequest, bytes),
  responseSerialize: (message) => Buffer.from(toBinary(EchoResponse, message)),
  responseDeserialize: (bytes) => fromBinary(EchoResponse, bytes),
});
const Interop = grpc.makeGenericClientConstructor({
  echo: method("Echo", false, false),
  missing: method("Missing", false, false),
  serverStream: method("ServerStream", false, true),
  clientStream: method("ClientStream", true, false),
  bidiStream: method("BidiStream", true, true),
});
const client = (options = {}) => new Interop(address, grpc.credentials.createInsecure(), { ...limits, ...options });
const plain = client();
const gzip = client({ "grpc.default_compression_algorithm": grpc.compressionAlgorithms.gzip });
const deflate = client({ "grpc.default_compression_algorithm": grpc.compressionAlgorithms.deflate });

const within = (milliseconds = seconds * 1000) => ({ deadline: Date.now() + milliseconds });
const request = (fields) => create(EchoRequest, fields);
const echo = (stub, fields, options = within(), name = "echo") =>
  new Promise((resolve, reject) => stub[name](request(fields), options, (error, answer) => (error ? reject(error) : resolve(answer))));

async function failure(promise) {
  const error = await promise.then(() => assert.fail("an answer where an error is due"), (reason) => reason);
  return { code: error.code, details: error.details };
}
async function all(stream) {
  const answers = [];
  for await (const answer of stream) answers.push(answer);
  return answers;
}

check("echo.fields", async () => {
  const sent = { text: "text 中", times: 7, blob: Uint8Array.from({ length: 256 }, (_, i) => i), attrs: { a: "1", 中: "" } };
  const answer = await echo(plain, sent);
  assert.deepEqual([answer.text, answer.index, answer.attrs], [sent.text, 0, sent.attrs]);
  assert.deepEqual(Buffer.from(answer.blob), Buffer.from(sent.blob));
});

for (const [how, stub] of Object.entries({ plain, gzip })) {
  for (const size of [0, 1, 16384, 65536, 3 << 20]) {
    check(`${how}.${size}`, async () => {
      const blob = new Uint8Array(size).fill(120);
      assert.equal(Buffer.compare((await echo(stub, { blob })).blob, blob), 0);
    });
  }
}

check("compression.unknown", async () => {
  const { code, details } = await failure(echo(deflate, { text: "x".repeat(1000) }));
  assert.equal(code, grpc.status.UNIMPLEMENTED);
  assert.match(details, /deflate.*gzip/);
});

check("fail", async () => {
  assert.deepEqual(await failure(echo(plain, { fail: "ed 100% 中" })), { code: grpc.status.UNKNOWN, details: "boom ed 100% 中" });
});

check("unimplemented", async () => assert.equal((await failure(echo(plain, {}, within(), "missing"))).code, grpc.status.UNIMPLEMENTED));

check("deadline", async () => {
  const begun = Date.now();
  assert.equal((await failure(echo(plain, { sleepMs: 10_000 }, within(200)))).code, grpc.status.DEADLINE_EXCEEDED);
  assert.ok(Date.now() - begun < 5000, "the deadline came late");
});

check("many_at_once", async () => {
  const calls = Array.from({ length: 1000 }, (_, i) => echo(plain, { text: String(i), sleepMs: i % 20 }));
  assert.deepEqual((await Promise.all(calls)).map((answer) => answer.text), calls.map((_, i) => String(i)));
});

check("stream.server", async () => {
  const answers = await all(plain.serverStream(request({ text: "s", times: 1000 }), within()));
  assert.deepEqual(answers.map((answer) => answer.index), Array.from({ length: 1000 }, (_, i) => i));
  assert.deepEqual(await all(plain.serverStream(request({ times: 0 }), within())), []);
});

check("stream.client", async () => {
  const texts = Array.from({ length: 100 }, (_, i) => String(i));
  const answer = await new Promise((resolve, reject) => {
    const call = plain.clientStream(within(), (error, got) => (error ? reject(error) : resolve(got)));
    for (const text of texts) call.write(request({ text }));
    call.end();
  });
  assert.deepEqual([answer.text, answer.index], [texts.join(""), 100]);
});

check("stream.bidi_in_gzip", async () => {
  const call = gzip.bidiStream(within());
  for (let i = 0; i < 50; i += 1) {
    call.write(request({ text: String(i) }));
    const [answer] = await once(call, "data");
    assert.deepEqual([answer.text, answer.index], [String(i), i]);
  }
  call.end();
  const [status] = await once(call, "status");
  assert.equal(status.code, grpc.status.OK);
});

check("stream.fails_after_its_messages", async () => {
  const call = plain.bidiStream(within());
  call.write(request({ text: "a" }));
  call.write(request({ fail: "ed" }));
  const failed = once(call, "error");
  assert.equal((await once(call, "data"))[0].text, "a");
  const [error] = await failed;
  assert.deepEqual([error.code, error.details], [grpc.status.UNKNOWN, "boom ed"]);
});

check("stream.cancelled", async () => {
  const call = plain.serverStream(request({ text: "x".repeat(1000), times: 1_000_000 }), within());
  const failed = once(call, "error");
  await once(call, "data");
  call.cancel();
  assert.equal((await failed)[0].code, grpc.status.CANCELLED);
  assert.equal((await echo(plain, { text: "after" })).text, "after");
});

run();
