#include "sofa/base/json_schema.h"

#include <cmath>

#include "sofa/base/detail/scalar_text.h"
#include "sofa/base/json.h"
#include "sofa/base/text_form.h"
#include "sofa/base/type_object.h"

namespace sofa {

namespace {

std::string array(const std::vector<std::string>& items) { return fmt::format("[{}]", fmt::join(items, ",")); }

std::vector<std::string> quoted_names(const EnumInfo& enumeration) {
  std::vector<std::string> names;
  for (const EnumInfo::Value& value : enumeration.values) names.push_back(json_quoted(value.name));
  return names;
}

/// "true: it is shared; false: it is not", for those that say something.
std::string docs_of(const EnumInfo& enumeration) {
  std::string text;
  for (const EnumInfo::Value& value : enumeration.values) {
    if (!value.doc.empty()) text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", value.name, value.doc);
  }
  return text;
}

/// What a text must look like that is a number with one of these suffixes, or none.
std::string pattern_of(const std::vector<std::string_view>& suffixes) {
  std::string names;
  for (const std::string_view suffix : suffixes) {
    if (!names.empty()) names += '|';
    for (const char c : suffix)
      names += std::string_view(".+*?()[]{}|^$\\/").find(c) == std::string_view::npos ? std::string(1, c) : fmt::format("\\{}", c);
  }
  return fmt::format(R"(^\+?-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?( ?({}))?$)", names);
}

/// The type that a field of `type` holds, empty pointers looked through.
const Type& behind_pointers(const Type& type) { return type.kind == Kind::indirect ? behind_pointers(type.indirect->target()) : type; }

}  // namespace

/// What is known of the place where a type stands.
struct JsonSchemas::Context {
  std::string path{};            // "ledger.peers": names a definition
  const Field* field = nullptr;  // whose unit and range hold
  const void* value = nullptr;   // the default, or null
  bool may_refer = false;        // behind a list, a map or a pointer
  size_t depth = 0;              // of structs without a name

