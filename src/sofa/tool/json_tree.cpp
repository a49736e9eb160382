#include "sofa/tool/json_tree.h"

#include "sofa/base/json.h"
#include "sofa/base/text.h"
#include "sofa/base/utf8.h"

namespace sofa {

namespace {

Result<void> write_tree(const void* at, TextSink& sink) { return sink.token(to_json_text(static_cast<const tool::JsonTree*>(at)->root)); }

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

/// A text in YAML's double quotes: JSON's escapes, and more for what YAML takes for a line break or refuses.
std::string yaml_quoted(std::string_view text) {
  const std::string json = json_quoted(text);
  std::string quoted;
  for (std::string_view rest = json; !rest.empty();) {
    const CodePoint point = next_code_point(rest);
    const bool is_special = (point.value >= 0x7f && point.value < 0xa0) || point.value == 0x2028 || point.value == 0x2029 || point.value == 0xfeff ||
                            point.value == 0xfffe || point.value == 0xffff;
    if (is_special) {
      quoted += fmt::format("\\u{:04x}", point.value);
    } else {
      quoted += rest.substr(0, point.length);
    }
    rest.remove_prefix(point.length);
  }
  return quoted;
}

/// True for a text that no version of YAML takes for anything else: letters, digits and a few signs, beginning with a letter or '/', and no word that
/// means true, false or nothing.
bool is_plain_yaml(std::string_view text) {
  static constexpr std::string_view kWords[] = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"};
  if (text.empty() || (!is_alpha(text[0]) && text[0] != '/') || text.back() == ' ') return false;
  const auto plain = [](char c) { return is_alpha(c) || is_digit(c) || std::string_view(" _-./()").find(c) != std::string_view::npos; };
  return std::ranges::all_of(text, plain) && std::ranges::none_of(kWords, [text](std::string_view word) { return equal_without_case(text, word); });
}

std::string yaml_text(std::string_view text) { return is_plain_yaml(text) ? std::string(text) : yaml_quoted(text); }

/// The digits as every version of YAML reads them as a number: with a point where there is an exponent.
std::string yaml_number(std::string_view digits) {
  const size_t exponent = digits.find_first_of("eE");
  if (exponent == std::string_view::npos || digits.find('.') != std::string_view::npos) return std::string(digits);
  return fmt::format("{}.0{}", digits.substr(0, exponent), digits.substr(exponent));
}

/// A value that stands on the line of its key.
std::string yaml_scalar(const TextNode& node) {
  if (node.form == TextNode::Form::number) return yaml_number(node.text);
  return node.is_text() ? yaml_text(node.text) : to_json_text(node);
}

/// The lines of a list or mapping that is not empty; the first one goes on where `out` ends.
void append_yaml(std::string& out, const TextNode& node, size_t indent) {
  const bool is_map = node.form == TextNode::Form::map;
  for (size_t i = 0; i < node.items.size(); i += is_map ? 2 : 1) {
    if (i > 0) out.append(indent, ' ');
    out += is_map ? yaml_text(node.items[i].text) + ":" : "-";
    const TextNode& value = node.items[i + (is_map ? 1 : 0)];
    if (value.items.empty()) {
      out += fmt::format(" {}\n", yaml_scalar(value));
    } else if (is_map) {
      out.append(1, '\n').append(indent + 2, ' ');
      append_yaml(out, value, indent + 2);
    } else {
      out += ' ';
      append_yaml(out, value, indent + 2);
    }
  }
}

}  // namespace

std::string yaml_of_json(std::string_view json) {
  const auto tree = JsonTree::parse(json, "answer");
  if (!tree) return yaml_quoted(json) + "\n";
  if (tree->root.items.empty()) return yaml_scalar(tree->root) + "\n";
  std::string out;
  append_yaml(out, tree->root, 0);
  return out;
}

std::string indented(std::string_view json) {
  auto tree = JsonTree::parse(json, "answer");
  if (!tree) return std::string(json);
  std::string out;
  append_indented(out, tree->root, 0);
  return out;
}

}  // namespace tool

}  // namespace sofa
