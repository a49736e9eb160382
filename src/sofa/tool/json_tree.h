#pragma once
// JSON as a tree of nodes, for text whose type only a server knows, and back to text.

#include <string>
#include <string_view>

#include "sofa/base/description.h"
#include "sofa/base/error.h"
#include "sofa/base/json_text.h"

namespace sofa::tool {

/// Any JSON value. Numbers keep their digits in TextNode::text.
struct JsonTree {
  TextNode root;
  /// invalid_argument with `source`, line and column.
  static Result<JsonTree> parse(std::string_view json, std::string_view source);
};

/// The value under a key of a map, or null.
const TextNode* find(const TextNode& map, std::string_view key);
/// JSON as YAML in block style, with a line feed at its end: texts that YAML might take for something else stand in quotes. Text that is no JSON is
/// given back as a text of YAML.
std::string yaml_of_json(std::string_view json);
/// JSON in one line as lines for people, two spaces a level; what is empty or short stays on one line. Text that is no JSON is given back as it is.
std::string indented(std::string_view json);

}  // namespace sofa::tool

namespace sofa {
template <>
struct TypeTraits<tool::JsonTree> {
  static constexpr bool kKnown = true;
  static void fill(Type& type);
};
}  // namespace sofa
