// Lines over time, drawn by uPlot in the colours of the theme.
import { useEffect, useMemo, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { clock, useLanguage } from "../i18n";
import { useTheme } from "./theme";

export interface Line {
  label: string;
  values: Array<number | null>;
  color?: string;
}

const colors = ["--series-1", "--series-2", "--series-3", "--series-4", "--series-5", "--series-6", "--series-7", "--series-8"];
export const lineColor = (index: number) => `var(${colors[index % colors.length]})`;
const valueOf = (variable: string) => getComputedStyle(document.documentElement).getPropertyValue(variable.replace(/^var\((.*)\)$/, "$1")).trim();

/** More lines than this are named by the table beside the chart. */
const mostNamed = 4;

interface Properties {
  label: string;
  timesMs: number[];
  lines: Line[];
  format: (value: number) => string;
  height?: number;
  /** Charts of one group share their cursor. */
  group?: string;
  area?: boolean;
}

const lastOf = (values: Array<number | null>) => values.findLast((value) => value !== null) ?? Number.NaN;

function optionsOf({ lines, format, height = 180, group, area = true }: Properties, width: number): uPlot.Options {
  const grid = { stroke: valueOf("--line"), width: 1 };
  const text = valueOf("--text-3");
  const font = `11px ${valueOf("--font")}`;
  return {
    width,
    height,
    padding: [8, 18, 0, 0],
    legend: { show: false },
    cursor: { points: { size: 6 }, drag: { x: false, y: false }, ...(group && { sync: { key: group } }) },
    scales: { x: { time: true }, y: { range: (_, __, max) => [0, max > 0 ? max * 1.08 : 1] } },
    axes: [
      { stroke: text, font, grid: { show: false }, ticks: { show: false }, size: 26, space: 56, values: (_, splits) => splits.map((at) => clock(at * 1000).slice(0, 5)) },
      { stroke: text, font, grid, ticks: { show: false }, size: 62, space: 36, values: (_, splits) => splits.map((value) => format(value)) },
    ],
    series: [
      {},
      ...lines.map((line, index) => {
        const color = valueOf(line.color ?? lineColor(index));
        return {
          label: line.label,
          stroke: color,
          width: 1.5,
          points: { show: false },
          ...(area && lines.length === 1 && { fill: `color-mix(in srgb, ${color} 12%, transparent)` }),
        };
      }),
    ],
  };
}

export function Chart(properties: Properties) {
  const { label, timesMs, lines, format, height = 180 } = properties;
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const figures = useRef<HTMLDivElement>(null);
  const theme = useTheme();
  const language = useLanguage();
  const data = useMemo(() => [timesMs.map((at) => at / 1000), ...lines.map((line) => line.values)] as uPlot.AlignedData, [timesMs, lines]);
  const shape = lines.map((line) => line.label + (line.color ?? "")).join("\n");
  const latest = useRef(lines);
  latest.current = lines;

  useEffect(() => {
    const element = holder.current;
    if (!element) return;
    const made = new uPlot(optionsOf(properties, element.clientWidth || 300), data, element);
    plot.current = made;
    // The legend tells the values under the cursor, and the last ones without it.
    const tell = () => {
      const at = made.cursor.idx;
      figures.current?.querySelectorAll("b").forEach((cell, index) => {
        const values = latest.current[index]?.values ?? [];
        cell.textContent = format((at == null ? lastOf(values) : values[at]) ?? Number.NaN);
      });
    };
    (made.hooks.setCursor ??= []).push(tell);
    const resize = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }));
    resize.observe(element);
    return () => {
      resize.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [theme, language, shape, height]);

  useEffect(() => {
    plot.current?.setData(data);
  }, [data]);

  return (
    <figure className="chart">
      <div className="legend" ref={figures} hidden={lines.length > mostNamed}>
        {lines.map((line, index) => (
          <span key={line.label}>
            <i style={{ background: line.color ?? lineColor(index) }} />
            {line.label} <b>{format(lastOf(line.values))}</b>
          </span>
        ))}
      </div>
      <div className="plot" style={{ height }} ref={holder} role="img" aria-label={`${label}: ${lines.map((line) => `${line.label} ${format(lastOf(line.values))}`).join(", ")}`} />
    </figure>
  );
}
