// The package ws as a server that sends back what it gets: ws_server.cjs plain|deflate [CERTIFICATE KEY]. Prints "ready pid=N port=P". A message comes back
// in two fragments with a ping between them, whose pong is waited for; "bye" ends the connection with code 4001 and the reason "as you wish".
"use strict";
const fs = require("node:fs");
const http = require("node:http");
const https = require("node:https");
const { WebSocketServer } = require("ws");

const [how, certificate, key] = process.argv.slice(2);
const server = certificate ? https.createServer({ cert: fs.readFileSync(certificate), key: fs.readFileSync(key) }) : http.createServer();
const sockets = new WebSocketServer({ server, perMessageDeflate: how === "deflate" ? { threshold: 0 } : false });
sockets.on("connection", (socket) => {
  socket.on("message", (data, binary) => {
    if (data.toString() === "bye") return socket.close(4001, "as you wish");
    const half = data.length >> 1;
    socket.send(data.subarray(0, half), { binary, fin: false });
    socket.once("pong", () => socket.send(data.subarray(half), { binary, fin: true }));
    socket.ping("between");
  });
});
server.listen(0, "127.0.0.1", () => console.log(`ready pid=${process.pid} port=${server.address().port}`));
