// The language of the reader, and how it writes numbers, times and durations.
import { useSyncExternalStore } from "react";
import { type Key, en } from "./en";
import { zh } from "./zh";

export type { Key } from "./en";
export type Language = "en" | "zh";

const tables: Record<Language, Record<Key, string>> = { en, zh };
const listeners = new Set<() => void>();
let language: Language = document.documentElement.lang === "zh" ? "zh" : "en";

export function setLanguage(next: Language) {
  language = next;
  localStorage.setItem("sofa.language", next);
  document.documentElement.lang = next;
  listeners.forEach((listener) => listener());
}

export function useLanguage(): Language {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    () => language,
  );
}

type Names<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}` ? Name | Names<Rest> : never;
/** Keys of texts without placeholders. */
export type PlainKey = { [K in Key]: [Names<(typeof en)[K]>] extends [never] ? K : never }[Key];
type Values<K extends Key> = [Names<(typeof en)[K]>] extends [never] ? [] : [Record<Names<(typeof en)[K]>, string | number>];

/** The text of a key in the language of the reader. Its placeholders are checked by their names. */
export function t<K extends Key>(key: K, ...values: Values<K>): string {
  const given = (values[0] ?? {}) as Record<string, string | number>;
  return tables[language][key].replace(/{(\w+)}/g, (whole, name) => String(given[name] ?? whole));
}

/** The text of a state that the API names; the name itself when it is new. */
export const stateText = (state: string): string => tables[language][`state.${state}` as Key] ?? state;

const formats = new Map<string, Intl.NumberFormat>();
function numberFormat(options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = language + JSON.stringify(options);
  const format = formats.get(key) ?? new Intl.NumberFormat(language === "zh" ? "zh-CN" : "en-US", options);
  formats.set(key, format);
  return format;
}

/** Three digits that count, and no more than hundredths: 4,560, 12.3, 0.06. */
function threeDigits(value: number, useGrouping = true): string {
  const size = Math.abs(value);
  return numberFormat({ maximumFractionDigits: size >= 100 ? 0 : size >= 10 ? 1 : 2, useGrouping }).format(value);
}

export const number = (value: number): string => (Number.isFinite(value) ? threeDigits(value) : "–");

/** For narrow places: 12.3k, 4.56M. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return "–";
  for (const [unit, size] of [["G", 1e9], ["M", 1e6], ["k", 1e3]] as const) {
    if (Math.abs(value) >= size) return threeDigits(value / size, false) + unit;
  }
  return threeDigits(value);
}

export const percent = (share: number): string =>
  numberFormat({ style: "percent", maximumFractionDigits: share !== 0 && Math.abs(share) < 0.1 ? 2 : 1 }).format(share);

export function bytes(value: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let size = value;
  let unit = 0;
  while (Math.abs(size) >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${threeDigits(size, false)} ${units[unit]}`;
}

/** A short time in microseconds: 840 µs, 12.3 ms, 1.2 s. */
export function duration(us: number): string {
  if (!Number.isFinite(us)) return "–";
  if (us < 1000) return `${threeDigits(us)} µs`;
  if (us < 1e6) return `${threeDigits(us / 1000)} ms`;
  return `${threeDigits(us / 1e6)} s`;
}

/** A latency; there is none where nothing was called. */
export const latency = (us: number): string => (us > 0 ? duration(us) : "–");

/** A long time in milliseconds, in its two largest units: 3d 4h, 12m 5s. */
export function age(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const units: Array<[string, number]> = language === "zh" ? [["天", 86400], ["时", 3600], ["分", 60], ["秒", 1]] : [["d", 86400], ["h", 3600], ["m", 60], ["s", 1]];
  const parts = units.map(([name, size], index) => [Math.floor((seconds % (units[index - 1]?.[1] ?? Number.POSITIVE_INFINITY)) / size), name] as const);
  const first = parts.findIndex(([count]) => count > 0);
  if (first < 0) return `0${units.at(-1)?.[0]}`;
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, name]) => `${count}${name}`)
    .join(" ");
}

/** How long ago a moment was: "3 seconds ago". */
export function ago(atMs: number, nowMs = Date.now()): string {
  const seconds = Math.round((atMs - nowMs) / 1000);
  const format = new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "short" });
  for (const [unit, size] of [["day", 86400], ["hour", 3600], ["minute", 60]] as const) {
    if (Math.abs(seconds) >= size) return format.format(Math.trunc(seconds / size), unit);
  }
  return format.format(seconds, "second");
}

const two = (value: number) => String(value).padStart(2, "0");

/** 14:03:22, with the day before it when that is another one. */
export function clock(atMs: number, milliseconds = false): string {
  const at = new Date(atMs);
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  return milliseconds ? `${time}.${String(at.getMilliseconds()).padStart(3, "0")}` : time;
}

export function day(atMs: number): string {
  const at = new Date(atMs);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

export const moment = (atMs: number): string => `${day(atMs)} ${clock(atMs)}`;
