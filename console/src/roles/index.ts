// A role of the platform adds its pages by a folder src/roles/<role> whose index.ts exports `role`; nothing else names it.
import type { ComponentType } from "react";

export interface RolePages {
  /** As the platform names the role; its pages are below /roles/<name>. */
  name: string;
  title: { en: string; zh: string };
  /** Asked with the path below /roles/<name>, "/" for the first page. */
  view: ComponentType<{ path: string }>;
}

const found = import.meta.glob<{ role: RolePages }>("./*/index.ts", { eager: true });

export const roles: RolePages[] = Object.values(found)
  .map((module) => module.role)
  .sort((a, b) => a.name.localeCompare(b.name));
