// Any series over time.
import { useMemo } from "react";
import type { Metric, Series } from "../api/client";
import { useAnswer, useLive } from "../api/live";
import { Chart, lineColor } from "../design/chart";
import { Badge, Empty, FailureView, Ghost, PageHead, Panel, SearchField, Select, Switch } from "../design/surfaces";
import { type Column, Table } from "../design/table";
import { bytes, duration, short, t } from "../i18n";
import { useChosenProcess } from "../processes";
import { Link, placeWith, useParameter } from "../router";

const functionsOf: Record<Metric["kind"], Function[]> = { counter: ["rate", "value"], gauge: ["value", "rate"], histogram: ["p99", "p90", "p50", "rate"] };
type Function = "value" | "rate" | "p50" | "p90" | "p99";
const ranges: Array<[string, number]> = [
  ["300", 5],
  ["900", 15],
  ["3600", 60],
  ["21600", 360],
];

/** How values of a unit are written. */
function formatOf(unit: string, chosen: Function): (value: number) => string {
  if (chosen === "rate") return short;
  if (unit === "bytes") return bytes;
  if (unit === "seconds") return (value) => duration(value * 1e6);
  if (unit === "microseconds") return duration;
  if (unit === "nanoseconds") return (value) => duration(value / 1000);
  return short;
}

export default function Metrics() {
  const { id } = useChosenProcess("one");
  const { value, failure, reload } = useAnswer("GET /v1/processes/{id}/v1/metrics", id ? { path: { id } } : null);
  const [name] = useParameter("metric");
  if (failure) return <FailureView failure={failure} permission="processes:read" retry={reload} />;
  const metric = value?.metrics.find((one) => one.name === name);
  return (
    <>
      <PageHead title={t("metrics.title")} lead={t("metrics.lead")} tools={<RangeSwitch />} />
      <div className="grid side-and-rest">
        <List metrics={value?.metrics} name={name} />
        {metric ? (
          <Explorer key={metric.name} metric={metric} process={id} />
        ) : (
          <section className="panel" aria-label={t("metrics.metric")}>
            <Empty icon="metrics" title={t("metrics.choose")} text={t("metrics.chooseDo")} command="curl http://127.0.0.1:9900/metrics" />
          </section>
        )}
      </div>
    </>
  );
}

const useRange = () => useParameter("range", "900");

function RangeSwitch() {
  const [range, setRange] = useRange();
  const options = ranges.map(([seconds, minutes]): [string, string] => [seconds, minutes < 60 ? t("metrics.minutes", { n: minutes }) : t("metrics.hours", { n: minutes / 60 })]);
  return <Switch label={t("metrics.range")} value={range} options={options} onChange={setRange} />;
}

function List({ metrics, name }: { metrics: Metric[] | undefined; name: string }) {
  const [text, setText] = useParameter("q");
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const found = metrics?.filter((metric) => words.every((word) => `${metric.name} ${metric.doc}`.toLowerCase().includes(word)));
  return (
    <section className="panel" aria-label={t("metrics.metric")}>
      <div className="panel-table-head">
        <SearchField label={t("metrics.metric")} value={text} onChange={setText} />
      </div>
      <div className="metric-list">
        {!found && <Ghost height={240} />}
        {found?.map((metric) => (
          <Link key={metric.name} to={placeWith({ metric: metric.name, f: "", by: "", where: "" })} {...(metric.name === name && { "aria-current": true })}>
            <code>{metric.name}</code>
            <small>
              {metric.kind} · {metric.doc}
            </small>
          </Link>
        ))}
        {found?.length === 0 && <Empty title={t("table.nothing", { text })} />}
      </div>
    </section>
  );
}

const nameOf = (series: Series, fallback: string) =>
  Object.entries(series.labels)
    .map(([label, value]) => `${label}=${value}`)
    .join(" ") || fallback;

interface Row {
  name: string;
  color: string;
  last: number;
  average: number;
  largest: number;
}

