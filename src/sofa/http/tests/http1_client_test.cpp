#include <algorithm>

#include "harness.h"
#include "sofa/io/listener.h"

namespace sofa::http {
namespace {

using namespace std::chrono_literals;
using namespace testing;

/// Our client, and a peer that the test plays.
struct Pair {
  std::unique_ptr<ClientConnection> client;
  io::Stream peer;

  io::Task<void> says(std::string_view bytes) {
    EXPECT_TRUE(peer.write(Bytes::copy_of(bytes)));
    peer.flush();
    co_return;
  }
  /// Reads a request up to its mark.
  io::Task<std::string> hears(std::string_view mark) {
    co_return co_await read_until(peer, [mark](std::string_view seen) { return seen.find(mark) != std::string_view::npos; });
  }
};

io::Task<Pair> connected(Http1Options options = {}) {
  io::Listener listener = std::move(io::Listener::bind(loopback()).value());
  io::Stream ours = std::move((co_await io::Stream::connect(listener.local())).value());
  io::Stream theirs = std::move((co_await listener.accept()).value());
  co_return Pair{std::move(connect_http1(std::move(ours), options).value()), std::move(theirs)};
}

RequestHead request(std::string_view method, std::string_view target, Headers headers = {}) {
  RequestHead head;
  head.method = method;
  head.target = target;
  head.authority = "test";
  head.headers = std::move(headers);
  return head;
}

TEST(Http1Client, SendsOneRequestAfterTheOtherOverOneConnection) {
  on_shard([]() -> io::Task<void> {
    Echo echo;
    Http1Protocol protocol(echo);
    Served served(protocol);
    co_await served.open();
    auto client = std::move(connect_http1(co_await served.connect()).value());
    for (int i = 0; i < 50; ++i) {
      Recorder sink;
      const std::string target = fmt::format("/{}", i);
      ExchangePtr exchange = std::move(client->start(request("POST", target, {{"want-trailer", "1"}}), sink, false).value());
      sink.exchange = exchange.get();
      Recorder other;
      EXPECT_FALSE(client->can_start());
      EXPECT_EQ(client->start(request("GET", "/"), other, true).error().code(), Code::resource_exhausted);
      EXPECT_TRUE(exchange->send_data(Bytes::copy_of("one ")));
      EXPECT_TRUE(exchange->send_data(Bytes::copy_of("two"), true));
      EXPECT_TRUE(co_await eventually([&] { return sink.done(); }));
      EXPECT_EQ(sink.status, 200);
      EXPECT_EQ(sink.body, fmt::format("POST /{} one two", i));
      EXPECT_EQ(sink.trailers.get("checksum"), "7");
    }
    EXPECT_EQ(echo.requests, 50u);
    EXPECT_EQ((co_await served.port().stats())->accepted, 1u);
    EXPECT_TRUE(co_await client->drain());
    EXPECT_FALSE(client->is_open());
    co_await served.stop();
  });
}

TEST(Http1Client, FramesTheBodyAsItsHeadersSay) {
  on_shard([]() -> io::Task<void> {
    Pair pair = co_await connected();
    const auto sent = [&](RequestHead head, std::string_view body, std::string_view mark) -> io::Task<std::string> {
      Recorder sink;
      ExchangePtr exchange = std::move(pair.client->start(std::move(head), sink, body.empty()).value());
      if (!body.empty()) EXPECT_TRUE(exchange->send_data(Bytes::copy_of(body), true));
      std::string heard = co_await pair.hears(mark);
      co_await pair.says("HTTP/1.1 204 No Content\r\n\r\n");
      EXPECT_TRUE(co_await eventually([&] { return sink.done(); }));
      co_return heard;
    };
    EXPECT_EQ(co_await sent(request("GET", "/a?b"), "", "\r\n\r\n"), "GET /a?b HTTP/1.1\r\nhost: test\r\n\r\n");
    EXPECT_EQ(co_await sent(request("POST", "/"), "", "\r\n\r\n"), "POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 0\r\n\r\n");
    EXPECT_EQ(co_await sent(request("POST", "/", {{"Content-Length", "2"}}), "hi", "\r\n\r\nhi"),
              "POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 2\r\n\r\nhi");
    EXPECT_EQ(co_await sent(request("PUT", "/"), "hi", "0\r\n\r\n"),
              "PUT / HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n");
    co_await pair.client->close();
  });
}

TEST(Http1Client, RefusesRequestsThatWouldBeTwo) {
  on_shard([]() -> io::Task<void> {
    Pair pair = co_await connected();
    Recorder sink;
    const auto code = [&](RequestHead head) { return pair.client->start(std::move(head), sink, true).error().code(); };
    EXPECT_EQ(code(request("GET", "/ HTTP/1.1\r\nX: y")), Code::invalid_argument);
    EXPECT_EQ(code(request("GET x", "/")), Code::invalid_argument);
    EXPECT_EQ(code(request("GET", "/", {{"x", "a\r\nb: c"}})), Code::invalid_argument);
    EXPECT_EQ(code(request("GET", "/", {{"x y", "a"}})), Code::invalid_argument);
    EXPECT_TRUE(pair.client->can_start());
    co_await pair.client->close();
  });
}

struct Answer {
  std::string_view bytes;
  int status;
  std::string_view body;
  bool stays;
  std::string_view method = "GET";
};

class Http1ClientReads : public ::testing::TestWithParam<Answer> {};

TEST_P(Http1ClientReads, AnswersOfEveryFraming) {
  on_shard([]() -> io::Task<void> {
    const Answer& answer = GetParam();
    Pair pair = co_await connected();
    Recorder sink;
    ExchangePtr exchange = std::move(pair.client->start(request(answer.method, "/"), sink, true).value());
    sink.exchange = exchange.get();
    co_await pair.hears("\r\n\r\n");
    co_await pair.says(answer.bytes);
    if (!answer.stays) pair.peer.shutdown_write();
    EXPECT_TRUE(co_await eventually([&] { return sink.done(); }));
    EXPECT_TRUE(sink.ended);
    EXPECT_EQ(sink.status, answer.status);
    EXPECT_EQ(sink.body, answer.body);
    EXPECT_EQ(pair.client->can_start(), answer.stays);
    co_await pair.client->close();
  });
}
INSTANTIATE_TEST_SUITE_P(
    Table, Http1ClientReads,
    ::testing::Values(Answer{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", 200, "hi", true},
                      Answer{"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200,
                             "", true},
                      Answer{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", 200, "hi", true},
                      Answer{"HTTP/1.1 200 OK\r\n\r\nto the end", 200, "to the end", false},
                      Answer{"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", 200, "hi", false},
                      Answer{"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi", 200, "hi", false},
                      Answer{"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", 304, "", true},
                      Answer{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", 200, "", true, "HEAD"}));

class Http1ClientAborts : public ::testing::TestWithParam<std::string_view> {};

TEST_P(Http1ClientAborts, OnAnswersThatAreNone) {
  on_shard([]() -> io::Task<void> {
    Pair pair = co_await connected();
    Recorder sink;
    ExchangePtr exchange = std::move(pair.client->start(request("GET", "/"), sink, true).value());
    sink.exchange = exchange.get();
    co_await pair.hears("\r\n\r\n");
    co_await pair.says(GetParam());
    pair.peer.shutdown_write();
    EXPECT_TRUE(co_await eventually([&] { return sink.done(); }));
    EXPECT_TRUE(sink.failure.has_value() && sink.failure->code() == Code::unavailable);
    EXPECT_FALSE(pair.client->is_open());
    EXPECT_FALSE(exchange->send_data({}, true));
    co_await pair.client->close();
  });
}
INSTANTIATE_TEST_SUITE_P(Table, Http1ClientAborts,
                         ::testing::Values("", "HTTP/1.1 200 OK\r\nContent-Len", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi",
                                           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n", "hello\r\n\r\n",
                                           "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nhi",
                                           "HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"));

TEST(Http1Client, ClosesWhenBytesComeThatNoRequestAskedFor) {
  on_shard([]() -> io::Task<void> {
    Pair pair = co_await connected();
    co_await pair.says("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    EXPECT_TRUE(co_await eventually([&] { return !pair.client->is_open(); }));
    Recorder sink;
    EXPECT_EQ(pair.client->start(request("GET", "/"), sink, true).error().code(), Code::unavailable);
    co_await pair.client->close();
  });
}

TEST(Http1Client, ClosesWhenItsExchangeIsDroppedOnTheWay) {
  on_shard([]() -> io::Task<void> {
    Pair pair = co_await connected();
    Recorder sink;
    ExchangePtr exchange = std::move(pair.client->start(request("GET", "/"), sink, true).value());
    co_await pair.hears("\r\n\r\n");
    exchange.reset();
    EXPECT_FALSE(pair.client->is_open());
    EXPECT_EQ(co_await read_to_end(pair.peer), "");
    EXPECT_FALSE(sink.done()) << "no event comes after the exchange is dropped";
    co_await pair.client->close();
  });
}

TEST(Http1Client, ReadsNoFurtherThanTheWindowUntilItIsGivenBack) {
  on_shard([]() -> io::Task<void> {
    Http1Options options;
    options.initial_window = 1000;
    Pair pair = co_await connected(options);
    Recorder sink;
    sink.gives_back = false;
    ExchangePtr exchange = std::move(pair.client->start(request("GET", "/"), sink, true).value());
    co_await pair.says("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + std::string(5000, 'x'));
    EXPECT_TRUE(co_await eventually([&] { return sink.body.size() == 1000; }));
    for (int i = 0; i < 100; ++i) co_await io::yield();
    EXPECT_EQ(sink.body.size(), 1000u);
    exchange->consumed(500);
    EXPECT_TRUE(co_await eventually([&] { return sink.body.size() == 1500; }));
    exchange->consumed(1000);
    exchange->consumed(10000);
    EXPECT_TRUE(co_await eventually([&] { return sink.body.size() == 2500; }));
    sink.exchange = exchange.get();
    sink.gives_back = true;
    exchange->consumed(1000);
    EXPECT_TRUE(co_await eventually([&] { return sink.done(); }));
    EXPECT_EQ(sink.body.size(), 5000u);
    co_await pair.client->close();
  });
}

TEST(Http1Client, TheTimeInWhichItDoesNotReadIsNoStallOfThePeer) {
  ManualClock clock;
  on_shard(
      [&]() -> io::Task<void> {
        Http1Options options;
        options.initial_window = 5;
        Pair pair = co_await connected(options);
        Recorder sink;
        ExchangePtr exchange = std::move(pair.client->start(request("GET", "/"), sink, true).value());
        co_await pair.says("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
        EXPECT_TRUE(co_await eventually([&] { return sink.body == "hello"; }));
        clock.advance(2 * options.limits.body_stall_timeout);
        co_await due_timers();
        exchange->consumed(5);
        co_await due_timers();
        EXPECT_FALSE(sink.done());
        co_await pair.says("world");
        EXPECT_TRUE(co_await eventually([&] { return sink.done(); }));
        EXPECT_TRUE(sink.ended);
        EXPECT_EQ(sink.body, "helloworld");
        co_await pair.client->close();
      },
      {.shards = 1, .clock = &clock});
}

TEST(Http1Client, DropsABodyThatNobodyTakes) {
  on_shard([]() -> io::Task<void> {
    Http1Options options;
    options.initial_window = 1000;
    Pair pair = co_await connected(options);
    Recorder sink;
    ExchangePtr exchange = std::move(pair.client->start(request("GET", "/"), sink, true).value());
    exchange->set_sink(nullptr);
    co_await pair.says("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + std::string(5000, 'x'));
    EXPECT_TRUE(co_await eventually([&] { return pair.client->can_start(); }));
    EXPECT_EQ(sink.body, "");
    co_await pair.client->close();
  });
}

TEST(Http1Client, TellsWhenThePeerTakesTheBodyAgain) {
  on_shard([]() -> io::Task<void> {
    Pair pair = co_await connected();
    Recorder sink;
    ExchangePtr exchange = std::move(pair.client->start(request("POST", "/"), sink, false).value());
    size_t sent = 0;
    while (!exchange->write_blocked()) {
      EXPECT_TRUE(exchange->send_data(Bytes::copy_of(std::string(64 << 10, 'x'))));
      sent += 64 << 10;
      co_await io::yield();
    }
    EXPECT_EQ(sink.writable, 0);
    const std::string heard = co_await read_until(pair.peer, [&](std::string_view seen) { return seen.size() >= sent; });
    EXPECT_TRUE(co_await eventually([&] { return sink.writable == 1; }));
    EXPECT_FALSE(exchange->write_blocked());
    co_await pair.client->close();
    EXPECT_TRUE(sink.failure.has_value());
  });
}

TEST(Http1Client, GivesUpABodyThatStallsAndAConnectionThatIdles) {
  on_shard([]() -> io::Task<void> {
    Http1Options options;
    options.limits.body_stall_timeout = options.limits.idle_timeout = 50ms;
    Pair pair = co_await connected(options);
    Recorder sink;
    ExchangePtr exchange = std::move(pair.client->start(request("GET", "/"), sink, true).value());
    sink.exchange = exchange.get();
    co_await pair.says("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi");
    EXPECT_TRUE(co_await eventually([&] { return sink.done(); }));
    EXPECT_TRUE(sink.failure.has_value() && sink.failure->code() == Code::deadline_exceeded);
    co_await pair.client->close();
    Pair idle = co_await connected(options);
    EXPECT_EQ(co_await read_to_end(idle.peer), "");
    EXPECT_FALSE(idle.client->is_open());
    co_await idle.client->close();
  });
}

TEST(Http1Client, CarriesAnotherProtocolAfterAnUpgrade) {
  on_shard([]() -> io::Task<void> {
    Keeper keeper;
    Http1Protocol protocol(keeper);
    Served served(protocol);
    co_await served.open();
    auto client = std::move(connect_http1(co_await served.connect()).value());
    Recorder sink;
    ExchangePtr exchange = std::move(client->start(request("GET", "/", {{"connection", "upgrade"}, {"upgrade", "echo"}}), sink, true).value());
    sink.exchange = exchange.get();
    EXPECT_TRUE(co_await eventually([&] { return !keeper.kept.empty(); }));
    Exchange& theirs = keeper.last();
    EXPECT_EQ(theirs.request().headers.get("upgrade"), "echo");
    EXPECT_TRUE(theirs.send_response(101, {{"upgrade", "echo"}}));
    EXPECT_TRUE(theirs.send_data(Bytes::copy_of("\x01\x02")));
    EXPECT_TRUE(co_await eventually([&] { return sink.body == "\x01\x02"; }));
    EXPECT_EQ(sink.status, 101);
    EXPECT_EQ(sink.headers.get("upgrade"), "echo");
    EXPECT_TRUE(exchange->send_data(Bytes::copy_of("GET / HTTP/1.1\r\n\r\n")));
    EXPECT_TRUE(co_await eventually([&] { return keeper.last_sink().body == "GET / HTTP/1.1\r\n\r\n"; }));
    EXPECT_EQ(keeper.kept.size(), 1u) << "what looks like a request is data of the other protocol";
    EXPECT_TRUE(theirs.send_data(Bytes::copy_of("bye"), true));
    EXPECT_TRUE(co_await eventually([&] { return sink.ended; }));
    EXPECT_EQ(sink.body,
              "\x01\x02"
              "bye");
    co_await client->close();
    co_await served.stop();
  });
}

}  // namespace
}  // namespace sofa::http
