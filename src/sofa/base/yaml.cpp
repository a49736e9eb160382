#include "sofa/base/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <sstream>

#include "sofa/base/detail/value_tree.h"

namespace sofa {

namespace {

using detail::Node;
using detail::Problem;

/// Thrown through yaml-cpp to stop it; never leaves this file.
struct Stopped {
  Problem problem;
};

Problem problem_at(const YAML::Mark& mark, std::string text) {
  return {static_cast<uint32_t>(mark.line + 1), static_cast<uint32_t>(mark.column + 1), std::move(text)};
}

/// Builds the tree from yaml-cpp's events, so that depth and aliases are bounded while it grows.
class TreeBuilder : public YAML::EventHandler {
 public:
  explicit TreeBuilder(const ReadOptions& options) : options_(options) {}
  Node& root() { return root_; }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { keep(add(mark, Node::Form::null), anchor); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) throw Stopped{problem_at(mark, "an alias inside the value that it names; write the value out")};
    if (open_.size() + found->second.depth > options_.max_depth) too_deep(mark);
    spend(found->second.nodes, mark);
    Node& node = add(mark, Node::Form::null);
    const uint32_t line = node.line, column = node.column;
    node = found->second.tree;
    node.line = line;
    node.column = column;
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, const std::string& value) override {
    Node& node = add(mark, tag == "!" ? Node::Form::typed_text : Node::Form::plain_text);
    node.text = value;
    keep(node, anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    open(mark, Node::Form::list, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    open(mark, Node::Form::map, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Anchored {
    Node tree;
    size_t nodes;
    size_t depth;
  };
  struct Open {
    Node* node;
    YAML::anchor_t anchor;
  };

  void spend(size_t nodes, const YAML::Mark& mark) {
    nodes_ += nodes;
    if (nodes_ > options_.max_nodes) {
      throw Stopped{problem_at(mark, fmt::format("more than {} values, those that aliases repeat counted; use fewer aliases", options_.max_nodes))};
    }
  }
  [[noreturn]] void too_deep(const YAML::Mark& mark) {
    throw Stopped{problem_at(mark, fmt::format("nested deeper than {} levels", options_.max_depth))};
  }
  Node& add(const YAML::Mark& mark, Node::Form form) {
    spend(1, mark);
    const bool key = !open_.empty() && open_.back().node->form == Node::Form::map && open_.back().node->items.size() % 2 == 0;
    if (key && (form == Node::Form::list || form == Node::Form::map)) throw Stopped{problem_at(mark, "a list or mapping as a key; write a text")};
    Node& node = open_.empty() ? root_ : open_.back().node->items.emplace_back();
    node.form = form;
    node.line = static_cast<uint32_t>(mark.line + 1);
    node.column = static_cast<uint32_t>(mark.column + 1);
    return node;
  }
  void open(const YAML::Mark& mark, Node::Form form, YAML::anchor_t anchor) {
    if (open_.size() >= options_.max_depth) too_deep(mark);
    open_.push_back({&add(mark, form), anchor});  // stays valid: its siblings come after it is closed
  }
  void close() {
    const Open closed = open_.back();
    open_.pop_back();
    keep(*closed.node, closed.anchor);
  }
  /// Remembers an anchored tree. The copy counts as nodes too: nested anchors would else cost the square of the text.
  void keep(const Node& node, YAML::anchor_t anchor) {
    if (anchor == 0) return;
    const auto [nodes, depth] = measure(node);
    spend(nodes, {});
    anchors_.insert_or_assign(anchor, Anchored{node, nodes, depth});
  }
  static std::pair<size_t, size_t> measure(const Node& node) {
    size_t nodes = 1, depth = 0;
    for (const Node& item : node.items) {
      const auto [more, deeper] = measure(item);
      nodes += more;
      depth = std::max(depth, deeper + 1);
    }
    return {nodes, depth};
  }

  const ReadOptions& options_;
  size_t nodes_ = 0;
  Node root_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, Anchored> anchors_;
};

/// What yaml-cpp refuses, or the bounds; empty when the tree is whole.
std::optional<Problem> parse(std::string_view text, const ReadOptions& options, TreeBuilder& builder) {
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder)) return std::nullopt;
    TreeBuilder second(options);
    if (parser.HandleNextDocument(second)) return Problem{1, 1, "more than one document; keep one (no line with only ---)"};
  } catch (const Stopped& stopped) {
    return stopped.problem;
  } catch (const YAML::Exception& e) {
    return problem_at(e.mark, fmt::format("this is no YAML: {}", e.msg));
  }
  return std::nullopt;
}

/// A flow collection costs yaml-cpp time that grows with the square of its nesting, and its stack: refused before it starts.
std::optional<Problem> check_flow_depth(std::string_view text, size_t max_depth) {
  size_t run = 0;
  uint32_t line = 1;
  for (const char c : text) {
    if (c == '\n') ++line;
    if (c == '[' || c == '{') {
      if (++run > max_depth) return Problem{line, 1, fmt::format("nested deeper than {} levels", max_depth)};
    } else if (c != ' ' && c != '\n' && c != '\t') {
      run = 0;
    }
  }
  return std::nullopt;
}

}  // namespace

Result<void> from_yaml(std::string_view text, std::string_view file_name, const Type& type, void* object, ReadOptions options, Arena* arena) {
  options.source = file_name;
  if (text.size() > options.max_bytes) {
    return fail(Code::resource_exhausted, "{}: {} bytes are more than the allowed {}", options.source, text.size(), options.max_bytes);
  }
  TreeBuilder builder(options);
  if (auto problem = check_flow_depth(text, options.max_depth)) return std::unexpected(detail::error_of({*problem}, options));
  if (auto problem = parse(text, options, builder)) return std::unexpected(detail::error_of({*problem}, options));
  detail::TreeReader reader(options, arena);
  if (builder.root().form != Node::Form::null) reader.fill(builder.root(), type, object);
  if (reader.problems().empty()) return {};
  return std::unexpected(detail::error_of(reader.problems(), options));
}

}  // namespace sofa
