#include "sofa/tool/output.h"

#include <algorithm>

#include "sofa/base/json.h"
#include "sofa/tool/json_tree.h"

namespace sofa::tool {

void describe(EnumDescription<OutputFormat>& d) {
  d.value("table", OutputFormat::table, "for people").value("wide", OutputFormat::wide, "with every column");
  d.value("json", OutputFormat::json, "for programs").value("yaml", OutputFormat::yaml, "for programs and people");
  d.value("text", OutputFormat::table, "another name of table");
}

void OutputFlags::describe(Description<OutputFlags>& d) { d.field("output", &OutputFlags::output).alias("o").doc("form of the answer"); }

std::vector<std::string_view> names_of(const EnumInfo& enumeration) {
  std::vector<std::string_view> names;
  for (const EnumInfo::Value& value : enumeration.values) {
    if (enumeration.by_number(value.number) == &value) names.push_back(value.name);
  }
  return names;
}

void print_document(std::string_view json, OutputFormat format, Terminal& terminal) {
  if (format == OutputFormat::yaml) {
    terminal.print("---\n" + yaml_of_json(json));
  } else {
    terminal.print_line(json);
  }
}

namespace {

std::string json_of(const Type& type, const void* object) {
  auto json = to_json(type, object, {.hide_secrets = true});
  return json ? std::move(*json) : json_quoted(json.error().to_string());
}

/// A value as a cell: text without quotes, yes and no, a list with commas between; nothing for null.
std::string cell_of(const TextNode& node) {
  switch (node.form) {
    case TextNode::Form::null:
      return "";
    case TextNode::Form::boolean:
      return node.boolean ? "yes" : "no";
    case TextNode::Form::list: {
      std::string text;
      for (const TextNode& item : node.items) text += (text.empty() ? "" : ", ") + cell_of(item);
      return text;
    }
    case TextNode::Form::map:
      return to_json_text(node);
    default:
      return printable(node.text);
  }
}

std::string cell_of(const Field& field, const void* object) {
  if (field.secret) return "***";
  const auto tree = JsonTree::parse(json_of(field.type(), field.in(object)), "value");
  return tree ? cell_of(tree->root) : tree.error().to_string();
}

/// "max_age", of unit "days", as "max age (days)".
std::string title_of(const Field& field) {
  std::string name(field.name);
  std::ranges::replace(name, '_', ' ');
  return field.unit.empty() ? name : fmt::format("{} ({})", name, field.unit);
}

std::vector<const Field*> columns_of(const Type& row, OutputFormat format, const TableStyle& style) {
  std::vector<const Field*> columns;
  if (format == OutputFormat::wide || style.columns.empty()) {
    for (const Field& field : row.structure->fields) columns.push_back(&field);
  } else {
    for (const std::string_view name : style.columns) columns.push_back(row.structure->find(name));
  }
  return columns;
}

}  // namespace

namespace detail {

void print_rows(const Type& row, std::span<const void* const> rows, OutputFormat format, Terminal& terminal, const TableStyle& style) {
  if (is_document(format)) {
    std::string json;
    for (const void* at : rows) json += (json.empty() ? "" : ",") + json_of(row, at);
    return print_document("[" + json + "]", format, terminal);
  }
  if (rows.empty()) return terminal.print_line(style.none);
  const std::vector<const Field*> columns = columns_of(row, format, style);
  std::vector<std::vector<std::string>> cells(1);
  for (const Field* column : columns) cells[0].push_back(title_of(*column));
  for (const void* at : rows) {
    std::vector<std::string>& line = cells.emplace_back();
    for (const Field* column : columns) {
      line.push_back(cell_of(*column, at));
      if (line.back().empty()) line.back() = style.unknown;
    }
  }
  const auto colour = [&](size_t column, std::string_view cell) {
    return style.colour ? style.colour(columns[column]->name, cell) : std::optional<Colour>();
  };
  terminal.print(table_text(terminal, cells, colour));
}

void print_object(const Type& type, const void* object, OutputFormat format, Terminal& terminal) {
  if (is_document(format)) return print_document(json_of(type, object), format, terminal);
  size_t width = 0;
  for (const Field& field : type.structure->fields) width = std::max(width, title_of(field).size());
  for (const Field& field : type.structure->fields) {
    const std::string title = title_of(field);
    std::string line = fmt::format("{}{:{}}  {}", terminal.paint(Colour::bold, title), "", width - title.size(), cell_of(field, object));
    line.erase(line.find_last_not_of(' ') + 1);
    terminal.print_line(line);
  }
}

}  // namespace detail

}  // namespace sofa::tool
