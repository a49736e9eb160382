// The process that the pages look into: chosen in the bar, kept in the URL as ?process=.
import type { Process } from "./api/client";
import { useLive } from "./api/live";
import { Select } from "./design/surfaces";
import { t } from "./i18n";
import { useParameter } from "./router";

/** Every process, in the path of a request. */
export const allProcesses = "-";

export function useProcesses(): Process[] | undefined {
  return useLive("GET /v1/processes", {}).value?.processes;
}

/** The chosen process, or all; of pages that show one, the first when none was chosen. Empty until the processes are known. */
export function useChosenProcess(of: "one" | "all"): { id: string; process: Process | undefined } {
  const processes = useProcesses();
  const [chosen] = useParameter("process");
  if (of === "all") return { id: chosen || allProcesses, process: processes?.find((process) => process.id === chosen) };
  const process = processes?.find((one) => one.id === chosen) ?? (chosen ? undefined : (processes?.find((one) => one.kind === "application") ?? processes?.[0]));
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
