// The frame around every page: navigation, the bar, the palette, and what is said when the server does not answer.
import { type ReactNode, useEffect, useRef, useState } from "react";
import { endSession } from "./api/client";
import { useContact, useLive } from "./api/live";
import { Icon, type IconName, Logo } from "./design/icons";
import { Command } from "./design/surfaces";
import { type Choice, choose, useChoice } from "./design/theme";
import { setLanguage, t, useLanguage } from "./i18n";
import { loadPages, type Page, pages, rolePages } from "./pages";
import { Palette } from "./palette";
import { ProcessPicker } from "./processes";
import { Link, placeWith, usePlace } from "./router";
import { useSession } from "./session";

/** After the first page, which comes first. */
const quietMs = 1500;

const themes: Array<[Choice, IconName]> = [
  ["system", "system"],
  ["light", "sun"],
  ["dark", "moon"],
];

/** A place of the navigation, which takes the chosen process along. */
export function usePlaceOf(): (path: string) => string {
  const { parameters } = usePlace();
  return (path) => placeWith({ process: parameters.get("process") ?? "" }, path);
}

function Navigation({ current, onFollow }: { current: Page | undefined; onFollow: () => void }) {
  const { may } = useSession();
  const { path } = usePlace();
  const language = useLanguage();
  const placeOf = usePlaceOf();
  return (
    <nav aria-label={t("nav.main")}>
      {(["observe", "operate"] as const).map((group) => (
        <div key={group}>
          <h2>{t(`nav.${group}`)}</h2>
          {pages
            .filter((page) => page.group === group && may(page.needs))
            .map((page) => (
              <Link key={page.title} to={placeOf(page.paths[0] ?? "/")} onClick={onFollow} {...(page === current && { "aria-current": "page" as const })}>
                <Icon name={page.icon} />
                {t(page.title)}
              </Link>
            ))}
        </div>
      ))}
      {rolePages.length > 0 && (
        <div>
          <h2>{t("nav.roles")}</h2>
          {rolePages.map((role) => (
            <Link key={role.name} to={`/roles/${role.name}`} onClick={onFollow} {...(path.startsWith(`/roles/${role.name}`) && { "aria-current": "page" as const })}>
              <Icon name="role" />
              {role.title[language]}
            </Link>
          ))}
        </div>
      )}
    </nav>
  );
}

function Preferences() {
  const { session, logout } = useSession();
  const language = useLanguage();
  const theme = useChoice();
  const [, icon] = themes.find(([name]) => name === theme) ?? ["system", "system"];
  const next = themes[(themes.findIndex(([name]) => name === theme) + 1) % themes.length]?.[0] ?? "system";
  return (
    <footer>
      <button type="button" onClick={() => choose(next)}>
        <Icon name={icon} />
        {t("shell.theme", { name: t(`shell.theme.${theme}`) })}
      </button>
      <button type="button" lang={language === "en" ? "zh" : "en"} aria-label={`${t("shell.language")}: ${t("shell.languageLabel")}`} onClick={() => setLanguage(language === "en" ? "zh" : "en")}>
        <Icon name="language" />
        {t("shell.language")}
      </button>
      {!session.open ? (
        <button type="button" onClick={logout}>
          <Icon name="logout" />
          {t("shell.logout")} · {session.user}
        </button>
      ) : (
        <button type="button" disabled title={t("shell.open", { user: session.user })}>
          <Icon name="users" />
          {session.user}
        </button>
      )}
    </footer>
  );
}

function Contact() {
  const { session } = useSession();
  const now = useLive("GET /v1/session", {}).value; // so that every page knows whether the server is there, and whether the session is
  useEffect(() => {
    if (now && now.user !== session.user) endSession();
  }, [now, session.user]);
  const contact = useContact();
  return (
    <span className="contact" data-contact={contact} role="status">
      <span>{t(contact === "live" ? "shell.live" : contact === "lost" ? "shell.lost" : "shell.connecting")}</span>
    </span>
  );
}

function Lost() {
  if (useContact() !== "lost") return null;
  return (
    <div className="banner lost" role="alert">
      <Icon name="warning" />
      <span style={{ flex: "1 1 280px" }}>{t("shell.lostText")}</span>
      <span className="second">{t("shell.lostHint")}</span>
      <Command text="sofa dev" />
    </div>
  );
}

/** Keys that work everywhere: "/" and Ctrl-K. A field that is typed into keeps its "/". */
function usePaletteKeys(open: () => void) {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      const typing = target.matches("input, textarea, select") || target.isContentEditable;
      const control = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k";
      if (!control && (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey)) return;
      event.preventDefault();
      open();
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, [open]);
}

export function Shell({ current, title, children }: { current: Page | undefined; title: string; children: ReactNode }) {
  useLanguage();
  const [palette, setPalette] = useState(false);
  const [menu, setMenu] = useState(false);
  const open = useRef(() => setPalette(true)).current;
  usePaletteKeys(open);
  useEffect(() => {
    const timer = setTimeout(loadPages, quietMs);
    return () => clearTimeout(timer);
  }, []);
  useEffect(() => {
    document.title = `${title} · SOFA`;
  }, [title]);
  useEffect(() => {
    if (!menu) return;
    const close = (event: KeyboardEvent) => event.key === "Escape" && setMenu(false);
    window.addEventListener("keydown", close);
    return () => window.removeEventListener("keydown", close);
  }, [menu]);

  return (
    <div className="shell">
      <a className="skip" href="#content">
        {t("nav.skip")}
      </a>
      {menu && <div className="veil" onClick={() => setMenu(false)} />}
      <aside className="side" data-open={menu}>
        <div className="brand">
          <Logo />
          SOFA
        </div>
        <Navigation current={current} onFollow={() => setMenu(false)} />
        <Preferences />
      </aside>
      <div className="main">
        <header className="bar">
          <button type="button" className="icon-button menu" aria-label={t("nav.open")} aria-expanded={menu} onClick={() => setMenu(!menu)}>
            <Icon name="menu" />
          </button>
          {current?.ofProcess && <ProcessPicker of={current.ofProcess} />}
          <button type="button" className="search" onClick={open} aria-label={t("shell.search")} aria-keyshortcuts="/ Control+K">
            <Icon name="search" />
            <span>{t("shell.search")}</span>
            <kbd>/</kbd>
          </button>
          <Contact />
        </header>
        <main className="page" id="content" tabIndex={-1}>
          {children}
        </main>
      </div>
      <Lost />
      {palette && <Palette onClose={() => setPalette(false)} />}
    </div>
  );
}
