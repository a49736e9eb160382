#include "sofa/http/detail/http1_server.h"
#include "sofa/http/detail/http1_syntax.h"
#include "sofa/http/detail/http2_server.h"

namespace sofa::http {

Http1Protocol::Http1Protocol(Handler& handler, Http1Options options, std::optional<Http2Options> http2)
    : handler_(handler), options_(options), http2_(http2), refusal_log_(options.log_lines_per_second) {}

transport::Detected Http1Protocol::detect(ByteSpan first_bytes) const {
  transport::Detected found = transport::Detected::no;
  for (const std::string_view method : detail::kMethods) {
    const std::string_view seen = as_text(first_bytes).substr(0, method.size() + 1);
    if (!method.starts_with(seen.substr(0, method.size()))) continue;
    if (seen.size() <= method.size()) {
      found = transport::Detected::maybe;
    } else if (seen.back() == ' ') {
      return transport::Detected::yes;
    }
  }
  return found;
}

io::Task<void> Http1Protocol::serve(io::Stream stream, Buffer prefix, transport::Connection& connection) {
  detail::ServerConnection served(std::move(stream), std::move(prefix), {handler_, options_, refusal_log_, http2_.has_value()}, connection);
  co_await served.serve();
  auto http2 = served.take_upgrade();
  if (!http2) co_return;
  co_await detail::serve_http2(std::move(http2->stream), std::move(http2->prefix), connection, handler_, *http2_, &refusal_log_,
                               detail::Http2Upgrade{std::move(http2->request), std::move(http2->settings)});
}

}  // namespace sofa::http
