// What an application is made of: the graph, the start, the configuration.
import { useState } from "react";
import type { Component, ConfigEntry } from "../api/client";
import { useAnswer, useLive } from "../api/live";
import { Graph } from "../design/graph";
import { Icon } from "../design/icons";
import { Badge, Empty, FailureView, Ghost, PageHead, Panel, State, Switch, type Tone } from "../design/surfaces";
import { type Column, Table } from "../design/table";
import { Waterfall } from "../design/waterfall";
import { duration, t } from "../i18n";
import { useChosenProcess } from "../processes";
import { useParameter } from "../router";

export default function Components() {
  const { id, process } = useChosenProcess("one");
  const [view, setView] = useParameter("view", "graph");
  const options: Array<[string, string]> = [
    ["graph", t("components.graph")],
    ["startup", t("components.startup")],
    ["config", t("components.config")],
  ];
  return (
    <>
      <PageHead
        title={process ? `${t("components.title")} · ${process.name}` : t("components.title")}
        lead={t("components.lead")}
        tools={<Switch label={t("components.title")} value={view} options={options} onChange={setView} />}
      />
      {view === "startup" ? <StartupView id={id} /> : view === "config" ? <ConfigView id={id} /> : <GraphView id={id} />}
    </>
  );
}

const columns: Array<Column<Component>> = [
  { key: "name", title: "components.name", value: (one) => one.name },
  { key: "state", title: "components.health", value: (one) => one.health, cell: (one) => <State state={one.health === "up" ? one.state : one.health} />, width: 96 },
  { key: "type", title: "components.type", value: (one) => one.type, cell: (one) => <code>{one.type}</code>, from: 600 },
  {
    key: "needs",
    title: "components.needs",
    value: (one) => one.needs.map((need) => need.target).join(", "),
    cell: (one) => one.needs.map((need) => need.target || need.type).join(", ") || <span className="quiet">–</span>,
    from: 460,
  },
  { key: "start", title: "components.start", value: (one) => one.construct_us + one.start_us, cell: (one) => duration(one.construct_us + one.start_us), width: 90, end: true },
];

function GraphView({ id }: { id: string }) {
  const { value, failure } = useLive("GET /v1/processes/{id}/v1/components", id ? { path: { id } } : null);
  const [chosen, choose] = useParameter("component");
  if (!value && failure) return <FailureView failure={failure} permission="processes:read" />;
  if (value?.components.length === 0) return <Empty icon="components" title={t("components.none")} />;
  const component = value?.components.find((one) => one.name === chosen);
  return (
    <>
      <Panel title={t("components.graph")} body={false}>
        {value ? <Graph components={value.components} chosen={chosen} onChoose={choose} /> : <div className="graph-scroll" />}
      </Panel>
      <div className="grid two-to-one">
        <section className="panel" aria-label={t("components.list")}>
          <Table title={t("components.list")} label={t("components.list")} rows={value?.components} columns={columns} rowKey={(one) => one.name} sort="name" empty={null} selected={chosen} />
        </section>
        <Panel title={component?.name ?? t("components.name")}>{component ? <Details component={component} /> : <p className="second">{t("components.choose")}</p>}</Panel>
      </div>
    </>
  );
}

function Details({ component }: { component: Component }) {
  return (
    <dl className="facts">
      <dt>{t("components.health")}</dt>
      <dd>
        <State state={component.health} />
      </dd>
      <dt>{t("components.type")}</dt>
      <dd className="mono">{component.type}</dd>
      <dt>{t("components.module")}</dt>
      <dd>{component.module || "–"}</dd>
      <dt>{t("components.registered")}</dt>
      <dd className="mono">{component.registered_at}</dd>
      <dt>{t("components.construct")}</dt>
      <dd>{duration(component.construct_us)}</dd>
      <dt>{t("components.starting")}</dt>
      <dd>{duration(component.start_us)}</dd>
      <dt>{t("components.needs")}</dt>
      <dd>
        {component.needs.length === 0 && "–"}
        {component.needs.map((need) => (
          <div key={`${need.type} ${need.unique_id}`}>
            <State state={need.location} /> <span className="mono">{need.unique_id ? `${need.type}:${need.unique_id}` : need.type}</span> <span className="quiet">{need.target}</span>
          </div>
        ))}
      </dd>
      <dt>{t("components.offers")}</dt>
      <dd>
        {component.offers.length === 0 && "–"}
        {component.offers.map((offer) => (
          <div key={`${offer.service} ${offer.unique_id}`}>
            <span className="mono">{offer.unique_id ? `${offer.service}:${offer.unique_id}` : offer.service}</span>{" "}
            {offer.protocols.map((protocol) => (
              <Badge key={protocol}>{protocol}</Badge>
            ))}
          </div>
        ))}
      </dd>
    </dl>
  );
}

