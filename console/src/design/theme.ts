// Light or dark: as the system has it, or as it was chosen here.
import { useSyncExternalStore } from "react";

export type Choice = "system" | "light" | "dark";

const key = "sofa.theme";
const system = window.matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set<() => void>();

export function choice(): Choice {
  const kept = localStorage.getItem(key);
  return kept === "light" || kept === "dark" ? kept : "system";
}

const theme = () => (choice() === "system" ? (system.matches ? "dark" : "light") : choice());

function apply() {
  document.documentElement.dataset.theme = theme();
  listeners.forEach((listener) => listener());
}

export function choose(next: Choice) {
  if (next === "system") localStorage.removeItem(key);
  else localStorage.setItem(key, next);
  apply();
}

system.addEventListener("change", apply);
apply();

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

export const useTheme = () => useSyncExternalStore(subscribe, theme);
export const useChoice = () => useSyncExternalStore(subscribe, choice);
