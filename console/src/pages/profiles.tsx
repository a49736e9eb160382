// Where processors spend their time, and who holds memory.
import { useEffect, useState } from "react";
import { Failure, type Profile, send } from "../api/client";
import { Flame, amount, functionsOf } from "../design/flame";
import { Icon } from "../design/icons";
import { Empty, FailureView, Ghost, PageHead, Panel, SearchField, Select, Switch } from "../design/surfaces";
import { type Column, Table } from "../design/table";
import { clock, percent, t } from "../i18n";
import { useChosenProcess } from "../processes";
import { useParameter } from "../router";

type Row = ReturnType<typeof functionsOf>[number];

function columnsOf(profile: Profile): Array<Column<Row>> {
  const all = profile.stacks.reduce((sum, stack) => sum + stack.count, 0);
  const figure = (key: "self" | "total"): Column<Row> => ({
    key,
    title: `profiles.${key}`,
    value: (row) => row[key],
    cell: (row) => (
      <span title={amount(profile, row[key])}>{percent(row[key] / all)}</span>
    ),
    width: 96,
    end: true,
  });
  return [{ key: "name", title: "profiles.function", value: (row) => row.name, cell: (row) => <code>{row.name}</code> }, figure("self"), figure("total")];
}

function folded(profile: Profile): string {
  return profile.stacks.map((stack) => `${stack.frames.map((index) => profile.functions[index]?.replaceAll(";", ":")).join(";")} ${stack.count}\n`).join("");
}

function download(profile: Profile, name: string) {
  const url = URL.createObjectURL(new Blob([folded(profile)], { type: "text/plain" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = `${name}.folded`;
  link.click();
  URL.revokeObjectURL(url);
}

export default function Profiles() {
  const { id, process } = useChosenProcess("one");
  const [kind, setKind] = useParameter("kind", "cpu");
  const [seconds, setSeconds] = useParameter("seconds", "5");
  const [find, setFind] = useParameter("find");
  const [profile, setProfile] = useState<Profile | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [left, setLeft] = useState(0);
  const busy = left > 0;
  useEffect(() => {
    setProfile(null);
    setFailure(null);
  }, [id, kind]);
  useEffect(() => {
    if (!busy) return;
    const timer = setInterval(() => setLeft((old) => Math.max(1, old - 1)), 1000);
    return () => clearInterval(timer);
  }, [busy]);
  const take = async () => {
    setFailure(null);
    setLeft(kind === "cpu" ? Number(seconds) : 1);
    try {
      setProfile(
        kind === "cpu"
          ? await send("GET /v1/processes/{id}/v1/profiles/cpu", { path: { id }, query: { seconds: Number(seconds) } })
          : await send("GET /v1/processes/{id}/v1/profiles/heap", { path: { id } }),
      );
    } catch (error) {
      setFailure(error instanceof Failure ? error : new Failure(0, "internal", String(error)));
    }
    setLeft(0);
  };

  return (
    <>
      <PageHead
        title={process ? `${t("profiles.title")} · ${process.name}` : t("profiles.title")}
        lead={t("profiles.lead")}
        tools={
          <>
            <Switch
              label={t("profiles.title")}
              value={kind}
              options={[
                ["cpu", t("profiles.cpu")],
                ["heap", t("profiles.heap")],
              ]}
              onChange={setKind}
            />
            {kind === "cpu" && <Select label={t("profiles.seconds")} value={seconds} options={["1", "5", "15", "60"].map((one) => [one, `${one} s`])} onChange={setSeconds} />}
            <button type="button" className="button main-action" disabled={busy || !id} onClick={take}>
              <Icon name="profiles" />
              {busy ? t("profiles.taking", { n: left }) : t("profiles.take")}
            </button>
          </>
        }
      />
      {failure && <FailureView failure={failure} permission="processes:read" retry={take} />}
      {busy && !profile && <Ghost height={420} />}
      {!profile && !busy && !failure && (
        <section className="panel" aria-label={t("profiles.title")}>
          <Empty icon="profiles" title={t("profiles.none")} text={t("profiles.noneDo")} command={`sofa profile ${process?.name ?? "NAME"}`} />
        </section>
      )}
      {profile && <Pictures profile={profile} find={find} setFind={setFind} name={process?.name ?? id} />}
    </>
  );
}

function Pictures({ profile, find, setFind, name }: { profile: Profile; find: string; setFind: (text: string) => void; name: string }) {
  const total = profile.stacks.reduce((sum, stack) => sum + stack.count, 0);
  return (
    <>
      <Panel
        title={profile.kind === "cpu" ? t("profiles.cpu") : t("profiles.heap")}
        note={`${amount(profile, total)} · ${clock(profile.at_ms)}`}
        body={false}
        tools={
          <>
            <SearchField label={t("profiles.find")} value={find} onChange={setFind} />
            <button type="button" className="button" onClick={() => download(profile, name)}>
              <Icon name="download" />
              {t("profiles.folded")}
            </button>
          </>
        }
      >
        <Flame profile={profile} find={find} />
      </Panel>
      <section className="panel" aria-label={t("profiles.top")}>
        <Table
          name="functions"
          title={t("profiles.top")}
          label={t("profiles.top")}
          rows={functionsOf(profile)}
          columns={columnsOf(profile)}
          rowKey={(row) => row.name}
          sort="-self"
          empty={null}
        />
      </section>
    </>
  );
}