function StartupView({ id }: { id: string }) {
  const { value, failure, reload } = useAnswer("GET /v1/processes/{id}/v1/startup", id ? { path: { id } } : null);
  if (failure) return <FailureView failure={failure} permission="processes:read" retry={reload} />;
  if (value?.components.length === 0) return <Empty icon="components" title={t("components.none")} />;
  return (
    <div className="grid two-to-one">
      <Panel title={t("components.startup")} {...(value && { note: t("components.ready", { time: duration(value.ready_us) }) })} tools={<Badge tone="accent">{t("components.critical")}</Badge>}>
        {value ? <Waterfall startup={value} /> : <Ghost height={360} />}
      </Panel>
      {value && (
        <Panel title={t("components.stages")} body={false}>
          <ul className="list">
            {value.stages.map((stage) => (
              <li key={stage.name}>
                <Icon name="clock" />
                <span className="grow">{stage.name}</span>
                <span className="second">{duration(stage.end_us - stage.start_us)}</span>
              </li>
            ))}
          </ul>
        </Panel>
      )}
    </div>
  );
}

const originTones: Record<ConfigEntry["origin"], Tone> = { default: "none", file: "accent", environment: "accent", flag: "warn", dynamic: "ok" };

const configColumns: Array<Column<ConfigEntry>> = [
  {
    key: "key",
    title: "config.key",
    value: (entry) => `${entry.key} ${entry.doc}`,
    cell: (entry) => (
      <>
        <code>{entry.key}</code> {entry.live && <Badge tone="ok">{t("config.live")}</Badge>} {entry.secret && <Badge tone="warn">{t("config.secret")}</Badge>}
        <div className="quiet" style={{ fontWeight: 400 }}>
          {entry.doc}
        </div>
      </>
    ),
    wrap: true,
  },
  {
    key: "value",
    title: "config.value",
    value: (entry) => entry.value,
    cell: (entry) => (
      <>
        <code>{entry.value || '""'}</code>
        {entry.value !== entry.default_value && !entry.secret && <div className="quiet">{t("config.default", { value: entry.default_value || '""' })}</div>}
      </>
    ),
    wrap: true,
    width: "26%",
  },
  {
    key: "origin",
    title: "config.origin",
    value: (entry) => entry.origin,
    cell: (entry) => <Badge tone={originTones[entry.origin]}>{t(`config.origin.${entry.origin}`)}</Badge>,
    width: 116,
  },
  { key: "where", title: "config.where", value: (entry) => entry.where, cell: (entry) => <span className="mono second">{entry.where}</span>, wrap: true, width: "24%", from: 600 },
];

function ConfigView({ id }: { id: string }) {
  const { value, failure, reload } = useAnswer("GET /v1/processes/{id}/v1/config", id ? { path: { id } } : null);
  const [changedOnly, setChangedOnly] = useState(false);
  if (failure) return <FailureView failure={failure} permission="processes:read" retry={reload} />;
  const rows = value?.entries.filter((entry) => !changedOnly || entry.origin !== "default");
  return (
    <section className="panel" aria-label={t("components.config")}>
      <Table
        name="config"
        label={t("components.config")}
        rows={rows}
        columns={configColumns}
        rowKey={(entry) => entry.key}
        sort="key"
        empty={<Empty title={t("components.none")} />}
        tools={
          <label className="check">
            <input type="checkbox" checked={changedOnly} onChange={(event) => setChangedOnly(event.target.checked)} />
            {t("config.changed")}
          </label>
        }
      />
    </section>
  );
}
