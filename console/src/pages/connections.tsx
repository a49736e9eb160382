// Who is connected, in which protocol, and how much goes over it.
import type { Connection, Process } from "../api/client";
import { Badge, Empty, FailureView, PageHead } from "../design/surfaces";
import { type Column, Table } from "../design/table";
import { age, bytes, short, t } from "../i18n";
import { useLiveOfEach } from "../processes";

interface Row extends Connection {
  process: Process;
}

const columns: Array<Column<Row>> = [
  {
    key: "peer",
    title: "connections.peer",
    value: (one) => one.peer,
    cell: (one) => <span className="mono">{one.peer}</span>,
  },
  { key: "process", title: "process.name", value: (one) => one.process.name, width: 124, from: 760 },
  { key: "protocol", title: "connections.protocol", value: (one) => one.protocol, cell: (one) => <Badge>{one.protocol}</Badge>, width: 96 },
  {
    key: "direction",
    title: "connections.direction",
    value: (one) => one.direction,
    cell: (one) => t(one.direction === "in" ? "connections.in" : "connections.out"),
    width: 92,
    from: 1080,
  },
  { key: "tls", title: "connections.tls", value: (one) => String(one.tls), cell: (one) => (one.tls ? "TLS" : <span className="quiet">{t("connections.plain")}</span>), width: 88, from: 1080 },
  { key: "requests", title: "connections.requests", value: (one) => one.requests, cell: (one) => short(one.requests), width: 94, end: true, from: 600 },
  { key: "in", title: "connections.bytesIn", value: (one) => one.bytes_in, cell: (one) => bytes(one.bytes_in), width: 100, end: true, from: 760 },
  { key: "out", title: "connections.bytesOut", value: (one) => one.bytes_out, cell: (one) => bytes(one.bytes_out), width: 100, end: true, from: 760 },
  { key: "shard", title: "connections.shard", value: (one) => one.shard, width: 70, end: true, from: 1080 },
  { key: "age", title: "connections.age", value: (one) => -one.opened_at_ms, cell: (one) => age(Date.now() - one.opened_at_ms), width: 104, end: true, from: 460 },
];

export default function Connections() {
  const { answers, failure } = useLiveOfEach("GET /v1/processes/{id}/v1/connections");
  const rows = answers?.flatMap(({ process, value }) => value.connections.map((connection) => ({ ...connection, process })));
  if (failure) return <FailureView failure={failure} permission="processes:read" />;
  return (
    <>
      <PageHead title={t("connections.title")} lead={t("connections.lead")} />
      <section className="panel" aria-label={t("connections.title")}>
        <Table
          label={t("connections.title")}
          rows={rows}
          columns={columns}
          rowKey={(one) => `${one.process.id} ${one.id}`}
          sort="-requests"
          empty={<Empty icon="connections" title={t("connections.none")} text={t("connections.noneDo")} command="sofa call 127.0.0.1:12200 SERVICE.METHOD '[]'" />}
        />
      </section>
    </>
  );
}
