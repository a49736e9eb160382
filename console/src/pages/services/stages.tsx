// Where the time of one call went, as a bar of its stages.
import type { Stage } from "../../api/client";
import { duration } from "../../i18n";

const tints: Record<string, number> = { arrive: 4, queue: 5, deserialize: 0, filters: 3, implementation: 2, serialize: 1 };
const tintOf = (name: string) => `tint-${tints[name] ?? 5}`;

export function Stages({ stages, total, names = false }: { stages: Stage[]; total: number; names?: boolean }) {
  const starts = stages.map((_, index) => stages.slice(0, index).reduce((sum, before) => sum + before.duration_us, 0));
  const text = stages.map((stage) => `${stage.name} ${duration(stage.duration_us)}`).join(", ");
  return (
    <>
      <div className="stages" role="img" aria-label={text} title={text}>
        {stages.map((stage, index) => (
          <i key={stage.name} className={tintOf(stage.name)} style={{ left: `${((starts[index] ?? 0) / total) * 100}%`, width: `${(stage.duration_us / total) * 100}%` }} />
        ))}
      </div>
      {names && <StageLegend stages={stages} />}
    </>
  );
}

export function StageLegend({ stages }: { stages?: Stage[] }) {
  return (
    <div className="legend" style={{ marginBottom: 0 }}>
      {(stages ?? Object.keys(tints).map((name) => ({ name, duration_us: -1 }))).map((stage) => (
        <span key={stage.name}>
          <i className={tintOf(stage.name)} style={{ height: 8 }} />
          {stage.name} {stage.duration_us >= 0 && <b>{duration(stage.duration_us)}</b>}
        </span>
      ))}
    </div>
  );
}
