#include "sofa/tool/json_tree.h"

#include "sofa/base/json.h"

namespace sofa {

namespace {

Result<void> write_tree(const void* at, TextSink& sink) { return sink.token(tool::to_json_text(static_cast<const tool::JsonTree*>(at)->root)); }

std::optional<std::string> read_tree(const TextNode& node, void* at, TextSource&) {
  static_cast<tool::JsonTree*>(at)->root = node;
  return std::nullopt;
}

constinit const TextForm kTreeText{"JSON", write_tree, read_tree};

}  // namespace

void TypeTraits<tool::JsonTree>::fill(Type& type) { type.java_type = "java.lang.Object", type.text_form = &kTreeText; }

namespace tool {

Result<JsonTree> JsonTree::parse(std::string_view json, std::string_view source) { return from_json<JsonTree>(json, {.source = source}); }

const TextNode* find(const TextNode& map, std::string_view key) {
  if (map.form != TextNode::Form::map) return nullptr;
  for (size_t i = 0; i + 1 < map.items.size(); i += 2) {
    if (map.items[i].text == key) return &map.items[i + 1];
  }
  return nullptr;
}

std::string to_json_text(const TextNode& node) {
  const auto joined = [&node](char open, char close, bool keys) {
    std::string text(1, open);
    for (size_t i = 0; i < node.items.size(); ++i) {
      if (i > 0) text += keys && i % 2 == 1 ? ':' : ',';
      text += to_json_text(node.items[i]);
    }
    return text + close;
  };
  switch (node.form) {
    case TextNode::Form::null:
      return "null";
    case TextNode::Form::boolean:
      return node.boolean ? "true" : "false";
    case TextNode::Form::number:
      return node.text;
    case TextNode::Form::typed_text:
    case TextNode::Form::plain_text:
      return json_quoted(node.text);
    case TextNode::Form::list:
      return joined('[', ']', false);
    case TextNode::Form::map:
      return joined('{', '}', true);
  }
  return {};
}

namespace {

constexpr size_t kShort = 80;  // characters of a list or map that stay on one line

void append_indented(std::string& out, const TextNode& node, size_t level) {
  const bool is_map = node.form == TextNode::Form::map;
  if (node.items.empty() || to_json_text(node).size() <= kShort) {
    out += to_json_text(node);
    return;
  }
  out += is_map ? "{" : "[";
  for (size_t i = 0; i < node.items.size(); i += is_map ? 2 : 1) {
    out += fmt::format("{}\n{:{}}", i > 0 ? "," : "", "", level * 2 + 2);
    if (is_map) out += json_quoted(node.items[i].text) + ": ";
    append_indented(out, node.items[i + (is_map ? 1 : 0)], level + 1);
  }
  out += fmt::format("\n{:{}}{}", "", level * 2, is_map ? "}" : "]");
}

}  // namespace

std::string indented(std::string_view json) {
  auto tree = JsonTree::parse(json, "answer");
  if (!tree) return std::string(json);
  std::string out;
  append_indented(out, tree->root, 0);
  return out;
}

}  // namespace tool

}  // namespace sofa
