#pragma once
// A request of another protocol, seen by the gRPC server as one of gRPC.

#include "sofa/grpc/server.h"
#include "sofa/http/filter.h"

namespace sofa::grpc::detail {

/// Owned by the call that the server makes of it. It is the sink of the inner exchange; the call is its own. What the call has read opens the inner
/// window again, so that the peer waits for the reader in these protocols, too.
class TranslatedExchange : public http::ExchangeFilter, public http::MessageSink {
 public:
  /// `timeout`: what the request says, as "grpc-timeout" has it; empty: nothing.
  TranslatedExchange(http::ExchangePtr inner, std::string_view timeout);
  ~TranslatedExchange() override;

  const http::RequestHead& request() const override { return request_; }
  void set_sink(http::MessageSink* sink) override { sink_ = sink; }
  void consumed(size_t n) override;
  Result<void> hold(size_t bytes) override;

  void on_data(ByteSpan data) override;
  void on_abort(Error error) override;
  void on_writable() override;
  void on_hang_up() override;

 protected:
  /// A piece of the body came; calls hand_over with what it means in gRPC, and touches nothing after one that returns false.
  virtual void translate(ByteSpan data) = 0;
  /// Answers with an error in the protocol's own way; the exchange takes nothing more.
  virtual void answer_error(const Error& error) = 0;

  /// Gives bytes of gRPC to the call. False: this exchange is destroyed.
  bool hand_over(ByteSpan framed);
  /// Of the body `bytes` are kept here, beside what the call keeps; as Exchange::hold.
  Result<void> hold_here(size_t bytes);
  /// The request is whole; the last act.
  void hand_over_end();
  /// Refuses what came; the last act.
  void refuse(const Error& error);
  bool is_over() const { return over_; }
  void set_over() { over_ = true; }

 private:
  void give_back();

  size_t received_ = 0;  // bytes of the inner body whose window is still closed
  size_t handed_ = 0;    // bytes of gRPC that the call has not given back
  size_t kept_ = 0;      // bytes of the body, here
  size_t held_ = 0;      // bytes of gRPC, by the call
  bool over_ = false;
  bool* gone_ = nullptr;  // told by the destructor
};

}  // namespace sofa::grpc::detail
