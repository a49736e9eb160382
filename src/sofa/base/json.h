#pragma once
// JSON of described types. int64 are JSON numbers, bytes are base64 text, enums their names, empty pointers null, map keys text; a type with a
// TextForm is written as that says.
//
//   std::string text = to_json(transfer).value();
//   Result<Transfer> back = from_json<Transfer>(text);

#include <string>
#include <string_view>

#include "sofa/base/description.h"
#include "sofa/base/error.h"
#include "sofa/base/text_options.h"

namespace sofa {

struct JsonWriteOptions {
  bool hide_secrets = false;  // secret fields become "***"
  bool indent = false;        // two spaces a level, for people
  size_t max_depth = 64;
  size_t max_nodes = 1'000'000;  // values in all: Links that share much end in an error, not in endless text
};

/// The object as JSON. resource_exhausted when a bound of the options is passed, invalid_argument when the object contains itself, unimplemented
/// for types of Kind::other without a TextForm and for map keys that are no scalars. Text that is no UTF-8 is
/// written with U+FFFD for each wrong byte, a lone surrogate of Java as its \u escape; NaN and infinities are written as texts, and read back.
Result<std::string> to_json(const Type& type, const void* object, const JsonWriteOptions& options = {});

/// The text as JSON writes it, in quotes.
std::string json_quoted(std::string_view text);

/// Fills the object, whose fields that the text does not name keep their values. invalid_argument with source, line, column (of the end of the
/// token at fault), path, what was expected and what was found; then the object may be half filled. Unknown and duplicate keys are errors. `arena`
/// owns the targets of Links and the parts of dynamic values; it may be null when there are none.
Result<void> from_json(std::string_view text, const Type& type, void* object, const ReadOptions& options = {.source = "json"},
                       Arena* arena = nullptr);

template <class T>
Result<std::string> to_json(const T& value, const JsonWriteOptions& options = {}) {
  return to_json(type_of<T>(), &value, options);
}

template <class T>
Result<T> from_json(std::string_view text, const ReadOptions& options = {.source = "json"}) {
  Result<T> value{};
  if (auto read = from_json(text, type_of<T>(), &*value, options); !read) return forward_error(read);
  return value;
}

/// As from_json, for types that reach Links: the graph owns what they point to.
template <class T>
Result<Graph<T>> graph_from_json(std::string_view text, const ReadOptions& options = {.source = "json"}) {
  auto graph = Graph<T>::make();
  if (auto read = from_json(text, type_of<T>(), graph.get(), options, &graph.arena()); !read) return forward_error(read);
  return graph;
}

}  // namespace sofa
