// Log lines as they are written, and the levels from which they are.
import { type ReactNode, useEffect, useLayoutEffect, useRef, useState } from "react";
import { Failure, type LogLine, type Logger, send, targetOf } from "../api/client";
import { useAnswer, useSeen } from "../api/live";
import { Icon } from "../design/icons";
import { Dialog, Empty, FailureView, PageHead, SearchField, Select, Switch } from "../design/surfaces";
import { type Column, Table } from "../design/table";
import { clock, t } from "../i18n";
import { allProcesses, useChosenProcess } from "../processes";
import { useParameter } from "../router";
import { useSession } from "../session";

type Level = LogLine["level"];
const levels: Level[] = ["debug", "info", "warn", "error"];
const mostLines = 1000;
const retryMs = 2000;
const settleMs = 250;

/** The newest lines that fit, and how many came since reading was paused. */
function useLines(process: string, level: Level, contains: string, following: boolean) {
  const [lines, setLines] = useState<LogLine[]>([]);
  const [waiting, setWaiting] = useState<LogLine[]>([]);
  const follow = useRef(following);
  follow.current = following;
  useEffect(() => {
    if (!following) return;
    setWaiting((held) => {
      if (held.length > 0) setLines((old) => [...old, ...held].slice(-mostLines));
      return [];
    });
  }, [following]);
  const seen = useSeen();
  useEffect(() => {
    if (!seen) return;
    setLines([]);
    setWaiting([]);
    let source: EventSource;
    let timer: ReturnType<typeof setTimeout>;
    let batch: LogLine[] = [];
    let frame = 0;
    // A burst is drawn once a frame.
    const flush = () => {
      const came = batch;
      batch = [];
      frame = 0;
      (follow.current ? setLines : setWaiting)((old) => [...old, ...came].slice(-mostLines));
    };
    const open = (backlog: number) => {
      const query = { level, backlog, ...(process !== allProcesses && { process }), ...(contains && { contains }) };
      source = new EventSource(targetOf("GET /v1/logs", { query }));
      source.addEventListener("message", (event) => {
        batch.push(JSON.parse(event.data));
        frame ||= requestAnimationFrame(flush);
      });
      source.addEventListener("error", () => {
        source.close();
        timer = setTimeout(() => open(0), retryMs);
      });
    };
    timer = setTimeout(() => open(200), settleMs);
    return () => {
      clearTimeout(timer);
      cancelAnimationFrame(frame);
      source?.close();
    };
  }, [process, level, contains, seen]);
  return { lines, waiting: waiting.length, clear: () => setLines([]) };
}

function marked(text: string, words: string): ReactNode {
  if (!words) return text;
  const at = text.toLowerCase().indexOf(words.toLowerCase());
  if (at < 0) return text;
  return (
    <>
      {text.slice(0, at)}
      <mark>{text.slice(at, at + words.length)}</mark>
      {text.slice(at + words.length)}
    </>
  );
}

function Line({ line, words }: { line: LogLine; words: string }) {
  return (
    <div className={`line ${line.level}`}>
      <time dateTime={new Date(line.at_ms).toISOString()}>{clock(line.at_ms, true)}</time>
      <span className={`level ${line.level}`}>{line.level}</span>
      <span className="from ellipsis" title={`${line.process_name} ${line.space} ${line.thread}`}>
        {line.process_name} {line.space}
      </span>
      <span className="text">
        {marked(line.message, words)}
        {Object.entries(line.fields).map(([name, value]) => (
          <span key={name}>
            {" "}
            <b>{name}=</b>
            {marked(value, words)}
          </span>
        ))}
      </span>
    </div>
  );
}

