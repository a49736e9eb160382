// The process that the pages look into: chosen in the bar, kept in the URL as ?process=.
import { useEffect, useState } from "react";
import { type Arguments, type Failure, type Process, type Routes, type Service, send, targetOf } from "./api/client";
import { useLive, useLives } from "./api/live";
import { Select } from "./design/surfaces";
import { t } from "./i18n";
import { useParameter } from "./router";

/** Every process, in the path of a request. */
export const allProcesses = "-";

export function useProcesses(): Process[] | undefined {
  return useLive("GET /v1/processes", {}).value;
}

/** What the platform itself is called. It attaches to itself like any other process. */
const platformName = "sofa";
/** So many processes are looked into at once. */
const mostAtOnce = 32;

export interface OfProcess<Value> {
  process: Process;
  value: Value;
}

type EachRoute = "GET /v1/processes/{id}/v1/services" | "GET /v1/processes/{id}/v1/connections" | "GET /v1/processes/{id}/v1/raft/groups";

/** The answers of a route of the chosen process, or of each; absent until the first has come. */
export function useLiveOfEach<R extends EachRoute>(route: R, query?: Routes[R]["query"]): { answers: Array<OfProcess<Routes[R]["answer"]>> | undefined; failure: Failure | undefined } {
  const processes = useProcesses();
  const { id } = useChosenProcess("all");
  const chosen = (processes ?? []).filter((process) => id === allProcesses || process.id === id).slice(0, mostAtOnce);
  const all = useLives(chosen.map((process) => targetOf(route, { path: { id: process.id }, query } as unknown as Arguments<R>)));
  const answers = chosen.flatMap((process, index) => {
    const value = all[index]?.value as Routes[R]["answer"] | undefined;
    return value === undefined ? [] : [{ process, value }];
  });
  const failure = all.find((answer) => answer.failure)?.failure;
  const known = processes !== undefined && (answers.length > 0 || chosen.length === 0);
  return { answers: known ? answers : undefined, failure: answers.length === 0 ? failure : undefined };
}

/** As the routes have it: NAME or NAME:UNIQUE_ID. */
export const fullName = (service: { name: string; unique_id: string }) => (service.unique_id ? `${service.name}:${service.unique_id}` : service.name);

export interface ServiceOfProcess {
  process: Process;
  service: Service;
}

/** Every service, asked once: for the palette. */
export function useEveryService(ask: boolean): ServiceOfProcess[] {
  const processes = useProcesses();
  const [found, setFound] = useState<ServiceOfProcess[]>([]);
  const ids = processes?.map((process) => process.id).join("\n") ?? "";
  useEffect(() => {
    if (!ask || !processes) return;
    const stop = new AbortController();
    for (const process of processes.slice(0, mostAtOnce)) {
      send("GET /v1/processes/{id}/v1/services", { path: { id: process.id } }, stop.signal)
        .then(({ services }) => setFound((old) => [...old, ...services.map((service) => ({ process, service }))]))
        .catch(() => {}); // a process that does not answer has nothing to find
    }
    return () => {
      stop.abort();
      setFound([]);
    };
  }, [ask, ids]);
  return found;
}

/** The chosen process, or all; of pages that show one, the first when none was chosen. Empty until the processes are known. */
export function useChosenProcess(of: "one" | "all"): { id: string; process: Process | undefined } {
  const processes = useProcesses();
  const [chosen] = useParameter("process");
  if (of === "all") return { id: chosen || allProcesses, process: processes?.find((process) => process.id === chosen) };
  const process = processes?.find((one) => one.id === chosen) ?? (chosen ? undefined : (processes?.find((one) => one.name !== platformName) ?? processes?.[0]));
  return { id: chosen || (process?.id ?? ""), process };
}

export function ProcessPicker({ of }: { of: "one" | "all" }) {
  const processes = useProcesses();
  const { id } = useChosenProcess(of);
  const [, choose] = useParameter("process");
  const options: Array<[string, string]> = (processes ?? []).map((process) => [process.id, `${process.name} · ${process.pid}`]);
  if (of === "all") options.unshift([allProcesses, t("shell.all")]);
  if (id && !options.some(([key]) => key === id)) options.push([id, id]);
  return <Select label={t("shell.process")} value={id} options={options} onChange={(value) => choose(value === allProcesses ? "" : value)} width={190} />;
}
