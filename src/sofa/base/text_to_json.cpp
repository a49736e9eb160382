#include "sofa/base/text_to_json.h"

#include <algorithm>

#include "sofa/base/json.h"
#include "sofa/base/text.h"

namespace sofa {

namespace {

/// What most numbers are: digits that JSON, and a double, hold as they are.
bool is_small_number(std::string_view text) {
  const bool leading_zero = text.size() > 1 && text[0] == '0';
  return !text.empty() && text.size() <= 15 && !leading_zero && std::ranges::all_of(text, is_digit);
}

}  // namespace

std::string text_to_json(std::string_view text, const Type& type) {
  if (type.kind == Kind::indirect) return text_to_json(text, type.indirect->target());
  const bool bare_number = type.is_number() && (is_small_number(text) || (from_json<double>(text).has_value() && !text.starts_with('"')));
  const bool bare_boolean = type.kind == Kind::boolean && (text == "true" || text == "false");
  if (bare_number || bare_boolean) return std::string(text);
  return json_quoted(text);
}

}  // namespace sofa
