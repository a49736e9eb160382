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
  return (site == "cross-site" || site == "same-site") && !has_origin(allowed, "*");
}

void refuse_page(Exchange& exchange) {
  const std::string sentence = fmt::format("a page of '{}' may not call methods here; a server's `cors` says which pages may",
                                           exchange.request().headers.get_or("origin", "another site"));
  [[maybe_unused]] const auto sent = respond_text(exchange, 403, sentence);
}

bool is_navigation(const RequestHead& head) {
  const bool reads = head.method == "GET" || head.method == "HEAD";
  return reads && head.headers.get_or("sec-fetch-mode") == "navigate" && head.headers.get_or("sec-fetch-dest") == "document";
}

bool is_name_of_this_machine(std::string_view authority, std::span<const std::string> names) {
  if (authority.starts_with('[')) return true;
  const std::string_view host = authority.substr(0, authority.find(':'));
  constexpr std::string_view kLocal = "localhost", kBelowLocal = ".localhost";
  if (equal_without_case(host, kLocal) || io::Address::of(host, 0).resolved()) return true;
  if (host.size() >= kBelowLocal.size() && equal_without_case(host.substr(host.size() - kBelowLocal.size()), kBelowLocal)) return true;
  return std::ranges::any_of(names, [host](std::string_view one) { return one == "*" || equal_without_case(one, host); });
}

}  // namespace sofa::http
