// Writes src/api/generated.ts from api/openapi.json: an interface for each schema, and for each route what it takes and answers.
import { readFileSync, writeFileSync } from "node:fs";

const at = (path) => new URL(`../${path}`, import.meta.url);
const api = JSON.parse(readFileSync(at("api/openapi.json"), "utf8"));

const comment = (text, indent = "") => (text ? `${indent}/** ${text} */\n` : "");

function typeOf(schema) {
  if (!schema) return "void";
  if (schema.$ref) return schema.$ref.split("/").at(-1);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  switch (schema.type) {
    case "string":
      return "string";
    case "integer":
    case "number":
      return "number";
    case "boolean":
      return "boolean";
    case "array":
      return `Array<${typeOf(schema.items)}>`;
    case "object":
      if (schema.properties) return `{ ${fieldsOf(schema, " ").trim()} }`;
      return `Record<string, ${schema.additionalProperties?.type ? typeOf(schema.additionalProperties) : "unknown"}>`;
    default:
      return "unknown";
  }
}

function fieldsOf(schema, indent) {
  const required = new Set(schema.required ?? []);
  return Object.entries(schema.properties ?? {})
    .map(([name, field]) => `${comment(field.description, indent)}${indent}${name}${required.has(name) ? "" : "?"}: ${typeOf(field)};\n`)
    .join("");
}

const interfaceOf = ([name, schema]) => `${comment(schema.description)}export interface ${name} {\n${fieldsOf(schema, "  ")}}\n`;

const contentOf = (message) => Object.entries(message?.content ?? {})[0] ?? [];

function parametersOf(operation, kind) {
  const fields = (operation.parameters ?? []).filter((parameter) => parameter.in === kind);
  if (fields.length === 0) return "undefined";
  return `{ ${fields.map(({ name, required, schema }) => `${name}${required ? "" : "?"}: ${typeOf(schema)}`).join("; ")} }`;
}

function routeOf(path, method, operation) {
  const body = contentOf(operation.requestBody)[1]?.schema;
  const [status] = Object.keys(operation.responses);
  const [kind, answer] = contentOf(operation.responses[status]);
  const fields = [
    `path: ${parametersOf(operation, "path")}`,
    `query: ${parametersOf(operation, "query")}`,
    `body: ${body ? typeOf(body) : "undefined"}`,
    `answer: ${typeOf(answer?.schema)}`,
    `stream: ${kind === "text/event-stream"}`,
  ];
  return `${comment(operation.summary, "  ")}  "${method.toUpperCase()} ${path}": { ${fields.join("; ")} };\n`;
}

const routes = Object.entries(api.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ text: routeOf(path, method, operation), name: `${method.toUpperCase()} ${path}`, operation })),
);

const text = `// Written by scripts/generate_api.mjs from api/openapi.json.

${Object.entries(api.components.schemas).map(interfaceOf).join("\n")}
export interface Routes {
${routes.map((route) => route.text).join("")}}

/** What each route needs; empty: nothing but a session. */
export const permissions: Record<keyof Routes, string> = {
${routes.map(({ name, operation }) => `  "${name}": ${JSON.stringify(operation["x-permission"] ?? "")},\n`).join("")}};
`;

writeFileSync(at("src/api/generated.ts"), text);
