#pragma once
// What the readers of text formats (JSON, YAML) accept, and their bounds.

#include <cstddef>
#include <string_view>

namespace sofa {

struct ReadOptions {
  std::string_view source = "text";  // named at the start of every error
  size_t max_bytes = 64 << 20;
  size_t max_depth = 64;         // nested lists and mappings
  size_t max_nodes = 1'000'000;  // values in all, those that YAML aliases repeat too
  size_t max_problems = 16;      // told in one error
  bool ignore_unknown = false;   // unknown keys are errors unless this is set
  bool null_is_default = false;  // null for a field that cannot be empty keeps its default (Java peers write nulls) instead of being an error
};

}  // namespace sofa
