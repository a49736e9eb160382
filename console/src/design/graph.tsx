// Components and what they need, as a graph.
import { type KeyboardEvent, useMemo } from "react";
import type { Component } from "../api/client";
import { t, stateText } from "../i18n";
import { layOut, lineOf, nodeHeight, nodeWidth } from "./layout";
import { toneOf } from "./surfaces";

interface Node {
  id: string;
  title: string;
  sub: string;
  state: string;
  away: boolean;
}

interface Edge {
  from: string;
  to: string;
  remote: boolean;
}

function graphOf(components: Component[]): { nodes: Node[]; edges: Edge[] } {
  const nodes = new Map<string, Node>(
    components.map((one) => [one.name, { id: one.name, title: one.name, sub: one.module || one.type, state: one.health === "up" ? one.state : one.health, away: false }]),
  );
  const edges: Edge[] = [];
  for (const component of components) {
    for (const need of component.needs) {
      if (need.location === "absent") continue;
      const remote = need.location === "remote";
      if (!nodes.has(need.target)) nodes.set(need.target, { id: need.target, title: need.type, sub: need.target, state: "remote", away: true });
      edges.push({ from: component.name, to: need.target, remote });
    }
  }
  return { nodes: [...nodes.values()], edges };
}

const cut = (text: string, length: number) => (text.length > length ? `${text.slice(0, length - 1)}…` : text);
const tones = { ok: "var(--ok)", warn: "var(--warn)", bad: "var(--bad)", accent: "var(--accent)", none: "var(--text-3)" };

export function Graph({ components, chosen, onChoose }: { components: Component[]; chosen: string; onChoose: (name: string) => void }) {
  const { nodes, edges } = useMemo(() => graphOf(components), [components]);
  const key = nodes.map((node) => node.id).join() + edges.map((edge) => edge.from + edge.to).join();
  const layout = useMemo(() => layOut(nodes.map((node) => node.id), edges.map((edge) => [edge.from, edge.to])), [key]);
  const lit = new Set(edges.filter((edge) => edge.from === chosen || edge.to === chosen).flatMap((edge) => [edge.from, edge.to]));
  const press = (event: KeyboardEvent, id: string) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    onChoose(id === chosen ? "" : id);
  };
  return (
    <div className="graph-scroll">
      <svg className="graph" width={layout.width} height={layout.height} role="group" aria-label={t("components.graphLabel", { n: components.length })}>
        <defs>
          {["arrow", "arrow-lit"].map((id) => (
            <marker key={id} id={id} viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse" orient="auto">
              <path d="M0 1 7 4 0 7z" fill={id === "arrow" ? "var(--line-strong)" : "var(--accent)"} />
            </marker>
          ))}
        </defs>
        {edges.map((edge) => {
          const on = edge.from === chosen || edge.to === chosen;
          return (
            <path
              key={`${edge.from} ${edge.to}`}
              className={`edge ${edge.remote ? "remote" : ""} ${on ? "lit" : ""}`}
              d={lineOf(layout, edge.from, edge.to)}
              markerEnd={`url(#${on ? "arrow-lit" : "arrow"})`}
            />
          );
        })}
        {nodes.map((node) => {
          const at = layout.nodes.get(node.id);
          if (!at) return null;
          return (
            <g
              key={node.id}
              className={`node ${node.away ? "away" : ""} ${lit.has(node.id) ? "lit" : ""}`}
              transform={`translate(${at.x} ${at.y})`}
              role="button"
              tabIndex={0}
              aria-pressed={node.id === chosen}
              onClick={() => onChoose(node.id === chosen ? "" : node.id)}
              onKeyDown={(event) => press(event, node.id)}
            >
              <rect width={nodeWidth} height={nodeHeight} rx="8" />
              <circle cx="15" cy="17" r="3.5" fill={tones[toneOf(node.state)]} role="img" aria-label={stateText(node.state)} />
              <text x="26" y="21">
                {cut(node.title, 17)}
              </text>
              <text className="sub" x="26" y="36">
                {cut(node.sub, 20)}
              </text>
            </g>
          );
        })}
      </svg>
    </div>
  );
}
