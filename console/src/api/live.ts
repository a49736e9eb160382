// Live values: one stream of server-sent events for all that the page watches.
import { useEffect, useState, useSyncExternalStore } from "react";
import type { Problem, Routes } from "./generated";
import { type Arguments, Failure, type GetRoute, send, sendTo, targetOf } from "./client";

export interface Answer<Value> {
  /** The last one that came; absent before the first. */
  value?: Value;
  failure?: Failure;
}

interface Watched {
  answer: Answer<unknown>;
  listeners: Set<() => void>;
}

export type Contact = "live" | "connecting" | "lost";

const periodMs = 1000;
const firstRetryMs = 500;
const longestRetryMs = 5000;

/** A page that nobody sees for so long holds no stream: a browser has six connections to a host over HTTP/1.1, for all its pages together. */
const hiddenMs = 5000;

/** Whether somebody may see the page, or has a moment ago. */
class Visibility {
  private readonly listeners = new Set<() => void>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  seen = true;

  constructor() {
    document.addEventListener("visibilitychange", () => {
      clearTimeout(this.timer);
      if (document.visibilityState === "visible") this.set(true);
      else this.timer = setTimeout(() => this.set(false), hiddenMs);
    });
  }

  subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  };

  private set(seen: boolean) {
    if (seen === this.seen) return;
    this.seen = seen;
    this.listeners.forEach((listener) => listener());
  }
}

const visibility = new Visibility();
export const useSeen = () => useSyncExternalStore(visibility.subscribe, () => visibility.seen);

/** Keeps one EventSource whose list of paths follows what components watch. */
class Live {
  private readonly watched = new Map<string, Watched>();
  private readonly contactListeners = new Set<() => void>();
  private source: EventSource | undefined;
  private opened = "";
  private timer: ReturnType<typeof setTimeout> | undefined;
  private retryMs = firstRetryMs;
  contact: Contact = "connecting";

  constructor() {
    visibility.subscribe(() => this.openSoon(0));
  }

  watch(path: string, listener: () => void) {
    const entry = this.watched.get(path) ?? { answer: {}, listeners: new Set() };
    this.watched.set(path, entry);
    entry.listeners.add(listener);
    this.openSoon(0);
    return () => {
      entry.listeners.delete(listener);
      this.openSoon(0);
    };
  }

  answerOf(path: string): Answer<unknown> {
    return this.watched.get(path)?.answer ?? nothing;
  }

  onContact = (listener: () => void) => {
    this.contactListeners.add(listener);
    return () => void this.contactListeners.delete(listener);
  };

  /** After a login: what was refused before may be told now. */
  restart() {
    this.opened = "";
    this.openSoon(0);
  }

  // Waits for the end of this turn, as a page mounts many watchers at once.
  private openSoon(ms: number) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.open(), ms);
  }

  private open() {
    for (const [path, entry] of this.watched) if (entry.listeners.size === 0) this.watched.delete(path);
    const query = new URLSearchParams();
    for (const path of [...this.watched.keys()].sort()) query.append("watch", path);
    const wanted = query.toString();
    if (visibility.seen && wanted === this.opened && this.source) return;
    this.close();
    if (wanted === "" || !visibility.seen) return;
    this.opened = wanted;
    query.append("period_ms", String(periodMs));
    const source = new EventSource(`/v1/events?${query}`);
    this.source = source;
    source.addEventListener("message", (event) => this.take(JSON.parse(event.data)));
    source.addEventListener("open", () => {
      this.retryMs = firstRetryMs;
      this.setContact("live");
    });
    source.addEventListener("error", () => this.retry());
  }

  private take({ path, status, body }: { path: string; status: number; body: unknown }) {
    const entry = this.watched.get(path);
    if (!entry) return;
    if (status === 200) {
      entry.answer = { value: body };
    } else {
      const { code = String(status), detail = "" } = (body ?? {}) as Partial<Problem>;
      entry.answer = { ...entry.answer, failure: new Failure(status, code, detail) };
    }
    entry.listeners.forEach((listener) => listener());
  }

  // A browser repeats a stream that was cut, but not one that was refused: the same rule serves both. A server that answers, but no stream (one is
  // too many for it, or something between keeps streams), is asked again and again.
  private async retry() {
    this.close();
    const paths = [...this.watched.keys()];
    const wait = this.retryMs;
    this.retryMs = Math.min(2 * this.retryMs, longestRetryMs);
    clearTimeout(this.timer);
    const there = await Promise.all(paths.map((path) => this.ask(path)));
    this.setContact(there.some(Boolean) ? "live" : "lost");
    this.openSoon(wait);
  }

  /** Whether the server has answered. */
  private async ask(path: string): Promise<boolean> {
    const answer = await sendTo(path).then((body) => ({ path, status: 200, body })).catch((failure: Failure) => failure);
    if (!(answer instanceof Failure)) this.take(answer);
    else if (answer.status !== 0) this.take({ path, status: answer.status, body: { status: answer.status, code: answer.code, detail: answer.message } });
    return !(answer instanceof Failure) || answer.status !== 0;
  }

  private close() {
    this.source?.close();
    this.source = undefined;
    this.opened = "";
  }

  private setContact(contact: Contact) {
    if (contact === this.contact) return;
    this.contact = contact;
    this.contactListeners.forEach((listener) => listener());
  }
}

const nothing: Answer<unknown> = {};
const live = new Live();

export const restartLive = () => live.restart();
export const useContact = () => useSyncExternalStore(live.onContact, () => live.contact);

/** The answer of a route, kept up to date while the component is shown. Null instead of arguments: nothing is asked. */
export function useLive<R extends GetRoute>(route: R, given: Arguments<R> | null): Answer<Routes[R]["answer"]> {
  const path = given === null ? "" : targetOf(route, given);
  const [, redraw] = useState(0);
  useEffect(() => (path ? live.watch(path, () => redraw((count) => count + 1)) : undefined), [path]);
  return live.answerOf(path) as Answer<Routes[R]["answer"]>;
}

/** The answers of several targets (client.ts), in their order. */
export function useLives(paths: string[]): Array<Answer<unknown>> {
  const [, redraw] = useState(0);
  useEffect(() => {
    const leave = paths.map((path) => live.watch(path, () => redraw((count) => count + 1)));
    return () => leave.forEach((one) => one());
  }, [paths.join("\n")]);
  return paths.map((path) => live.answerOf(path));
}

/** The answer of a route, asked once and again by `reload`. */
export function useAnswer<R extends GetRoute>(route: R, given: Arguments<R> | null): Answer<Routes[R]["answer"]> & { reload: () => void } {
  const path = given === null ? "" : targetOf(route, given);
  const [state, setState] = useState<{ path: string; answer: Answer<Routes[R]["answer"]> }>({ path, answer: {} });
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    if (!path || given === null) return;
    const stop = new AbortController();
    send(route, given, stop.signal)
      .then((value) => setState({ path, answer: { value } }))
      .catch((failure) => stop.signal.aborted || setState((old) => ({ path, answer: { ...(old.path === path && old.answer), failure } })));
    return () => stop.abort();
  }, [path, turn]);
  return { ...(state.path === path ? state.answer : {}), reload: () => setTurn((count) => count + 1) };
}
