// A profile as a flame graph: the width of a function is its share of the samples, its callers stand above it.
import { type KeyboardEvent, useMemo, useRef, useState } from "react";
import type { Profile } from "../api/client";
import { bytes, number, percent, t } from "../i18n";

export interface Frame {
  name: string;
  total: number;
  self: number;
  depth: number;
  start: number;
  parent: Frame | null;
  children: Frame[];
}

/** Stacks joined into a tree. Children stand in the order of their names, so that two profiles of one program look alike. */
export function treeOf(profile: Profile): Frame {
  const root: Frame = { name: "", total: 0, self: 0, depth: 0, start: 0, parent: null, children: [] };
  const byName = new Map<Frame, Map<string, Frame>>([[root, new Map()]]);
  for (const stack of profile.stacks) {
    let frame = root;
    root.total += stack.count;
    for (const index of stack.frames) {
      const name = profile.functions[index] ?? "?";
      let next = byName.get(frame)?.get(name);
      if (!next) {
        next = { name, total: 0, self: 0, depth: frame.depth + 1, start: 0, parent: frame, children: [] };
        byName.get(frame)?.set(name, next);
        byName.set(next, new Map());
        frame.children.push(next);
      }
      next.total += stack.count;
      frame = next;
    }
    frame.self += stack.count;
  }
  place(root);
  return root;
}

function place(frame: Frame) {
  frame.children.sort((a, b) => a.name.localeCompare(b.name));
  let at = frame.start;
  for (const child of frame.children) {
    child.start = at;
    at += child.total;
    place(child);
  }
}

/** Each function with its own samples and those of all that it calls; a recursive one counts once a stack. */
export function functionsOf(profile: Profile): Array<{ name: string; self: number; total: number }> {
  const sums = profile.functions.map((name) => ({ name, self: 0, total: 0 }));
  for (const stack of profile.stacks) {
    for (const index of new Set(stack.frames)) if (sums[index]) sums[index].total += stack.count;
    const leaf = sums[stack.frames.at(-1) ?? -1];
    if (leaf) leaf.self += stack.count;
  }
  return sums;
}

export const amount = (profile: Profile, value: number) => (profile.unit === "bytes" ? bytes(value) : t("profiles.samples", { n: number(value) }));

const rowHeight = 20;
const leastShare = 0.0012;

function shown(frame: Frame, zoom: Frame, all: Frame[]) {
  const within = frame.start < zoom.start + zoom.total && frame.start + frame.total > zoom.start;
  if (!within || frame.total / zoom.total < leastShare) return;
  all.push(frame);
  for (const child of frame.children) shown(child, zoom, all);
}

/** One of four warm tints, always the same for a name. */
function tint(name: string): string {
  let hash = 7;
  for (const character of name.replace(/<.*/, "")) hash = (hash * 31 + character.charCodeAt(0)) >>> 0;
  return `var(--flame-${(hash % 4) + 1})`;
}

const shortName = (name: string) => name.replace(/^sofa::/, "").replace(/\(.*\)( const)?$/, "");

export function Flame({ profile, find }: { profile: Profile; find: string }) {
  const root = useMemo(() => treeOf(profile), [profile]);
  const [zoomed, setZoomed] = useState<Frame | null>(null);
  const [current, setCurrent] = useState<Frame | null>(null);
  const canvas = useRef<HTMLDivElement>(null);
  const zoom = zoomed && rootOf(zoomed) === root ? zoomed : root;
  const focus = current && rootOf(current) === root ? current : zoom;
  const frames = useMemo(() => {
    const all: Frame[] = [];
    shown(root, zoom, all);
    return all;
  }, [root, zoom]);
  const depth = Math.max(...frames.map((frame) => frame.depth)) + 1;
  const words = find.trim().toLowerCase();
  const matched = words ? matching(root, words) / root.total : 0;
  const index = new Map(frames.map((frame, place) => [frame, place]));

  const move = (event: KeyboardEvent) => {
    const siblings = focus.parent?.children.filter((frame) => index.has(frame)) ?? [];
    const next: Record<string, Frame | null | undefined> = {
      ArrowDown: focus.children.filter((frame) => index.has(frame)).sort((a, b) => b.total - a.total)[0],
      ArrowUp: focus.parent,
      ArrowLeft: siblings[siblings.indexOf(focus) - 1],
      ArrowRight: siblings[siblings.indexOf(focus) + 1],
    };
    if (event.key === "Escape") setZoomed(null);
    const target = next[event.key];
    if (!(event.key in next)) return;
    event.preventDefault();
    if (!target) return;
    setCurrent(target);
    canvas.current?.querySelector<HTMLElement>(`[data-frame="${index.get(target)}"]`)?.focus();
  };

  return (
    <>
      <div className="flame">
        <div className="canvas" ref={canvas} style={{ height: depth * rowHeight }} role="group" aria-label={t("profiles.label")} onKeyDown={move}>
          {frames.map((frame, place) => {
            const left = Math.max(0, (frame.start - zoom.start) / zoom.total);
            const right = Math.min(1, (frame.start + frame.total - zoom.start) / zoom.total);
            const name = frame.name || t("profiles.whole");
            const found = words !== "" && frame.name.toLowerCase().includes(words);
            return (
              <button
                key={place}
                data-frame={place}
                type="button"
                tabIndex={frame === focus || (!index.has(focus) && frame === root) ? 0 : -1}
                className={`${frame.depth < zoom.depth ? "dim" : ""} ${found ? "found" : ""}`}
                style={{ left: `${left * 100}%`, width: `${(right - left) * 100}%`, top: frame.depth * rowHeight, background: tint(frame.name) }}
                aria-label={`${name}, ${percent(frame.total / root.total)}`}
                onClick={() => setZoomed(frame)}
                onFocus={() => setCurrent(frame)}
                onPointerEnter={() => setCurrent(frame)}
              >
                {right - left > 0.02 ? shortName(name) : ""}
              </button>
            );
          })}
        </div>
      </div>
      <div className="flame-line">
        <span className="ellipsis mono">{focus.name || t("profiles.whole")}</span>
        <span style={{ marginLeft: "auto", whiteSpace: "nowrap" }}>
          {percent(focus.total / root.total)} · {amount(profile, focus.total)}
          {words && ` · ${t("profiles.matched", { share: percent(matched) })}`}
        </span>
        {zoom !== root && (
          <button type="button" className="button small" onClick={() => setZoomed(null)}>
            {t("profiles.whole")}
          </button>
        )}
      </div>
    </>
  );
}

function rootOf(frame: Frame): Frame {
  let top = frame;
  while (top.parent) top = top.parent;
  return top;
}

/** The samples below matching functions, each counted once. */
function matching(frame: Frame, words: string): number {
  if (frame.name.toLowerCase().includes(words)) return frame.total;
  return frame.children.reduce((sum, child) => sum + matching(child, words), 0);
}
