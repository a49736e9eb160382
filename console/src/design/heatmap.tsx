// How many calls took how long over time: a column for each slice, a row for each range of durations.
import { type PointerEvent, useEffect, useRef, useState } from "react";
import type { LatencyMap } from "../api/client";
import { clock, duration, number, t } from "../i18n";
import { Ghost } from "./surfaces";
import { useTheme } from "./theme";

const stops = ["--heat-0", "--heat-1", "--heat-2", "--heat-3", "--heat-4"];

function parse(color: string): [number, number, number] {
  const value = Number.parseInt(color.trim().slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

/** 256 colours from the quietest to the busiest. */
function ramp(): Array<[number, number, number]> {
  const style = getComputedStyle(document.documentElement);
  const given = stops.map((name) => parse(style.getPropertyValue(name)));
  return Array.from({ length: 256 }, (_, index) => {
    const at = (index / 255) * (given.length - 1);
    const low = given[Math.floor(at)] ?? [0, 0, 0];
    const high = given[Math.ceil(at)] ?? low;
    return low.map((channel, place) => Math.round(channel + ((high[place] ?? 0) - channel) * (at % 1))) as [number, number, number];
  });
}

function draw(canvas: HTMLCanvasElement, map: LatencyMap, rows: number) {
  const columns = map.counts.length;
  const context = canvas.getContext("2d");
  if (!context || columns === 0) return;
  canvas.width = columns;
  canvas.height = rows;
  const image = context.createImageData(columns, rows);
  const colors = ramp();
  const most = Math.max(1, ...map.counts.flatMap((column) => column.rows));
  for (let x = 0; x < columns; x++) {
    for (let row = 0; row < rows; row++) {
      const share = Math.sqrt((map.counts[x]?.rows[row] ?? 0) / most); // few calls are seen beside many
      image.data.set([...(colors[Math.round(share * 255)] ?? [0, 0, 0]), 255], 4 * ((rows - 1 - row) * columns + x));
    }
  }
  context.putImageData(image, 0, 0);
}

/** The range of durations in which most calls ended. */
function typical(map: LatencyMap, rows: number): string {
  const sums = Array.from({ length: rows }, (_, row) => map.counts.reduce((sum, column) => sum + (column.rows[row] ?? 0), 0));
  return rangeOf(map, sums.indexOf(Math.max(...sums)));
}

function rangeOf(map: LatencyMap, row: number): string {
  const low = row === 0 ? 0 : (map.bounds_us[row - 1] ?? 0);
  const high = map.bounds_us[row];
  return high === undefined ? `> ${duration(low)}` : `${duration(low)} – ${duration(high)}`;
}

export function HeatMap({ map, minutes }: { map: LatencyMap | undefined; minutes: number }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [under, setUnder] = useState<{ column: number; row: number; x: number; y: number } | null>(null);
  const theme = useTheme();
  const rows = (map?.bounds_us.length ?? 0) + 1;
  useEffect(() => {
    if (canvas.current && map) draw(canvas.current, map, rows);
  }, [map, rows, theme]);
  if (!map) return <Ghost height={244} />;

  const point = (event: PointerEvent<HTMLCanvasElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    const x = event.clientX - box.left;
    const y = event.clientY - box.top;
    setUnder({ column: Math.floor((x / box.width) * map.counts.length), row: rows - 1 - Math.floor((y / box.height) * rows), x: x / box.width, y });
  };
  const marks = map.bounds_us.map((bound, index) => [bound, index] as const).filter(([, index]) => index % 3 === 2);
  const times = [0, 0.5, 1].map((share) => map.times_ms[Math.round(share * (map.times_ms.length - 1))] ?? 0);
  const count = under && (map.counts[under.column]?.rows[under.row] ?? 0);
  return (
    <div className="heat">
      <div className="rows" aria-hidden="true">
        {marks.map(([bound, index]) => (
          <span key={bound} style={{ top: `${100 - (100 * (index + 1)) / rows}%` }}>
            {duration(bound)}
          </span>
        ))}
      </div>
      <canvas
        ref={canvas}
        role="img"
        aria-label={t("services.heatLabel", { minutes, typical: typical(map, rows) })}
        onPointerMove={point}
        onPointerLeave={() => setUnder(null)}
      />
      <div className="times" aria-hidden="true">
        {times.map((at, index) => (
          <span key={`${index}-${at}`}>{clock(at)}</span>
        ))}
      </div>
      {under && count !== null && (
        <div className="tip" style={{ top: Math.max(0, under.y - 52), ...(under.x < 0.5 ? { left: `calc(${under.x * 100}% + 80px)` } : { right: `calc(${(1 - under.x) * 100}% + 14px)` }) }}>
          <b>{number(count)}</b> × {rangeOf(map, under.row)}
          <br />
          <span className="quiet">{clock(map.times_ms[under.column] ?? 0)}</span>
        </div>
      )}
    </div>
  );
}

export const HeatScale = () => (
  <span className="heat-scale" aria-hidden="true">
    {t("services.fewer")} <i /> {t("services.many")}
  </span>
);
