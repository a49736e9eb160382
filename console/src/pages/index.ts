// The pages: where they are, what they are called, which permission they need. Navigation, routing and the palette read this list.
import { type ComponentType, lazy } from "react";
import type { GetRoute } from "../api/client";
import type { IconName } from "../design/icons";
import type { PlainKey } from "../i18n";
import { roles } from "../roles";
import { Overview } from "./overview";

export interface Page {
  /** Patterns of router.tsx; the first one is where the navigation leads. */
  paths: string[];
  title: PlainKey;
  icon: IconName;
  group: "observe" | "operate";
  /** Its main route: who may not ask it does not see the page in the navigation. */
  needs: GetRoute;
  /** Shows one process or all; the picker of processes stands above it. */
  ofProcess?: "one" | "all";
  view: ComponentType<{ path: Record<string, string> }>;
}

type Load = () => Promise<{ default: Page["view"] }>;
const loads: Load[] = [];

/** A page in a file of its own, which is asked for when it is shown, or when there is nothing else to do. */
function later(load: Load): Page["view"] {
  loads.push(load);
  return lazy(load);
}

/** Asks for the files of all pages: each is there at once then, even when the server is not. */
export const loadPages = () => Promise.allSettled(loads.map((load) => load()));

export const pages: Page[] = [
  { paths: ["/"], title: "nav.overview", icon: "overview", group: "observe", needs: "GET /v1/overview", view: Overview },
  {
    paths: ["/services", "/services/{process}/{service}", "/services/{process}/{service}/{method}"],
    title: "nav.services",
    icon: "services",
    group: "observe",
    needs: "GET /v1/processes/{id}/v1/services",
    ofProcess: "all",
    view: later(() => import("./services")),
  },
  {
    paths: ["/components"],
    title: "nav.components",
    icon: "components",
    group: "observe",
    needs: "GET /v1/processes/{id}/v1/components",
    ofProcess: "one",
    view: later(() => import("./components")),
  },
  {
    paths: ["/connections"],
    title: "nav.connections",
    icon: "connections",
    group: "observe",
    needs: "GET /v1/processes/{id}/v1/connections",
    ofProcess: "all",
    view: later(() => import("./connections")),
  },
  {
    paths: ["/raft", "/raft/{process}/{group}"],
    title: "nav.raft",
    icon: "raft",
    group: "observe",
    needs: "GET /v1/processes/{id}/v1/raft/groups",
    ofProcess: "all",
    view: later(() => import("./raft")),
  },
  { paths: ["/logs"], title: "nav.logs", icon: "logs", group: "observe", needs: "GET /v1/processes/{id}/v1/logs/levels", ofProcess: "one", view: later(() => import("./logs")) },
  { paths: ["/metrics"], title: "nav.metrics", icon: "metrics", group: "observe", needs: "GET /v1/processes/{id}/v1/metrics", ofProcess: "one", view: later(() => import("./metrics")) },
  {
    paths: ["/profiles"],
    title: "nav.profiles",
    icon: "profiles",
    group: "observe",
    needs: "GET /v1/processes/{id}/v1/profiles/cpu",
    ofProcess: "one",
    view: later(() => import("./profiles")),
  },
  { paths: ["/access"], title: "nav.users", icon: "users", group: "operate", needs: "GET /v1/users", view: later(() => import("./access")) },
  { paths: ["/audit"], title: "nav.audit", icon: "audit", group: "operate", needs: "GET /v1/audit", view: later(() => import("./audit")) },
];

/** What the navigation shows below the pages of the platform itself. */
export const rolePages = roles;
