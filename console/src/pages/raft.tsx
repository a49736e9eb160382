// Raft groups: who leads, how far each member is, and why it was last elected.
import type { Process, RaftFollower, RaftGroupRow, RaftMember } from "../api/client";
import { useLive } from "../api/live";
import { Crumbs, Empty, FailureView, Ghost, PageHead, Panel, SearchField, State, Tile } from "../design/surfaces";
import { type Column, Table } from "../design/table";
import { age, ago, number, short, t } from "../i18n";
import { useLiveOfEach } from "../processes";
import { Link, useParameter } from "../router";

interface Row extends RaftGroupRow {
  process: Process;
}

const mostGroups = 200; // of each process; the field above narrows them down

const placeOf = (process: string, group: string) => `/raft/${encodeURIComponent(process)}/${encodeURIComponent(group)}`;
const lagOf = (lag: number) => <span className={lag > 1000 ? "bad-text" : ""}>{short(lag)}</span>;

const columns: Array<Column<Row>> = [
  { key: "group", title: "raft.group", value: (one) => one.group, cell: (one) => <Link to={placeOf(one.process.id, one.group)}>{one.group}</Link> },
  { key: "node", title: "raft.node", value: (one) => one.node, cell: (one) => <span className="mono">{one.node}</span>, width: 156, from: 600 },
  { key: "process", title: "process.name", value: (one) => one.process.name, width: 132, from: 1080 },
  { key: "role", title: "raft.role", value: (one) => one.role, cell: (one) => <State state={one.role} />, width: 108 },
  { key: "term", title: "raft.term", value: (one) => one.term, width: 70, end: true },
  { key: "committed", title: "raft.committed", value: (one) => one.committed, cell: (one) => short(one.committed), width: 100, end: true, from: 600 },
  { key: "lag", title: "raft.lag", value: (one) => one.lag, cell: (one) => (one.lag < 0 ? <span className="quiet">–</span> : lagOf(one.lag)), width: 74, end: true, from: 460 },
  {
    key: "election",
    title: "raft.lastElection",
    value: (one) => `${one.last_election} ${one.note}`,
    cell: (one) => (
      <>
        {one.note && <div className="bad-text">{one.note}</div>}
        <span className="quiet">{ago(one.last_election_at_ms)}</span> {one.last_election}
      </>
    ),
    wrap: true,
    width: "30%",
    from: 760,
  },
];

export default function Raft({ path }: { path: Record<string, string> }) {
  const { process, group } = path;
  return process && group ? <Group process={process} name={group} /> : <Groups />;
}

function Groups() {
  const [contains, setContains] = useParameter("contains");
  const [only, setOnly] = useParameter("only");
  const query = { limit: mostGroups, contains, ...(only && { attention: true }) };
  const { answers: pages, failure } = useLiveOfEach("GET /v1/processes/{id}/v1/raft/groups", query);
  if (failure && failure.status !== 404) return <FailureView failure={failure} permission="raft:read" />;
  if (failure || pages?.length === 0) {
    return (
      <>
        <PageHead title={t("raft.title")} lead={t("raft.lead")} />
        <Empty icon="raft" title={t("raft.none")} text={t("raft.noneDo")} command="counter-server --help" />
      </>
    );
  }
  const rows = pages?.flatMap(({ process, value }) => value.groups.map((group) => ({ ...group, process })));
  const sum = (of: (page: NonNullable<typeof pages>[number]["value"]) => number) => pages?.reduce((all, { value }) => all + of(value), 0);
  const attention = sum((page) => page.sums.attention);
  const leftOff = (sum((page) => page.matching) ?? 0) - (rows?.length ?? 0);
  const figure = (value: number | undefined) => (value === undefined ? {} : { figure: number(value) });
  return (
    <>
      <PageHead title={t("raft.title")} lead={t("raft.lead")} />
      <dl className="tiles four">
        <Tile title={t("raft.groups")} {...figure(sum((page) => page.sums.groups))} />
        <Tile title={t("raft.leaders")} {...figure(sum((page) => page.sums.leaders))} />
        <Tile title={t("raft.quiet")} {...figure(sum((page) => page.sums.quiet))} sub={t("raft.quietText")} />
        <Tile title={t("raft.attention")} {...figure(attention)} {...(attention && { tone: "bad" as const })} sub={attention === 0 && t("raft.well")} />
      </dl>
      <section className="panel" aria-label={t("raft.title")}>
        <Table
          label={t("raft.title")}
          rows={rows}
          columns={columns}
          rowKey={(one) => `${one.process.id} ${one.group} ${one.node}`}
          sort="group"
          filter={false}
          empty={<Empty icon="raft" title={t("raft.well")} />}
          tools={
            <>
              <SearchField label={t("raft.contains")} value={contains} onChange={setContains} />
              <label className="check">
                <input type="checkbox" checked={only === "attention"} onChange={(event) => setOnly(event.target.checked ? "attention" : "")} />
                {t("raft.only")}
              </label>
            </>
          }
        />
        {leftOff > 0 && <p className="second">{t("raft.leftOff", { n: number(leftOff) })}</p>}
      </section>
    </>
  );
}