export default function Logs() {
  const { id, process } = useChosenProcess("all");
  const { may } = useSession();
  const [chosenLevel, setLevel] = useParameter("level", "info");
  const [contains, setContains] = useParameter("contains");
  const [following, setFollowing] = useState(true);
  const [levelsShown, setLevelsShown] = useState(false);
  const level = levels.find((one) => one === chosenLevel) ?? "info";
  useEffect(() => {
    setFollowing(true);
  }, [id, level, contains]);
  const { lines, waiting, clear } = useLines(id, level, contains, following);
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (following && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [lines, following]);
  const scrolled = () => {
    const element = box.current;
    if (!element) return;
    const atEnd = element.scrollHeight - element.scrollTop - element.clientHeight < 40;
    if (atEnd !== following) setFollowing(atEnd);
  };

  return (
    <>
      <PageHead
        title={t("logs.title")}
        lead={t("logs.lead")}
        tools={
          <>
            <Switch label={t("logs.level")} value={level} options={levels.map((one) => [one, one])} onChange={setLevel} />
            {may("PUT /v1/processes/{id}/loggers/{name}") && (
              <button type="button" className="button" onClick={() => setLevelsShown(true)}>
                {t("logs.levels")}
              </button>
            )}
          </>
        }
      />
      <section className="panel" aria-label={t("logs.title")}>
        <div className="panel-table-head">
          <div className="table-head">
            <SearchField label={t("logs.contains")} value={contains} onChange={setContains} />
            <span className="count">{waiting > 0 ? t("logs.paused", { n: waiting }) : t("logs.kept", { n: lines.length })}</span>
          </div>
          <div className="table-tools">
            <button type="button" className="button small" aria-pressed={following} onClick={() => setFollowing(!following)}>
              <Icon name={following ? "pause" : "down"} />
              {t("logs.follow")}
            </button>
            <button type="button" className="button small" onClick={clear}>
              {t("logs.clear")}
            </button>
          </div>
        </div>
        <div className="log" ref={box} role="log" aria-label={t("logs.label")} aria-live="off" tabIndex={0} onScroll={scrolled}>
          {lines.length === 0 && <Empty icon="logs" title={t("logs.none")} text={t("logs.noneDo")} />}
          {lines.map((line, index) => (
            <Line key={`${line.at_ms} ${index}`} line={line} words={contains} />
          ))}
        </div>
      </section>
      {levelsShown && <Levels id={process?.id ?? ""} onClose={() => setLevelsShown(false)} />}
    </>
  );
}

function Levels({ id, onClose }: { id: string; onClose: () => void }) {
  const { value, failure, reload } = useAnswer("GET /v1/processes/{id}/loggers", id ? { path: { id } } : null);
  const [refused, setRefused] = useState<Failure | null>(null);
  const change = (logger: Logger, level: string) =>
    send("PUT /v1/processes/{id}/loggers/{name}", { path: { id, name: logger.name }, body: { level: level as Logger["level"] } })
      .then(reload)
      .catch((error: unknown) => error instanceof Failure && setRefused(error));
  const columns: Array<Column<Logger>> = [
    { key: "name", title: "logs.space", value: (logger) => logger.name, cell: (logger) => <code>{logger.name}</code> },
    {
      key: "level",
      title: "logs.level",
      value: (logger) => logger.level,
      cell: (logger) => (
        <Select
          label={`${t("logs.level")} ${logger.name}`}
          value={logger.level}
          options={[...levels, "off"].map((one) => [one, one])}
          onChange={(level) => void change(logger, level)}
          width={110}
        />
      ),
      width: 150,
    },
  ];
  const failed = refused ?? failure;
  return (
    <Dialog title={t("logs.levelsTitle")} onClose={onClose}>
      <p className="second">{t(id ? "logs.levelsText" : "logs.chooseProcess")}</p>
      {failed && <FailureView failure={failed} permission="logs:write" />}
      {id && !failed && <Table name="loggers" label={t("logs.levelsTitle")} rows={value?.loggers} columns={columns} rowKey={(logger) => logger.name} sort="name" empty={null} />}
    </Dialog>
  );
}
