#include "sofa/base/markdown.h"

#include <cmath>

#include "sofa/base/detail/scalar_text.h"
#include "sofa/base/json.h"
#include "sofa/base/type_object.h"

namespace sofa {

namespace {

constexpr std::string_view kNumbers[] = {"int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64"};

struct Section {
  const Type* type;
  std::string name;
};

void collect(const Type& type, std::string_view name, std::vector<Section>& sections) {
  if (type.kind == Kind::indirect) return collect(type.indirect->target(), name, sections);
  if (type.kind == Kind::list) return collect(type.list->element(), name, sections);
  if (type.kind == Kind::map) {
    collect(type.map->key(), name, sections);
    return collect(type.map->value(), name, sections);
  }
  if (type.kind != Kind::structure && type.kind != Kind::enumeration) return;
  for (const Section& section : sections) {
    if (section.type == &type) return;
  }
  sections.push_back({&type, std::string(type.java_type.empty() ? name : type.java_type)});
  if (type.kind == Kind::enumeration) return;
  for (const Field& field : type.structure->fields) collect(field.type(), field.name, sections);
}

std::string show(long double number) {
  return std::floor(number) == number && std::fabs(number) < 1e18L ? fmt::format("{}", static_cast<int64_t>(number)) : fmt::format("{}", number);
}

std::string range_of(const Field& field) {
  if (!field.range) return {};
  const auto [low, high] = *field.range;
  if (std::isinf(high)) return std::isinf(low) ? std::string() : fmt::format("at least {}", show(low));
  return std::isinf(low) ? fmt::format("at most {}", show(high)) : fmt::format("{} to {}", show(low), show(high));
}

std::string default_of(const Field& field, const void* object) {
  if (field.required) return "required";
  const Type& type = field.type();
  if (field.secret || type.kind == Kind::structure || type.kind == Kind::other) return {};
  const auto text = to_json(type, field.in(object));
  if (!text || *text == "null" || *text == "\"\"" || *text == "[]" || *text == "{}") return {};
  return fmt::format("`{}`", *text);
}

std::string doc_of(const Field& field) {
  std::string text(field.doc);
  const auto add = [&text](std::string note) { text += fmt::format("{}({})", text.empty() ? "" : " ", note); };
  if (!field.alias.empty()) add(fmt::format("also `{}`", field.alias));
  if (field.java_name() != field.name) add(fmt::format("in Java `{}`", field.java_name()));
  if (field.secret) add("secret");
  if (field.live) add("may change at run time");
  return text;
}

void write_fields(std::string& out, const Type& type) {
  const TypeObject sample(type);
  out += "| field | type | unit | range | default | doc |\n|---|---|---|---|---|---|\n";
  for (const Field& field : type.structure->fields) {
    out += fmt::format("| `{}` | {} | {} | {} | {} | {} |\n", field.name, markdown_cell(markdown_type_name(field.type())), markdown_cell(field.unit),
                       range_of(field), markdown_cell(default_of(field, sample.get())), markdown_cell(doc_of(field)));
  }
}

void write_values(std::string& out, const EnumInfo& info) {
  out += "| value | number | doc |\n|---|---|---|\n";
  for (const EnumInfo::Value& value : info.values) out += fmt::format("| `{}` | {} | {} |\n", value.name, value.number, markdown_cell(value.doc));
}

}  // namespace

std::string markdown_cell(std::string_view text) {
  std::string cell;
  for (const char c : text) {
    if (c == '|') cell += '\\';
    cell += c == '\n' ? ' ' : c;
  }
  return cell;
}

std::string markdown_type_name(const Type& type) {
  switch (type.kind) {
    case Kind::boolean:
      return "bool";
    case Kind::string:
      return "string";
    case Kind::bytes:
      return "bytes";
    case Kind::indirect: {
      const Ownership ownership = type.indirect->ownership;
      const bool bare = ownership == Ownership::graph || ownership == Ownership::link;
      return (bare ? "" : "optional ") + markdown_type_name(type.indirect->target());
    }
    case Kind::list:
      if (type.is_byte_list()) return "bytes";
      return fmt::format("{} of {}", type.list->java_array ? "array" : "list", markdown_type_name(type.list->element()));
    case Kind::map:
      return fmt::format("map of {} to {}", markdown_type_name(type.map->key()), markdown_type_name(type.map->value()));
    case Kind::enumeration:
    case Kind::structure:
    case Kind::other:
      return std::string(type.java_type.empty() ? "struct" : type.java_type);
    default:
      return std::string(kNumbers[static_cast<size_t>(type.kind) - static_cast<size_t>(Kind::int8)]);
  }
}

std::string describe_markdown(std::span<const Type* const> roots, std::string_view title) {
  std::vector<Section> sections;
  for (const Type* root : roots) collect(*root, title, sections);
  std::string out;
  for (const Section& section : sections) {
    const bool is_struct = section.type->kind == Kind::structure;
    out += fmt::format("{}### {}\n\n", out.empty() ? "" : "\n", section.name);
    if (is_struct && !section.type->structure->doc.empty()) out += fmt::format("{}\n\n", section.type->structure->doc);
    if (is_struct) {
      write_fields(out, *section.type);
    } else {
      write_values(out, *section.type->enumeration);
    }
  }
  return out;
}

}  // namespace sofa
