#pragma once
// What the readers of text formats (JSON, YAML) accept, and their bounds.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sofa {

/// Told of each value that a text sets, when it is read: a scalar, or a list or mapping as a whole. `path` is "ledger.port".
class ReadObserver {
 public:
  virtual void on_value(std::string_view path, uint32_t line, uint32_t column) = 0;
  /// Of a mapping that is a described object, before its values; the document itself has the empty path.
  virtual void on_object(std::string_view, uint32_t, uint32_t) {}

 protected:
  ~ReadObserver() = default;
};

struct ReadOptions {
  std::string_view source = "text";  // named at the start of every error
  size_t max_bytes = 64 << 20;
  size_t max_depth = 64;         // nested lists and mappings
  size_t max_nodes = 1'000'000;  // values in all, those that YAML aliases repeat too
  size_t max_problems = 16;      // told in one error
  bool ignore_unknown = false;   // unknown keys are errors unless this is set
  bool null_is_default = false;  // null for a field that cannot be empty keeps its default (Java peers write nulls) instead of being an error
  // A required field that is left out is an error. False: the caller joins several texts and looks itself; but what a list, a map or a pointer holds
  // comes from one text as a whole, and is checked all the same.
  bool check_required = true;
  ReadObserver* observer = nullptr;
};

}  // namespace sofa
