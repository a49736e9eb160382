// Services and their methods: what is published, how it does, and a call of any of it.
import { lazy, Suspense } from "react";
import type { ErrorGroup, Method, Process, Service, SlowCall } from "../../api/client";
import { useLive } from "../../api/live";
import { HeatMap, HeatScale } from "../../design/heatmap";
import { Badge, Crumbs, Empty, FailureView, Ghost, PageHead, Panel, Spark, State } from "../../design/surfaces";
import { type Column, Table } from "../../design/table";
import { ago, clock, duration, latency, number, percent, short, t } from "../../i18n";
import { fullName, useLiveOfEach, useProcesses } from "../../processes";
import { Link } from "../../router";
import { useSession } from "../../session";
import { CallForm } from "./call";
import { StageLegend, Stages } from "./stages";

const Chart = lazy(() => import("../../design/chart").then((module) => ({ default: module.Chart })));
const minutes = 5;
const slowLimit = 10;

const placeOf = (process: string, service: Service, method = "") =>
  `/services/${encodeURIComponent(process)}/${encodeURIComponent(fullName(service))}${method && `/${encodeURIComponent(method)}`}`;
const errorShare = (one: { errors_per_second: number; calls_per_second: number }) => (one.calls_per_second > 0 ? one.errors_per_second / one.calls_per_second : 0);

function ErrorShare({ of }: { of: { errors_per_second: number; calls_per_second: number } }) {
  const share = errorShare(of);
  return share === 0 ? <span className="quiet">0%</span> : <span className={share > 0.01 ? "bad-text" : ""}>{percent(share)}</span>;
}

type Figures = Pick<Service, "calls_per_second" | "errors_per_second" | "p50_us" | "p99_us" | "history" | "calls_total">;

/** The columns that a service and a method have in common. */
function figures<Row extends Figures>(): Array<Column<Row>> {
  return [
    { key: "rate", title: "services.rate", value: (one) => one.calls_per_second, cell: (one) => short(one.calls_per_second), width: 86, end: true },
    { key: "trend", title: "services.trend", value: (one) => one.calls_per_second, cell: (one) => <Spark values={one.history} />, width: 118, from: 760 },
    { key: "errors", title: "services.errorRate", value: errorShare, cell: (one) => <ErrorShare of={one} />, width: 84, end: true, from: 600 },
    { key: "p50", title: "services.p50", value: (one) => one.p50_us, cell: (one) => latency(one.p50_us), width: 84, end: true, from: 600 },
    { key: "p99", title: "services.p99", value: (one) => one.p99_us, cell: (one) => latency(one.p99_us), width: 88, end: true },
    { key: "total", title: "services.total", value: (one) => one.calls_total, cell: (one) => short(one.calls_total), width: 84, end: true, from: 1080 },
  ];
}

interface Row extends Service {
  process: Process;
}

const serviceColumns: Array<Column<Row>> = [
  {
    key: "name",
    title: "services.name",
    value: fullName,
    cell: (service) => (
      <Link to={placeOf(service.process.id, service)}>
        {service.name}
        {service.unique_id && <small>:{service.unique_id}</small>}
      </Link>
    ),
  },
  { key: "process", title: "process.name", value: (service) => service.process.name, width: 132, from: 600 },
  {
    key: "protocols",
    title: "services.protocols",
    value: (service) => service.protocols.join(" "),
    cell: (service) => (
      <span className="badges" style={{ flexWrap: "nowrap" }}>
        {service.protocols.map((protocol) => (
          <Badge key={protocol}>{protocol}</Badge>
        ))}
      </span>
    ),
    width: 176,
    from: 760,
  },
  { key: "methods", title: "services.methods", value: (service) => service.methods, width: 88, end: true, from: 1080 },
  ...figures<Row>(),
];

export default function Services({ path }: { path: Record<string, string> }) {
  const { process, service, method } = path;
  if (!process || !service) return <List />;
  return <Detail process={process} name={service} {...(method && { methodName: method })} />;
}

function List() {
  const { answers, failure } = useLiveOfEach("GET /v1/processes/{id}/v1/services");
  const rows = answers?.flatMap(({ process, value }) => value.services.map((service) => ({ ...service, process })));
  if (failure) return <FailureView failure={failure} permission="processes:read" />;
  return (
    <>
      <PageHead title={t("services.title")} lead={t("services.lead")} />
      <section className="panel" aria-label={t("services.title")}>
        <Table
          label={t("services.title")}
          rows={rows}
          columns={serviceColumns}
          rowKey={(service) => `${service.process.id} ${fullName(service)}`}
          sort="-rate"
          empty={<Empty icon="services" title={t("services.empty")} text={t("services.emptyDo")} command="sofa new app hello" />}
        />
      </section>
    </>
  );
}

