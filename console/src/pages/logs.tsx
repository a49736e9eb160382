// Log lines as they are written, and the levels from which they are.
import { type ReactNode, useEffect, useLayoutEffect, useRef, useState } from "react";
import { Failure, type LogEntries, type LogEntry, type SpaceLevel, send, targetOf } from "../api/client";
import { useAnswer, useSeen } from "../api/live";
import { Icon } from "../design/icons";
import { Dialog, Empty, FailureView, PageHead, SearchField, Select, Switch } from "../design/surfaces";
import { type Column, Table } from "../design/table";
import { clock, t } from "../i18n";
import { useChosenProcess } from "../processes";
import { useParameter } from "../router";
import { useSession } from "../session";

type Level = LogEntry["level"];
const levels: Level[] = ["debug", "info", "warn", "error"];
const mostLines = 1000;
const backlog = 500;
const retryMs = 2000;
const settleMs = 250;

/** The newest lines that fit, and how many came since reading was paused. */
function useLines(process: string, level: Level, contains: string, following: boolean) {
  const [lines, setLines] = useState<LogEntry[]>([]);
  const [waiting, setWaiting] = useState<LogEntry[]>([]);
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
    if (!seen || !process) return;
    setLines([]);
    setWaiting([]);
    let after = 0;
    let source: EventSource;
    let timer: ReturnType<typeof setTimeout>;
    let batch: LogEntry[] = [];
    let frame = 0;
    // A burst is drawn once a frame.
    const flush = () => {
      const came = batch;
      batch = [];
      frame = 0;
      (follow.current ? setLines : setWaiting)((old) => [...old, ...came].slice(-mostLines));
    };
    const open = () => {
      const query = { level, after, most: backlog, ...(contains && { contains }) };
      source = new EventSource(targetOf("GET /v1/processes/{id}/v1/logs/stream", { path: { id: process }, query }));
      source.addEventListener("message", (event) => {
        const came = JSON.parse(event.data) as LogEntries;
        batch.push(...came.lines);
        after = came.last;
        frame ||= requestAnimationFrame(flush);
      });
      source.addEventListener("error", () => {
        source.close();
        timer = setTimeout(open, retryMs);
      });
    };
    timer = setTimeout(open, settleMs);
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

/** The keys of "event key=value ..." stand back. */
function Text({ text, words }: { text: string; words: string }) {
  return text.split(/(\s[\w.]+=)/).map((part, index) => (index % 2 === 1 ? <b key={index}>{part}</b> : <span key={index}>{marked(part, words)}</span>));
}

function Line({ line, words }: { line: LogEntry; words: string }) {
  return (
    <div className={`line ${line.level}`}>
      <time dateTime={new Date(line.at).toISOString()}>{clock(line.at, true)}</time>
      <span className={`level ${line.level}`}>{line.level}</span>
      <span className="from ellipsis" title={line.space}>
        {line.space}
      </span>
      <span className="text">
        <Text text={line.text} words={words} />
      </span>
    </div>
  );
}

export default function Logs() {
  const { id } = useChosenProcess("one");
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
  // Who scrolls back to read follows again at the end; who has pressed the button, by pressing it again.
  const readsBack = useRef(false);
  const scrolled = () => {
    const element = box.current;
    if (!element) return;
    const atEnd = element.scrollHeight - element.scrollTop - element.clientHeight < 40;
    if (atEnd === following || (atEnd && !readsBack.current)) return;
    readsBack.current = !atEnd;
    setFollowing(atEnd);
  };
  const press = () => {
    readsBack.current = false;
    setFollowing(!following);
  };

  return (
    <>
      <PageHead
        title={t("logs.title")}
        lead={t("logs.lead")}
        tools={
          <>
            <Switch label={t("logs.level")} value={level} options={levels.map((one) => [one, one])} onChange={setLevel} />
            {may("PUT /v1/processes/{id}/v1/logs/levels/{space}") && (
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
            <button type="button" className="button small" aria-pressed={following} onClick={press}>
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
          {lines.map((line) => (
            <Line key={line.number} line={line} words={contains} />
          ))}
        </div>
      </section>
      {levelsShown && <Levels id={id} onClose={() => setLevelsShown(false)} />}
    </>
  );
}

function Levels({ id, onClose }: { id: string; onClose: () => void }) {
  const { value, failure, reload } = useAnswer("GET /v1/processes/{id}/v1/logs/levels", id ? { path: { id } } : null);
  const [refused, setRefused] = useState<Failure | null>(null);
  const change = (space: SpaceLevel, level: string) =>
    send("PUT /v1/processes/{id}/v1/logs/levels/{space}", { path: { id, space: space.space }, body: { level: level as SpaceLevel["level"] } })
      .then(reload)
      .catch((error: unknown) => error instanceof Failure && setRefused(error));
  const columns: Array<Column<SpaceLevel>> = [
    { key: "name", title: "logs.space", value: (space) => space.space, cell: (space) => <code>{space.space}</code> },
    {
      key: "level",
      title: "logs.level",
      value: (space) => space.level,
      cell: (space) => (
        <Select
          label={`${t("logs.level")} ${space.space}`}
          value={space.level}
          options={[...levels, "off"].map((one) => [one, one])}
          onChange={(level) => void change(space, level)}
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
      {failed && <FailureView failure={failed} permission="processes:write" />}
      {id && !failed && <Table name="spaces" label={t("logs.levelsTitle")} rows={value} columns={columns} rowKey={(space) => space.space} sort="name" empty={null} />}
    </Dialog>
  );
}
