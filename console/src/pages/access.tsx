// Users, keys, tokens and roles.
import { type FormEvent, type ReactNode, useState } from "react";
import { Failure, type Key as AccessKey, type RoleOfUsers, type Token, type User, send } from "../api/client";
import { useAnswer } from "../api/live";
import { Icon } from "../design/icons";
import { Badge, Command, Dialog, Empty, FailureView, PageHead, Switch } from "../design/surfaces";
import { type Column, Table } from "../design/table";
import { day, t } from "../i18n";
import { useParameter } from "../router";
import { useSession } from "../session";

/** Of a list; more are found by the command line. */
const mostListed = 1000;

export default function Access() {
  const [view, setView] = useParameter("view", "users");
  const options: Array<[string, string]> = [
    ["users", t("access.users")],
    ["keys", t("access.keys")],
    ["tokens", t("access.tokens")],
    ["roles", t("access.roles")],
  ];
  const views: Record<string, ReactNode> = { users: <Users />, keys: <Keys />, tokens: <Tokens />, roles: <Roles /> };
  return (
    <>
      <PageHead title={t("access.title")} lead={t("access.lead")} tools={<Switch label={t("access.title")} value={view} options={options} onChange={setView} />} />
      <section className="panel" aria-label={options.find(([key]) => key === view)?.[1] ?? ""}>
        {views[view] ?? views.users}
      </section>
    </>
  );
}

/** A question before what cannot be taken back, or that changes something: it says why it was refused. */
function Ask({ question, action, run, onClose }: { question: string; action: string; run: () => Promise<unknown>; onClose: () => void }) {
  const [failure, setFailure] = useState("");
  const go = () => run().then(onClose, (error: unknown) => setFailure(error instanceof Error ? error.message : String(error)));
  return (
    <Dialog title={action} onClose={onClose}>
      <p>{question}</p>
      <Refused text={failure} />
      <div className="actions">
        <button type="button" className="button" onClick={onClose}>
          {t("word.cancel")}
        </button>
        <button type="button" className="button danger" onClick={go}>
          {action}
        </button>
      </div>
    </Dialog>
  );
}

const Refused = ({ text }: { text: string }) =>
  text ? (
    <div className="banner" role="alert">
      <Icon name="warning" />
      <span>{text}</span>
    </div>
  ) : null;

