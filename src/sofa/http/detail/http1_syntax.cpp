#include "sofa/http/detail/http1_syntax.h"

#include <algorithm>

#include "sofa/http/detail/byte_set.h"
#include "sofa/http/detail/text.h"

namespace sofa::http::detail {

namespace {

size_t count(const Headers& headers, std::string_view name) {
  size_t n = 0;
  for (const HeaderField field : headers) n += field.name == name ? 1 : 0;
  return n;
}

/// Transfer codings that exist and that we do not speak: 501 instead of 400 (RFC 9112, 6.1).
bool is_other_coding(std::string_view word) {
  return equal_without_case(word, "gzip") || equal_without_case(word, "x-gzip") || equal_without_case(word, "deflate") ||
         equal_without_case(word, "compress") || equal_without_case(word, "x-compress");
}

/// "gzip, chunked": codings that we do not speak, then "chunked" as the last.
bool is_other_codings(std::string_view list) {
  const size_t comma = list.rfind(',');
  if (comma == std::string_view::npos || !equal_without_case(trimmed(list.substr(comma + 1)), "chunked")) return false;
  bool all = true;
  for_each_item(list.substr(0, comma), [&](std::string_view word) { all = all && is_other_coding(word); });
  return all;
}

std::optional<Refusal> check_transfer_encoding(const Headers& headers, Version version) {
  if (!headers.contains("transfer-encoding")) return std::nullopt;
  if (version == Version::http1_0) return Refusal{400, "HTTP/1.0 has no transfer-encoding"};
  if (headers.contains("content-length"))
    return Refusal{400, "content-length and transfer-encoding stand together: their reader would have to guess"};
  if (count(headers, "transfer-encoding") > 1) return Refusal{400, "transfer-encoding stands twice"};
  const std::string_view coding = headers.get_or("transfer-encoding");
  if (equal_without_case(coding, "chunked")) return std::nullopt;
  if (is_other_codings(coding)) return Refusal{501, fmt::format("the transfer-encoding '{}' is not spoken here: send 'chunked' alone", coding)};
  return Refusal{400, fmt::format("the transfer-encoding is '{}'; only 'chunked' is taken", coding)};
}

constexpr ByteSet kHostBytes([](char c) {
  return is_alpha(c) || is_digit(c) || std::string_view("-._~%!$&'()*+;=:[]").find(c) != std::string_view::npos;
});

/// Where the path begins in "http://host/path", npos in other forms.
size_t authority_begin(std::string_view target) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (target.size() > scheme.size() && equal_without_case(target.substr(0, scheme.size()), scheme)) return scheme.size();
  }
  return std::string_view::npos;
}
std::string_view authority_of(std::string_view target) {
  const size_t begin = authority_begin(target);
  if (begin == std::string_view::npos) return {};
  return target.substr(begin, target.find_first_of("/?", begin) - begin);
}

std::optional<Refusal> check_host(const RequestHead& head) {
  const size_t hosts = count(head.headers, "host");
  if (hosts > 1) return Refusal{400, "the header host stands twice"};
  if (hosts == 0 && head.version == Version::http1_1) return Refusal{400, "the header host is missing"};
  const std::string_view host = head.headers.get_or("host");
  if (!kHostBytes.holds_all(host)) return Refusal{400, fmt::format("the header host is '{}', no host and port", host)};
  const std::string_view named = authority_of(head.target);
  if (!kHostBytes.holds_all(named)) return Refusal{400, fmt::format("the target names '{}', no host and port", named)};
  if (!named.empty() && hosts == 1 && !equal_without_case(named, host)) {
    return Refusal{400, fmt::format("the target names '{}' and the header host '{}'", named, host)};
  }
  return std::nullopt;
}

}  // namespace

bool is_known_method(std::string_view method) { return std::find(std::begin(kMethods), std::end(kMethods), method) != std::end(kMethods); }
bool is_safe_method(std::string_view method) { return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "TRACE"; }

bool is_version(std::string_view word) {
  return word.size() == 8 && word.starts_with("HTTP/") && is_digit(word[5]) && word[6] == '.' && is_digit(word[7]);
}

std::optional<Refusal> check_framing(const Headers& headers, Version version) {
  if (count(headers, "content-length") > 1) return Refusal{400, "content-length stands twice"};
  if (const auto length = headers.get("content-length"); length && !std::all_of(length->begin(), length->end(), is_digit)) {
    return Refusal{400, fmt::format("the content-length is '{}', no number", *length)};
  }
  return check_transfer_encoding(headers, version);
}

std::optional<Refusal> check_request(const RequestHead& head) {
  if (!is_known_method(head.method) || head.method == "CONNECT") {
    return Refusal{501, fmt::format("the method '{}' is not known here", head.method)};
  }
  const bool star = head.target == "*" && head.method == "OPTIONS";
  if (!star && head.target[0] != '/' && authority_of(head.target).empty()) {
    return Refusal{400, fmt::format("the target '{}' begins with no '/'", head.target)};
  }
  if (head.target.find('#') != std::string::npos) return Refusal{400, "the target has a fragment ('#')"};
  if (auto wrong = check_host(head)) return wrong;
  const auto expect = head.headers.get("expect");
  if (expect && head.version == Version::http1_1 && !equal_without_case(*expect, "100-continue")) {
    return Refusal{417, fmt::format("the expectation '{}' is not known here: only 100-continue is", *expect)};
  }
  return std::nullopt;
}

void finish_request(RequestHead& head) {
  head.authority = head.headers.get_or("host");
  const std::string_view named = authority_of(head.target);
  if (named.empty()) return;
  head.authority = named;
  head.target.erase(0, authority_begin(head.target) + named.size());
  if (!head.target.starts_with('/')) head.target.insert(0, 1, '/');
}

}  // namespace sofa::http::detail
