#include "sofa/rpc/detail/json_codec.h"

#include "sofa/base/json.h"

namespace sofa::rpc::detail {

namespace {

constexpr std::string_view kSpace = " \t\r\n";

/// Java's methods have at most 255 parameters: an array or object with more items is none of arguments, and is not taken apart any further.
constexpr size_t kMostItems = 256;

/// What stands between the commas of an array or an object, which begins and ends the text; of the items at most kMostItems.
Result<std::vector<std::string_view>> split_items(std::string_view text, char open, char close, std::string_view what) {
  const size_t first = text.find_first_not_of(kSpace);
  const size_t last = text.find_last_not_of(kSpace);
  if (first == std::string_view::npos || text[first] != open || text[last] != close || first == last) {
    return fail(Code::invalid_argument, "{}; found '{}'", what, text.substr(0, 40));
  }
  text = text.substr(first + 1, last - first - 1);
  std::vector<std::string_view> parts;
  if (text.find_first_not_of(kSpace) == std::string_view::npos) return parts;
  size_t depth = 0, begin = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '[' || c == '{') {
      ++depth;
    } else if (c == ']' || c == '}') {
      if (depth == 0) return fail(Code::invalid_argument, "unbalanced '{}' in the JSON arguments", c);
      --depth;
    } else if (c == ',' && depth == 0) {
      parts.push_back(text.substr(begin, i - begin));
      if (parts.size() == kMostItems) return parts;
      begin = i + 1;
    }
  }
  parts.push_back(text.substr(begin));
  return parts;
}

/// The text of a member, `"name": value`.
Result<JsonMember> split_member(std::string_view text) {
  text.remove_prefix(std::min(text.size(), text.find_first_not_of(kSpace)));
  size_t end = 1;
  while (end < text.size() && text[end] != '"') end += text[end] == '\\' ? 2 : 1;
  const size_t colon = end < text.size() ? text.find_first_not_of(kSpace, end + 1) : std::string_view::npos;
  if (!text.starts_with('"') || colon == std::string_view::npos || text[colon] != ':') {
    return fail(Code::invalid_argument, "a member of the JSON arguments is \"name\": value; found '{}'", text.substr(0, 40));
  }
  auto name = from_json<std::string>(text.substr(0, end + 1), {.source = "a name among the JSON arguments"});
  if (!name) return forward_error(name);
  return JsonMember{std::move(*name), text.substr(colon + 1)};
}

}  // namespace

Result<std::vector<std::string_view>> split_json_array(std::string_view text) {
  return split_items(text, '[', ']', "several arguments stand in a JSON array");
}

Result<std::vector<JsonMember>> split_json_object(std::string_view text) {
  auto items = split_items(text, '{', '}', "a JSON object of arguments ends with '}'");
  if (!items) return forward_error(items);
  std::vector<JsonMember> members;
  for (const std::string_view item : *items) {
    auto member = split_member(item);
    if (!member) return forward_error(member);
    members.push_back(std::move(*member));
  }
  return members;
}

Result<void> read_json_value(std::string_view content, std::string_view source, const Type& type, void* into) {
  const auto arena = std::make_shared<Arena>();  // every Graph that is read keeps it
  return from_json(content, type, into, {.source = source, .ignore_unknown = true, .null_is_default = true}, arena.get());
}

Result<void> read_json_arguments(std::string_view content, const MethodShape& shape, void* const* into) {
  const size_t count = shape.arguments.size();
  if (count == 0) return {};
  if (count == 1) return read_json_value(content, "argument", *shape.arguments[0].type, into[0]);
  auto parts = split_json_array(content);
  if (!parts) return forward_error(parts);
  if (parts->size() != count) return fail(Code::invalid_argument, "expected a JSON array of {} arguments, found {}", count, parts->size());
  for (size_t i = 0; i < count; ++i) {
    if (auto done = read_json_value((*parts)[i], fmt::format("argument {}", i + 1), *shape.arguments[i].type, into[i]); !done) return done;
  }
  return {};
}

Result<void> write_json_arguments(Buffer& out, const MethodShape& shape, std::span<const void* const> arguments) {
  if (arguments.size() != 1) out.append("[");
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (i > 0) out.append(",");
    auto text = to_json(*shape.arguments[i].type, arguments[i]);
    if (!text) return forward_error(text);
    out.append(*text);
  }
  if (arguments.size() != 1) out.append("]");
  return {};
}

Result<void> write_json_result(Buffer& out, const ValueShape& shape, const void* result) {
  if (result == nullptr || shape.type == nullptr) return out.append("null"), Result<void>();
  auto text = to_json(*shape.type, result);
  if (!text) return forward_error(text);
  out.append(*text);
  return {};
}

}  // namespace sofa::rpc::detail