/** A form in a dialog. `save` gets what was entered; a secret that it answers is shown once. */
function Maker({ title, children, save, onClose }: { title: string; children: ReactNode; save: (data: FormData) => Promise<string | undefined>; onClose: () => void }) {
  const [failure, setFailure] = useState("");
  const [secret, setSecret] = useState("");
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    try {
      const shown = await save(new FormData(event.currentTarget));
      if (shown) setSecret(shown);
      else onClose();
    } catch (error) {
      setFailure(error instanceof Failure ? error.message : String(error));
    }
  };
  if (secret) {
    return (
      <Dialog title={t("access.secretTitle")} onClose={onClose}>
        <p>{t("access.secretText")}</p>
        <Command text={secret} />
        <div className="actions">
          <button type="button" className="button main-action" onClick={onClose}>
            {t("access.done")}
          </button>
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog title={title} onClose={onClose}>
      <form className="stack" onSubmit={submit}>
        <Refused text={failure} />
        {children}
        <div className="actions">
          <button type="button" className="button" onClick={onClose}>
            {t("word.cancel")}
          </button>
          <button type="submit" className="button main-action">
            {t("access.create")}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function Text({ name, label, hint, ...rest }: { name: string; label: string; hint?: string; type?: string; required?: boolean; minLength?: number; autoComplete?: string }) {
  return (
    <label className="field">
      <span>{label}</span>
      <input className="input" name={name} {...rest} />
      {hint && <small>{hint}</small>}
    </label>
  );
}

function RoleChoices() {
  const { value } = useAnswer("GET /v1/roles", { query: { limit: mostListed } });
  return (
    <fieldset className="field">
      <legend>{t("access.userRoles")}</legend>
      <div className="checks">
        {value?.roles.map((role) => (
          <label key={role.name} className="check">
            <input type="checkbox" name="roles" value={role.name} /> {role.name}
          </label>
        ))}
      </div>
    </fieldset>
  );
}

const textOf = (data: FormData, name: string) => String(data.get(name) ?? "").trim();
const daysOf = (data: FormData) => (textOf(data, "days") ? { expires_in_days: Number(textOf(data, "days")) } : {});
const rolesOf = (data: FormData) => data.getAll("roles").map(String);

const NewButton = ({ text, onClick }: { text: string; onClick: () => void }) => (
  <button type="button" className="button main-action" onClick={onClick}>
    <Icon name="plus" />
    {text}
  </button>
);

const Roled = ({ roles }: { roles: string[] }) => (
  <span className="badges" style={{ flexWrap: "nowrap" }}>
    {roles.map((role) => (
      <Badge key={role}>{role}</Badge>
    ))}
  </span>
);

function Users() {
  const { value, failure, reload } = useAnswer("GET /v1/users", { query: { limit: mostListed } });
  const { may } = useSession();
  const [making, setMaking] = useState(false);
  const [removing, setRemoving] = useState<User | null>(null);
  const [switching, setSwitching] = useState<User | null>(null);
  if (failure) return <FailureView failure={failure} permission="users:read" retry={reload} />;
  const mayWrite = may("POST /v1/users");
  const columns: Array<Column<User>> = [
    {
      key: "name",
      title: "access.user",
      value: (user) => `${user.name} ${user.display_name}`,
      cell: (user) => (
        <>
          {user.name} <small>{user.display_name}</small>
        </>
      ),
    },
    { key: "roles", title: "access.userRoles", value: (user) => user.roles.join(" "), cell: (user) => <Roled roles={user.roles} /> },
    { key: "namespaces", title: "access.namespaces", value: (user) => user.namespaces.join(" "), width: 160, from: 760 },
    {
      key: "state",
      title: "access.state",
      value: (user) => String(user.disabled),
      cell: (user) => <span className={`dot ${user.disabled ? "" : "ok"}`}>{t(user.disabled ? "access.disabled" : "access.active")}</span>,
      width: 100,
      from: 600,
    },
    { key: "created", title: "access.created", value: (user) => user.created_at_ms, cell: (user) => day(user.created_at_ms), width: 110, from: 760 },
  ];
  if (mayWrite)
    columns.push({
      key: "actions",
      title: null,
      value: () => "",
      cell: (user) => (
        <>
          <button type="button" className="button small from-600" onClick={() => setSwitching(user)} aria-label={`${t(user.disabled ? "access.enable" : "access.disable")}: ${user.name}`}>
            {t(user.disabled ? "access.enable" : "access.disable")}
          </button>{" "}
          <button type="button" className="button small danger" onClick={() => setRemoving(user)} aria-label={`${t("access.remove")}: ${user.name}`}>
            {t("access.remove")}
          </button>
        </>
      ),
      width: "min(180px, 30cqw)",
      end: true,
    });
  const name = (user: User | null) => user?.name ?? "";
  return (
    <>
      <Table
        label={t("access.users")}
        rows={value?.users}
        columns={columns}
        rowKey={(user) => user.name}
        sort="name"
        empty={<Empty icon="users" title={t("access.noUsers")} text={t("access.noUsersDo")} command="sofa user add NAME" />}
        tools={mayWrite && <NewButton text={t("access.newUser")} onClick={() => setMaking(true)} />}
      />
      {making && (
        <Maker
          title={t("access.newUser")}
          onClose={() => setMaking(false)}
          save={async (data) => {
            await send("POST /v1/users", { body: { name: textOf(data, "name"), display_name: textOf(data, "display_name"), password: String(data.get("password")), roles: rolesOf(data) } });
            reload();
            return undefined;
          }}
        >
          <Text name="name" label={t("access.name")} required />
          <Text name="display_name" label={t("access.displayName")} />
          <Text name="password" label={t("access.password")} hint={t("access.passwordHint")} type="password" minLength={12} autoComplete="new-password" required />
          <RoleChoices />
        </Maker>
      )}
      {removing && (
        <Ask
          action={t("access.remove")}
          question={t("access.removeAsk", { name: name(removing) })}
          onClose={() => setRemoving(null)}
          run={() => send("DELETE /v1/users/{name}", { path: { name: name(removing) } }).then(reload)}
        />
      )}
      {switching && (
        <Ask
          action={t(switching.disabled ? "access.enable" : "access.disable")}
          question={name(switching)}
          onClose={() => setSwitching(null)}
          run={() => send("PATCH /v1/users/{name}", { path: { name: name(switching) }, body: { disabled: !switching.disabled } }).then(reload)}
        />
      )}
    </>
  );
}

interface Credential {
  id: string;
  owner: string;
  doc: string;
  created_at_ms: number;
  expires_at_ms?: number;
}

function credentialColumns<Row extends Credential>(onRevoke: ((row: Row) => void) | null): Array<Column<Row>> {
  const columns: Array<Column<Row>> = [
    { key: "id", title: "access.id", value: (one) => one.id, cell: (one) => <code>{one.id}</code> },
    { key: "owner", title: "access.owner", value: (one) => one.owner, width: 130 },
    { key: "doc", title: "access.purpose", value: (one) => one.doc, from: 600 },
    { key: "expires", title: "access.expires", value: (one) => one.expires_at_ms ?? Number.MAX_SAFE_INTEGER, cell: (one) => (one.expires_at_ms ? day(one.expires_at_ms) : t("word.never")), width: 110, from: 600 },
    { key: "created", title: "access.created", value: (one) => one.created_at_ms, cell: (one) => day(one.created_at_ms), width: 110, from: 600 },
  ];
  if (onRevoke)
    columns.push({
      key: "actions",
      title: null,
      value: () => "",
      cell: (one) => (
        <button type="button" className="button small danger" onClick={() => onRevoke(one)} aria-label={`${t("access.revoke")}: ${one.id}`}>
          {t("access.revoke")}
        </button>
      ),
      width: 104,
      end: true,
    });
  return columns;
}

function Keys() {
  const { value, failure, reload } = useAnswer("GET /v1/keys", { query: { limit: mostListed } });
  const { may, session } = useSession();
  const [making, setMaking] = useState(false);
  const [revoking, setRevoking] = useState<AccessKey | null>(null);
  if (failure) return <FailureView failure={failure} permission="keys:read" retry={reload} />;
  const mayWrite = may("POST /v1/keys");
  return (
    <>
      <Table
        label={t("access.keys")}
        rows={value?.keys}
        columns={credentialColumns<AccessKey>(mayWrite ? setRevoking : null)}
        rowKey={(key) => key.id}
        sort="owner"
        empty={<Empty icon="users" title={t("access.noKeys")} text={t("access.noKeysDo")} command={`sofa key add --owner ${session.user}`} />}
        tools={mayWrite && <NewButton text={t("access.newKey")} onClick={() => setMaking(true)} />}
      />
      {making && (
        <Maker
          title={t("access.newKey")}
          onClose={() => setMaking(false)}
          save={async (data) => {
            const made = await send("POST /v1/keys", { body: { owner: textOf(data, "owner"), doc: textOf(data, "doc"), ...daysOf(data) } });
            reload();
            return `${made.key.id} ${made.secret}`;
          }}
        >
          <Text name="owner" label={t("access.owner")} required />
          <Text name="doc" label={t("access.purpose")} required />
          <Text name="days" label={t("access.expiresInDays")} type="number" />
        </Maker>
      )}
      {revoking && (
        <Ask
          action={t("access.revoke")}
          question={t("access.revokeAsk", { name: revoking.id })}
          onClose={() => setRevoking(null)}
          run={() => send("DELETE /v1/keys/{id}", { path: { id: revoking.id } }).then(reload)}
        />
      )}
    </>
  );
}

function tokenColumns(onRevoke: ((token: Token) => void) | null): Array<Column<Token>> {
  const columns = credentialColumns<Token>(onRevoke);
  const roles: Column<Token> = { key: "roles", title: "access.tokenRoles", value: (token) => token.roles.join(" "), cell: (token) => <Roled roles={token.roles} />, width: 150, from: 760 };
  return [...columns.slice(0, 2), roles, ...columns.slice(2)];
}

function Tokens() {
  const { value, failure, reload } = useAnswer("GET /v1/tokens", { query: { limit: mostListed } });
  const { may, session } = useSession();
  const [making, setMaking] = useState(false);
  const [revoking, setRevoking] = useState<Token | null>(null);
  if (failure) return <FailureView failure={failure} permission="tokens:read" retry={reload} />;
  const mayWrite = may("POST /v1/tokens");
  return (
    <>
      <Table
        label={t("access.tokens")}
        rows={value?.tokens}
        columns={tokenColumns(mayWrite ? setRevoking : null)}
        rowKey={(token) => token.id}
        sort="owner"
        empty={<Empty icon="users" title={t("access.noTokens")} text={t("access.noTokensDo")} command={`sofa token add --owner ${session.user}`} />}
        tools={mayWrite && <NewButton text={t("access.newToken")} onClick={() => setMaking(true)} />}
      />
      {making && (
        <Maker
          title={t("access.newToken")}
          onClose={() => setMaking(false)}
          save={async (data) => {
            const made = await send("POST /v1/tokens", { body: { owner: textOf(data, "owner"), doc: textOf(data, "doc"), roles: rolesOf(data), ...daysOf(data) } });
            reload();
            return made.secret;
          }}
        >
          <Text name="owner" label={t("access.owner")} required />
          <Text name="doc" label={t("access.purpose")} required />
          <RoleChoices />
          <Text name="days" label={t("access.expiresInDays")} type="number" />
        </Maker>
      )}
      {revoking && (
        <Ask
          action={t("access.revoke")}
          question={t("access.revokeAsk", { name: revoking.id })}
          onClose={() => setRevoking(null)}
          run={() => send("DELETE /v1/tokens/{id}", { path: { id: revoking.id } }).then(reload)}
        />
      )}
    </>
  );
}

const roleColumns: Array<Column<RoleOfUsers>> = [
  {
    key: "name",
    title: "access.role",
    value: (role) => `${role.name} ${role.doc}`,
    cell: (role) => (
      <>
        {role.name} {role.built_in && <Badge>{t("access.builtIn")}</Badge>}
        <div className="quiet" style={{ fontWeight: 400 }}>
          {role.doc}
        </div>
      </>
    ),
    wrap: true,
    width: "34%",
  },
  {
    key: "permissions",
    title: "access.permissions",
    value: (role) => role.permissions.join(" "),
    cell: (role) => (
      <span className="badges">
        {role.permissions.map((permission) => (
          <Badge key={permission}>
            <span className="mono">{permission}</span>
          </Badge>
        ))}
      </span>
    ),
    wrap: true,
  },
  { key: "users", title: "access.members", value: (role) => role.users, width: 80, end: true },
];

function Roles() {
  const { value, failure, reload } = useAnswer("GET /v1/roles", { query: { limit: mostListed } });
  if (failure) return <FailureView failure={failure} permission="roles:read" retry={reload} />;
  return <Table label={t("access.roles")} rows={value?.roles} columns={roleColumns} rowKey={(role) => role.name} sort="name" empty={null} />;
}
