#include "sofa/rest/openapi.h"

#include "sofa/base/json_schema.h"
#include "sofa/base/text.h"

namespace sofa::rest {

namespace {

using Object = JsonObject;

std::string array(const std::vector<std::string>& items) { return fmt::format("[{}]", fmt::join(items, ",")); }

/// Of the fields of a request that stand in its body; nothing when there are none.
std::string body_of(const Route& route, JsonSchemas& schemas) {
  Object properties;
  std::vector<std::string> required;
  for (const Parameter& parameter : route.parameters()) {
    if (parameter.place != Place::body) continue;
    properties.add(parameter.field->name, schemas.of_field(*parameter.field));
    if (parameter.field->required) required.push_back(json_quoted(parameter.field->name));
  }
  return properties.empty() ? std::string() : JsonSchemas::of_object(properties, required);
}

std::string components_of(const JsonSchemas& schemas) {
  Object all;
  for (const auto& [name, schema] : schemas.definitions()) all.add(name, schema);
  return Object().add("schemas", all.text()).text();
}

std::string_view name_of(Place place) { return place == Place::path ? "path" : place == Place::query ? "query" : "header"; }

std::string parameters_of(const Route& route, JsonSchemas& schemas) {
  std::vector<std::string> all;
  for (const Parameter& parameter : route.parameters()) {
    if (parameter.place == Place::body) continue;
    Object shown;
    shown.add_text("name", parameter.name).add_text("in", name_of(parameter.place)).add_text("description", parameter.field->doc);
    if (parameter.place == Place::path || parameter.field->required) shown.add("required", "true");
    all.push_back(shown.add("schema", schemas.of_field(*parameter.field)).text());
  }
  return array(all);
}

std::string content(std::string_view type, std::string_view schema) { return Object().add(type, Object().add("schema", schema).text()).text(); }

std::string responses_of(const Route& route, JsonSchemas& schemas) {
  Object success;
  success.add_text("description", "success");
  const std::string_view type = route.is_plain_text() ? "text/plain" : "application/json";
  if (route.events()) {
    const bool described = route.response() != nullptr;  // of each event
    success.add("content", content("text/event-stream", described ? schemas.of(*route.response()) : R"({"type":"string"})"));
  } else if (route.response() != nullptr) {
    success.add("content", content(type, schemas.of(*route.response())));
  }
  const std::string problem = R"({"type":"object","properties":{"status":{"type":"integer"},"code":{"type":"string"},"detail":{"type":"string"}}})";
  const Object failure = Object().add_text("description", "what is wrong").add("content", content("application/problem+json", problem));
  return Object().add(std::to_string(route.status()), success.text()).add("default", failure.text()).text();
}

std::string operation_of(const Route& route, JsonSchemas& schemas) {
  Object operation;
  operation.add_text("operationId", route.name())
      .add_text("x-permission", route.permission())
      .add_text("summary", route.doc())
      .add("parameters", parameters_of(route, schemas));
  if (const std::string body = body_of(route, schemas); !body.empty()) {
    operation.add("requestBody", Object().add("required", "true").add("content", content("application/json", body)).text());
  }
  return operation.add("responses", responses_of(route, schemas)).text();
}

/// The pattern as OpenAPI has it, which knows no rest of a path.
std::string path_of(std::string pattern) {
  if (const size_t at = pattern.find("...}"); at != std::string::npos) pattern.erase(at, 3);
  return pattern;
}

}  // namespace

std::string openapi(const Api& api) {
  JsonSchemas schemas(JsonSchemas::Use::message, "#/components/schemas/");
  std::map<std::string, Object> paths;
  for (const Route& route : api.routes()) paths[path_of(route.pattern())].add(lower_case(route.method()), operation_of(route, schemas));
  Object all;
  for (const auto& [path, operations] : paths) all.add(path, operations.text());
  const About& about = api.about();
  const Object info = Object().add_text("title", about.title).add_text("version", about.version).add_text("description", about.doc);
  return Object().add_text("openapi", "3.1.0").add("info", info.text()).add("paths", all.text()).add("components", components_of(schemas)).text();
}

}  // namespace sofa::rest
