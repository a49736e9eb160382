#pragma once
// Documentation made from descriptions: one Markdown section for each described struct and enum, so that docs cannot differ from the code.

#include <span>
#include <string>
#include <string_view>

#include "sofa/base/description.h"

namespace sofa {

/// What a type is called in the docs: "int64", "string", "list of bank.Posting", "map of string to int32"; a described type by its Java name.
std::string markdown_type_name(const Type& type);

/// Text for one cell of a table: on one line, '|' escaped.
std::string markdown_cell(std::string_view text);

/// A section (heading "### name", doc, a table: field, type, unit, range, default, doc) for each described type of `roots` and for those that
/// they reach, each once, in the order of their appearance. Defaults are those of a default-made object; secret ones are not shown. A type
/// without a Java name takes the name of the field that it was found by; a root without one, `title`.
std::string describe_markdown(std::span<const Type* const> roots, std::string_view title = "options");

/// The same for one type: `std::string page = describe_markdown<Transfer>();`
template <class T>
std::string describe_markdown(std::string_view title = "options") {
  const Type* const root = &type_of<T>();
  return describe_markdown(std::span(&root, 1), title);
}

}  // namespace sofa
