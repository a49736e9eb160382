#pragma once
// ExchangeFilter: stands between a handler and the exchange it was given, to see or change what is sent. A middleware is a Handler that hands such a
// filter, or the exchange itself, to the next Handler.

#include <utility>

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
  void let_body_rest() override { inner_->let_body_rest(); }
  Result<void> hold(size_t bytes) override { return inner_->hold(bytes); }
  Result<void> room_for(size_t bytes) const override { return inner_->room_for(bytes); }
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

/// A filter that also stands before the sink: forwards every event. A derived class overrides what it cares for.
class SinkFilter : public ExchangeFilter, protected MessageSink {
 public:
  explicit SinkFilter(ExchangePtr inner) : ExchangeFilter(std::move(inner)) { this->inner().set_sink(this); }
  ~SinkFilter() override { inner().set_sink(nullptr); }

  void set_sink(MessageSink* sink) override { sink_ = sink; }

 protected:
  void on_data(ByteSpan data) override { sink_ == nullptr ? inner().consumed(data.size()) : sink_->on_data(data); }
  void on_end(Headers& trailers) override {
    if (sink_ != nullptr) sink_->on_end(trailers);
  }
  void on_abort(Error error) override {
    if (sink_ != nullptr) sink_->on_abort(std::move(error));
  }
  void on_writable() override {
    if (sink_ != nullptr) sink_->on_writable();
  }
  void on_hang_up() override {
    if (sink_ != nullptr) sink_->on_hang_up();
  }
  void on_drain() override {
    if (sink_ != nullptr) sink_->on_drain();
  }
};

/// Knows when its request begins to count among those that run: its message is whole, or its answer begins. So a request whose body does not come
/// takes no place of theirs.
class RunningFilter : public SinkFilter {
 public:
  using SinkFilter::SinkFilter;
  Result<void> send_response(int status, const Headers& headers, bool end) override {
    const bool begins = status >= 200 || status == 101;
    if (begins && !std::exchange(begun_, true)) begin();
    head_sent_ = head_sent_ || begins;
    return inner().send_response(status, headers, end);
  }

 protected:
  /// Whether it may begin to count; asked when the message is whole and no answer has begun.
  virtual bool may_begin() = 0;
  /// It counts from now on; comes once at most.
  virtual void begin() = 0;
  /// Answers it in place of the handler, as there is no place for it.
  virtual void refuse() = 0;
  bool head_sent() const { return head_sent_; }

  void on_end(Headers& trailers) override {
    if (begun_ || may_begin()) {
      if (!std::exchange(begun_, true)) begin();
      return SinkFilter::on_end(trailers);
    }
    MessageSink* sink = std::exchange(sink_, nullptr);
    inner().set_sink(nullptr);
    refuse();
    if (sink != nullptr) sink->on_abort(Error(Code::resource_exhausted, "as many requests run as may"));
  }

 private:
  bool begun_ = false;
  bool head_sent_ = false;
};

}  // namespace sofa::http