  /// Of what a list, map or pointer holds.
  Context inside() const { return {.path = path, .field = field, .may_refer = true, .depth = depth + 1}; }
};

namespace {
constexpr size_t kMaxDepth = 16;  // of structs of messages without names, which may hold themselves
}

std::string JsonSchemas::of(const Type& type, const void* defaults) { return write(type, {.value = defaults}); }
std::string JsonSchemas::of_field(const Field& field, const void* value) { return write_field(field, {.value = value}); }

std::string JsonSchemas::of_object(const JsonObject& properties, const std::vector<std::string>& required) {
  JsonObject schema;
  schema.add_text("type", "object").add("properties", properties.text());
  if (!required.empty()) schema.add("required", array(required));
  return schema.text();
}

std::string JsonSchemas::write(const Type& type, const Context& context) {
  if (context.depth > kMaxDepth) return "{}";
  if (type.text_form != nullptr) return JsonObject().add_text("description", type.text_form->expected).text();
  if (type.is_number()) return write_number(type, context);
  if (type.is_byte_list() || type.kind == Kind::bytes) return R"({"type":"string","contentEncoding":"base64"})";
  switch (type.kind) {
    case Kind::boolean:
      return R"({"type":"boolean"})";
    case Kind::string:
      return R"({"type":"string"})";
    case Kind::enumeration:
      return fmt::format(R"({{"type":"string","enum":{}}})", array(quoted_names(*type.enumeration)));
    case Kind::indirect:
      return fmt::format(R"({{"anyOf":[{},{{"type":"null"}}]}})", write(type.indirect->target(), context.inside()));
    case Kind::list:
      return write_container("array", "items", type.list->element(), context);
    case Kind::map:
      return write_container("object", "additionalProperties", type.map->value(), context);
    case Kind::structure:
      return write_struct(type, context);
    default:
      return "{}";
  }
}

std::string JsonSchemas::write_container(std::string_view type_name, std::string_view items_name, const Type& items, const Context& context) {
  JsonObject schema;
  if (is_configuration()) {
    schema.add("type", fmt::format(R"(["{}","null"])", type_name));
  } else {
    schema.add_text("type", type_name);
  }
  return schema.add(items_name, write(items, context.inside())).text();
}

std::string JsonSchemas::write_number(const Type& type, const Context& context) const {
  JsonObject schema;
  schema.add_text("type", type.is_integer() ? "integer" : "number");
  if (!is_configuration()) {
    const bool is_unsigned = type.kind >= Kind::uint8 && type.kind <= Kind::uint64;
    const bool is_long = type.kind == Kind::int64 || type.kind == Kind::uint64 || type.kind == Kind::uint32;
    schema.add_text("format", !type.is_integer() ? (type.kind == Kind::float32 ? "float" : "double") : is_long ? "int64" : "int32");
    if (is_unsigned) schema.add("minimum", "0");
    return schema.text();
  }
  const Range range = detail::range_of(type, context.field);
  if (std::isfinite(range.low)) schema.add("minimum", detail::number_text(range.low));
  if (std::isfinite(range.high)) schema.add("maximum", detail::number_text(range.high));
  const auto suffixes = context.field == nullptr ? std::vector<std::string_view>() : detail::suffixes_of(context.field->unit);
  if (suffixes.empty()) return schema.text();
  const JsonObject text = JsonObject().add_text("type", "string").add_text("pattern", pattern_of(suffixes));
  return fmt::format(R"({{"anyOf":[{},{}]}})", schema.text(), text.text());
}

std::string JsonSchemas::write_field(const Field& field, const Context& outer) {
  Context context{.path = outer.path.empty() ? std::string(field.name) : fmt::format("{}.{}", outer.path, field.name),
                  .field = &field,
                  .value = outer.value,
                  .depth = outer.depth + 1};
  std::string text = field.unit.empty() ? std::string(field.doc) : fmt::format("{}{}({})", field.doc, field.doc.empty() ? "" : " ", field.unit);
  JsonObject beside;
  if (is_configuration()) {
    const Type& type = behind_pointers(field.type());
    if (type.kind == Kind::enumeration && !docs_of(*type.enumeration).empty()) text += (text.empty() ? "" : ". ") + docs_of(*type.enumeration);
    beside.add_text("description", text).add_text("x-unit", field.unit);
    if (field.live) beside.add("x-live", "true");
    if (field.secret) beside.add("writeOnly", "true");
    const bool is_mapping = field.type().kind == Kind::structure && field.type().text_form == nullptr;
    if (context.value != nullptr && !field.secret && !field.required && !is_mapping) {
      if (const auto json = to_json(field.type(), context.value, {.hide_secrets = true})) beside.add("default", *json);
    }
  } else {
    beside.add_text("description", text);
    if (field.range && std::isfinite(field.range->low)) beside.add("minimum", fmt::format("{}", field.range->low));
    if (field.range && std::isfinite(field.range->high)) beside.add("maximum", fmt::format("{}", field.range->high));
  }
  const std::string schema = write(field.type(), context);
  if (beside.empty()) return schema;
  if (is_configuration()) return beside.behind(schema);
  return fmt::format(R"({{"allOf":[{}],{})", schema, beside.text().substr(1));
}

std::string JsonSchemas::write_struct(const Type& type, const Context& context) {
  std::string name(type.java_type);
  std::ranges::replace(name, '$', '.');
  const bool has_name = !name.empty() && name != "java.util.Map";
  if (!is_configuration() && has_name) return write_definition(type, name);
  if (is_configuration() && context.may_refer) {
    const auto [known, is_new] = names_.try_emplace(type.structure, has_name ? name : context.path);
    for (int twin = 2; is_new && definitions_.contains(known->second); ++twin) known->second = fmt::format("{}.{}", context.path, twin);
    return write_definition(type, known->second);
  }
  JsonObject properties;
  std::vector<std::string> required;
  for (const Field& field : type.structure->fields) {
    Context inner = context;
    inner.value = context.value == nullptr ? nullptr : field.in(context.value);
    const std::string schema = write_field(field, inner);
    properties.add(field.name, schema);
    if (field.required) required.push_back(json_quoted(field.name));
    if (is_configuration() && field.alias.size() > 1) properties.add(field.alias, schema);
  }
  if (!is_configuration()) return of_object(properties, required);
  JsonObject schema;
  schema.add("type", R"(["object","null"])").add_text("description", type.structure->doc).add("properties", properties.text());
  if (!required.empty()) schema.add("required", array(required));
  return schema.add("additionalProperties", "false").text();
}

std::string JsonSchemas::write_definition(const Type& type, const std::string& name) {
  if (!definitions_.contains(name)) {
    definitions_[name];  // known before its fields are walked: they may hold it
    Type own = type;
    own.java_type = {};  // written out, this time
    const TypeObject object(type);
    definitions_[name] = write_struct(own, {.path = name, .value = object.get()});
  }
  return fmt::format(R"({{"$ref":{}}})", json_quoted(prefix_ + name));
}

std::string input_of(const Field& field) { return detail::expected_of(field.type(), &field); }

std::string config_schema(const Type& type, const void* defaults, const ConfigSchemaOptions& options) {
  JsonSchemas schemas(JsonSchemas::Use::configuration, "#/$defs/");
  JsonObject document;
  document.add_text("$schema", "https://json-schema.org/draft/2020-12/schema").add_text("title", options.title);
  document.add_text("description", options.description);
  const std::string body = schemas.of(type, defaults);
  JsonObject definitions;
  for (const auto& [name, schema] : schemas.definitions()) definitions.add(name, schema);
  if (!definitions.empty()) document.add("$defs", definitions.text());
  return document.behind(body);
}

}  // namespace sofa
