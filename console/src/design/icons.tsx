// The console's own icons: 16 by 16, strokes of 1.5.
const paths = {
  overview: "M2.5 8.5 8 3l5.5 5.5M4 7.5V13h8V7.5",
  services: "M2.5 4.5h11v3h-11zM2.5 9.5h11v3h-11zM5 6h.01M5 11h.01",
  components: "M3 2.5h4v4H3zM9 9.5h4v4H9zM5 6.5v5h4M11 9.5v-5H7",
  connections: "M5.5 8h5M5 5.5H4a2.5 2.5 0 0 0 0 5h1M11 5.5h1a2.5 2.5 0 0 1 0 5h-1",
  raft: "M8 5.5a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3zM3.5 13.5a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3zM12.5 13.5a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3zM7.2 5.3l-3 5.3M8.8 5.3l3 5.3M5 12h6",
  logs: "M3 3.5h10M3 6.5h7M3 9.5h10M3 12.5h5",
  metrics: "M2.5 2.5v11h11M5 10.5l2.5-3.5 2 2 3.5-5",
  profiles: "M8 2.5c.5 2.5 3.5 3.5 3.5 7a3.5 3.5 0 0 1-7 0c0-1.5.7-2.3 1.5-3 .2 1 .7 1.5 1.2 1.7C7 6.5 7 4.5 8 2.5z",
  users: "M6 7.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5zM1.5 13.5c0-2.5 2-4 4.5-4s4.5 1.5 4.5 4M11 3a2.5 2.5 0 0 1 0 4.5M12.5 9.8c1.2.6 2 1.9 2 3.7",
  audit: "M4 2.5h8v11H4zM6.5 6h3M6.5 8.5h3M6.5 11h1.5",
  role: "M8 2 13.5 5v6L8 14l-5.5-3V5zM8 8v6M8 8 2.5 5M8 8l5.5-3",
  search: "M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM10.3 10.3l3.2 3.2",
  menu: "M2.5 4.5h11M2.5 8h11M2.5 11.5h11",
  close: "M4 4l8 8M12 4l-8 8",
  down: "M4 6l4 4 4-4",
  right: "M6 4l4 4-4 4",
  copy: "M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3",
  check: "M3 8.5 6.5 12 13 4.5",
  plus: "M8 3v10M3 8h10",
  minus: "M3 8h10",
  sun: "M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM8 1.5v1M8 13.5v1M1.5 8h1M13.5 8h1M3.4 3.4l.7.7M11.9 11.9l.7.7M12.6 3.4l-.7.7M4.1 11.9l-.7.7",
  moon: "M13 9.5A5.5 5.5 0 0 1 6.5 3 5.5 5.5 0 1 0 13 9.5z",
  system: "M2 3h12v8H2zM6 13.5h4M8 11v2.5",
  language: "M2.5 4h6M5.5 2.5V4M7.5 4c-.5 2.5-2.5 4.5-5 5.5M3.5 4c.5 2 2 3.7 4 4.5M8 13.5l3-7 3 7M9 11.5h4",
  logout: "M6.5 2.5h-4v11h4M10 5l3 3-3 3M13 8H6",
  send: "M2.5 8 13.5 2.5 9.5 13.5 7.5 8.5z",
  download: "M8 2.5v7M5 7l3 3 3-3M3 13h10",
  pause: "M5.5 3.5v9M10.5 3.5v9",
  clock: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 4.5V8l2.5 1.5",
  warning: "M8 2.5 14.5 13.5h-13zM8 6.5v3.5M8 11.7v.01",
  empty: "M2.5 9.5 4.5 3.5h7l2 6v3.5h-11zM2.5 9.5h3l1 1.5h3l1-1.5h3",
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  );
}

/** A sofa, seen from the front. */
export function Logo() {
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" fill="var(--accent-strong)" />
      <g fill="none" stroke="#fff" strokeWidth="2.6" strokeLinecap="round">
        <path d="M8 13.2c0-2.3 1.9-4.2 4.2-4.2h7.6c2.3 0 4.2 1.9 4.2 4.2" />
        <path d="M6.5 17.5v2.6a2.9 2.9 0 0 0 2.9 2.9h13.2a2.9 2.9 0 0 0 2.9-2.9v-2.6" />
        <path d="M11.5 17.8h9" />
      </g>
    </svg>
  );
}
