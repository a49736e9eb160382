#include "sofa/http/detail/http2_connection.h"
#include "sofa/http/server.h"

namespace sofa::http {

Http2Protocol::Http2Protocol(Handler& handler, Http2Options options)
    : handler_(handler), options_(options), close_log_(options.log_lines_per_second) {}

transport::Detected Http2Protocol::detect(ByteSpan first_bytes) const {
  constexpr std::string_view kPreface = NGHTTP2_CLIENT_MAGIC;
  const std::string_view seen = as_text(first_bytes).substr(0, kPreface.size());
  if (!kPreface.starts_with(seen)) return transport::Detected::no;
  return seen.size() < kPreface.size() ? transport::Detected::maybe : transport::Detected::yes;
}

io::Task<void> Http2Protocol::serve(io::Stream stream, Buffer prefix, transport::Connection& connection) {
  using detail::Http2Connection;
  Http2Connection http2(std::move(stream), Http2Connection::Side::server, options_, &handler_, &close_log_, std::move(prefix));
  connection.live_stats = &http2.stats();
  connection.on_drain([](void* context) { static_cast<Http2Connection*>(context)->drain(); }, &http2);
  co_await http2.run();
  connection.on_drain(nullptr, nullptr);
  connection.live_stats = nullptr;
  connection.final_stats = http2.stats();
  connection.close_kind = http2.close_kind();
}

}  // namespace sofa::http
