#pragma once
// ExchangeFilter: stands between a handler and the exchange it was given, to see or change what is sent. A middleware is a Handler that hands such a
// filter, or the exchange itself, to the next Handler.

#include "sofa/http/exchange.h"

namespace sofa::http {

/// Forwards everything. A derived class overrides what it cares for. The sink goes to the inner exchange, unless set_sink is overridden too.
class ExchangeFilter : public Exchange {
 public:
  explicit ExchangeFilter(ExchangePtr inner) : inner_(std::move(inner)) {}

  const RequestHead& request() const override { return inner_->request(); }
  RequestContext& context() override { return inner_->context(); }
  void set_sink(MessageSink* sink) override { inner_->set_sink(sink); }
  const io::Address& peer() const override { return inner_->peer(); }
  std::string_view peer_certificate_name() const override { return inner_->peer_certificate_name(); }
  void consumed(size_t n) override { inner_->consumed(n); }
  Result<void> hold(size_t bytes) override { return inner_->hold(bytes); }
  Result<void> send_response(int status, const Headers& headers, bool end) override { return inner_->send_response(status, headers, end); }
  Result<void> send_data(Bytes data, bool end) override { return inner_->send_data(std::move(data), end); }
  Result<void> send_trailers(const Headers& trailers) override { return inner_->send_trailers(trailers); }
  void hold_to(const PingPolicy& policy) override { inner_->hold_to(policy); }
  void reset(Reset reason) override { inner_->reset(reason); }
  size_t pending_bytes() const override { return inner_->pending_bytes(); }
  bool write_blocked() const override { return inner_->write_blocked(); }

 protected:
  Exchange& inner() { return *inner_; }

 private:
  ExchangePtr inner_;
};

}  // namespace sofa::http
