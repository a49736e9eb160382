#pragma once
// What a command answers, in the form that -o asks for. Rows and objects are described structs: their fields are the columns, and the members of the
// JSON.
//
//   struct ListOptions : OutputFlags {
//     static void describe(Description<ListOptions>& d) { d.inherit<OutputFlags>(); }
//   };
//   print_rows<User>(users, options.output, terminal, {.columns = {"name", "roles"}});   // -o wide has the other fields, too

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sofa/base/description.h"
#include "sofa/tool/terminal.h"

namespace sofa::tool {

/// The flag -o. "text" on the command line is the table.
enum class OutputFormat : uint8_t { table, wide, json, yaml };
void describe(EnumDescription<OutputFormat>& d);

/// The names of an enum's values, those that only repeat another value's number left out.
std::vector<std::string_view> names_of(const EnumInfo& enumeration);

/// What every command with an answer has, by inherit<OutputFlags>().
struct OutputFlags {
  OutputFormat output = OutputFormat::table;
  static void describe(Description<OutputFlags>& d);
};

/// True for the forms that programs read, JSON and YAML.
constexpr bool is_document(OutputFormat format) { return format == OutputFormat::json || format == OutputFormat::yaml; }

/// Prints a JSON text: as it is, in a line, or as a YAML document behind a line "---". For a command that prints several it is called for each.
void print_document(std::string_view json, OutputFormat format, Terminal& terminal);

struct TableStyle {
  std::vector<std::string_view> columns{};  ///< of `table`, in this order; empty: all fields. `wide` has all fields, in the struct's order
  std::string_view none = "(none)";         ///< printed in place of a table without rows
  std::string_view unknown = "";            ///< of a cell whose value is not there
  std::function<std::optional<Colour>(std::string_view column, std::string_view cell)> colour{};  ///< of one cell; empty: no colours
};

namespace detail {
void print_rows(const Type& row, std::span<const void* const> rows, OutputFormat format, Terminal& terminal, const TableStyle& style);
void print_object(const Type& type, const void* object, OutputFormat format, Terminal& terminal);
}  // namespace detail

/// A table with a head and a line for each row, or a list of objects. Secret fields are "***" in every form.
template <class Row>
void print_rows(std::span<const Row> rows, OutputFormat format, Terminal& terminal, const TableStyle& style = {}) {
  std::vector<const void*> at;
  for (const Row& row : rows) at.push_back(&row);
  detail::print_rows(type_of<Row>(), at, format, terminal, style);
}

/// One object: a line with name and value for each field, or the object as it is.
template <class T>
void print_object(const T& object, OutputFormat format, Terminal& terminal) {
  detail::print_object(type_of<T>(), &object, format, terminal);
}

}  // namespace sofa::tool
