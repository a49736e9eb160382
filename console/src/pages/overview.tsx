// The whole at a glance: rates, roles, processes, what happened last.
import { lazy, Suspense } from "react";
import type { Event, Overview as Answer, ProcessFigures } from "../api/client";
import { useLive } from "../api/live";
import { Badge, Command, Empty, FailureView, Ghost, PageHead, Panel, Spark, State, Tile, toneOf } from "../design/surfaces";
import { type Column, Table } from "../design/table";
import { age, ago, bytes, clock, duration, latency, number, percent, short, t } from "../i18n";
import { Link, placeWith } from "../router";

const Chart = lazy(() => import("../design/chart").then((module) => ({ default: module.Chart })));

const processColumns: Array<Column<ProcessFigures>> = [
  {
    key: "name",
    title: "process.name",
    value: (process) => process.name,
    cell: (process) => <Link to={placeWith({ process: process.id }, "/components")}>{process.name}</Link>,
  },
  { key: "state", title: "process.state", value: (process) => process.state, cell: (process) => <State state={process.state} />, width: 104 },
  { key: "address", title: "process.address", value: (process) => process.admin, cell: (process) => <span className="mono">{process.admin}</span>, width: 150, from: 1080 },
  { key: "rate", title: "process.rate", value: (process) => process.calls_per_second, cell: (process) => short(process.calls_per_second), width: 84, end: true },
  { key: "trend", title: "services.trend", value: (process) => process.calls_per_second, cell: (process) => <Spark values={process.history} />, width: 118, from: 760 },
  { key: "errors", title: "process.errors", value: (process) => process.errors_per_second, cell: (process) => short(process.errors_per_second), width: 84, end: true, from: 760 },
  { key: "p99", title: "process.p99", value: (process) => process.p99_us, cell: (process) => latency(process.p99_us), width: 84, end: true, from: 460 },
  { key: "memory", title: "process.memory", value: (process) => process.memory_bytes, cell: (process) => bytes(process.memory_bytes), width: 92, end: true, from: 600 },
  { key: "cpu", title: "process.cpu", value: (process) => process.cpu_cores, cell: (process) => percent(process.cpu_cores), width: 76, end: true, from: 760 },
  { key: "uptime", title: "process.uptime", value: (process) => -process.started_at_ms, cell: (process) => age(Date.now() - process.started_at_ms), width: 92, end: true, from: 600 },
];

const minutes = 15;

export function Overview() {
  const { value, failure } = useLive("GET /v1/overview", {});
  if (!value && failure) return <FailureView failure={failure} permission="overview:read" />;
  return (
    <>
      <Head overview={value} />
      <Figures overview={value} />
      <Panel title={t("overview.traffic")} note={t("overview.last", { minutes })}>
        <Traffic overview={value} />
      </Panel>
      <section className="panel" aria-label={t("overview.processes")}>
        <Table
          name="processes"
          title={t("overview.processes")}
          label={t("overview.processes")}
          rows={value?.processes}
          columns={processColumns}
          rowKey={(process) => process.id}
          sort="-rate"
          filter={(value?.processes.length ?? 0) > 8}
          empty={<Empty title={t("overview.noProcesses")} text={t("overview.noProcessesDo", { address: value?.platform.address ?? "" })} command="sofa new app hello" />}
        />
      </section>
      <div className="grid two">
        <Roles overview={value} />
        <Panel title={t("overview.events")} body={false}>
          <Events events={value?.events} />
        </Panel>
      </div>
    </>
  );
}

function Head({ overview }: { overview: Answer | undefined }) {
  if (!overview) return <PageHead title={t("overview.title")} lead="\u00a0" tools={<></>} />;
  const { platform, health } = overview;
  return (
    <PageHead
      title={t("overview.title")}
      lead={t("overview.since", { name: platform.name, version: platform.version, mode: platform.mode, time: age(Date.now() - platform.started_at_ms) })}
      tools={
        <Badge tone={toneOf(health)}>
          <span className={`dot ${toneOf(health)}`}>{t(`overview.${health}`)}</span>
        </Badge>
      }
    />
  );
}

