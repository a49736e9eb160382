// Every page of the console, with what must be on it in each language before it counts as shown.
const gateway = "bank-gateway-4802";
const transfer = `/services/${gateway}/bank.Gateway%3A1.0/transfer`;

export const places = [
  { name: "overview", path: "/", title: ["Overview", "总览"], shows: ".tile .figure >> text=/\\d/" },
  { name: "services", path: "/services", title: ["Services", "服务"], shows: "td >> text=bank.Gateway" },
  { name: "service", path: `/services/${gateway}/bank.Gateway%3A1.0`, title: ["bank.Gateway:1.0", "bank.Gateway:1.0"], shows: "td >> text=openAccount" },
  { name: "method", path: transfer, title: ["transfer", "transfer"], shows: ".heat canvas" },
  { name: "components", path: `/components?process=${gateway}&component=transfers`, title: ["Components · bank-gateway", "组件 · bank-gateway"], shows: ".graph .node[aria-pressed=true]" },
  { name: "startup", path: `/components?process=${gateway}&view=startup`, title: ["Components · bank-gateway", "组件 · bank-gateway"], shows: ".waterfall .critical" },
  { name: "configuration", path: `/components?process=${gateway}&view=config`, title: ["Components · bank-gateway", "组件 · bank-gateway"], shows: "td >> text=server.drain_timeout" },
  { name: "connections", path: "/connections", title: ["Connections", "连接"], shows: "td >> text=127.0.0.1" },
  { name: "logs", path: "/logs", title: ["Logs", "日志"], shows: ".log .line" },
  { name: "metrics", path: "/metrics?metric=rpc_server_running", title: ["Metrics", "指标"], shows: ".uplot canvas" },
  { name: "profile", path: `/profiles?process=${gateway}&seconds=1`, title: ["Profiles · bank-gateway", "性能剖析 · bank-gateway"], press: ".main-action", shows: ".flame button >> nth=5" },
  { name: "users", path: "/access", title: ["Access", "访问控制"], shows: "td >> text=mara" },
  { name: "keys", path: "/access?view=keys", title: ["Access", "访问控制"], shows: "td >> text=AK7Q2MZ4T9" },
  { name: "roles", path: "/access?view=roles", title: ["Access", "访问控制"], shows: "td >> text=services:call" },
  { name: "audit", path: "/audit", title: ["Audit", "审计"], shows: "td >> text=user.create" },
];

export async function visit(page, url, place) {
  await page.goto(url + place.path);
  if (place.press) await page.click(place.press);
  await page.locator(place.shows).first().waitFor();
}
