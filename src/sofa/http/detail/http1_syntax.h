#pragma once
// The rules of RFC 9112 for heads that two readers might understand differently, and the words of HTTP/1.1.

#include <optional>
#include <string_view>

#include "sofa/http/detail/http1_parser.h"

namespace sofa::http::detail {

/// Method words that a port takes for HTTP/1.1.
inline constexpr std::string_view kMethods[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT"};
bool is_known_method(std::string_view method);
/// Methods that change nothing (RFC 9110, 9.2.1).
bool is_safe_method(std::string_view method);

/// "HTTP/" digit "." digit.
bool is_version(std::string_view word);

/// Length and transfer coding of a message: one of them, once, and of transfer codings "chunked" alone (RFC 9112, 6).
std::optional<Refusal> check_framing(const Headers& headers, Version version);
/// Method, target form and Host (RFC 9112, 3.2), Expect (RFC 9110, 10.1.1).
std::optional<Refusal> check_request(const RequestHead& head);
/// Fills what a request says in other words: the authority, and the path of an absolute target. After check_request().
void finish_request(RequestHead& head);

}  // namespace sofa::http::detail
