// Who did what, newest first.
import { useState } from "react";
import { type AuditEntry, Failure, send } from "../api/client";
import { useAnswer } from "../api/live";
import { Badge, Empty, FailureView, PageHead, toneOf } from "../design/surfaces";
import { type Column, Table } from "../design/table";
import { moment, t } from "../i18n";

const columns: Array<Column<AuditEntry>> = [
  { key: "at", title: "audit.at", value: (entry) => entry.at_ms, cell: (entry) => moment(entry.at_ms), width: 172, end: false },
  { key: "actor", title: "audit.actor", value: (entry) => entry.actor, width: 120 },
  { key: "action", title: "audit.action", value: (entry) => entry.action, cell: (entry) => <code>{entry.action}</code>, width: 150 },
  { key: "target", title: "audit.target", value: (entry) => entry.target, width: 190, from: 600 },
  {
    key: "result",
    title: "audit.result",
    value: (entry) => entry.result,
    cell: (entry) => <Badge tone={toneOf(entry.result)}>{t(`audit.result.${entry.result}`)}</Badge>,
    width: 92,
    from: 600,
  },
  { key: "peer", title: "audit.peer", value: (entry) => entry.peer, width: 150, from: 760 },
  { key: "detail", title: "audit.detail", value: (entry) => entry.detail, from: 600 },
];

export default function Audit() {
  const first = useAnswer("GET /v1/audit", { query: { limit: 100 } });
  const [older, setOlder] = useState<{ entries: AuditEntry[]; next: string | undefined } | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const next = older ? older.next : first.value?.next;
  const entries = first.value && [...first.value.entries, ...(older?.entries ?? [])];
  const more = () =>
    send("GET /v1/audit", { query: { limit: 100, ...(next && { before: next }) } })
      .then((page) => setOlder({ entries: [...(older?.entries ?? []), ...page.entries], next: page.next }))
      .catch((error: unknown) => error instanceof Failure && setFailure(error));
  const failed = failure ?? first.failure;
  if (failed) return <FailureView failure={failed} permission="audit:read" retry={first.reload} />;
  return (
    <>
      <PageHead title={t("audit.title")} lead={t("audit.lead")} />
      <section className="panel" aria-label={t("audit.title")}>
        <Table
          label={t("audit.title")}
          rows={entries}
          columns={columns}
          rowKey={(entry) => entry.id}
          sort="-at"
          empty={<Empty icon="audit" title={t("audit.none")} text={t("audit.noneDo")} />}
        />
        {next && (
          <div className="table-foot">
            <button type="button" className="button small" onClick={more}>
              {t("audit.older")}
            </button>
          </div>
        )}
      </section>
    </>
  );
}
