// Panels, states, figures and what stands where nothing is yet.
import { type CSSProperties, type ReactNode, useId, useLayoutEffect, useRef, useState } from "react";
import type { Failure } from "../api/client";
import { t, stateText } from "../i18n";
import { Link } from "../router";
import { Icon, type IconName } from "./icons";

export type Tone = "ok" | "warn" | "bad" | "accent" | "none";

const tones: Record<string, Tone> = {
  ready: "ok",
  up: "ok",
  started: "ok",
  open: "ok",
  ok: "ok",
  LEADER: "ok",
  FOLLOWER: "ok",
  replicating: "ok",
  TRANSFERRING: "warn",
  CANDIDATE: "warn",
  UNINITIALIZED: "warn",
  probing: "warn",
  snapshot: "warn",
  ERROR: "bad",
  starting: "warn",
  constructed: "warn",
  degraded: "warn",
  draining: "warn",
  refusing: "warn",
  out_of_service: "warn",
  warn: "warn",
  down: "bad",
  failed: "bad",
  lost: "bad",
  denied: "bad",
  absent: "bad",
  error: "bad",
};

export const toneOf = (state: string): Tone => tones[state] ?? "none";

export const State = ({ state }: { state: string }) => <span className={`dot ${toneOf(state)}`}>{stateText(state)}</span>;

export const Badge = ({ tone = "none", children }: { tone?: Tone; children: ReactNode }) => <span className={`badge ${tone}`}>{children}</span>;

export function Panel({ title, note, tools, children, body = true }: { title: string; note?: ReactNode; tools?: ReactNode; children: ReactNode; body?: boolean }) {
  const id = useId();
  return (
    <section className="panel" aria-labelledby={id}>
      <header>
        <h2 id={id}>{title}</h2>
        {note && <span className="note">{note}</span>}
        {tools}
      </header>
      {body ? <div className="body">{children}</div> : children}
    </section>
  );
}

/** `unknown`: the lead comes from the server, and may take two lines where it is narrow. */
export function PageHead({ title, lead, tools = null, unknown = false }: { title: string; lead?: string; tools?: ReactNode; unknown?: boolean }) {
  return (
    <div className="page-head">
      <div>
        <h1 className="ellipsis">{title}</h1>
        {lead && <p className={unknown ? "unknown" : ""}>{lead}</p>}
      </div>
      {tools !== null && <div className="tools">{tools}</div>}
    </div>
  );
}

/** What will be there, grey and of its size. */
export const Ghost = ({ height, width = "100%" }: { height: number; width?: number | string }) => (
  <div className="ghost" style={{ height, width }} role="status" aria-label={t("word.loading")} />
);

export function Command({ text }: { text: string }) {
  const [copied, setCopied] = useState(false);
  const copy = () =>
    navigator.clipboard?.writeText(text).then(() => {
      setCopied(true);
      setTimeout(() => setCopied(false), 1500);
    });
  return (
    <span className="command">
      <code>{text}</code>
      <button type="button" className="icon-button small" onClick={copy} aria-label={`${t(copied ? "word.copied" : "word.copy")}: ${text}`}>
        <Icon name={copied ? "check" : "copy"} />
      </button>
    </span>
  );
}

/** Says that there is nothing, and what to do about it. */
export function Empty({ icon = "empty", title, text, command, children }: { icon?: IconName; title: string; text?: string; command?: string; children?: ReactNode }) {
  return (
    <div className="empty">
      <Icon name={icon} />
      <strong>{title}</strong>
      {text && <p>{text}</p>}
      {command && <Command text={command} />}
      {children}
    </div>
  );
}

export function FailureView({ failure, permission, retry }: { failure: Failure; permission?: string; retry?: () => void }) {
  const denied = failure.status === 403;
  return (
    <div role="alert">
      <Empty icon="warning" title={t("failure.title")} text={denied && permission ? t("failure.denied", { permission }) : failure.message}>
        {retry && !denied && (
          <button type="button" className="button" onClick={retry}>
            {t("word.retry")}
          </button>
        )}
      </Empty>
    </div>
  );
}

