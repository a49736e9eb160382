// Every page of the console, with what must be on it in each language before it counts as shown. The platform has the bank (examples/bank) running.

const ask = async (url, path) => (await fetch(new URL(path, url))).json();

/** The bank's gateway on the platform at `url`, and what its service is called there: both are not the same on each. */
async function gatewayOf(url) {
  const processes = await ask(url, "/v1/processes");
  const { id } = processes.find((process) => process.name === "bank-gateway");
  const { services } = await ask(url, `/v1/processes/${id}/v1/services`);
  const { name, unique_id } = services.find((service) => service.name === "bank.Gateway");
  return { gateway: id, service: unique_id ? `${name}:${unique_id}` : name };
}

/** A process that takes part in Raft groups, and one that it leads. */
async function raftOf(url) {
  for (const { id } of await ask(url, "/v1/processes")) {
    const { groups = [] } = await ask(url, `/v1/processes/${id}/v1/raft/groups`);
    const led = groups.find((one) => one.role === "LEADER");
    if (led) return { process: id, group: led.group };
  }
  throw new Error("nobody leads a Raft group");
}

export async function placesOf(url) {
  const { gateway, service } = await gatewayOf(url);
  const raft = await raftOf(url);
  const ofService = `/services/${gateway}/${encodeURIComponent(service)}`;
  return [
    { name: "overview", path: "/", title: ["Overview", "总览"], shows: ".tile .figure >> text=/\\d/" },
    { name: "services", path: "/services", title: ["Services", "服务"], shows: "td >> text=bank.Gateway" },
    { name: "service", path: ofService, title: [service, service], shows: "td >> text=openAccount" },
    { name: "method", path: `${ofService}/transfer`, title: ["transfer", "transfer"], shows: ".heat canvas" },
    { name: "components", path: `/components?process=${gateway}&component=transfers`, title: ["Components · bank-gateway", "组件 · bank-gateway"], shows: ".graph .node" },
    { name: "startup", path: `/components?process=${gateway}&view=startup`, title: ["Components · bank-gateway", "组件 · bank-gateway"], shows: ".waterfall .critical" },
    { name: "configuration", path: `/components?process=${gateway}&view=config`, title: ["Components · bank-gateway", "组件 · bank-gateway"], shows: "td >> text=server.drain_timeout" },
    { name: "connections", path: "/connections", title: ["Connections", "连接"], shows: "td >> text=127.0.0.1" },
    { name: "raft", path: "/raft", title: ["Raft groups", "Raft 组"], shows: `td >> text=${raft.group}` },
    { name: "raft group", path: `/raft/${raft.process}/${raft.group}`, title: [raft.group, raft.group], shows: "tbody td:not(:has(.ghost)) >> text=127.0.0.1" },
    { name: "logs", path: `/logs?process=${gateway}`, title: ["Logs", "日志"], shows: ".log .line" },
    { name: "metrics", path: `/metrics?process=${gateway}&metric=rpc_server_calls_total`, title: ["Metrics", "指标"], shows: ".uplot canvas" },
    { name: "profile", path: `/profiles?process=${gateway}&seconds=5`, title: ["Profiles · bank-gateway", "性能剖析 · bank-gateway"], press: ".main-action", shows: ".flame button >> nth=1" },
    { name: "users", path: "/access", title: ["Access", "访问控制"], shows: "tbody td:not(:has(.ghost))" },
    { name: "keys", path: "/access?view=keys", title: ["Access", "访问控制"], shows: ".table-tools .main-action" },
    { name: "roles", path: "/access?view=roles", title: ["Access", "访问控制"], shows: "td >> text=!users:write" },
    { name: "audit", path: "/audit", title: ["Audit", "审计"], shows: "tbody td:not(:has(.ghost))" },
  ];
}

export async function visit(page, url, place) {
  await page.goto(url + place.path);
  if (place.press) await page.click(place.press);
  await page.locator(place.shows).first().waitFor();
}
