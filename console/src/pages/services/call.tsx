// Calls any method: a form from its description, or JSON.
import { type KeyboardEvent, useEffect, useState } from "react";
import { type CallResult, Failure, type Method, type Service, send } from "../../api/client";
import { Icon } from "../../design/icons";
import { type Schema, SchemaForm, blankOf } from "../../design/schema_form";
import { Switch } from "../../design/surfaces";
import { duration, t } from "../../i18n";
import { fullName } from "../../processes";
import { Stages } from "./stages";

const pretty = (value: unknown) => JSON.stringify(value, null, 2);

const firstArguments = (method: Method) => blankOf(method.request_schema as Schema);

export function CallForm({ process, processName, service, method }: { process: string; processName: string; service: Service; method: Method }) {
  const [given, setGiven] = useState(() => firstArguments(method));
  const [json, setJson] = useState<string | null>(null);
  const [timeout, setTimeoutMs] = useState(3000);
  const [result, setResult] = useState<CallResult | null>(null);
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    setGiven(firstArguments(method));
    setJson(null);
    setResult(null);
    setProblem("");
  }, [process, service.name, method.name]);

  /** What would be sent; null when the JSON is none, which is said. */
  const parsed = (): unknown => {
    if (json === null) return given;
    try {
      return JSON.parse(json);
    } catch (error) {
      setProblem(t("services.callBadJson", { why: error instanceof Error ? error.message : String(error) }));
      return null;
    }
  };
  const show = (how: string) => {
    const value = parsed();
    if (value === null) return;
    setProblem("");
    setGiven(value);
    setJson(how === "json" ? pretty(value) : null);
  };
  const run = async () => {
    const value = parsed();
    if (value === null || busy) return;
    setProblem("");
    setBusy(true);
    try {
      const body = { service: fullName(service), method: method.name, arguments: value, timeout_ms: timeout };
      setResult(await send("POST /v1/processes/{id}/v1/calls", { path: { id: process }, body }));
    } catch (error) {
      setResult(null);
      setProblem(error instanceof Failure ? error.message : String(error));
    }
    setBusy(false);
  };
  const press = (event: KeyboardEvent) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void run();
  };

  return (
    <form
      className="stack"
      onKeyDown={press}
      onSubmit={(event) => {
        event.preventDefault();
        void run();
      }}
    >
      <Switch
        label={t("services.call")}
        value={json === null ? "form" : "json"}
        options={[
          ["form", t("services.callForm")],
          ["json", t("services.callJson")],
        ]}
        onChange={show}
      />
      {json === null ? (
        <SchemaForm schema={method.request_schema as Schema} value={given} onChange={setGiven} />
      ) : (
        <textarea className="input" aria-label={t("services.callJson")} rows={10} spellCheck={false} value={json} onChange={(event) => setJson(event.target.value)} />
      )}
      <div className="tools-row">
        <label className="field" style={{ width: 120 }}>
          <span>{t("services.callTimeout")}</span>
          <input className="input" type="number" min={1} max={600000} value={timeout} onChange={(event) => setTimeoutMs(Number(event.target.value))} />
        </label>
        <button type="submit" className="button main-action" disabled={busy}>
          <Icon name="send" />
          {t(busy ? "services.callSending" : "services.callSend")}
        </button>
      </div>
      <p className="quiet">{t("services.callHint", { process: processName })}</p>
      <div role="status" className="stack">
        {problem && (
          <div className="banner">
            <Icon name="warning" />
            <span>{problem}</span>
          </div>
        )}
        {result && <Outcome result={result} />}
      </div>
    </form>
  );
}

function Outcome({ result }: { result: CallResult }) {
  const time = duration(result.duration_us);
  return (
    <>
      <div className={`dot ${result.ok ? "ok" : "bad"}`}>{t(result.ok ? "services.callOk" : "services.callFailed", { time })}</div>
      <Stages stages={result.stages} total={result.duration_us} names />
      <pre className="answer" tabIndex={0} aria-label={t("services.answer")}>
        {result.ok ? pretty(result.result) : `${result.code}: ${result.message}`}
      </pre>
    </>
  );
}
