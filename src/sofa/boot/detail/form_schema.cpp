#include "sofa/boot/detail/form_schema.h"

#include <cmath>

#include "sofa/base/json_object.h"
#include "sofa/base/text_form.h"

namespace sofa::boot::detail {

namespace {

constexpr int kMostLevels = 6;

JsonObject schema_of(const Type& type, int level);

JsonObject schema_of(const Field& field, int level) {
  JsonObject schema = schema_of(field.type(), level);
  schema.add_text("description",
                  field.unit.empty() ? std::string(field.doc) : fmt::format("{}{}{}", field.doc, field.doc.empty() ? "" : ", ", field.unit));
  if (field.range && std::isfinite(field.range->low)) schema.add("minimum", fmt::format("{}", field.range->low));
  if (field.range && std::isfinite(field.range->high)) schema.add("maximum", fmt::format("{}", field.range->high));
  return schema;
}

JsonObject schema_of_struct(const StructInfo& structure, int level) {
  JsonObject schema, properties;
  for (const Field& field : structure.fields) properties.add(field.name, schema_of(field, level + 1).text());
  return schema.add_text("type", "object").add("properties", properties.text());
}

JsonObject schema_of_enum(const EnumInfo& enumeration) {
  JsonObject schema;
  JsonArray names;
  for (const EnumInfo::Value& value : enumeration.values) names.add_quoted(value.name);
  return schema.add_text("type", "string").add("enum", names.text());
}

JsonObject schema_of(const Type& type, int level) {
  JsonObject schema;
  if (level > kMostLevels) return schema;
  if (type.text_form != nullptr) return schema.add_text("format", type.text_form->expected);
  if (type.is_number()) return schema.add_text("type", type.is_integer() ? "integer" : "number");
  if (type.kind == Kind::bytes || type.is_byte_list()) return schema.add_text("type", "string").add_text("format", "base64");
  switch (type.kind) {
    case Kind::boolean:
      return schema.add_text("type", "boolean");
    case Kind::string:
      return schema.add_text("type", "string");
    case Kind::enumeration:
      return schema_of_enum(*type.enumeration);
    case Kind::indirect:
      return schema_of(type.indirect->target(), level + 1);
    case Kind::list:
      return schema.add_text("type", "array").add("items", schema_of(type.list->element(), level + 1).text());
    case Kind::map:
      return schema.add_text("type", "object").add("additionalProperties", schema_of(type.map->value(), level + 1).text());
    case Kind::structure:
      return schema_of_struct(*type.structure, level);
    default:
      return schema;
  }
}

}  // namespace

std::string arguments_schema(const rpc::detail::MethodBase& method) {
  const auto& arguments = method.shape().arguments;
  const auto& names = method.spec()->options.parameters;
  if (!arguments.empty() && arguments.front().protobuf != nullptr) return R"({"type":"object"})";
  JsonArray items;
  for (size_t i = 0; i < arguments.size(); ++i) {
    JsonObject schema = schema_of(*arguments[i].type, 0);
    if (i < names.size()) schema.add_text("title", names[i]);
    items.add(schema.text());
  }
  return JsonObject().add_text("type", "array").add("prefixItems", items.text()).text();
}

std::string result_schema(const rpc::detail::MethodBase& method) {
  const rpc::detail::ValueShape& result = method.shape().result;
  if (result.protobuf != nullptr) return R"({"type":"object"})";
  return result.type == nullptr ? R"({"type":"null"})" : schema_of(*result.type, 0).text();
}

}  // namespace sofa::boot::detail
