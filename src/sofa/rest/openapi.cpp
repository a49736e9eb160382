#include "sofa/rest/openapi.h"

#include "sofa/base/text.h"
#include "sofa/base/text_form.h"
#include "sofa/rest/detail/json_object.h"

namespace sofa::rest {

namespace {

using Object = detail::JsonObject;

std::string array(const std::vector<std::string>& items) { return fmt::format("[{}]", fmt::join(items, ",")); }

/// JSON Schema of described types; those with a name are kept for components/schemas.
class Schemas {
 public:
  std::string of(const Type& type, size_t depth = 0);
  std::string of_field(const Field& field, size_t depth);
  /// Of the fields of a request that stand in its body.
  std::string of_body(const Route& route);
  std::string components() const;

 private:
  std::string of_struct(const StructInfo& structure, size_t depth);
  static Object of_number(const Type& type);

  static constexpr size_t kMaxDepth = 16;  // of structs without names, which may hold themselves
  std::map<std::string, std::string> named_;
};

Object Schemas::of_number(const Type& type) {
  Object schema;
  if (!type.is_integer()) return schema.add_text("type", "number").add_text("format", type.kind == Kind::float32 ? "float" : "double"), schema;
  const bool is_unsigned = type.kind >= Kind::uint8 && type.kind <= Kind::uint64;
  const bool is_long = type.kind == Kind::int64 || type.kind == Kind::uint64 || type.kind == Kind::uint32;
  schema.add_text("type", "integer").add_text("format", is_long ? "int64" : "int32");
  if (is_unsigned) schema.add("minimum", "0");
  return schema;
}

std::string Schemas::of(const Type& type, size_t depth) {
  if (depth > kMaxDepth) return "{}";
  if (type.text_form != nullptr) return Object().add_text("description", type.text_form->expected).text();
  if (type.is_number()) return of_number(type).text();
  if (type.is_byte_list() || type.kind == Kind::bytes) return R"({"type":"string","contentEncoding":"base64"})";
  switch (type.kind) {
    case Kind::boolean:
      return R"({"type":"boolean"})";
    case Kind::string:
      return R"({"type":"string"})";
    case Kind::enumeration: {
      std::vector<std::string> names;
      for (const EnumInfo::Value& value : type.enumeration->values) names.push_back(json_quoted(value.name));
      return fmt::format(R"({{"type":"string","enum":{}}})", array(names));
    }
    case Kind::indirect:
      return fmt::format(R"({{"anyOf":[{},{{"type":"null"}}]}})", of(type.indirect->target(), depth + 1));
    case Kind::list:
      return fmt::format(R"({{"type":"array","items":{}}})", of(type.list->element(), depth + 1));
    case Kind::map:
      return fmt::format(R"({{"type":"object","additionalProperties":{}}})", of(type.map->value(), depth + 1));
    case Kind::structure:
      break;
    default:
      return "{}";
  }
  std::string name(type.java_type);
  std::ranges::replace(name, '$', '.');
  if (name.empty() || name == "java.util.Map") return of_struct(*type.structure, depth);
  if (!named_.contains(name)) {
    named_[name];  // known before its fields are walked: they may hold it
    named_[name] = of_struct(*type.structure, 0);
  }
  return fmt::format(R"({{"$ref":{}}})", json_quoted("#/components/schemas/" + name));
}

/// The type's schema with what the field says beside it.
std::string Schemas::of_field(const Field& field, size_t depth) {
  Object beside;
  beside.add_text("description", field.unit.empty() ? std::string(field.doc) : fmt::format("{} ({})", field.doc, field.unit));
  if (field.range && field.range->low > -std::numeric_limits<long double>::infinity()) beside.add("minimum", fmt::format("{}", field.range->low));
  if (field.range && field.range->high < std::numeric_limits<long double>::infinity()) beside.add("maximum", fmt::format("{}", field.range->high));
  std::string schema = of(field.type(), depth + 1);
  if (beside.empty()) return schema;
  return fmt::format(R"({{"allOf":[{}],{})", schema, beside.text().substr(1));
}

std::string object_schema(const Object& properties, const std::vector<std::string>& required) {
  Object schema;
  schema.add_text("type", "object").add("properties", properties.text());
  if (!required.empty()) schema.add("required", array(required));
  return schema.text();
}

std::string Schemas::of_struct(const StructInfo& structure, size_t depth) {
  Object properties;
  std::vector<std::string> required;
  for (const Field& field : structure.fields) {
    properties.add(field.name, of_field(field, depth));
    if (field.required) required.push_back(json_quoted(field.name));
  }
  return object_schema(properties, required);
}

std::string Schemas::of_body(const Route& route) {
  Object properties;
  std::vector<std::string> required;
  for (const Parameter& parameter : route.parameters()) {
    if (parameter.place != Place::body) continue;
    properties.add(parameter.field->name, of_field(*parameter.field, 0));
    if (parameter.field->required) required.push_back(json_quoted(parameter.field->name));
  }
  return properties.empty() ? std::string() : object_schema(properties, required);
}

std::string Schemas::components() const {
  Object schemas;
  for (const auto& [name, schema] : named_) schemas.add(name, schema);
  return Object().add("schemas", schemas.text()).text();
}

std::string_view name_of(Place place) { return place == Place::path ? "path" : place == Place::query ? "query" : "header"; }

std::string parameters_of(const Route& route, Schemas& schemas) {
  std::vector<std::string> all;
  for (const Parameter& parameter : route.parameters()) {
    if (parameter.place == Place::body) continue;
    Object shown;
    shown.add_text("name", parameter.name).add_text("in", name_of(parameter.place)).add_text("description", parameter.field->doc);
    if (parameter.place == Place::path || parameter.field->required) shown.add("required", "true");
    all.push_back(shown.add("schema", schemas.of_field(*parameter.field, 0)).text());
  }
  return array(all);
}

std::string content(std::string_view type, std::string_view schema) { return Object().add(type, Object().add("schema", schema).text()).text(); }

std::string responses_of(const Route& route, Schemas& schemas) {
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

std::string operation_of(const Route& route, Schemas& schemas) {
  Object operation;
  operation.add_text("operationId", route.name())
      .add_text("x-permission", route.permission())
      .add_text("summary", route.doc())
      .add("parameters", parameters_of(route, schemas));
  if (const std::string body = schemas.of_body(route); !body.empty()) {
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
  Schemas schemas;
  std::map<std::string, Object> paths;
  for (const Route& route : api.routes()) paths[path_of(route.pattern())].add(lower_case(route.method()), operation_of(route, schemas));
  Object all;
  for (const auto& [path, operations] : paths) all.add(path, operations.text());
  const About& about = api.about();
  const Object info = Object().add_text("title", about.title).add_text("version", about.version).add_text("description", about.doc);
  return Object().add_text("openapi", "3.1.0").add("info", info.text()).add("paths", all.text()).add("components", schemas.components()).text();
}

}  // namespace sofa::rest