function Detail({ process, name, methodName }: { process: string; name: string; methodName?: string }) {
  const { value, failure } = useLive("GET /v1/processes/{id}/v1/services/{service}", { path: { id: process, service: name } });
  const processName = useProcesses()?.find((one) => one.id === process)?.name ?? process;
  if (!value && failure) return <FailureView failure={failure} permission="processes:read" />;
  const service = value?.service;
  const method = value?.methods.find((one) => one.name === methodName);
  const places: Array<[string, string]> = [["/services", t("services.title")]];
  if (methodName) places.push([`/services/${encodeURIComponent(process)}/${encodeURIComponent(name)}`, name]);
  const columns: Array<Column<Method>> = [
    {
      key: "name",
      title: "services.method",
      value: (one) => one.name,
      cell: (one) => service && <Link to={placeOf(process, service, one.name)}>{one.name}</Link>,
    },
    { key: "kind", title: "services.kind", value: (one) => one.kind, cell: (one) => <Badge>{one.kind}</Badge>, width: 118, from: 600 },
    ...figures<Method>(),
    { key: "running", title: "services.inFlight", value: (one) => one.in_flight, cell: (one) => number(one.in_flight), width: 84, end: true, from: 600 },
  ];
  return (
    <>
      <Crumbs places={places} here={methodName ?? name} />
      <PageHead
        unknown
        title={methodName ?? name}
        lead={method?.doc || "\u00a0"}
        tools={
          service && (
            <span className="badges">
              <Badge tone="accent">{processName}</Badge>
              {service.protocols.map((protocol) => (
                <Badge key={protocol}>{protocol}</Badge>
              ))}
            </span>
          )
        }
      />
      <Pictures process={process} service={name} method={methodName ?? ""} />
      {!methodName && (
        <section className="panel" aria-label={t("services.methods")}>
          <Table label={t("services.methods")} rows={value?.methods} columns={columns} rowKey={(one) => one.name} sort="-rate" filter={(value?.methods.length ?? 0) > 8} empty={null} />
        </section>
      )}
      <div className={methodName ? "grid two-to-one" : "stack"}>
        <div className="stack">
          <Slowest process={process} service={name} method={methodName ?? ""} />
          <Errors process={process} service={name} method={methodName ?? ""} />
        </div>
        {method && service ? <Call process={process} processName={processName} service={service} method={method} /> : methodName && <Ghost height={420} />}
      </div>
    </>
  );
}

interface Subject {
  process: string;
  service: string;
  method: string;
}

function Pictures({ process, service, method }: Subject) {
  const { value } = useLive("GET /v1/processes/{id}/v1/latency", { path: { id: process }, query: { service, ...(method && { method }), seconds: 60 * minutes } });
  return (
    <div className="grid two">
      <Panel title={t("services.heat")} note={<HeatScale />}>
        <HeatMap map={value} minutes={minutes} />
      </Panel>
      <Panel title={t("services.live")} note={t("overview.last", { minutes })}>
        <Suspense fallback={<Ghost height={252} />}>
          {value ? (
            <Chart
              label={t("services.live")}
              timesMs={value.times_ms}
              format={short}
              height={226}
              lines={[
                { label: t("overview.calls"), values: value.calls_per_second },
                { label: t("overview.errors"), values: value.errors_per_second, color: "var(--series-7)" },
              ]}
            />
          ) : (
            <Ghost height={252} />
          )}
        </Suspense>
      </Panel>
    </div>
  );
}

const slowColumns: Array<Column<SlowCall>> = [
  { key: "duration", title: "slow.duration", value: (call) => call.duration_us, cell: (call) => duration(call.duration_us), width: 104 },
  { key: "stages", title: "slow.stages", value: (call) => call.stages.map((stage) => stage.name).join(" "), cell: (call) => <Stages stages={call.stages} total={call.duration_us} /> },
  { key: "method", title: "services.method", value: (call) => call.method, width: 130, from: 600 },
  { key: "caller", title: "slow.caller", value: (call) => call.caller, width: 136, from: 600 },
  { key: "protocol", title: "services.protocols", value: (call) => call.protocol, cell: (call) => <Badge>{call.protocol}</Badge>, width: 110, from: 1080 },
  { key: "outcome", title: "slow.outcome", value: (call) => call.error, cell: (call) => (call.error ? <span className="bad-text">{call.error}</span> : <State state="ok" />), width: 126, from: 600 },
  { key: "at", title: "slow.at", value: (call) => call.at_ms, cell: (call) => clock(call.at_ms), width: 90, end: true },
];

function Slowest({ process, service, method }: Subject) {
  const { value } = useLive("GET /v1/processes/{id}/v1/slowest", { path: { id: process }, query: { service, ...(method && { method }), limit: slowLimit } });
  return (
    <Panel title={t("services.slowest")} note={<StageLegend />} body={false}>
      <Table
        name="slow"
        label={t("services.slowest")}
        rows={value?.calls}
        columns={method ? slowColumns.filter((column) => column.key !== "method") : slowColumns}
        rowKey={(call) => `${call.at_ms} ${call.method} ${call.caller} ${call.duration_us}`}
        sort="-duration"
        expected={slowLimit}
        filter={false}
        empty={<Empty icon="clock" title={t("services.slowestNone")} />}
      />
    </Panel>
  );
}

const errorColumns: Array<Column<ErrorGroup>> = [
  { key: "code", title: "errors.code", value: (group) => group.code, cell: (group) => <code>{group.code}</code>, width: 170 },
  { key: "message", title: "errors.message", value: (group) => group.message, wrap: true, from: 600 },
  { key: "count", title: "errors.count", value: (group) => group.count, cell: (group) => number(group.count), width: 90, end: true },
  { key: "last", title: "errors.last", value: (group) => group.last_at_ms, cell: (group) => ago(group.last_at_ms), width: 110, end: true, from: 460 },
];

function Errors({ process, service, method }: Subject) {
  const { value } = useLive("GET /v1/processes/{id}/v1/errors", { path: { id: process }, query: { service, ...(method && { method }) } });
  return (
    <Panel title={t("services.errors")} body={false}>
      <Table
        name="errors"
        label={t("services.errors")}
        rows={value?.errors}
        columns={errorColumns}
        rowKey={(group) => `${group.code} ${group.method}`}
        sort="-count"
        filter={false}
        empty={<Empty icon="check" title={t("services.errorsNone")} />}
      />
    </Panel>
  );
}

function Call({ process, processName, service, method }: { process: string; processName: string; service: Service; method: Method }) {
  const { may } = useSession();
  if (!may("POST /v1/processes/{id}/v1/calls")) return null;
  return (
    <Panel title={t("services.call")}>
      <CallForm process={process} processName={processName} service={service} method={method} />
    </Panel>
  );
}
