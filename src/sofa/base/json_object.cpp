#include "sofa/base/json_object.h"

namespace sofa {

std::string JsonObject::behind(std::string_view body) const {
  while (!body.empty() && std::string_view(" \t\r\n").contains(body.back())) body.remove_suffix(1);
  if (text_.empty() || !body.ends_with('}')) return std::string(body);
  body.remove_suffix(1);
  const bool has_none = body.find_first_not_of(" \t\r\n{") == std::string_view::npos;
  return std::string(body).append(has_none ? "" : ",").append(text_).append("}");
}

}  // namespace sofa
