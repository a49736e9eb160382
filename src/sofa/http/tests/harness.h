#pragma once
// A shard, a port with handlers, clients and raw peers for the tests of this module.

#include <gtest/gtest.h>

#include "sofa/http/body.h"
#include "sofa/http/client.h"
#include "sofa/http/server.h"
#include "sofa/io/runtime.h"
#include "sofa/io/task_group.h"
#include "sofa/transport/port.h"

namespace sofa::http::testing {

inline constexpr Duration kPatience = std::chrono::seconds(20);

/// Runs `test()`, which returns a Task<void>, on shard 0 of a fresh runtime.
template <class F>
void on_shard(F test, io::RuntimeOptions options = {.shards = 1}) {
  options.hold_limit = Duration::zero();
  io::Runtime runtime(options);
  runtime.block_on(test());
}

inline io::Address loopback() { return io::Address::parse("127.0.0.1:0").value(); }

/// Waits until `condition()` holds, or patience ends; tells which.
template <class F>
io::Task<bool> eventually(F condition) {
  const Clock& clock = SystemClock::instance();
  const Instant until = clock.now_monotonic() + kPatience;
  while (!condition()) {
    if (clock.now_monotonic() > until) co_return false;
    co_await io::yield();
  }
  co_return true;
}

/// Ends when the timers that are due have fired, after a ManualClock has moved: what is posted runs behind them.
inline io::Task<void> due_timers() {
  for (int turn = 0; turn < 2; ++turn) {
    io::Event posted;
    io::Shard::current().post([&posted] { posted.set(); });
    EXPECT_TRUE(co_await posted.wait());
  }
}

inline io::Task<Result<size_t>> read_some(io::Stream& stream, Buffer& in) { co_return co_await stream.read_some(in); }

/// Reads until `done(bytes)` or the end of the stream.
template <class F>
io::Task<std::string> read_until(io::Stream& stream, F done) {
  Buffer in;
  while (!done(as_text(in.span()))) {
    const auto got = co_await io::with_timeout(kPatience, read_some(stream, in));
    if (!got || *got == 0) break;
  }
  co_return std::string(as_text(in.span()));
}
inline io::Task<std::string> read_to_end(io::Stream& stream) {
  return read_until(stream, [](std::string_view) { return false; });
}

/// Notes every event of one exchange, and gives the window back unless told not to.
struct Recorder final : MessageSink {
  void on_response(ResponseHead& head, bool final) override {
    (final ? status : informational) = head.status;
    if (final) headers = head.headers;
  }
  void on_data(ByteSpan data) override {
    body += as_text(data);
    if (exchange != nullptr && gives_back) exchange->consumed(data.size());
  }
  void on_end(Headers& received) override {
    trailers = received;
    ended = true;
  }
  void on_abort(Error error) override { failure = std::move(error); }
  void on_writable() override { ++writable; }
  void on_hang_up() override { ++hang_ups; }
  bool done() const { return ended || failure.has_value(); }

  Exchange* exchange = nullptr;
  bool gives_back = true;
  int status = 0, informational = 0, writable = 0, hang_ups = 0;
  Headers headers, trailers;
  std::string body;
  bool ended = false;
  std::optional<Error> failure;
};

/// Keeps each exchange with its recorder; the test answers.
struct Keeper final : Handler {
  struct Kept {
    ExchangePtr exchange;
    Recorder sink;
  };
  void handle(ExchangePtr exchange) override {
    auto& one = *kept.emplace_back(std::make_unique<Kept>());
    one.exchange = std::move(exchange);
    one.sink.exchange = one.exchange.get();
    one.sink.gives_back = gives_back;
    one.exchange->set_sink(&one.sink);
  }
  bool wants_body(const RequestHead&) const override { return takes_bodies; }
  Exchange& last() { return *kept.back()->exchange; }
  Recorder& last_sink() { return kept.back()->sink; }

  std::vector<std::unique_ptr<Kept>> kept;
  bool takes_bodies = true;
  bool gives_back = true;
};

/// Answers 200 with the method, the target and the body, and a trailer when it is asked for.
struct Echo final : Handler {
  struct One final : MessageSink {
    explicit One(ExchangePtr its) : exchange(std::move(its)) {}
    void on_data(ByteSpan data) override {
      body += as_text(data);
      exchange->consumed(data.size());
    }
    void on_end(Headers&) override {
      const RequestHead& request = exchange->request();
      const bool trailer = request.headers.contains("want-trailer");
      EXPECT_TRUE(exchange->send_response(200, {{"content-type", "text/plain"}}));
      EXPECT_TRUE(exchange->send_data(Bytes::copy_of(request.method + " " + request.target + " " + body), !trailer));
      if (trailer) EXPECT_TRUE(exchange->send_trailers({{"checksum", "7"}}));
      delete this;
    }
    void on_abort(Error) override { delete this; }
    ExchangePtr exchange;
    std::string body;
  };
  void handle(ExchangePtr exchange) override {
    ++requests;
    Exchange& its = *exchange;
    its.set_sink(new One(std::move(exchange)));
  }
  size_t requests = 0;
};

/// A port on loopback with one protocol.
class Served {
 public:
  explicit Served(transport::Protocol& protocol) : protocol_(protocol) {}
  io::Task<void> open() { port_ = std::move((co_await transport::Port::open(loopback(), {&protocol_})).value()); }
  io::Task<io::Stream> connect() { co_return std::move((co_await io::Stream::connect(port_->local())).value()); }
  io::Task<void> stop() { [[maybe_unused]] const auto stopped = co_await port_->stop(); }
  transport::Port& port() { return *port_; }

 private:
  transport::Protocol& protocol_;
  std::unique_ptr<transport::Port> port_;
};

}  // namespace sofa::http::testing
