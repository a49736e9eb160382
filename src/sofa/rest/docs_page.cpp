#include "sofa/rest/openapi.h"

namespace sofa::rest {

std::string_view docs_page() {
  return R"html(<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>API</title>
<style>
  body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color-scheme: light dark }
  details { border: 1px solid #8888; border-radius: 6px; margin: .5rem 0; padding: .5rem 1rem }
  summary { cursor: pointer } summary b { display: inline-block; min-width: 4.5rem }
  label { display: block; margin: .4rem 0 } input { width: 20rem } textarea { width: 100%; height: 8rem; font-family: monospace }
  pre { overflow: auto; background: #8882; padding: .5rem; border-radius: 4px }
</style>
<h1></h1><p></p><main></main>
<script>
const make = (tag, text, parent) => { const e = document.createElement(tag); e.textContent = text; parent.append(e); return e };

function sample(schema, all, depth = 0) {
  if (!schema || depth > 6) return null;
  if (schema.$ref) return sample(all[schema.$ref.split('/').pop()], all, depth + 1);
  if (schema.allOf) return sample(schema.allOf[0], all, depth);
  if (schema.anyOf) return sample(schema.anyOf[0], all, depth);
  if (schema.enum) return schema.enum[0];
  if (schema.type === 'object') return Object.fromEntries(Object.entries(schema.properties ?? {}).map(([k, v]) => [k, sample(v, all, depth + 1)]));
  return { array: [], string: '', boolean: false, integer: schema.minimum ?? 0, number: 0 }[schema.type] ?? null;
}

function show(path, method, operation, schemas) {
  const box = make('details', '', document.querySelector('main')), head = make('summary', '', box);
  make('b', method.toUpperCase(), head); make('code', path, head); make('span', ' ' + (operation.summary ?? ''), head);
  const inputs = operation.parameters.map(parameter => {
    const label = make('label', `${parameter.name} (${parameter.in}${parameter.required ? ', required' : ''}) `, box);
    if (parameter.description) label.title = parameter.description;
    return { parameter, input: make('input', '', label) };
  });
  const body = operation.requestBody && make('textarea', '', box);
  if (body) body.value = JSON.stringify(sample(operation.requestBody.content['application/json'].schema, schemas), null, 2);
  const button = make('button', 'Send', box), answer = make('pre', '', box);
  button.onclick = async () => {
    let target = path; const query = new URLSearchParams(), headers = {};
    for (const { parameter, input } of inputs) {
      if (parameter.in === 'path') target = target.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
      else if (input.value && parameter.in === 'query') query.append(parameter.name, input.value);
      else if (input.value) headers[parameter.name] = input.value;
    }
    if (body) headers['content-type'] = 'application/json';
    try {
      const response = await fetch(target + (query.size ? `?${query}` : ''), { method: method.toUpperCase(), headers, body: body?.value });
      answer.textContent = `${response.status}\n${await response.text()}`;
    } catch (error) { answer.textContent = error; }
  };
}

fetch('/openapi.json').then(response => response.json()).then(api => {
  document.title = document.querySelector('h1').textContent = `${api.info.title} ${api.info.version}`;
  document.querySelector('p').textContent = api.info.description ?? '';
  for (const [path, operations] of Object.entries(api.paths))
    for (const [method, operation] of Object.entries(operations)) show(path, method, operation, api.components.schemas);
});
</script></html>
)html";
}

}  // namespace sofa::rest
