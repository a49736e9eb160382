#pragma once
// Shards, connected pairs and raw peers for the tests of this module.

#include <gtest/gtest.h>
#include <unistd.h>

#include "sofa/io/listener.h"
#include "sofa/io/runtime.h"
#include "sofa/io/sync.h"
#include "sofa/io/task_group.h"
#include "sofa/transport/session.h"

namespace sofa::transport::testing {

inline constexpr Duration kPatience = std::chrono::seconds(20);

/// Runs `test()`, which returns a Task<void>, on shard 0 of a fresh runtime.
template <class F>
void on_shard(F test, io::RuntimeOptions options = {.shards = 1}) {
  options.hold_limit = Duration::zero();
  io::Runtime runtime(options);
  runtime.block_on(test());
}

/// Time stands still here unless the test moves it.
template <class F>
void with_manual_clock(F test) {
  ManualClock clock;
  on_shard([&]() { return test(clock); }, {.shards = 1, .clock = &clock});
}

/// Waits for the next loop turn: what is posted runs behind the timers.
inline io::Task<void> next_turn() {
  io::Event posted;
  io::Shard::current().post([&posted] { posted.set(); });
  EXPECT_TRUE(co_await posted.wait());
}

/// Moves the clock in steps, and lets the shard see each.
inline io::Task<void> pass(ManualClock& clock, Duration time, Duration step = std::chrono::seconds(1)) {
  for (Duration passed{}; passed < time; passed += step) {
    clock.advance(step);
    for (int turns = 0; turns < 2; ++turns) co_await next_turn();
  }
}

inline io::Address loopback() { return io::Address::parse("127.0.0.1:0").value(); }

struct StreamPair {
  io::Stream client;
  io::Stream server;
};

/// Two ends of one connection over `address`.
inline io::Task<StreamPair> connected(io::Address address = loopback(), io::StreamOptions options = bolt_stream_options()) {
  io::ListenOptions listen;
  listen.stream = options;
  io::Listener listener = std::move(io::Listener::bind(address, listen).value());
  io::ConnectOptions connect;
  connect.stream = options;
  io::Stream client = std::move((co_await io::Stream::connect(listener.local(), connect)).value());
  io::Stream server = std::move((co_await listener.accept()).value());
  co_return StreamPair{std::move(client), std::move(server)};
}

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

inline Bytes bytes_of(std::string_view hex) {
  std::string digits;
  for (char c : hex) {
    if (c != ' ') digits.push_back(c);
  }
  std::vector<uint8_t> bytes;
  EXPECT_TRUE(from_hex(digits, bytes)) << hex;
  return Bytes::copy_of(ByteSpan(bytes));
}

inline io::Task<Result<size_t>> read_some(io::Stream& stream, Buffer& in) { co_return co_await stream.read_some(in); }

/// Reads until `count` bytes are there; fewer at the end of the stream (or an error).
inline io::Task<std::string> read_bytes(io::Stream& stream, size_t count) {
  Buffer in;
  while (in.size() < count) {
    const auto got = co_await io::with_timeout(kPatience, read_some(stream, in));
    if (!got || *got == 0) break;
  }
  co_return to_hex(in.span());
}
/// Reads to the end of the stream.
inline io::Task<std::string> read_to_end(io::Stream& stream) { return read_bytes(stream, SIZE_MAX); }

inline std::string hex_of(std::string_view spaced) { return to_hex(bytes_of(spaced)); }

/// Answers with the request's content.
struct Echo : Handler {
  void handle(IncomingRequest& request, Responder& responder) override {
    ++requests;
    last_header = std::string(request.header.get("k"));
    const auto answered = responder.answer_with("test.Echo", {}, [&](Buffer& out) {
      out.append(request.frame.content());
      return true;
    });
    EXPECT_TRUE(answered.has_value());
  }
  std::atomic<size_t> requests = 0;
  std::string last_header;
};

/// Keeps the responders until the test answers them.
struct Later : Handler {
  void handle(IncomingRequest& request, Responder& responder) override {
    contents.push_back(request.frame.content_bytes());
    waiting.push_back(std::move(responder));
  }
  std::vector<Bytes> contents;
  std::vector<Responder> waiting;
};

/// The handlers that most tests use: classes "test.Ask" and "A" are echoed, "test.Later" is kept.
struct Answers {
  Answers() {
    EXPECT_TRUE(handlers.add("test.Ask", echo));
    EXPECT_TRUE(handlers.add("A", echo));
    EXPECT_TRUE(handlers.add("test.Later", later));
  }
  Echo echo;
  Later later;
  Handlers handlers;
};

/// A session that runs until the test ends it; the peer may be a raw stream.
class Served {
 public:
  Served(io::Stream stream, const Handlers& handlers, SessionOptions options = SessionOptions::server(), SessionShared* shared = nullptr)
      : session(Session::create(std::move(stream), options, &handlers, shared)) {
    group_.spawn("served", run(session, end_result));
  }
  io::Task<void> end() {
    session->close();
    [[maybe_unused]] const auto joined = co_await group_.join();
  }
  SessionRef session;
  std::optional<Result<void>> end_result;

 private:
  static io::Task<void> run(SessionRef session, std::optional<Result<void>>& end) { end = co_await session->run(); }
  io::TaskGroup group_;
};

/// Two sessions over one connection, each with the same handlers.
class SessionPair {
 public:
  SessionPair(StreamPair streams, const Handlers& handlers, SessionOptions client_options = SessionOptions::client(),
              SessionOptions server_options = SessionOptions::server(), SessionShared* shared = nullptr)
      : client_side_(std::move(streams.client), handlers, client_options),
        server_side_(std::move(streams.server), handlers, server_options, shared) {}
  io::Task<void> end() {
    client->close();
    server->close();
    co_await client_side_.end();
    co_await server_side_.end();
  }

 private:
  Served client_side_, server_side_;

 public:
  const SessionRef client = client_side_.session, server = server_side_.session;
  const std::optional<Result<void>>&client_end = client_side_.end_result, &server_end = server_side_.end_result;
};

inline Request request_of(std::string_view class_name, std::string_view content, Duration timeout = std::chrono::seconds(20)) {
  return {.class_name = class_name, .header = {}, .content = Bytes::copy_of(content), .timeout = timeout};
}

inline bolt::Status status_of(const Error& error) {
  const auto* status = error.detail<TransportStatus>();
  return status == nullptr ? bolt::Status::success : status->status;
}

}  // namespace sofa::transport::testing
