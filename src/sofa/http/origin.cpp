#include "sofa/http/origin.h"

#include <algorithm>

#include "sofa/http/detail/text.h"

namespace sofa::http {

bool is_own_origin(std::string_view origin, const RequestHead& head) {
  const size_t at = origin.find("://");
  return at != std::string_view::npos && equal_without_case(origin.substr(at + 3), head.authority);
}

bool has_origin(std::span<const std::string> origins, std::string_view origin) {
  return std::ranges::any_of(origins, [origin](std::string_view one) { return one == "*" || one == origin; });
}

bool is_from_foreign_page(const RequestHead& head, std::span<const std::string> allowed) {
  if (const auto origin = head.headers.get("origin")) return !is_own_origin(*origin, head) && !has_origin(allowed, *origin);
  const std::string_view site = head.headers.get_or("sec-fetch-site");
  return site == "cross-site" || site == "same-site";
}

}  // namespace sofa::http
