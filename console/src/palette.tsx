// The palette: type a part of a name, press Enter.
import { type KeyboardEvent, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { Icon, type IconName } from "./design/icons";
import { choose } from "./design/theme";
import { setLanguage, t, useLanguage } from "./i18n";
import { pages, rolePages } from "./pages";
import { useEveryService, useProcesses } from "./processes";
import { navigate, placeWith } from "./router";
import { useSession } from "./session";
import { usePlaceOf } from "./shell";

interface Entry {
  key: string;
  icon: IconName;
  text: string;
  kind: string;
  run: () => void;
}

const mostShown = 50;

function useEntries(): Entry[] {
  const { may } = useSession();
  const language = useLanguage();
  const placeOf = usePlaceOf();
  const services = useEveryService(may("GET /v1/processes"));
  const processes = useProcesses();
  return useMemo(() => {
    const entries: Entry[] = pages
      .filter((page) => may(page.needs))
      .map((page) => ({ key: page.title, icon: page.icon, text: t(page.title), kind: t("palette.page"), run: () => navigate(placeOf(page.paths[0] ?? "/")) }));
    for (const role of rolePages)
      entries.push({ key: `role ${role.name}`, icon: "role", text: role.title[language], kind: t("palette.page"), run: () => navigate(`/roles/${role.name}`) });
    for (const { process, service } of services) {
      const name = service.unique_id ? `${service.name}:${service.unique_id}` : service.name;
      entries.push({
        key: `service ${process.id} ${name}`,
        icon: "services",
        text: name,
        kind: `${t("palette.service")} · ${process.name}`,
        run: () => navigate(`/services/${encodeURIComponent(process.id)}/${encodeURIComponent(name)}`),
      });
    }
    for (const process of processes ?? [])
      entries.push({
        key: `process ${process.id}`,
        icon: "components",
        text: process.name,
        kind: `${t("palette.process")} · ${process.pid}`,
        run: () => navigate(placeWith({ process: process.id }, "/components")),
      });
    const action = (key: string, icon: IconName, text: string, run: () => void) => entries.push({ key, icon, text, kind: t("palette.action"), run });
    action("light", "sun", t("palette.light"), () => choose("light"));
    action("dark", "moon", t("palette.dark"), () => choose("dark"));
    action("system", "system", t("palette.system"), () => choose("system"));
    action("language", "language", t("palette.language"), () => setLanguage(language === "en" ? "zh" : "en"));
    return entries;
  }, [services, processes, language, may, placeOf]);
}

export function Palette({ onClose }: { onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const list = useRef<HTMLUListElement>(null);
  const [text, setText] = useState("");
  const [chosen, setChosen] = useState(0);
  const entries = useEntries();
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const found = entries.filter((entry) => words.every((word) => `${entry.text} ${entry.kind}`.toLowerCase().includes(word))).slice(0, mostShown);
  const current = Math.min(chosen, found.length - 1);

  // Before the next key comes, so that none is lost.
  useLayoutEffect(() => {
    const element = dialog.current;
    element?.showModal();
    return () => element?.close();
  }, []);
  useEffect(() => {
    list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" });
  }, [current, text]);

  const run = (entry: Entry | undefined) => {
    if (!entry) return;
    onClose();
    entry.run();
  };
  const press = (event: KeyboardEvent) => {
    const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 };
    if (event.key === "Enter") run(found[current]);
    const step = steps[event.key];
    if (step === undefined) return;
    event.preventDefault();
    setChosen(Math.max(0, Math.min(found.length - 1, current + step)));
  };

  return (
    <dialog ref={dialog} className="palette" aria-label={t("shell.searchShort")} onCancel={onClose} onClick={(event) => event.target === dialog.current && onClose()}>
      <div className="head">
        <Icon name="search" />
        <input
          type="text"
          role="combobox"
          aria-label={t("shell.search")}
          aria-expanded="true"
          aria-controls="palette-list"
          aria-activedescendant={found[current] ? `palette-${current}` : undefined}
          autoComplete="off"
          spellCheck={false}
          placeholder={t("palette.placeholder")}
          value={text}
          onChange={(event) => {
            setText(event.target.value);
            setChosen(0);
          }}
          onKeyDown={press}
        />
      </div>
      <ul id="palette-list" role="listbox" aria-label={t("shell.searchShort")} ref={list}>
        {found.map((entry, index) => (
          <li
            key={entry.key}
            id={`palette-${index}`}
            role="option"
            aria-selected={index === current}
            onClick={() => run(entry)}
            onPointerMove={() => setChosen(index)}
          >
            <Icon name={entry.icon} />
            <span className="ellipsis">{entry.text}</span>
            <span className="kind">{entry.kind}</span>
          </li>
        ))}
      </ul>
      <div className="foot" role="status">
        {found.length === 0 ? t("palette.none", { text }) : t("palette.keys")}
      </div>
    </dialog>
  );
}
