// Requests to the admin API, typed by its description.
import type { Routes, Session } from "./generated";

export type * from "./generated";

type Kind<Method extends string> = Extract<keyof Routes, `${Method} ${string}`>;
export type GetRoute = { [R in Kind<"GET">]: Routes[R]["stream"] extends false ? R : never }[Kind<"GET">];
export type ChangeRoute = Exclude<keyof Routes, Kind<"GET">>;

type Given<Name extends string, Value> = Value extends undefined ? { [N in Name]?: undefined } : { [N in Name]: Value };
type Query<Value> = Value extends undefined ? { query?: undefined } : { query?: Value };
export type Arguments<R extends keyof Routes> = Given<"path", Routes[R]["path"]> & Query<Routes[R]["query"]> & Given<"body", Routes[R]["body"]>;

/** What the server answered instead of what was asked; status 0: it did not answer. */
export class Failure extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

let csrf = "";
const sessionListeners = new Set<() => void>();

/** Calls back when the server has said that nobody is logged in (401). */
export function onSessionEnd(listener: () => void) {
  sessionListeners.add(listener);
  return () => void sessionListeners.delete(listener);
}

export const endSession = () => sessionListeners.forEach((listener) => listener());

export function keepSession(session: Session) {
  csrf = session.csrf_token;
}

/** The path with its parameters and query filled in: also what /v1/events watches. */
export function targetOf<R extends keyof Routes>(route: R, given: Omit<Arguments<R>, "body">): string {
  const values = given as { path?: Record<string, string>; query?: Record<string, unknown> };
  const path = route.slice(route.indexOf(" ") + 1).replace(/{(\w+)}/g, (_, name) => encodeURIComponent(values.path?.[name] ?? ""));
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values.query ?? {})) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== "") query.append(name, String(one));
    }
  }
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}

async function failureOf(response: Response): Promise<Failure> {
  const body = await response.json().catch(() => ({}));
  const failure = new Failure(response.status, body.code ?? String(response.status), body.detail ?? response.statusText);
  if (response.status === 401) endSession();
  return failure;
}

/** What a GET of a target answers. */
export async function sendTo(target: string, signal?: AbortSignal): Promise<unknown> {
  return request("GET", target, undefined, signal);
}

export async function send<R extends GetRoute | ChangeRoute>(route: R, given: Arguments<R>, signal?: AbortSignal): Promise<Routes[R]["answer"]> {
  const method = route.slice(0, route.indexOf(" "));
  return (await request(method, targetOf(route, given), (given as { body?: unknown }).body, signal)) as Routes[R]["answer"];
}

async function request(method: string, target: string, body: unknown, signal?: AbortSignal): Promise<unknown> {
  const headers: Record<string, string> = { accept: "application/json" };
  if (method !== "GET") headers["x-csrf-token"] = csrf;
  if (body !== undefined) headers["content-type"] = "application/json";
  let response: Response;
  try {
    response = await fetch(target, {
      method,
      headers,
      credentials: "same-origin",
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(signal && { signal }),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Failure(0, "unavailable", error instanceof Error ? error.message : String(error));
  }
  if (!response.ok) throw await failureOf(response);
  return response.status === 204 ? undefined : await response.json();
}
