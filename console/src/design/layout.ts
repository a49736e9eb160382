// Places the nodes of a directed graph in layers: what is needed stands to the right of what needs it.
export interface Placed {
  id: string;
  x: number;
  y: number;
}

export interface Layout {
  nodes: Map<string, Placed>;
  /** Of each edge, "from" and "to" with a line break between: where it passes layers. */
  routes: Map<string, Placed[]>;
  width: number;
  height: number;
}

export const nodeWidth = 150;
export const nodeHeight = 46;
const turnHeight = 10;
const columnGap = 46;
const rowGap = 18;
const margin = 24;

/** The longest path from a node without predecessors; edges that would close a cycle are passed over. */
function layersOf(ids: string[], edges: Array<[string, string]>): Map<string, number> {
  const into = new Map<string, string[]>(ids.map((id) => [id, []]));
  for (const [from, to] of edges) into.get(to)?.push(from);
  const layers = new Map<string, number>();
  const visiting = new Set<string>();
  const layerOf = (id: string): number => {
    const known = layers.get(id);
    if (known !== undefined) return known;
    if (visiting.has(id)) return 0;
    visiting.add(id);
    const layer = Math.max(-1, ...(into.get(id) ?? []).map(layerOf)) + 1;
    visiting.delete(id);
    layers.set(id, layer);
    return layer;
  };
  ids.forEach(layerOf);
  return layers;
}

/** Orders each layer by the middle of its neighbours, to and fro, so that few edges cross. */
function orderLayers(layers: string[][], edges: Array<[string, string]>) {
  const neighbours = new Map<string, string[]>();
  for (const [from, to] of edges) {
    neighbours.set(from, [...(neighbours.get(from) ?? []), to]);
    neighbours.set(to, [...(neighbours.get(to) ?? []), from]);
  }
  const place = new Map<string, number>();
  const settle = (layer: string[]) => layer.forEach((id, index) => place.set(id, index - layer.length / 2));
  layers.forEach(settle);
  const middle = (id: string) => {
    const there = neighbours.get(id) ?? [];
    return there.length === 0 ? (place.get(id) ?? 0) : there.reduce((sum, other) => sum + (place.get(other) ?? 0), 0) / there.length;
  };
  for (let pass = 0; pass < 6; pass++) {
    for (const layer of pass % 2 === 0 ? layers : [...layers].reverse()) {
      const middles = new Map(layer.map((id) => [id, middle(id)]));
      layer.sort((a, b) => (middles.get(a) ?? 0) - (middles.get(b) ?? 0) || a.localeCompare(b));
      settle(layer);
    }
  }
}

/** An edge over several layers goes through a place of its own in each of them, so that it passes no node. */
function withTurns(edges: Array<[string, string]>, layers: Map<string, number>): { steps: Array<[string, string]>; turns: Map<string, string[]> } {
  const steps: Array<[string, string]> = [];
  const turns = new Map<string, string[]>();
  for (const [from, to] of edges) {
    const first = layers.get(from) ?? 0;
    const between = Array.from({ length: Math.max(0, (layers.get(to) ?? 0) - first - 1) }, (_, index) => `${from}\n${to}\n${first + 1 + index}`);
    between.forEach((turn, index) => layers.set(turn, first + 1 + index));
    turns.set(`${from}\n${to}`, between);
    const chain = [from, ...between, to];
    for (let index = 1; index < chain.length; index++) steps.push([chain[index - 1] ?? from, chain[index] ?? to]);
  }
  return { steps, turns };
}

const isTurn = (id: string) => id.includes("\n");
const heightOf = (id: string) => (isTurn(id) ? turnHeight : nodeHeight);

export function layOut(ids: string[], edges: Array<[string, string]>): Layout {
  const layerOf = layersOf(ids, edges);
  const { steps, turns } = withTurns(edges, layerOf);
  const layers: string[][] = [];
  for (const [id, layer] of layerOf) (layers[layer] ??= []).push(id);
  orderLayers(layers, steps);
  const usedBy = (layer: string[]) => layer.reduce((sum, id) => sum + heightOf(id) + rowGap, -rowGap);
  const height = Math.max(nodeHeight, ...layers.map(usedBy)) + 2 * margin;
  const nodes = new Map<string, Placed>();
  const places = new Map<string, Placed>();
  layers.forEach((layer, column) => {
    let y = (height - usedBy(layer)) / 2;
    for (const id of layer) {
      (isTurn(id) ? places : nodes).set(id, { id, x: margin + column * (nodeWidth + columnGap), y });
      y += heightOf(id) + rowGap;
    }
  });
  const routes = new Map([...turns].map(([edge, between]) => [edge, between.flatMap((turn) => places.get(turn) ?? [])]));
  return { nodes, routes, width: 2 * margin + layers.length * (nodeWidth + columnGap) - columnGap, height };
}

/** The line of an edge: from the right of a node through its turns to the left of another. */
export function lineOf(layout: Layout, from: string, to: string): string {
  const first = layout.nodes.get(from);
  const last = layout.nodes.get(to);
  if (!first || !last) return "";
  let [x, y] = [first.x + nodeWidth, first.y + nodeHeight / 2];
  let line = `M${x} ${y}`;
  const curve = (toX: number, toY: number) => {
    const bend = (toX - x) / 2;
    line += `C${x + bend} ${y} ${toX - bend} ${toY} ${toX} ${toY}`;
    [x, y] = [toX, toY];
  };
  for (const turn of layout.routes.get(`${from}\n${to}`) ?? []) {
    curve(turn.x, turn.y + turnHeight / 2);
    x = turn.x + nodeWidth;
    line += `H${x}`;
  }
  curve(last.x - 3, last.y + nodeHeight / 2);
  return line;
}