function Figures({ overview }: { overview: Answer | undefined }) {
  const rates = overview?.rates;
  const history = overview?.history;
  const failing = rates !== undefined && rates.errors_per_second > 0.01 * Math.max(1, rates.calls_per_second);
  return (
    <dl className="tiles">
      <Tile title={t("overview.calls")} unit={t("overview.perSecond")} {...(rates && history && { figure: number(rates.calls_per_second), trend: history.calls_per_second })} />
      <Tile
        title={t("overview.errors")}
        unit={t("overview.perSecond")}
        tone={failing ? "bad" : "none"}
        {...(rates && history && { figure: number(rates.errors_per_second), trend: history.errors_per_second, sub: t("overview.ofCalls", { value: percent(rates.errors_per_second / Math.max(1e-9, rates.calls_per_second)) }) })}
      />
      <Tile title={t("overview.latencyP99")} {...(rates && history && { figure: latency(rates.p99_us), trend: history.p99_us, sub: t("overview.p50", { value: latency(rates.p50_us) }) })} />
      <Tile title={t("overview.connections")} {...(rates && history && { figure: number(rates.connections), trend: history.connections })} />
      <Tile title={t("overview.memory")} {...(rates && history && { figure: bytes(rates.memory_bytes), trend: history.memory_bytes })} />
      <Tile title={t("overview.cpu")} unit={t("overview.cores")} {...(rates && history && { figure: number(rates.cpu_cores), trend: history.cpu_cores })} />
    </dl>
  );
}

function Traffic({ overview }: { overview: Answer | undefined }) {
  const waiting = <Ghost height={206} />;
  if (!overview) {
    return (
      <div className="grid two">
        {waiting}
        {waiting}
      </div>
    );
  }
  const { times_ms, calls_per_second, errors_per_second, p50_us, p99_us } = overview.history;
  return (
    <div className="grid two">
      <Suspense fallback={waiting}>
        <Chart
          label={t("overview.traffic")}
          timesMs={times_ms}
          group="overview"
          format={short}
          lines={[
            { label: t("overview.calls"), values: calls_per_second },
            { label: t("overview.errors"), values: errors_per_second, color: "var(--series-7)" },
          ]}
        />
      </Suspense>
      <Suspense fallback={waiting}>
        <Chart
          label={t("overview.latency")}
          timesMs={times_ms}
          group="overview"
          format={duration}
          lines={[
            { label: "p99", values: p99_us, color: "var(--series-3)" },
            { label: "p50", values: p50_us, color: "var(--series-2)" },
          ]}
        />
      </Suspense>
    </div>
  );
}

function Roles({ overview }: { overview: Answer | undefined }) {
  return (
    <Panel title={t("overview.roles")} body={false}>
      <ul className="list">
        {overview?.roles.map((role) => (
          <li key={role.name}>
            <span style={{ width: 76 }}>
              <State state={role.state} />
            </span>
            <div className="grow">
              <div>{role.name}</div>
              <div className="quiet ellipsis">{role.doc}</div>
              {role.next && (
                <div>
                  <span className="quiet">{t("overview.next")}</span> <Command text={role.next} />
                </div>
              )}
            </div>
            <span className="badges wide-only">
              {role.ports.map((port) => (
                <Badge key={port.name}>
                  {port.name} <span className="mono">{port.address}</span>
                </Badge>
              ))}
            </span>
          </li>
        )) ?? (
          <li>
            <Ghost height={28} />
          </li>
        )}
        {overview?.checks.map((check) => (
          <li key={check.name}>
            <span style={{ width: 76 }}>
              <State state={check.status} />
            </span>
            <div className="grow">
              <div>{check.name}</div>
              <div className="quiet ellipsis">{check.detail}</div>
            </div>
            <span className="quiet">{duration(check.duration_us)}</span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function Events({ events }: { events: Event[] | undefined }) {
  if (!events) return <Ghost height={200} />;
  if (events.length === 0) return <Empty title={t("overview.noEvents")} />;
  return (
    <ul className="list">
      {events.slice(0, 10).map((event) => (
        <li key={event.id}>
          <span className={`dot ${event.severity === "info" ? "" : toneOf(event.severity)}`} />
          <div className="grow">
            <div>{event.message}</div>
            <div className="quiet ellipsis">
              {event.process} · {event.kind}
            </div>
          </div>
          <time className="quiet" dateTime={new Date(event.at_ms).toISOString()} title={clock(event.at_ms)}>
            {ago(event.at_ms)}
          </time>
        </li>
      ))}
    </ul>
  );
}
