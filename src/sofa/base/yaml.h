#pragma once
// YAML configuration into described structs, with errors that point at the line:
//
//   bank.yaml:3:5: ledger.portt is no known key; did you mean "port"?
//   bank.yaml:7:12: gateway.timeout: expected a whole number from 1 to 60000 ms, found "2h" (7200000 ms)
//
// A number field with the unit ms, us, ns, s, ... also takes a duration (800ms, 1.5s, 2h), one with the unit bytes a size (32MiB, 64kB); a number
// without a unit is in the field's own. Lists and mappings may be left empty; anchors and aliases work, merge keys (<<) do not.

#include <string>
#include <string_view>

#include "sofa/base/description.h"
#include "sofa/base/error.h"
#include "sofa/base/text_options.h"

namespace sofa {

/// Bounds of a configuration file.
inline constexpr ReadOptions kYamlOptions{.source = "yaml", .max_bytes = 1 << 20, .max_nodes = 100'000};

/// Fills the object; fields that the text does not name keep their values. invalid_argument with every problem found, a line each up to max_problems;
/// then the object may be half filled. `file_name` is only shown. One document; an empty one changes nothing. `arena` owns the targets of Links.
Result<void> from_yaml(std::string_view text, std::string_view file_name, const Type& type, void* object, ReadOptions options = kYamlOptions,
                       Arena* arena = nullptr);

template <class T>
Result<T> from_yaml(std::string_view text, std::string_view file_name, const ReadOptions& options = kYamlOptions) {
  Result<T> value{};
  if (auto read = from_yaml(text, file_name, type_of<T>(), &*value, options); !read) return forward_error(read);
  return value;
}

}  // namespace sofa
