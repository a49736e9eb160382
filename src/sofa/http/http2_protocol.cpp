#include "sofa/http/detail/http2_server.h"
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
  return detail::serve_http2(std::move(stream), std::move(prefix), connection, handler_, options_, &close_log_);
}

namespace detail {

io::Task<void> serve_http2(io::Stream stream, Buffer prefix, transport::Connection& connection, Handler& handler, const Http2Options& options,
                           LogRate* close_log, std::optional<Http2Upgrade> upgrade) {
  Http2Connection http2(std::move(stream), Http2Connection::Side::server, options, &handler, close_log, std::move(prefix));
  if (upgrade) http2.upgrade(std::move(*upgrade));
  connection.live_stats = &http2.stats();
  connection.on_drain([](void* context) { static_cast<Http2Connection*>(context)->drain(); }, &http2);
  co_await http2.run();
  connection.on_drain(nullptr, nullptr);
  connection.live_stats = nullptr;
  connection.final_stats = http2.stats();
  connection.close_kind = http2.close_kind();
}

}  // namespace detail

}  // namespace sofa::http
