#pragma once
// An exchange without a connection, for tests of handlers.

#include "sofa/http/exchange.h"

namespace sofa::http::testing {

/// What a handler sends, without a connection.
class RecordedExchange final : public Exchange {
 public:
  struct Sent {
    int status = 0;
    Headers headers;
    std::string body;
    bool ended = false;
    RecordedExchange* exchange = nullptr;  ///< while it lives
    bool reset = false;
    size_t consumed = 0;
  };
  RecordedExchange(Sent& sent, std::string method, std::string target, Headers headers = {}) : sent_(sent) {
    request_.method = std::move(method);
    request_.target = std::move(target);
    request_.headers = std::move(headers);
    sent_.exchange = this;
  }
  ~RecordedExchange() override { sent_.exchange = nullptr; }
  /// What the connection would call.
  MessageSink* sink() const { return sink_; }
  const io::Address& peer() const override { return peer_; }
  void consumed(size_t n) override { sent_.consumed += n; }
  Result<void> send_response(int status, const Headers& headers, bool end) override {
    sent_.status = status;
    sent_.headers = headers;
    sent_.ended = end;
    return {};
  }
  Result<void> send_data(Bytes data, bool end) override {
    sent_.body += data.text();
    sent_.ended = end;
    return {};
  }
  Result<void> send_trailers(const Headers&) override {
    sent_.ended = true;
    return {};
  }
  void reset(Reset) override { sent_.reset = true; }
  size_t pending_bytes() const override { return 0; }
  bool write_blocked() const override { return false; }

 private:
  Sent& sent_;
  io::Address peer_;
};

}  // namespace sofa::http::testing
