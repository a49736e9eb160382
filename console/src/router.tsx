// Where the reader is: the path below /console and the state in the query, which every table and picker keeps there.
import { type AnchorHTMLAttributes, type MouseEvent, useCallback, useMemo, useSyncExternalStore } from "react";

const base = "/console";
const listeners = new Set<() => void>();
const tell = () => listeners.forEach((listener) => listener());
window.addEventListener("popstate", tell);

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/** The path below /console with its query, "/" for the first page. */
export function currentPlace(): string {
  const { pathname, search } = window.location;
  return (pathname.startsWith(base) ? pathname.slice(base.length) || "/" : "/") + search;
}

export function navigate(to: string, how: "push" | "replace" = "push") {
  if (to === currentPlace()) return;
  window.history[how === "push" ? "pushState" : "replaceState"](null, "", base + to);
  tell();
  if (how === "push") window.scrollTo(0, 0);
}

export function usePlace() {
  const place = useSyncExternalStore(subscribe, currentPlace);
  return useMemo(() => {
    const [path = "/", query = ""] = place.split("?");
    return { path, parameters: new URLSearchParams(query) };
  }, [place]);
}

/** A place with some of its query changed; an empty value takes the parameter away. */
export function placeWith(changes: Record<string, string>, path?: string): string {
  const [here = "/", query = ""] = currentPlace().split("?");
  const parameters = new URLSearchParams(path === undefined ? query : "");
  for (const [name, value] of Object.entries(changes)) value === "" ? parameters.delete(name) : parameters.set(name, value);
  const text = parameters.toString();
  return (path ?? here) + (text ? `?${text}` : "");
}

/** A piece of state that lives in the URL: survives a reload, goes along in a link. */
export function useParameter(name: string, fallback = ""): [string, (value: string) => void] {
  const { parameters } = usePlace();
  const set = useCallback((value: string) => navigate(placeWith({ [name]: value === fallback ? "" : value }), "replace"), [name, fallback]);
  return [parameters.get(name) ?? fallback, set];
}

/** The parts of a path that fit a pattern: match("/services/{name}", "/services/a") is {name: "a"}; null when it does not fit. */
export function match(pattern: string, path: string): Record<string, string> | null {
  const wanted = pattern.split("/");
  const there = path.replace(/(.)\/$/, "$1").split("/");
  if (wanted.length !== there.length) return null;
  const found: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const segment = there[index] ?? "";
    if (part.startsWith("{")) {
      if (!segment) return null;
      found[part.slice(1, -1)] = decodeURIComponent(segment);
    } else if (part !== segment) {
      return null;
    }
  }
  return found;
}

export const href = (to: string) => base + to;

export function Link({ to, onClick, ...rest }: { to: string } & Omit<AnchorHTMLAttributes<HTMLAnchorElement>, "href">) {
  const follow = (event: MouseEvent<HTMLAnchorElement>) => {
    onClick?.(event);
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    navigate(to);
  };
  return <a href={href(to)} onClick={follow} {...rest} />;
}
