#pragma once
// The coroutine view of an Exchange: read the peer's body and trailers, write ours with back-pressure.
//
//   io::Task<void> echo(http::ExchangePtr exchange) {
//     http::Body body(*exchange);
//     ... co_await or_return(body.read_all(1 << 20)) ...
//   }

#include <optional>

#include "sofa/http/exchange.h"
#include "sofa/io/scope.h"
#include "sofa/io/sync.h"
#include "sofa/io/task.h"

namespace sofa::http {

/// The sink of one exchange as awaitable reads. Belongs to the exchange's shard; destroyed before it or together with it. At most `initial window`
/// bytes are held: reading gives the window back.
class Body final : public MessageSink {
 public:
  explicit Body(Exchange& exchange) : exchange_(exchange) { exchange_.set_sink(this); }
  ~Body() { exchange_.set_sink(nullptr); }
  Body(const Body&) = delete;
  Body& operator=(const Body&) = delete;

  /// The next bytes that are there, all of them up to `max`; empty at the end of the body. Fails when the exchange was aborted, and with
  /// Code::unavailable when the server holds too much of such bodies (Exchange::hold).
  io::Task<Result<Bytes>> read(size_t max = size_t{64} << 10);
  /// The whole body; Code::resource_exhausted when it is longer than `max`.
  io::Task<Result<Bytes>> read_all(size_t max);
  /// Client: waits for the final response head.
  io::Task<Result<ResponseHead*>> response();
  /// Server: cancels the scope when the peer is gone (on_abort, on_hang_up), at once when it is already. The scope outlives the Body.
  void cancel_when_gone(io::Scope& scope);
  /// After the end of the body.
  Headers& trailers() { return trailers_; }
  /// Sends, and waits while more than the high-water mark is pending.
  io::Task<Result<void>> write(Bytes data, bool end = false);

  void on_response(ResponseHead& head, bool final) override;
  void on_data(ByteSpan data) override;
  void on_end(Headers& trailers) override;
  void on_abort(Error error) override;
  void on_writable() override;
  void on_hang_up() override;

 private:
  io::Task<Result<void>> wait_for_change();
  void let_go(Error error);
  void cancel_scope();

  Exchange& exchange_;
  Buffer received_;
  bool collecting_ = false;  // read_all runs
  size_t collected_ = 0;     // by it
  Headers trailers_;
  std::optional<ResponseHead> response_;
  std::optional<Error> failure_;
  bool ended_ = false;
  bool gone_ = false;
  io::Scope* scope_ = nullptr;  // to cancel when the peer is gone; null: none
  io::Event changed_;
};

}  // namespace sofa::http
