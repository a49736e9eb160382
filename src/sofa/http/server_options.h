#pragma once
// OPTIONS of "*", which asks about the server as a whole and not about a resource (RFC 9110, 9.3.7).

#include "sofa/http/exchange.h"

namespace sofa::http {

inline bool is_about_server(const RequestHead& head) { return head.target == "*"; }
inline void answer_about_server(Exchange& exchange) { [[maybe_unused]] const auto sent = respond_text(exchange, 200, "this server speaks HTTP"); }

}  // namespace sofa::http
