// JavaScript, in Node or in a page, with nothing but fetch: node client.mjs [127.0.0.1:12200]
const address = globalThis.process?.argv[2] ?? "127.0.0.1:12200";

// region: call
const response = await fetch(`http://${address}/acme.greeter.Greeter/Greet`, {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ name: "JavaScript" }),
  signal: AbortSignal.timeout(3000),
});
const reply = await response.json();
if (!response.ok) throw new Error(`${reply.code}: ${reply.message}`);
console.log(reply.text);
// endregion