export function Tile({ title, figure, unit, sub, trend, tone }: { title: string; figure?: string; unit?: string; sub?: ReactNode; trend?: number[]; tone?: Tone }) {
  return (
    <div className="tile">
      <dt>{title}</dt>
      <dd>
        <div className={`figure ${tone === "bad" ? "bad-text" : ""}`}>
          {figure ?? <Ghost height={22} width={76} />}
          {figure && unit && <small>{unit}</small>}
        </div>
        <div className="sub">{sub}</div>
        {trend && trend.length > 1 && <Spark values={trend} width={240} height={32} area color={tone === "bad" ? "var(--bad)" : "var(--accent)"} />}
      </dd>
    </div>
  );
}

/** A line without axes. Its figures stand beside it, so it is decoration for those who do not see it. */
export function Spark({ values, width = 96, height = 22, area = false, color = "var(--accent)" }: { values: number[]; width?: number; height?: number; area?: boolean; color?: string }) {
  const top = Math.max(...values, 1e-9);
  const x = (index: number) => (index / Math.max(1, values.length - 1)) * width;
  const y = (value: number) => height - 2 - (Math.max(0, value) / top) * (height - 5);
  const line = values.map((value, index) => `${index === 0 ? "M" : "L"}${x(index).toFixed(1)} ${y(value).toFixed(1)}`).join("");
  const style: CSSProperties = area ? {} : { width, height };
  return (
    <svg className="spark" viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" style={style} aria-hidden="true">
      {area && <path d={`${line}L${width} ${height}L0 ${height}Z`} fill={color} opacity="0.1" />}
      <path d={line} fill="none" stroke={color} strokeWidth="1.25" vectorEffect="non-scaling-stroke" strokeLinejoin="round" opacity={area ? 0.55 : 1} />
    </svg>
  );
}

export function Switch({ label, value, options, onChange }: { label: string; value: string; options: Array<[string, string]>; onChange: (value: string) => void }) {
  return (
    <div className="switch" role="group" aria-label={label}>
      {options.map(([key, text]) => (
        <button key={key} type="button" aria-pressed={key === value} onClick={() => onChange(key)}>
          {text}
        </button>
      ))}
    </div>
  );
}

export function Select({ label, value, options, onChange, width }: { label: string; value: string; options: Array<[string, string]>; onChange: (value: string) => void; width?: number | string }) {
  return (
    <span className="select" style={width ? { width } : {}}>
      <select aria-label={label} value={value} onChange={(event) => onChange(event.target.value)}>
        {options.map(([key, text]) => (
          <option key={key} value={key}>
            {text}
          </option>
        ))}
      </select>
      <Icon name="down" />
    </span>
  );
}

export function SearchField({ label, value, onChange }: { label: string; value: string; onChange: (value: string) => void }) {
  return (
    <span className="input-wrap">
      <Icon name="search" />
      <input className="input" type="search" aria-label={label} placeholder={label} value={value} onChange={(event) => onChange(event.target.value)} />
    </span>
  );
}

/** A modal dialog of the browser: it keeps the focus inside and gives it back. */
export function Dialog({ title, onClose, children, className = "" }: { title: string; onClose: () => void; children: ReactNode; className?: string }) {
  const ref = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const element = ref.current;
    element?.showModal();
    element?.querySelector<HTMLElement>("input, select, textarea")?.focus(); // rather than what closes it
    return () => element?.close();
  }, []);
  return (
    <dialog ref={ref} className={className} aria-label={title} onCancel={onClose} onClick={(event) => event.target === ref.current && onClose()}>
      <div className="dialog-body">
        <header>
          <h2>{title}</h2>
          <button type="button" className="icon-button" aria-label={t("word.close")} onClick={onClose}>
            <Icon name="close" />
          </button>
        </header>
        {children}
      </div>
    </dialog>
  );
}

export function Crumbs({ places, here }: { places: Array<[string, string]>; here: string }) {
  return (
    <nav className="crumbs" aria-label={t("word.all")}>
      {places.map(([to, text]) => (
        <span key={to} className="crumbs">
          <Link to={to}>{text}</Link>
          <Icon name="right" />
        </span>
      ))}
      <strong className="ellipsis">{here}</strong>
    </nav>
  );
}
