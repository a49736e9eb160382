#pragma once
// The HTTP side of the one port: a text for GET and POST of "/".

#include "sofa/http/exchange.h"

namespace interop {

class PlainPages final : public sofa::http::Handler {
 public:
  void handle(sofa::http::ExchangePtr exchange) override {
    sofa::http::Exchange& its = *exchange;
    its.set_sink(new Asked(std::move(exchange)));
  }

 private:
  static void answer(sofa::http::Exchange& exchange) {
    const bool known = exchange.request().path() == "/" && exchange.request().method != "HEAD";
    if (!exchange.send_response(known ? 200 : 404, {{"content-type", "text/plain"}}, !known) || !known) return;
    [[maybe_unused]] const auto sent = exchange.send_data(sofa::Bytes::literal("SOFAStack for C++ answers here.\n"), true);
  }

  /// Answers when the request is whole; owns itself until then.
  struct Asked final : sofa::http::MessageSink {
    explicit Asked(sofa::http::ExchangePtr its) : exchange(std::move(its)) {}
    void on_data(sofa::ByteSpan data) override { exchange->consumed(data.size()); }
    void on_end(sofa::http::Headers&) override {
      answer(*exchange);
      delete this;
    }
    void on_abort(sofa::Error) override { delete this; }
    sofa::http::ExchangePtr exchange;
  };
};

}  // namespace interop
