#pragma once
// A client connection of HTTP/1.1 and the one exchange that runs on it at a time.

#include "sofa/http/client.h"
#include "sofa/http/detail/http1_parser.h"
#include "sofa/http/detail/http1_writer.h"
#include "sofa/io/sync.h"
#include "sofa/io/task_group.h"

namespace sofa::http::detail {

class ClientExchange;

class Http1Client final : public ClientConnection {
 public:
  Http1Client(io::Stream stream, const Http1Options& options);

  Result<ExchangePtr> start(RequestHead request, MessageSink& sink, bool end) override;
  bool can_start() const override { return !closing_ && exchange_ == nullptr; }
  size_t running() const override { return exchange_ == nullptr ? 0 : 1; }
  bool is_open() const override { return !closing_; }
  const io::Address& peer() const override { return peer_; }
  io::Task<Result<void>> ended() override { co_return co_await ended_.wait(); }
  io::Task<Result<void>> drain() override;
  io::Task<void> close() override;

 private:
  friend class ClientExchange;

  io::Task<void> run();
  void take_input();
  bool take_step();
  void take_raw();
  void on_head();
  void on_body(ByteSpan data);
  void on_message_end();
  size_t window() const;

  Result<void> check_start(const RequestHead& request) const;
  Result<void> write(GatherList&& bytes);
  void watch_writes();
  io::Task<void> wait_for_low_water();
  /// Both messages are whole, or the exchange was dropped: the next one may start, if the connection lives.
  void release();
  /// Closes the stream; what runs gets on_abort.
  void fail_with(Error error);
  Instant deadline() const;
  void arm_timer();
  void on_timer();

  io::Shard& shard_;
  io::Stream stream_;
  const io::Address peer_;
  const Http1Options options_;
  ResponseParser parser_;
  Buffer in_;
  ClientExchange* exchange_ = nullptr;
  bool interim_ = false;  // the message at hand is a 1xx
  bool raw_ = false;      // after 101
  bool blocked_ = false;  // the window is shut
  bool closing_ = false;  // nothing starts any more
  io::Event ended_;
  bool watching_ = false;
  size_t unread_ = 0;
  Instant last_activity_;
  io::Event wake_;  // input may be taken again
  io::Event idle_;  // no exchange runs, or nothing ever will
  io::TimerNode timer_{[](void* self) { static_cast<Http1Client*>(self)->on_timer(); }, this};
  io::TaskGroup tasks_;
};

class ClientExchange final : public Exchange {
 public:
  ClientExchange(Http1Client& connection, RequestHead request, MessageSink& sink, bool asks_upgrade);
  ~ClientExchange() override;

  const io::Address& peer() const override { return peer_; }
  void consumed(size_t n) override;
  Result<void> send_response(int status, const Headers& headers, bool end) override;
  Result<void> send_data(Bytes data, bool end) override;
  Result<void> send_trailers(const Headers& trailers) override;
  void reset(Reset reason) override;
  size_t pending_bytes() const override { return connection_ == nullptr ? 0 : connection_->stream_.pending_write_bytes(); }
  bool write_blocked() const override { return write_blocked_; }

 private:
  friend class Http1Client;

  Result<void> check_open() const;
  Result<void> send(GatherList&& bytes, bool end);

  Http1Client* connection_;  // null when both messages are whole, or it has ended
  const io::Address peer_;
  const bool asks_upgrade_;
  bool request_whole_ = false;
  bool response_whole_ = false;
  bool write_blocked_ = false;
  BodyWriter body_;
  std::optional<Error> failure_;
};

}  // namespace sofa::http::detail
