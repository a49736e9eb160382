#include "sofa/base/text_to_json.h"

#include "sofa/base/json.h"

namespace sofa {

std::string text_to_json(std::string_view text, const Type& type) {
  if (type.kind == Kind::indirect) return text_to_json(text, type.indirect->target());
  const bool bare_number = type.is_number() && from_json<double>(text).has_value() && !text.starts_with('"');
  const bool bare_boolean = type.kind == Kind::boolean && (text == "true" || text == "false");
  if (bare_number || bare_boolean) return std::string(text);
  return json_quoted(text);
}

}  // namespace sofa
