// The package ws as a client of a server that sends back what it gets: ws_client.cjs URL [CA-FILE]. Prints a line a check, then "N passed, M failed".
"use strict";
const fs = require("node:fs");
const crypto = require("node:crypto");
const assert = require("node:assert/strict");
const WebSocket = require("ws");

const [url, caFile] = process.argv.slice(2);
const tls = caFile ? { ca: fs.readFileSync(caFile), servername: "localhost" } : {};
const seconds = 15;

function within(promise, what) {
  let timer;
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error(`no ${what} within ${seconds} s`)), seconds * 1000)));
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

const next = (socket, event) => within(new Promise((resolve) => socket.once(event, (...values) => resolve(values))), event);

async function open(options) {
  const socket = new WebSocket(url, { ...tls, ...options });
  socket.errors = [];
  socket.on("error", (error) => socket.errors.push(error));
  await next(socket, "open");
  return socket;
}

async function goodbye(socket, code, reason) {
  const closed = next(socket, "close");
  socket.close(code, reason);
  const [seen, text] = await closed;
  assert.deepEqual(socket.errors, []);
  return [seen, text.toString()];
}

const extensions = { plain: false, compressed: true, "compressed with windows kept": { threshold: 0 } };
const without_windows = { serverNoContextTakeover: true, clientNoContextTakeover: true, threshold: 0 };
extensions["compressed without windows"] = without_windows;
extensions["compressed in small windows"] = { serverMaxWindowBits: 9, clientMaxWindowBits: 10, threshold: 0 };

const checks = {};
for (const [how, perMessageDeflate] of Object.entries(extensions)) {
  checks[`messages come back, ${how}`] = async () => {
    const socket = await open({ perMessageDeflate });
    assert.equal(socket.extensions.startsWith("permessage-deflate"), Boolean(perMessageDeflate));
    for (const size of [0, 1, 125, 126, 1000, 65535, 65536, 1000000]) {
      for (const message of ["\u4f60".repeat(size / 3), crypto.randomBytes(size)]) {
        const back = next(socket, "message");
        socket.send(message);
        const [data, binary] = await back;
        assert.equal(binary, typeof message !== "string");
        assert.ok(data.equals(Buffer.from(message)), `${size} bytes`);
      }
    }
    assert.deepEqual(await goodbye(socket, 1000, "done"), [1000, ""]);
  };
  checks[`fragments are joined, a ping between them is answered, ${how}`] = async () => {
    const socket = await open({ perMessageDeflate });
    const back = next(socket, "message");
    const pong = next(socket, "pong");
    socket.send("frag", { fin: false });
    socket.ping("between");
    socket.send("", { fin: false });
    socket.send("mented", { fin: true });
    assert.equal((await pong)[0].toString(), "between");
    assert.equal((await back)[0].toString(), "fragmented");
    assert.deepEqual(await goodbye(socket, 1000), [1000, ""]);
  };
  checks[`500 messages sent ahead come back in order, ${how}`] = async () => {
    const socket = await open({ perMessageDeflate });
    const seen = [];
    const all = new Promise((resolve) => socket.on("message", (data) => seen.push(data.toString()) === 500 && resolve()));
    for (let i = 0; i < 500; ++i) socket.send(`message ${i} ${"x".repeat(i)}`);
    await within(all, "500 messages");
    seen.forEach((text, i) => assert.ok(text.startsWith(`message ${i} `), text.slice(0, 20)));
    assert.deepEqual(await goodbye(socket, 1000), [1000, ""]);
  };
}
for (const code of [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 4999]) {
  checks[`close code ${code} is answered with itself`] = async () => {
    assert.deepEqual(await goodbye(await open(), code, "r".repeat(123)), [code, ""]);
  };
}
checks["a close without a code is answered without one"] = async () => assert.deepEqual(await goodbye(await open()), [1005, ""]);
checks["a message over the limit is refused with 1009"] = async () => {
  const socket = await open({ perMessageDeflate: false });
  const closed = next(socket, "close");
  socket.send(Buffer.alloc(3 << 20));
  assert.equal((await closed)[0], 1009);
};
checks["a compressed message that grows over the limit is refused with 1009"] = async () => {
  const socket = await open({ perMessageDeflate: { threshold: 0 } });
  const closed = next(socket, "close");
  socket.send(Buffer.alloc(64 << 20));
  assert.equal((await closed)[0], 1009);
};
checks["fifty sockets talk at the same time"] = async () => {
  await Promise.all([...Array(50).keys()].map(async (i) => {
    const socket = await open();
    const back = next(socket, "message");
    socket.send(`socket ${i}`);
    assert.equal((await back)[0].toString(), `socket ${i}`);
    assert.deepEqual(await goodbye(socket, 1000), [1000, ""]);
  }));
};
checks["a page of another origin is refused with 403"] = async () => {
  const socket = new WebSocket(url, { ...tls, origin: "https://evil.example" });
  socket.on("error", () => {});
  const [request, response] = await next(socket, "unexpected-response");
  request.destroy();
  assert.equal(response.statusCode, 403);
};

(async () => {
  let passed = 0, failed = 0;
  for (const [name, check] of Object.entries(checks)) {
    try {
      await check();
      ++passed;
      console.log(`ok ${name}`);
    } catch (error) {
      ++failed;
      console.log(`FAIL ${name}: ${error.message.replaceAll("\n", " ")}`);
    }
  }
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed === 0 ? 0 : 1);
})();
