#pragma once
// HTTP on a Port: one line for each version.
//
//   http::Router router;                                        // any http::Handler
//   http::Http1Protocol http1(router);                          // upgrades to HTTP/2 ("h2c") when it is given one
//   http::Http2Protocol http2(router);
//   auto port = co_await or_return(transport::Port::open(address, {&bolt, &http2, &http1}));

#include <optional>

#include "sofa/base/log.h"
#include "sofa/http/exchange.h"
#include "sofa/http/options.h"
#include "sofa/transport/protocol.h"

namespace sofa::http {

/// HTTP/2 with prior knowledge, or chosen by ALPN. Detected by its connection preface (RFC 9113, 3.4).
class Http2Protocol : public transport::Protocol {
 public:
  /// `handler` outlives it.
  explicit Http2Protocol(Handler& handler, Http2Options options = {});
  std::string_view name() const override { return "h2"; }
  std::string_view alpn() const override { return "h2"; }
  transport::Detected detect(ByteSpan first_bytes) const override;
  io::Task<void> serve(io::Stream stream, Buffer prefix, transport::Connection& connection) override;

 private:
  Handler& handler_;
  const Http2Options options_;
  LogRate close_log_;
};

/// HTTP/1.1 (and 1.0). Detected by a known method word and a space: unknown words are no HTTP of ours.
class Http1Protocol : public transport::Protocol {
 public:
  /// `handler` outlives it. With `http2`, a request without a body that asks for "h2c" is answered over HTTP/2 on the same connection (RFC
  /// 7540, 3.2).
  explicit Http1Protocol(Handler& handler, Http1Options options = {}, std::optional<Http2Options> http2 = {});
  std::string_view name() const override { return "http1"; }
  std::string_view alpn() const override { return "http/1.1"; }
  transport::Detected detect(ByteSpan first_bytes) const override;
  io::Task<void> serve(io::Stream stream, Buffer prefix, transport::Connection& connection) override;

 private:
  Handler& handler_;
  const Http1Options options_;
  const std::optional<Http2Options> http2_;
  LogRate refusal_log_;
};

}  // namespace sofa::http
