// Places the nodes of a directed graph in layers: what is needed stands to the right of what needs it.
export interface Placed {
  id: string;
  x: number;
  y: number;
}

export interface Layout {
  nodes: Map<string, Placed>;
  width: number;
  height: number;
}

export const nodeWidth = 150;
export const nodeHeight = 46;
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

export function layOut(ids: string[], edges: Array<[string, string]>): Layout {
  const layerOf = layersOf(ids, edges);
  const layers: string[][] = [];
  for (const id of ids) (layers[layerOf.get(id) ?? 0] ??= []).push(id);
  orderLayers(layers, edges);
  const tallest = Math.max(1, ...layers.map((layer) => layer.length));
  const height = tallest * (nodeHeight + rowGap) - rowGap + 2 * margin;
  const nodes = new Map<string, Placed>();
  layers.forEach((layer, column) => {
    const used = layer.length * (nodeHeight + rowGap) - rowGap;
    layer.forEach((id, row) =>
      nodes.set(id, { id, x: margin + column * (nodeWidth + columnGap), y: (height - used) / 2 + row * (nodeHeight + rowGap) }),
    );
  });
  return { nodes, width: 2 * margin + layers.length * (nodeWidth + columnGap) - columnGap, height };
}
