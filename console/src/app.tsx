import { Component, type ReactNode, Suspense } from "react";
import { Failure } from "./api/client";
import { Logo } from "./design/icons";
import { Empty, FailureView, Ghost } from "./design/surfaces";
import { t, useLanguage } from "./i18n";
import { type Page, pages, rolePages } from "./pages";
import { Login } from "./pages/login";
import { Link, match, usePlace } from "./router";
import { SessionGate } from "./session";
import { Shell } from "./shell";

function find(path: string): { page: Page; parameters: Record<string, string> } | null {
  for (const page of pages) {
    for (const pattern of page.paths) {
      const parameters = match(pattern, path);
      if (parameters) return { page, parameters };
    }
  }
  return null;
}

/** A fault of one page, or a page that did not come, leaves the frame and the other pages as they are. */
class Guard extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state: { error: Error | null } = { error: null };
  static getDerivedStateFromError(error: Error) {
    return { error };
  }
  override render() {
    if (!this.state.error) return this.props.children;
    return <FailureView failure={new Failure(0, "internal", this.state.error.message)} retry={() => window.location.reload()} />;
  }
}

const Unknown = () => (
  <Empty title={t("failure.unknown")}>
    <Link className="button" to="/">
      {t("failure.home")}
    </Link>
  </Empty>
);

const Waiting = () => (
  <div className="stack">
    <Ghost height={46} width={260} />
    <Ghost height={320} />
  </div>
);

const Arriving = ({ failure }: { failure: Failure | null }) => (
  <main className="login" aria-busy="true">
    <div className="brand">
      <Logo />
      {failure && <span role="alert">{t("failure.noApi", { why: failure.message })}</span>}
    </div>
  </main>
);

function Pages() {
  const { path } = usePlace();
  const language = useLanguage();
  const found = find(path);
  const [, name = "", rest = ""] = /^\/roles\/([^/]+)(.*)$/.exec(path) ?? [];
  const role = rolePages.find((one) => one.name === name);
  const title = found ? t(found.page.title) : (role?.title[language] ?? "SOFA");
  return (
    <Shell current={found?.page} title={title}>
      <Guard key={path}>
        <Suspense fallback={<Waiting />}>{found ? <found.page.view path={found.parameters} /> : role ? <role.view path={rest || "/"} /> : <Unknown />}</Suspense>
      </Guard>
    </Shell>
  );
}

export function App() {
  useLanguage();
  return (
    <Guard>
      <SessionGate waiting={(failure) => <Arriving failure={failure} />} login={(enter, ended) => <Login enter={enter} ended={ended} />}>
        <Pages />
      </SessionGate>
    </Guard>
  );
}
