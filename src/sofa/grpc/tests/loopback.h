#pragma once
// A server of gRPC on loopback, and a channel to it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sofa/grpc/client.h"
#include "sofa/grpc/server.h"
#include "sofa/http/server.h"
#include "sofa/io/runtime.h"
#include "sofa/io/task_group.h"
#include "sofa/transport/port.h"

namespace sofa::grpc::testing {

using namespace std::chrono_literals;

/// Echoes, with the metadata "x-echo" and "x-echo-bin" in head and trailers. "error" is refused with details, "never" is kept for ever.
struct Echo final : UnaryHandler {
  std::vector<std::unique_ptr<UnaryCall>> kept;
  int cancelled = 0;
  void handle(std::unique_ptr<UnaryCall> call) override {
    const std::string_view text = as_text(call->message());
    if (text == "error") {
      return call->answer(Error(Code::failed_precondition, "no\nway 中")
                              .with_detail(std::make_shared<const StatusDetails>(Bytes::copy_of(std::string_view("\0\xff", 2)))));
    }
    if (text == "never") {
      call->on_cancelled([](void* self) { ++static_cast<Echo*>(self)->cancelled; }, this);
      return kept.push_back(std::move(call));
    }
    if (const auto value = call->metadata().get("x-echo")) call->add_header("x-echo", *value);
    if (const auto value = call->binary("x-echo-bin")) call->add_trailer("x-echo-bin", *value);
    call->set_encoding(call->request_encoding());
    call->answer(call->message());
  }
};

/// Sends each message back; remembers how it ended.
struct Talk final : StreamHandler {
  int running = 0;
  std::optional<Error> last_error;
  io::Task<Result<void>> handle(StreamCall& call) override { return run(*this, call); }
  static io::Task<Result<void>> run(Talk& self, StreamCall& call) {
    ++self.running;
    Result<void> done = co_await echo(call);
    --self.running;
    if (!done) self.last_error = done.error();
    co_return done;
  }
  static io::Task<Result<void>> echo(StreamCall& call) {
    for (;;) {
      auto message = co_await io::or_return(call.read());
      if (!message) co_return Result<void>();
      if (message->text() == "fail") co_return fail(Code::aborted, "told to");
      co_await io::or_return(call.write(std::move(*message)));
    }
  }
};

struct Loopback {
  explicit Loopback(ServerOptions options, http::Http2Options http2_options) : server(options), http2(server, http2_options) {}
  Echo echo;
  Talk talk;
  Server server;
  http::Http2Protocol http2;
  std::unique_ptr<transport::Port> port;

  io::Task<Result<void>> open(io::Address address = io::Address::of("127.0.0.1", 0), transport::PortOptions options = {}) {
    co_await io::or_return(server.add_unary("/t.T/Echo", echo));
    co_await io::or_return(server.add_stream("/t.T/Talk", talk));
    options.drain_timeout = 200ms;
    port = co_await io::or_return(transport::Port::open(address, {&http2}, options));
    co_return Result<void>();
  }
  io::Task<Result<void>> close() {
    co_await io::or_return(port->stop());
    echo.kept.clear();
    co_await server.stop_shard();
    co_return Result<void>();
  }
};

template <class F>
void on_loopback(F body, ServerOptions options = {}, http::Http2Options http2 = {}, ChannelOptions channel_options = {}) {
  io::Runtime runtime({.shards = 1, .hold_limit = Duration::zero()});
  const auto run = [&]() -> io::Task<Result<void>> {
    Loopback server(options, http2);
    co_await io::or_return(server.open());
    Channel channel(server.port->local(), channel_options);
    auto done = co_await io::with_timeout(20s, body(server, channel));
    co_await channel.close();
    auto closed = co_await server.close();
    co_return done ? closed : done;
  };
  const auto done = runtime.block_on(run());
  EXPECT_TRUE(done) << done.error().to_string();
}

inline io::Task<Result<void>> until(const std::function<bool()>& condition) {
  while (!condition()) co_await io::or_return(io::sleep_for(1ms));
  co_return Result<void>();
}

}  // namespace sofa::grpc::testing
