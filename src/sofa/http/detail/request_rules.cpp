#include "sofa/http/detail/request_rules.h"

#include <algorithm>

#include "sofa/base/text.h"
#include "sofa/http/detail/byte_set.h"

namespace sofa::http::detail {

namespace {

enum Part : uint8_t { kMethod = 1, kScheme = 2, kPath = 4, kAuthority = 8, kHost = 16 };

constexpr ByteSet kAuthorityBytes([](char c) {
  return is_alpha(c) || is_digit(c) || std::string_view("!$%&'()*+,-.:;=@[]_~").find(c) != std::string_view::npos;
});
constexpr ByteSet kSchemeBytes([](char c) { return is_alpha(c) || is_digit(c) || c == '+' || c == '-' || c == '.'; });

bool is_blank(char c) { return c == ' ' || c == '\t'; }

/// A value has no blanks around it (8.2.1).
bool is_value(std::string_view value) { return value.empty() || (!is_blank(value.front()) && !is_blank(value.back()) && is_field_value(value)); }

/// Fields of HTTP/1.1's connection management (8.2.2).
bool is_of_a_connection(std::string_view name) {
  return name == "connection" || name == "keep-alive" || name == "proxy-connection" || name == "transfer-encoding" || name == "upgrade";
}

}  // namespace

void RequestRules::begin(Block block) {
  *this = RequestRules();
  block_ = block;
}

bool RequestRules::admit(std::string_view name, std::string_view value) {
  if (name.starts_with(':')) return admit_pseudo(name, value) || refuse();
  regular_came_ = true;
  if (!is_lower_name(name)) {
    const bool upper = std::ranges::any_of(name, [](char c) { return lower(c) != c; });
    return upper ? refuse() : false;
  }
  if (name == "host" ? !kAuthorityBytes.holds_all(value) : !is_value(value)) return false;
  return admit_regular(name, value) || refuse();
}

bool RequestRules::once(uint8_t part) {
  const bool first = (parts_ & part) == 0;
  parts_ |= part;
  return first;
}

bool RequestRules::admit_pseudo(std::string_view name, std::string_view value) {
  if (block_ == Block::trailers || regular_came_ || value.empty()) return false;
  if (name == ":path") {
    path_begins_ = value.front() == '*' && value.size() > 1 ? '\0' : value.front();
    return once(kPath) && is_target(value);
  }
  if (name == ":method") {
    is_connect_ = value == "CONNECT";
    is_options_ = value == "OPTIONS";
    return once(kMethod) && kTokenBytes.holds_all(value);
  }
  if (name == ":scheme") {
    is_of_http_ = equal_without_case(value, "http") || equal_without_case(value, "https");
    return once(kScheme) && (is_of_http_ || (is_alpha(value.front()) && kSchemeBytes.holds_all(value)));
  }
  return name == ":authority" && once(kAuthority) && kAuthorityBytes.holds_all(value);
}

// Told apart by their sizes: a request has many fields, and few of these.
bool RequestRules::admit_regular(std::string_view name, std::string_view value) {
  switch (name.size()) {
    case 2:
      return name != "te" || equal_without_case(value, "trailers");
    case 4:
      return name != "host" || (once(kHost) && !value.empty());
    case 14:
      return name != "content-length" || admit_length(value);
    case 7:
    case 10:
    case 16:
    case 17:
      return !is_of_a_connection(name);
    default:
      return true;
  }
}

bool RequestRules::admit_length(std::string_view value) {
  if (length_) return false;
  length_ = whole_number(value);
  return length_.has_value();
}

bool RequestRules::is_whole_head() const {
  if (is_connect_) return (parts_ & (kScheme | kPath)) == 0 && (parts_ & kAuthority) != 0;
  constexpr uint8_t kAll = kMethod | kScheme | kPath;
  if ((parts_ & kAll) != kAll || (parts_ & (kAuthority | kHost)) == 0) return false;
  return !is_of_http_ || path_begins_ == '/' || (is_options_ && path_begins_ == '*');
}

bool RequestRules::is_malformed(bool end) const {
  if (broken_) return true;
  if (block_ == Block::trailers) return !end;
  return !is_whole_head() || (end && length_.value_or(0) > 0);
}

}  // namespace sofa::http::detail