function Group({ process, name }: { process: string; name: string }) {
  const { value, failure } = useLive("GET /v1/processes/{id}/v1/raft/groups/{group}", { path: { id: process, group: name } });
  if (!value && failure) return <FailureView failure={failure} permission="raft:read" />;
  return (
    <>
      <Crumbs places={[["/raft", t("raft.title")]]} here={name} />
      {value ? value.members.map((member) => <Member key={member.node} member={member} />) : <Ghost height={420} />}
    </>
  );
}

function Member({ member }: { member: RaftMember }) {
  return (
    <>
      <PageHead title={member.group} lead={member.node} tools={<State state={member.role} />} />
      <div className="grid two">
        <Panel title={t("raft.node")}>
          <Facts member={member} />
        </Panel>
        <Panel title={t("raft.log")}>
          <Log member={member} />
        </Panel>
      </div>
      <Peers member={member} />
    </>
  );
}

const told = (member: RaftMember) =>
  [member.disk_full && t("raft.diskFull"), member.installing && t("raft.installing"), member.saving_snapshot && t("raft.saving")].filter(Boolean).join(" ");

function Facts({ member }: { member: RaftMember }) {
  return (
    <dl className="facts">
      {member.error && <dt>{t("raft.error")}</dt>}
      {member.error && <dd className="bad-text">{member.error}</dd>}
      {told(member) && <dt>{t("raft.note")}</dt>}
      {told(member) && <dd>{told(member)}</dd>}
      <dt>{t("raft.leader")}</dt>
      <dd className="mono">{member.leader || t("raft.noLeader")}</dd>
      <dt>{t("raft.members")}</dt>
      <dd className="mono">{member.members.split(",").join(", ") || "–"}</dd>
      {member.old_members && <dt>{t("raft.membersOld")}</dt>}
      {member.old_members && <dd className="mono">{member.old_members.split(",").join(", ")}</dd>}
      <dt>{t("raft.term")}</dt>
      <dd>{number(member.term)}</dd>
      <dt>{t("raft.voted")}</dt>
      <dd className="mono">{member.voted_for || "–"}</dd>
      <dt>{t("raft.elections")}</dt>
      <dd>{number(member.elections)}</dd>
      <dt>{t("raft.lastElection")}</dt>
      <dd>
        {ago(member.last_election_at_ms)}: {member.last_election}
      </dd>
    </dl>
  );
}

function Log({ member }: { member: RaftMember }) {
  return (
    <dl className="facts">
      <dt>{t("raft.log")}</dt>
      <dd>
        {number(member.first_log)} – {number(member.last_log)}
      </dd>
      <dt>{t("raft.saved")}</dt>
      <dd>{number(member.saved)}</dd>
      <dt>{t("raft.committed")}</dt>
      <dd>{number(member.committed)}</dd>
      <dt>{t("raft.applied")}</dt>
      <dd>{number(member.applied)}</dd>
      <dt>{t("raft.snapshot")}</dt>
      <dd>{member.snapshot > 0 ? number(member.snapshot) : t("raft.noSnapshot")}</dd>
      <dt>{t("raft.waiting")}</dt>
      <dd>{t("raft.waitingText", { writes: number(member.waiting), reads: number(member.reads) })}</dd>
    </dl>
  );
}

const peerColumns: Array<Column<RaftFollower>> = [
  {
    key: "peer",
    title: "raft.peer",
    value: (one) => one.peer,
    cell: (one) => (
      <>
        <span className="mono">{one.peer}</span> {one.learner && <span className="quiet">{t("raft.learner")}</span>}
      </>
    ),
  },
  { key: "state", title: "raft.state", value: (one) => one.state, cell: (one) => <State state={one.state} />, width: 148 },
  { key: "lag", title: "raft.lag", value: (one) => one.lag, cell: (one) => lagOf(one.lag), width: 84, end: true },
  { key: "match", title: "raft.match", value: (one) => one.match, cell: (one) => number(one.match), width: 110, end: true, from: 600 },
  { key: "inflight", title: "raft.inflight", value: (one) => one.inflight, width: 100, end: true, from: 760 },
  { key: "silent", title: "raft.silent", value: (one) => one.silent_ms, cell: (one) => t("raft.silentFor", { time: age(one.silent_ms) }), width: 112, end: true, from: 460 },
  { key: "errors", title: "raft.errors", value: (one) => one.errors, width: 120, end: true, from: 760 },
];

function Peers({ member }: { member: RaftMember }) {
  const leads = member.role === "LEADER" || member.role === "TRANSFERRING";
  return (
    <section className="panel" aria-label={t("raft.peers")}>
      <Table
        name={member.node}
        title={t("raft.peers")}
        label={t("raft.peers")}
        rows={member.followers}
        columns={peerColumns}
        rowKey={(one) => one.peer}
        sort="peer"
        filter={false}
        empty={<Empty icon="raft" title={t(leads ? "raft.peersAlone" : "raft.peersNone")} />}
      />
    </section>
  );
}
