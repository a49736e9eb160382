import { type FormEvent, useState } from "react";
import { type Session, send } from "../api/client";
import { Icon, Logo } from "../design/icons";
import { Command } from "../design/surfaces";
import { t, useLanguage } from "../i18n";

export function Login({ enter, ended }: { enter: (session: Session) => void; ended: boolean }) {
  useLanguage();
  const [failure, setFailure] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    setBusy(true);
    try {
      enter(await send("POST /v1/session", { body: { user: String(data.get("user")), password: String(data.get("password")) } }));
    } catch (error) {
      setFailure(error instanceof Error ? error.message : String(error));
      setBusy(false);
    }
  };
  return (
    <main className="login">
      <form onSubmit={submit}>
        <div className="brand">
          <Logo />
          <h1>{t("login.title")}</h1>
        </div>
        {ended && !failure && <p className="second">{t("login.ended")}</p>}
        {failure && (
          <div className="banner" role="alert">
            <Icon name="warning" />
            <span>{failure}</span>
          </div>
        )}
        <label className="field">
          <span>{t("login.user")}</span>
          <input className="input" name="user" autoComplete="username" required autoFocus />
        </label>
        <label className="field">
          <span>{t("login.password")}</span>
          <input className="input" name="password" type="password" autoComplete="current-password" required />
        </label>
        <button type="submit" className="button main-action" disabled={busy}>
          {t(busy ? "login.entering" : "login.enter")}
        </button>
        <footer>
          {t("login.forgot")} <Command text="sofa user password NAME" />
        </footer>
      </form>
    </main>
  );
}
