// Channel and Server over HTTP/2 on loopback.

#include "loopback.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace sofa::grpc {
namespace {

using namespace testing;
using ::testing::Each;
using ::testing::HasSubstr;

TEST(Loopback, UnaryCallsOfAnySizePlainAndCompressed) {
  on_loopback([](Loopback& server, Channel& channel) -> io::Task<Result<void>> {
    for (const size_t size : {size_t{0}, size_t{1}, size_t{16'384}, size_t{3} << 20}) {
      const Bytes message = Bytes::copy_of(std::string(size, 'm'));
      for (const Encoding encoding : {Encoding::identity, Encoding::gzip}) {
        const Bytes answer = co_await io::or_return(channel.unary("/t.T/Echo", message, {.encoding = encoding}));
        EXPECT_TRUE(answer == message) << size;
      }
    }
    EXPECT_EQ(server.server.stats().succeeded, 8u);
    co_return Result<void>();
  });
}

TEST(Loopback, MetadataAndStatusGoBothWays) {
  on_loopback([](Loopback&, Channel& channel) -> io::Task<Result<void>> {
    http::Headers headers, trailers;
    const std::string binary("\0\x01\xff", 3);
    co_await io::or_return(
        channel.unary("/t.T/Echo", Bytes(), {.metadata = {{"x-echo", "v"}, {"x-echo-bin", binary}}, .headers = &headers, .trailers = &trailers}));
    EXPECT_EQ(headers.get("x-echo"), "v");
    EXPECT_EQ(trailers.get("x-echo-bin"), "AAH/");
    const auto refused = co_await channel.unary("/t.T/Echo", Bytes::literal("error"));
    if (refused) co_return fail(Code::internal, "an error was expected");
    EXPECT_EQ(refused.error().code(), Code::failed_precondition);
    EXPECT_EQ(refused.error().message(), "no\nway 中");
    const auto* details = refused.error().template detail<StatusDetails>();
    EXPECT_TRUE(details != nullptr && details->bytes.text() == std::string_view("\0\xff", 2));
    const auto unknown = co_await channel.unary("/t.T/Missing", Bytes());
    EXPECT_TRUE(!unknown && unknown.error().code() == Code::unimplemented);
    co_return Result<void>();
  });
}

TEST(Loopback, ADeadlineEndsTheCallOnBothSides) {
  on_loopback([](Loopback& server, Channel& channel) -> io::Task<Result<void>> {
    const auto late = co_await channel.unary("/t.T/Echo", Bytes::literal("never"), {.timeout = 30ms});
    EXPECT_TRUE(!late && late.error().code() == Code::deadline_exceeded);
    co_await io::or_return(until([&] { return server.echo.cancelled == 1; }));
    auto stream = co_await io::or_return(channel.stream("/t.T/Talk", {.timeout = 30ms}));
    const auto read = co_await stream->read();
    EXPECT_TRUE(!read && read.error().code() == Code::deadline_exceeded);
    co_await io::or_return(until([&] { return server.talk.running == 0; }));
    co_return Result<void>();
  });
}

TEST(Loopback, AStreamTalksBothWaysUntilItsStatus) {
  on_loopback([](Loopback&, Channel& channel) -> io::Task<Result<void>> {
    auto stream = co_await io::or_return(channel.stream("/t.T/Talk"));
    for (int i = 0; i < 100; ++i) {
      const std::string text = fmt::format("message {}", i);
      co_await io::or_return(stream->write(Bytes::copy_of(text)));
      const auto back = co_await io::or_return(stream->read());
      EXPECT_TRUE(back && back->text() == text);
    }
    co_await io::or_return(stream->finish_writes());
    EXPECT_FALSE(co_await io::or_return(stream->read()));
    EXPECT_EQ(stream->trailers().get("grpc-status"), "0");
    auto failing = co_await io::or_return(channel.stream("/t.T/Talk"));
    co_await io::or_return(failing->write(Bytes::literal("one")));
    co_await io::or_return(failing->write(Bytes::literal("fail")));
    const auto one = co_await io::or_return(failing->read());
    EXPECT_TRUE(one && one->text() == "one") << "messages before the status are read";
    const auto status = co_await failing->read();
    EXPECT_TRUE(!status && status.error().code() == Code::aborted && status.error().message() == "told to");
    co_return Result<void>();
  });
}

TEST(Loopback, AStreamThatNobodyReadsStopsItsWriter) {
  on_loopback([](Loopback& server, Channel& channel) -> io::Task<Result<void>> {
    auto stream = co_await io::or_return(channel.stream("/t.T/Talk"));
    const Bytes block = Bytes::copy_of(std::string(256 << 10, 'b'));
    size_t written = 0;
    // The echo is not read: the windows of both directions fill, then write() waits.
    for (;;) {
      const auto sent = co_await io::with_timeout(200ms, stream->write(block));
      if (!sent) {
        EXPECT_EQ(sent.error().code(), Code::deadline_exceeded);
        break;
      }
      written += block.size();
      if (written > (size_t{64} << 20)) co_return fail(Code::internal, "64 MiB were taken and nobody reads");
    }
    EXPECT_LT(written, size_t{16} << 20);
    size_t back = 0;
    while (back < written) back += (co_await io::or_return(stream->read())).value_or(Bytes()).size();
    EXPECT_EQ(server.talk.running, 1);
    co_return Result<void>();
  });
}

TEST(Loopback, ADroppedStreamIsCancelledAtTheServer) {
  on_loopback([](Loopback& server, Channel& channel) -> io::Task<Result<void>> {
    {
      auto stream = co_await io::or_return(channel.stream("/t.T/Talk"));
      co_await io::or_return(stream->write(Bytes::literal("a")));
      co_await io::or_return(stream->read());
    }
    co_await io::or_return(until([&] { return server.talk.running == 0; }));
    EXPECT_EQ(server.talk.last_error->code(), Code::cancelled);
    co_return Result<void>();
  });
}

TEST(Loopback, MessagesOverTheLimitsAreResourceExhausted) {
  on_loopback(
      [](Loopback&, Channel& channel) -> io::Task<Result<void>> {
        const auto sent = co_await channel.unary("/t.T/Echo", Bytes::copy_of(std::string(1001, 'x')));
        EXPECT_TRUE(!sent && sent.error().code() == Code::resource_exhausted);
        if (!sent) EXPECT_THAT(sent.error().to_string(), HasSubstr("1001 bytes"));
        const auto received = co_await channel.unary("/t.T/Echo", Bytes::copy_of(std::string(600, 'x')));
        EXPECT_TRUE(!received && received.error().code() == Code::resource_exhausted);
        co_await io::or_return(channel.unary("/t.T/Echo", Bytes::copy_of(std::string(500, 'x'))));
        co_return Result<void>();
      },
      {.max_receive_message = 1000}, {}, {.max_receive_message = 500});
}

TEST(Loopback, ACallWhoseMessageOutgrowsTheServersBudgetIsResourceExhaustedAndGivesItBack) {
  const auto budget = std::make_shared<transport::ByteBudget>(size_t{128} << 10);
  http::Http2Options http2;
  http2.half_bodies = budget;
  on_loopback(
      [&](Loopback&, Channel& channel) -> io::Task<Result<void>> {
        const Bytes large = Bytes::copy_of(std::string(300 << 10, 'x')), small = Bytes::copy_of(std::string(100 << 10, 'x'));
        for (int i = 0; i < 3; ++i) {
          const auto refused = co_await channel.unary("/t.T/Echo", large);
          EXPECT_TRUE(!refused && refused.error().code() == Code::resource_exhausted);
          if (!refused) EXPECT_THAT(refused.error().to_string(), HasSubstr("max_half_frame_bytes 131072"));
          auto stream = co_await io::or_return(channel.stream("/t.T/Talk"));
          co_await io::or_return(stream->write(small));
          EXPECT_TRUE(co_await io::or_return(stream->read()));
          [[maybe_unused]] const auto written = co_await stream->write(large);
          const auto ended = co_await stream->read();
          EXPECT_TRUE(!ended && ended.error().code() == Code::resource_exhausted);
          if (!ended) EXPECT_THAT(ended.error().to_string(), HasSubstr("max_half_frame_bytes 131072"));
          EXPECT_TRUE(co_await io::or_return(channel.unary("/t.T/Echo", small)) == small) << "others are served on the same connection";
        }
        co_await io::or_return(until([&] { return budget->held() == 0; }));
        co_return Result<void>();
      },
      {}, http2);
}

TEST(Loopback, CallsOverTheLimitOfStreamsWaitForAPlace) {
  on_loopback(
      [](Loopback&, Channel& channel) -> io::Task<Result<void>> {
        std::vector<io::Task<Result<Bytes>>> calls;
        for (int i = 0; i < 50; ++i) calls.push_back(channel.unary("/t.T/Echo", Bytes::literal("a")));
        const auto answers = co_await io::or_return(io::when_all(std::move(calls)));
        EXPECT_EQ(answers.size(), 50u);
        co_return Result<void>();
      },
      {}, {.max_concurrent_streams = 3});
}

TEST(Loopback, CallsThatWaitForAPlaceGetItInTheirOrder) {
  on_loopback(
      [](Loopback&, Channel& channel) -> io::Task<Result<void>> {
        std::vector<int> order;
        const auto call = [&](int i) -> io::Task<Result<int>> {
          co_await io::or_return(channel.unary("/t.T/Echo", Bytes::literal("a")));
          order.push_back(i);
          co_return i;
        };
        std::vector<io::Task<Result<int>>> calls;
        for (int i = 0; i < 50; ++i) calls.push_back(call(i));
        co_await io::or_return(io::when_all(std::move(calls)));
        EXPECT_TRUE(std::ranges::is_sorted(order));
        co_return Result<void>();
      },
      {}, {.max_concurrent_streams = 1});
}

TEST(Loopback, NoMoreCallsWaitForAPlaceThanMay) {
  on_loopback(
      [](Loopback&, Channel& channel) -> io::Task<Result<void>> {
        std::vector<std::string> refused;
        const auto call = [&]() -> io::Task<Result<int>> {
          const auto answer = co_await channel.unary("/t.T/Echo", Bytes::literal("a"));
          if (!answer) refused.push_back(answer.error().to_string());
          co_return 0;
        };
        std::vector<io::Task<Result<int>>> calls;
        for (int i = 0; i < 10; ++i) calls.push_back(call());
        co_await io::or_return(io::when_all(std::move(calls)));
        EXPECT_EQ(refused.size(), 6u) << "none is connected: 4 may wait";
        EXPECT_THAT(refused, Each(HasSubstr("4 calls wait for")));
        co_return Result<void>();
      },
      {}, {}, {.max_waiting = 4});
}

TEST(Loopback, AChannelThatPingsTooOftenDoublesItsIntervalUntilTheServerBearsIt) {
  ChannelOptions options;
  options.http2.keep_alive_interval = 20ms;
  on_loopback(
      [](Loopback&, Channel& channel) -> io::Task<Result<void>> {
        int ended = 0;
        for (;; ++ended) {
          const auto answer = co_await channel.unary("/t.T/Echo", Bytes::literal("never"), {.timeout = 1s});
          if (answer || ended > 10) co_return fail(Code::internal, "an end by the server, then by the deadline, was expected");
          if (answer.error().code() == Code::deadline_exceeded) break;
          EXPECT_EQ(answer.error().code(), Code::unavailable);
          EXPECT_THAT(answer.error().to_string(), HasSubstr("too_many_pings"));
        }
        EXPECT_GE(ended, 1);
        EXPECT_LE(ended, 3) << "20, 40, 80, 160 ms";
        co_return Result<void>();
      },
      {.pings = {.min_interval = 100ms}}, {}, options);
}

/// A port that is bound: it refuses connections until it listens, and then says nothing.
class SilentPort {
 public:
  SilentPort() {
    sockaddr_in loopback{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
    socklen_t size = sizeof loopback;
    EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&loopback), size), 0);
    EXPECT_EQ(::getsockname(socket_, reinterpret_cast<sockaddr*>(&loopback), &size), 0);
    address_ = io::Address::of("127.0.0.1", ntohs(loopback.sin_port));
  }
  ~SilentPort() { ::close(socket_); }
  SilentPort(const SilentPort&) = delete;
  SilentPort& operator=(const SilentPort&) = delete;
  void listen() const { EXPECT_EQ(::listen(socket_, 8), 0); }
  const io::Address& address() const { return address_; }

 private:
  const int socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  io::Address address_;
};

TEST(Loopback, ACallThatGivesUpDoesNotEndTheOthersThatWaitForTheConnection) {
  io::Runtime runtime({.shards = 1, .hold_limit = Duration::zero()});
  const auto run = []() -> io::Task<Result<void>> {
    const SilentPort port;
    Channel channel(port.address(), {.connect_timeout = 20s, .tls = co_await io::or_return(io::TlsClientContext::open({}))});
    const auto code_of = [&channel](Duration timeout) -> io::Task<Result<Code>> {
      const auto answer = co_await channel.unary("/t.T/Echo", Bytes(), {.timeout = timeout});
      co_return answer ? Code::internal : answer.error().code();
    };
    EXPECT_EQ(co_await code_of(5s), Code::unavailable) << "refused";
    port.listen();
    while (co_await io::or_return(code_of(20ms)) == Code::unavailable) co_await io::or_return(io::sleep_for(1ms));
    // The next attempt runs now, in a handshake without an end.
    std::vector<io::Task<Result<Code>>> calls;
    calls.push_back(code_of(20ms));
    calls.push_back(code_of(200ms));
    EXPECT_THAT(co_await io::or_return(io::when_all(std::move(calls))), Each(Code::deadline_exceeded));
    co_await channel.close();
    co_return Result<void>();
  };
  const auto done = runtime.block_on([](auto body) -> io::Task<Result<void>> { co_return co_await io::with_timeout(20s, body()); }(run));
  EXPECT_TRUE(done) << done.error().to_string();
}

TEST(Loopback, AChannelConnectsAgainAfterALoss) {
  io::Runtime runtime({.shards = 1, .hold_limit = Duration::zero()});
  const auto run = []() -> io::Task<Result<void>> {
    io::Address address;
    std::optional<Channel> channel;
    {
      Loopback first({}, {});
      co_await io::or_return(first.open());
      address = first.port->local();
      channel.emplace(address);
      co_await io::or_return(channel->unary("/t.T/Echo", Bytes()));
      co_await io::or_return(first.close());
    }
    const auto refused = co_await channel->unary("/t.T/Echo", Bytes(), {.timeout = 100ms});
    EXPECT_TRUE(!refused && refused.error().code() == Code::unavailable);
    if (!refused) EXPECT_THAT(refused.error().to_string(), HasSubstr(address.to_string()));
    Loopback second({}, {});
    co_await io::or_return(second.open(address));
    Result<Bytes> again = fail(Code::unavailable, "not yet");
    while (!again) {
      again = co_await channel->unary("/t.T/Echo", Bytes());
      co_await io::or_return(io::sleep_for(1ms));
    }
    co_await channel->close();
    const auto closed = co_await channel->unary("/t.T/Echo", Bytes());
    EXPECT_TRUE(!closed && closed.error().code() == Code::cancelled);
    co_return co_await second.close();
  };
  const auto done = runtime.block_on([](auto body) -> io::Task<Result<void>> { co_return co_await io::with_timeout(20s, body()); }(run));
  EXPECT_TRUE(done) << done.error().to_string();
}

}  // namespace
}  // namespace sofa::grpc
