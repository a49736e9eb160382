// Who the reader is and what they may.
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from "react";
import { Failure, type GetRoute, type ChangeRoute, type Session, keepSession, onSessionEnd, send } from "./api/client";
import { permissions } from "./api/generated";
import { restartLive } from "./api/live";

interface Known {
  session: Session;
  may: (route: GetRoute | ChangeRoute) => boolean;
  logout: () => void;
}

const Context = createContext<Known | null>(null);

export function useSession(): Known {
  const known = useContext(Context);
  if (!known) throw new Error("useSession outside of SessionGate");
  return known;
}

/** Whether a permission, which may hold '*' for any letters and a namespace, covers what a route needs. */
function covers(permission: string, needed: string): boolean {
  const letters = permission.replace(/@.*$/, "").replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*");
  return new RegExp(`^${letters}$`).test(needed);
}

/** What is shown; the server decides. A permission that begins with '!' takes away. */
function allows(held: string[], needed: string): boolean {
  const [taken, given] = [held.filter((one) => one.startsWith("!")), held.filter((one) => !one.startsWith("!"))];
  return needed === "" || (given.some((one) => covers(one, needed)) && !taken.some((one) => !one.includes("@") && covers(one.slice(1), needed)));
}

const retryMs = 1500;

/** Shows its children to those who are logged in, `login` to the others, and `waiting` until that is known. */
export function SessionGate({ children, login, waiting }: { children: ReactNode; login: (enter: (session: Session) => void, ended: boolean) => ReactNode; waiting: (failure: Failure | null) => ReactNode }) {
  const [session, setSession] = useState<Session | null | undefined>(undefined);
  const [ended, setEnded] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);

  useEffect(() => {
    if (session !== undefined) return;
    let timer: ReturnType<typeof setTimeout>;
    const ask = () =>
      send("GET /v1/session", {})
        .then((answer) => {
          keepSession(answer);
          setSession(answer.user === "" ? null : answer);
        })
        .catch((error: unknown) => {
          if (error instanceof Failure && error.status === 401) return setSession(null);
          setFailure(error instanceof Failure ? error : new Failure(0, "internal", String(error)));
          timer = setTimeout(ask, retryMs);
        });
    ask();
    return () => clearTimeout(timer);
  }, [session]);

  useEffect(
    () =>
      onSessionEnd(() =>
        setSession((old) => {
          if (old) setEnded(true);
          return old === undefined ? old : null;
        }),
      ),
    [],
  );

  const enter = useCallback((next: Session) => {
    keepSession(next);
    setEnded(false);
    setSession(next);
    restartLive();
  }, []);

  const known = useMemo<Known | null>(
    () =>
      session
        ? {
            session,
            may: (route) => allows(session.permissions ?? ["*:*"], permissions[route]),
            logout: () => void send("DELETE /v1/session", {}).finally(() => setSession(null)),
          }
        : null,
    [session],
  );

  if (session === undefined) return waiting(failure);
  if (!known) return login(enter, ended);
  return <Context.Provider value={known}>{children}</Context.Provider>;
}
