// A form made from a JSON Schema: what a method takes, by name.
import { useId } from "react";
import { t } from "../i18n";
import { Icon } from "./icons";

export interface Schema {
  type?: string;
  description?: string;
  enum?: unknown[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  /** Of an array with its own schema at each place: the arguments of a method. */
  prefixItems?: Schema[];
  title?: string;
  minimum?: number;
  maximum?: number;
  format?: string;
}

/** The value that a schema's form begins with. */
export function blankOf(schema: Schema): unknown {
  if (schema.enum) return schema.enum[0];
  switch (schema.type) {
    case "object":
      return Object.fromEntries(Object.entries(schema.properties ?? {}).map(([name, field]) => [name, blankOf(field)]));
    case "array":
      return (schema.prefixItems ?? []).map(blankOf);
    case "integer":
    case "number":
      return 0;
    case "boolean":
      return false;
    default:
      return "";
  }
}

interface Properties {
  name: string;
  schema: Schema;
  value: unknown;
  onChange: (value: unknown) => void;
}

export function SchemaForm({ schema, value, onChange }: Omit<Properties, "name">) {
  if (schema.prefixItems?.length) {
    const places = Array.isArray(value) ? value : [];
    const set = (place: number, next: unknown) => onChange(schema.prefixItems?.map((_, at) => (at === place ? next : places[at])));
    return schema.prefixItems.map((field, place) => (
      <Field key={place} name={field.title ?? t("services.argument", { n: place + 1 })} schema={field} value={places[place]} onChange={(next) => set(place, next)} />
    ));
  }
  const fields = Object.entries(schema.properties ?? {});
  if (fields.length === 0) return <p className="second">{t("services.noArguments")}</p>;
  const record = (value ?? {}) as Record<string, unknown>;
  return fields.map(([name, field]) => (
    <Field key={name} name={name} schema={field} value={record[name]} onChange={(next) => onChange({ ...record, [name]: next })} />
  ));
}

function Field(properties: Properties) {
  const { name, schema, value, onChange } = properties;
  if (schema.type === "object" && schema.properties) {
    return (
      <fieldset className="field">
        <legend>{name}</legend>
        <div className="item-box">
          <SchemaForm schema={schema} value={value} onChange={onChange} />
        </div>
      </fieldset>
    );
  }
  if (schema.type === "array") return <Items {...properties} />;
  if (schema.type === "boolean") {
    return (
      <label className="check">
        <input type="checkbox" checked={value === true} onChange={(event) => onChange(event.target.checked)} />
        {name} {schema.description && <span className="quiet">{schema.description}</span>}
      </label>
    );
  }
  return <Scalar {...properties} />;
}

function Items({ name, schema, value, onChange }: Properties) {
  const items = Array.isArray(value) ? value : [];
  const item = schema.items ?? {};
  return (
    <fieldset className="field">
      <legend>{name}</legend>
      {items.map((one, index) => (
        <div key={index} className="item-box">
          <Field name={`${name}[${index}]`} schema={item} value={one} onChange={(next) => onChange(items.map((old, place) => (place === index ? next : old)))} />
          <button type="button" className="button small" onClick={() => onChange(items.filter((_, place) => place !== index))}>
            <Icon name="minus" /> {t("services.removeItem", { name: `${name}[${index}]` })}
          </button>
        </div>
      ))}
      <div>
        <button type="button" className="button small" onClick={() => onChange([...items, blankOf(item)])}>
          <Icon name="plus" /> {t("services.addItem")}
        </button>
      </div>
      {schema.description && <small>{schema.description}</small>}
    </fieldset>
  );
}

function Scalar({ name, schema, value, onChange }: Properties) {
  const note = useId();
  const numeric = schema.type === "integer" || schema.type === "number";
  const described = schema.description ? { "aria-describedby": note } : {};
  return (
    <label className="field">
      <span>
        {name} <span className="quiet">{schema.format ?? schema.type}</span>
      </span>
      {schema.enum ? (
        <span className="select">
          <select value={String(value)} {...described} onChange={(event) => onChange(schema.enum?.find((one) => String(one) === event.target.value))}>
            {schema.enum.map((one) => (
              <option key={String(one)}>{String(one)}</option>
            ))}
          </select>
          <Icon name="down" />
        </span>
      ) : (
        <input
          className="input"
          type={numeric ? "number" : "text"}
          step={schema.type === "integer" ? 1 : "any"}
          {...(schema.minimum !== undefined && { min: schema.minimum })}
          {...(schema.maximum !== undefined && { max: schema.maximum })}
          value={String(value ?? "")}
          {...described}
          onChange={(event) => onChange(numeric && event.target.value !== "" ? Number(event.target.value) : event.target.value)}
        />
      )}
      {schema.description && <small id={note}>{schema.description}</small>}
    </label>
  );
}
