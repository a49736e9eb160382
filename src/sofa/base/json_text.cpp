#include "sofa/base/json_text.h"

#include "sofa/base/json.h"

namespace sofa {

namespace {

Result<void> write_text(const void* at, TextSink& sink) { return sink.token(static_cast<const JsonText*>(at)->json); }

std::optional<std::string> read_text(const TextNode& node, void* at, TextSource&) {
  static_cast<JsonText*>(at)->json = to_json_text(node);
  return std::nullopt;
}

constinit const TextForm kJsonText{"JSON", write_text, read_text};

}  // namespace

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

void TypeTraits<JsonText>::fill(Type& type) { type.java_type = "java.lang.Object", type.text_form = &kJsonText; }

}  // namespace sofa