function rowOf(series: Series, index: number, fallback: string): Row {
  const values = series.values.filter((value): value is number => typeof value === "number");
  const sum = values.reduce((total, value) => total + value, 0);
  return { name: nameOf(series, fallback), color: lineColor(index), last: values.at(-1) ?? Number.NaN, average: sum / values.length, largest: Math.max(...values) };
}

function Explorer({ metric, process }: { metric: Metric; process: string }) {
  const functions = functionsOf[metric.kind];
  const [given, setFunction] = useParameter("f", functions[0]);
  const [by, setBy] = useParameter("by");
  const [where, setWhere] = useParameter("where");
  const [range] = useRange();
  const chosen = functions.find((one) => one === given) ?? functions[0] ?? "value";
  const conditions = where.split(/\s+/).filter((one) => /^[^=]+=./.test(one));
  const query = { name: metric.name, function: chosen, seconds: Number(range) || 900, ...(by && { by }), ...(conditions.length > 0 && { where: conditions }) };
  const { value, failure } = useLive("GET /v1/processes/{id}/v1/metrics/query", { path: { id: process }, query });
  const format = formatOf(metric.unit, chosen);
  const lines = useMemo(() => (value?.series ?? []).map((series, index) => ({ label: nameOf(series, metric.name), values: series.values as Array<number | null>, color: lineColor(index) })), [value, metric.name]);
  const rows = useMemo(() => value?.series.map((series, index) => rowOf(series, index, metric.name)), [value, metric.name]);
  const columns = useMemo((): Array<Column<Row>> => {
    const figure = (key: "last" | "average" | "largest"): Column<Row> => ({ key, title: `metrics.${key}`, value: (row) => row[key], cell: (row) => format(row[key]), width: 100, end: true, ...(key !== "last" && { from: 600 as const }) });
    return [
      {
        key: "name",
        title: "metrics.series",
        value: (row) => row.name,
        cell: (row) => (
          <span className="mono">
            <svg width="12" height="8" aria-hidden="true">
              <rect width="10" height="4" y="2" rx="2" fill={row.color} />
            </svg>{" "}
            {row.name}
          </span>
        ),
      },
      figure("last"),
      figure("average"),
      figure("largest"),
    ];
  }, [metric.unit, chosen]);

  return (
    <div className="stack">
      <Panel
        title={metric.name}
        tools={
          <span className="badges">
            <Badge>{metric.kind}</Badge>
            {metric.unit && <Badge>{metric.unit}</Badge>}
          </span>
        }
      >
        <div className="stack">
          <p className="second">{metric.doc}</p>
          <div className="tools-row">
            <Switch label={t("metrics.function")} value={chosen} options={functions.map((one) => [one, t(`metrics.f.${one}`)])} onChange={setFunction} />
            <label className="field">
              <span>{t("metrics.by")}</span>
              <Select label={t("metrics.by")} value={by} options={[["", t("metrics.each")], ...metric.labels.map((label): [string, string] => [label, label])]} onChange={setBy} width={150} />
            </label>
            <label className="field" style={{ flex: "1 1 160px" }}>
              <span>{t("metrics.where")}</span>
              <input className="input" value={where} placeholder={t("metrics.wherePlaceholder")} onChange={(event) => setWhere(event.target.value)} />
            </label>
          </div>
          {failure && !value ? (
            <FailureView failure={failure} permission="processes:read" />
          ) : value && value.series.length === 0 ? (
            <Empty icon="metrics" title={t("metrics.none")} text={t("metrics.noneDo", { where })} />
          ) : value ? (
            <Chart label={metric.name} timesMs={value.times_ms} lines={lines} format={format} height={300} />
          ) : (
            <Ghost height={326} />
          )}
        </div>
      </Panel>
      {rows && rows.length > 0 && (
        <section className="panel" aria-label={t("metrics.series")}>
          <Table name="series" label={t("metrics.series")} rows={rows} columns={columns} rowKey={(row) => row.name} sort="-last" filter={rows.length > 8} empty={null} />
          {(value?.left_off ?? 0) > 0 && <p className="table-foot second">{t("metrics.leftOff", { n: value?.left_off ?? 0 })}</p>}
        </section>
      )}
    </div>
  );
}
