// When each component was constructed and started; what the start had to wait for is in colour.
import type { Startup } from "../api/client";
import { duration, t } from "../i18n";

export function Waterfall({ startup }: { startup: Startup }) {
  const end = Math.max(startup.ready_us, ...startup.components.map((component) => component.start.end_us), 1);
  const box = (span: { start_us: number; end_us: number }) => ({ left: `${(span.start_us / end) * 100}%`, width: `${((span.end_us - span.start_us) / end) * 100}%` });
  const rows = [...startup.components].sort((a, b) => a.construct.start_us - b.construct.start_us || a.start.start_us - b.start.start_us);
  return (
    <div className="waterfall" role="table" aria-label={t("components.waterfallLabel")}>
      <div role="rowgroup" style={{ display: "contents" }}>
        <div role="row" style={{ display: "contents" }}>
          <span role="columnheader" className="quiet">
            {t("components.name")}
          </span>
          <span role="columnheader" className="axis">
            <b className="hidden">{t("components.start")}</b>
            {[0, 0.25, 0.5, 0.75, 1].map((share) => (
              <span key={share} style={{ left: `${share * 100}%` }} aria-hidden="true">
                {duration(share * end)}
              </span>
            ))}
          </span>
          <span role="columnheader" className="time quiet">
            {t("slow.duration")}
          </span>
        </div>
      </div>
      <div role="rowgroup" style={{ display: "contents" }}>
        {rows.map((component) => {
          const took = component.construct.end_us - component.construct.start_us + component.start.end_us - component.start.start_us;
          const after = component.waited_for ? ` ${t("components.waitedFor", { name: component.waited_for })}` : "";
          return (
            <div key={component.name} role="row" style={{ display: "contents" }}>
              <span role="rowheader" className="name" title={component.name + after}>
                {component.name} <small>{component.module}</small>
              </span>
              <span
                role="cell"
                className={`track ${component.critical ? "critical" : ""}`}
                title={component.name + after}
                aria-label={`${duration(component.start.start_us)} – ${duration(component.start.end_us)}${after}${component.critical ? `, ${t("components.critical")}` : ""}`}
              >
                <i className="construct" style={box(component.construct)} />
                <i style={box(component.start)} />
              </span>
              <span role="cell" className="time">
                {duration(took)}
              </span>
            </div>
          );
        })}
      </div>
    </div>
  );
}
