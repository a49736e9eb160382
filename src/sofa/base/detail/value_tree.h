#pragma once
// The tree that JSON and YAML are parsed into, and the one walk that fills a described object from it.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "sofa/base/description.h"
#include "sofa/base/error.h"
#include "sofa/base/text_form.h"
#include "sofa/base/text_options.h"

namespace sofa::detail {

using Node = TextNode;

struct Problem {
  uint32_t line;
  uint32_t column;
  std::string text;
};

/// Fills objects from a tree and collects what is wrong, each problem with its path.
class TreeReader final : public TextSource {
 public:
  TreeReader(const ReadOptions& options, Arena* arena) : options_(options), arena_(arena) {}

  Arena* arena() const override { return arena_; }
  void fill(const Node& node, const Type& type, void* object) override { fill(node, type, nullptr, object); }
  const std::vector<Problem>& problems() const { return problems_; }

 private:
  void fill(const Node& node, const Type& type, const Field* field, void* at);
  void fill_by_form(const Node& node, const Type& type, const Field* field, void* at);
  void fill_scalar(const Node& node, const Type& type, const Field* field, void* at);
  void fill_struct(const Node& node, const Type& type, void* at);
  void fill_list(const Node& node, const Type& type, const Field* field, void* at);
  void fill_map(const Node& node, const Type& type, const Field* field, void* at);
  void fill_entry(const Node& key, const Node& value, const Type& type, const Field* field, void* at);
  std::optional<std::string> set_key(const Node& key, const Type& type, void* at);
  void fill_indirect(const Node& node, const Type& type, const Field* field, void* at);
  /// Tells the observer of a value at the path; a described object is told field by field.
  void tell(const Node& node, const Type& type);
  void unknown_key(const Node& key, const StructInfo& structure);
  void wrong(const Node& node, const Type& type, const Field* field, std::string_view found);
  void complain(const Node& node, std::string text);
  bool full() const { return problems_.size() > options_.max_problems; }
  std::string shown_path() const { return path_.empty() ? "the document" : path_; }

  const ReadOptions& options_;
  Arena* arena_;
  std::string path_;
  bool secret_ = false;
  bool in_whole_ = false;  // inside a list, a map or a pointer, which a text replaces as a whole
  std::vector<Problem> problems_;
};

/// The problems as one Error, a line each: "bank.yaml:3:5: ledger.portt is no known key; did you mean \"port\"?".
Error error_of(const std::vector<Problem>& problems, const ReadOptions& options);

}  // namespace sofa::detail
