// HTTP/2: our client and our server over loopback, and raw peers.

#include "http2_frames.h"
#include "sofa/base/testing/captured_log.h"
#include "sofa/http/router.h"

namespace sofa::http {
namespace {

using namespace std::chrono_literals;
using namespace testing;

RequestHead request_of(std::string method, std::string target, Headers headers = {}) {
  return {.method = std::move(method), .authority = "test", .target = std::move(target), .headers = std::move(headers)};
}

/// A server of `handler` and one client of it.
class Joined {
 public:
  explicit Joined(Handler& handler, Http2Options server = {}, Http2Options client = {})
      : client_options_(client), protocol_(handler, server), served_(protocol_) {}
  io::Task<void> open() {
    co_await served_.open();
    client = std::move(connect_http2(co_await served_.connect(), client_options_).value());
  }
  io::Task<void> end() {
    co_await client->close();
    co_await served_.stop();
  }
  Served& served() { return served_; }
  std::unique_ptr<ClientConnection> client;

 private:
  const Http2Options client_options_;
  Http2Protocol protocol_;
  Served served_;
};

/// A server that keeps what it gets, its client, and one exchange of theirs.
struct OneExchange {
  explicit OneExchange(Http2Options server = {}) : joined(keeper, server) {}
  /// The server has it when this ends.
  io::Task<void> begin(RequestHead request, bool end) {
    co_await joined.open();
    exchange = joined.client->start(std::move(request), sink, end).value();
    EXPECT_TRUE(co_await eventually([&] { return !keeper.kept.empty(); }));
  }
  Keeper keeper;
  Joined joined;
  Recorder sink;  // of the client
  ExchangePtr exchange;
};

TEST(Http2, AnswersWithHeadBodyAndTrailers) {
  on_shard([]() -> io::Task<void> {
    Echo echo;
    Joined joined(echo);
    co_await joined.open();
    Recorder sink;
    auto exchange = joined.client->start(request_of("POST", "/a?b=c", {{"want-trailer", "1"}}), sink, false).value();
    EXPECT_TRUE(exchange->send_data(Bytes::copy_of("hello "), false));
    EXPECT_TRUE(exchange->send_data(Bytes::copy_of("world"), true));
    EXPECT_TRUE(co_await eventually([&] { return sink.done(); }));
    EXPECT_EQ(sink.status, 200);
    EXPECT_EQ(sink.headers.get("content-type"), "text/plain");
    EXPECT_EQ(sink.body, "POST /a?b=c hello world");
    EXPECT_EQ(sink.trailers.get("checksum"), "7");
    EXPECT_FALSE(sink.failure);
    EXPECT_EQ(joined.client->running(), 0u);
    co_await joined.end();
  });
}

TEST(Http2, TellsTheHandlerTheWholeHead) {
  on_shard([]() -> io::Task<void> {
    OneExchange one;
    co_await one.begin(request_of("GET", "/x", {{"a", "1"}, {"connection", "keep-alive"}, {"a", "2"}}), true);
    const RequestHead& request = one.keeper.last().request();
    EXPECT_EQ(request.method, "GET");
    EXPECT_EQ(request.scheme, "http");
    EXPECT_EQ(request.authority, "test");
    EXPECT_EQ(request.target, "/x");
    EXPECT_EQ(request.version, Version::http2);
    EXPECT_EQ(request.headers.size(), 2u) << "no field of HTTP/1.1's connection is sent";
    EXPECT_TRUE(one.keeper.last_sink().ended);
    EXPECT_TRUE(one.keeper.last().send_response(204, {}, true));
    EXPECT_TRUE(co_await eventually([&] { return one.sink.done(); }));
    EXPECT_EQ(one.sink.status, 204);
    co_await one.joined.end();
  });
}

TEST(Http2, CarriesManyExchangesAtOnceAndReusesTheirMemory) {
  on_shard([]() -> io::Task<void> {
    Echo echo;
    Joined joined(echo);
    co_await joined.open();
    for (int round = 0; round < 3; ++round) {
      std::vector<Recorder> sinks(100);
      std::vector<ExchangePtr> exchanges;
      for (size_t i = 0; i < sinks.size(); ++i) {
        exchanges.push_back(joined.client->start(request_of("POST", fmt::format("/{}", i)), sinks[i], false).value());
        EXPECT_TRUE(exchanges.back()->send_data(Bytes::copy_of(std::string(i, 'x')), true));
      }
      EXPECT_TRUE(co_await eventually([&] { return std::ranges::all_of(sinks, &Recorder::done); }));
      for (size_t i = 0; i < sinks.size(); ++i) EXPECT_EQ(sinks[i].body, fmt::format("POST /{} {}", i, std::string(i, 'x')));
    }
    EXPECT_EQ(echo.requests, 300u);
    co_await joined.end();
  });
}

TEST(Http2, MovesABodyOfManyWindowsBothWays) {
  on_shard([]() -> io::Task<void> {
    Echo echo;
    Joined joined(echo);
    co_await joined.open();
    std::string body(10 << 20, '\0');
    for (size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>(i * 2654435761u >> 13);
    Recorder sink;
    auto exchange = joined.client->start(request_of("POST", "/"), sink, false).value();
    sink.exchange = exchange.get();
    EXPECT_TRUE(exchange->send_data(Bytes::copy_of(body), true));
    EXPECT_TRUE(exchange->write_blocked());
    EXPECT_GT(exchange->pending_bytes(), size_t{9} << 20);
    EXPECT_TRUE(co_await eventually([&] { return sink.done(); }));
    EXPECT_EQ(sink.body.size(), body.size() + 7);
    EXPECT_EQ(sink.body, "POST / " + body);
    EXPECT_EQ(sink.writable, 1);
    EXPECT_FALSE(exchange->write_blocked());
    co_await joined.end();
  });
}

TEST(Http2, HoldsThePeerBackUntilWhatItSentIsConsumed) {
  on_shard([]() -> io::Task<void> {
    Http2Options options;
    options.initial_window = 65536;
    OneExchange one(options);
    co_await one.begin(request_of("POST", "/"), false);
    Recorder& received = one.keeper.last_sink();
    received.gives_back = false;
    EXPECT_TRUE(one.exchange->send_data(Bytes::copy_of(std::string(200'000, 'x')), true));
    EXPECT_TRUE(co_await eventually([&] { return received.body.size() == 65536; }));
    Recorder other;  // the server lives and answers in between: nothing more has come when this is over
    auto second = one.joined.client->start(request_of("GET", "/2"), other, true).value();
    EXPECT_TRUE(co_await eventually([&] { return one.keeper.kept.size() == 2; }));
    EXPECT_EQ(one.keeper.kept[0]->sink.body.size(), 65536u);
    EXPECT_EQ(one.exchange->pending_bytes(), 200'000u - 65536u);
    one.keeper.kept[0]->sink.gives_back = true;
    one.keeper.kept[0]->exchange->consumed(65536);
    EXPECT_TRUE(co_await eventually([&] { return one.keeper.kept[0]->sink.done(); }));
    EXPECT_EQ(one.keeper.kept[0]->sink.body.size(), 200'000u);
    co_await one.joined.end();
  });
}

TEST(Http2, ADroppedExchangeOfTheClientCancelsTheServers) {
  on_shard([]() -> io::Task<void> {
    OneExchange one;
    co_await one.begin(request_of("POST", "/"), false);
    one.exchange.reset();
    EXPECT_TRUE(co_await eventually([&] { return one.keeper.last_sink().done(); }));
    EXPECT_EQ(one.keeper.last_sink().failure.value().detail<ResetDetail>()->code, 8u);
    EXPECT_EQ(one.keeper.last().send_response(200, {}).error().code(), Code::unavailable);
    EXPECT_TRUE(co_await eventually([&] { return one.joined.client->running() == 0; }));
    co_await one.joined.end();
  });
}

TEST(Http2, AResetOfTheServerReachesTheClientWithItsReason) {
  on_shard([]() -> io::Task<void> {
    OneExchange one;
    co_await one.begin(request_of("GET", "/"), true);
    one.keeper.last().reset(Reset::refused);
    EXPECT_TRUE(co_await eventually([&] { return one.sink.done(); }));
    EXPECT_TRUE(one.sink.failure.value().detail<ResetDetail>()->not_processed());
    EXPECT_EQ(one.sink.failure->code(), Code::unavailable);
    co_await one.joined.end();
  });
}

TEST(Http2, AnAnswerBeforeTheEndOfTheRequestEndsTheExchangeWithNoError) {
  on_shard([]() -> io::Task<void> {
    OneExchange one;
    co_await one.begin(request_of("POST", "/"), false);
    EXPECT_TRUE(one.keeper.last().send_response(413, {}));
    EXPECT_TRUE(one.keeper.last().send_data(Bytes::copy_of(std::string(100'000, 'e')), true));
    one.keeper.kept.clear();
    EXPECT_TRUE(co_await eventually([&] { return one.sink.failure.has_value(); })) << "its own message was not whole";
    EXPECT_TRUE(one.sink.ended);
    EXPECT_EQ(one.sink.status, 413);
    EXPECT_EQ(one.sink.body.size(), 100'000u) << "the answer is whole before the reset";
    EXPECT_EQ(one.sink.failure->detail<ResetDetail>()->code, 0u);
    co_await one.joined.end();
  });
}

TEST(Http2, AHandlerThatDropsARequestResetsIt) {
  on_shard([]() -> io::Task<void> {
    struct Dropper final : Handler {
      void handle(ExchangePtr exchange) override { exchange.reset(); }
    } dropper;
    Joined joined(dropper);
    co_await joined.open();
    Recorder sink;
    auto exchange = joined.client->start(request_of("GET", "/"), sink, true).value();
    EXPECT_TRUE(co_await eventually([&] { return sink.done(); }));
    EXPECT_EQ(sink.failure.value().detail<ResetDetail>()->code, 8u);
    co_await joined.end();
  });
}

TEST(Http2, AsksForABodyThatWaitsForContinue) {
  on_shard([]() -> io::Task<void> {
    Keeper keeper;
    Joined joined(keeper);
    co_await joined.open();
    Recorder sink, refused;
    auto exchange = joined.client->start(request_of("PUT", "/", {{"expect", "100-continue"}}), sink, false).value();
    EXPECT_TRUE(co_await eventually([&] { return sink.informational == 100; }));
    EXPECT_TRUE(exchange->send_data(Bytes::copy_of("x"), true));
    EXPECT_TRUE(co_await eventually([&] { return keeper.last_sink().ended; }));
    EXPECT_TRUE(keeper.last().send_response(200, {}, true));
    EXPECT_TRUE(co_await eventually([&] { return sink.done(); }));
    EXPECT_EQ(sink.status, 200);
    keeper.takes_bodies = false;
    auto second = joined.client->start(request_of("PUT", "/", {{"expect", "100-continue"}}), refused, false).value();
    EXPECT_TRUE(co_await eventually([&] { return keeper.kept.size() == 2; }));
    EXPECT_TRUE(keeper.last().send_response(417, {}, true));
    EXPECT_TRUE(co_await eventually([&] { return refused.ended; }));
    EXPECT_EQ(refused.informational, 0);
    co_await joined.end();
  });
}

TEST(Http2, SendsOutOfOrderAreRefused) {
  on_shard([]() -> io::Task<void> {
    OneExchange one;
    co_await one.begin(request_of("GET", "/"), true);
    EXPECT_EQ(one.exchange->send_data(Bytes::copy_of("x")).error().code(), Code::failed_precondition);
    EXPECT_EQ(one.exchange->send_response(200, {}).error().code(), Code::failed_precondition);
    EXPECT_EQ(one.keeper.last().send_data(Bytes::copy_of("x")).error().code(), Code::failed_precondition);
    EXPECT_EQ(one.keeper.last().send_trailers({}).error().code(), Code::failed_precondition);
    EXPECT_EQ(one.keeper.last().send_response(100, {}, true).error().code(), Code::failed_precondition);
    EXPECT_TRUE(one.keeper.last().send_response(200, {}));
    EXPECT_EQ(one.keeper.last().send_response(200, {}).error().code(), Code::failed_precondition);
    EXPECT_TRUE(one.keeper.last().send_trailers({}));
    EXPECT_EQ(one.keeper.last().send_trailers({}).error().code(), Code::failed_precondition);
    EXPECT_TRUE(co_await eventually([&] { return one.sink.done(); }));
    EXPECT_TRUE(one.sink.ended);
    co_await one.joined.end();
  });
}

TEST(Http2, FieldsThatAnotherReaderWouldTakeForSeveralAreNotSent) {
  on_shard([]() -> io::Task<void> {
    OneExchange one;
    co_await one.begin(request_of("GET", "/"), true);
    Recorder sink;
    for (const Headers& bad :
         {Headers{{"k", "a\r\nx: y"}}, Headers{{"k", "a\x01"}}, Headers{{"k k", "a"}}, Headers{{":path", "/"}}, Headers{{"", "a"}}}) {
      EXPECT_EQ(one.joined.client->start(request_of("GET", "/", bad), sink, true).error().code(), Code::invalid_argument);
      EXPECT_EQ(one.keeper.last().send_response(200, bad).error().code(), Code::invalid_argument);
    }
    EXPECT_EQ(one.joined.client->start(request_of("GET", "/a\r\nb"), sink, true).error().code(), Code::invalid_argument);
    EXPECT_TRUE(one.keeper.last().send_response(200, {{"k", "\t caf\xc3\xa9 "}}));
    EXPECT_TRUE(co_await eventually([&] { return one.sink.status == 200; }));
    EXPECT_EQ(one.sink.headers.get("k"), "caf\xc3\xa9") << "the blanks are no part of it";
    const auto refused = one.keeper.last().send_trailers({{"k", "a\nb"}});
    EXPECT_EQ(refused.error().code(), Code::invalid_argument);
    EXPECT_NE(refused.error().to_string().find("the value of the header 'k' holds a line end"), std::string::npos);
    EXPECT_TRUE(one.keeper.last().send_trailers({{"k", "b"}})) << "the exchange goes on";
    EXPECT_TRUE(co_await eventually([&] { return one.sink.done(); }));
    EXPECT_EQ(one.sink.trailers.get("k"), "b");
    co_await one.joined.end();
  });
}

TEST(Http2, QueuesNoMoreThanTheLimitForAPeerThatDoesNotRead) {
  on_shard([]() -> io::Task<void> {
    Http2Options options;
    options.limits.max_exchange_write_queue = 1 << 20;
    OneExchange one(options);
    co_await one.begin(request_of("GET", "/"), true);
    EXPECT_TRUE(one.keeper.last().send_response(200, {}));
    EXPECT_TRUE(one.keeper.last().send_data(Bytes::copy_of(std::string(1 << 20, 'x'))));
    EXPECT_EQ(one.keeper.last().send_data(Bytes::copy_of("x")).error().code(), Code::resource_exhausted);
    co_await one.joined.end();
  });
}

/// Answers with 1,000 bytes, of which 999 may wait.
template <class Protocol, class Options, class Connect>
io::Task<void> ask_for_too_much(Connect connect) {
  CapturedLog log;
  Router router;
  router.get("/", [](Exchange& exchange, Body&) -> io::Task<Result<void>> {
    const auto sent = respond_text(exchange, 200, std::string(999, 'x'));
    EXPECT_TRUE(!sent && sent.error().code() == Code::resource_exhausted);
    co_return Result<void>();
  });
  Options options;
  options.limits.max_exchange_write_queue = 999;
  Protocol protocol(router, options);
  Served served(protocol);
  co_await served.open();
  auto connection = connect(co_await served.connect()).value();
  Recorder sink;
  auto exchange = connection->start({.method = "GET", .authority = "test", .target = "/"}, sink, true).value();
  sink.exchange = exchange.get();
  EXPECT_TRUE(co_await eventually([&] { return sink.done(); }));
  EXPECT_EQ(sink.status, 500);
  EXPECT_NE(sink.body.find("1000 bytes, more than may wait for a peer (999, max_exchange_write_queue)"), std::string::npos) << sink.body;
  EXPECT_TRUE(log.contains("answer not sent"));
  exchange.reset();
  co_await connection->close();
  co_await router.stop_shard();
  co_await served.stop();
}

TEST(Http2, AnAnswerThatIsLargerThanTheQueueIsAnErrorBeforeItsHead) {
  on_shard([]() -> io::Task<void> {
    return ask_for_too_much<Http2Protocol, Http2Options>([](io::Stream stream) { return connect_http2(std::move(stream)); });
  });
  on_shard([]() -> io::Task<void> {
    return ask_for_too_much<Http1Protocol, Http1Options>([](io::Stream stream) { return connect_http1(std::move(stream)); });
  });
}

TEST(Http2, TheEndOfTheConnectionAbortsWhatRunsOnBothSides) {
  on_shard([]() -> io::Task<void> {
    OneExchange one;
    co_await one.begin(request_of("POST", "/"), false);
    co_await one.joined.client->close();
    EXPECT_EQ(one.sink.failure.value().code(), Code::unavailable);
    EXPECT_EQ(one.exchange->send_data(Bytes::copy_of("x")).error().code(), Code::unavailable);
    EXPECT_TRUE(co_await eventually([&] { return one.keeper.last_sink().failure.has_value(); }));
    EXPECT_EQ(one.keeper.last().send_response(200, {}).error().code(), Code::unavailable);
    EXPECT_FALSE(one.joined.client->is_open());
    EXPECT_EQ(one.joined.client->start(request_of("GET", "/"), one.sink, true).error().code(), Code::unavailable);
    co_await one.joined.end();
  });
}

TEST(Http2, RefusesTooLargeHeads) {
  on_shard([]() -> io::Task<void> {
    Echo echo;
    Http2Options options;
    options.limits.max_header_list = 2000;
    options.limits.max_target = 500;
    options.limits.max_headers = 20;
    Joined joined(echo, options);
    co_await joined.open();
    Headers many;
    for (int i = 0; i < 30; ++i) many.add("a", "b");
    const auto status_of = [&](RequestHead request) -> io::Task<int> {
      Recorder sink;
      auto exchange = joined.client->start(std::move(request), sink, true).value();
      EXPECT_TRUE(co_await eventually([&] { return sink.done(); }));
      co_return sink.status;
    };
    EXPECT_EQ(co_await status_of(request_of("GET", "/", {{"long", std::string(2000, 'x')}})), 431);
    EXPECT_EQ(co_await status_of(request_of("GET", "/", many)), 431);
    EXPECT_EQ(co_await status_of(request_of("GET", "/" + std::string(500, 'x'))), 414);
    EXPECT_EQ(co_await status_of(request_of("GET", "/")), 200) << "the connection lives";
    EXPECT_EQ(echo.requests, 1u);
    co_await joined.end();
  });
}

TEST(Http2, TheBodyReadsAndWritesAsCoroutine) {
  on_shard([]() -> io::Task<void> {
    Keeper keeper;
    Joined joined(keeper);
    co_await joined.open();
    Recorder unused;
    auto exchange = joined.client->start(request_of("POST", "/"), unused, false).value();
    Body client(*exchange);
    EXPECT_TRUE(co_await eventually([&] { return !keeper.kept.empty(); }));
    Body server(keeper.last());
    EXPECT_TRUE(co_await client.write(Bytes::copy_of("ping"), true));
    EXPECT_EQ((co_await server.read_all(100)).value().text(), "ping");
    EXPECT_TRUE(keeper.last().send_response(200, {}));
    EXPECT_TRUE(co_await server.write(Bytes::copy_of("pong")));
    EXPECT_TRUE(keeper.last().send_trailers({{"t", "1"}}));
    EXPECT_EQ((co_await client.response()).value()->status, 200);
    EXPECT_EQ((co_await client.read_all(100)).value().text(), "pong");
    EXPECT_EQ(client.trailers().get("t"), "1");
    co_await joined.end();
  });
}

TEST(Http2, DrainingLetsWhatRunsEndAndTakesNothingNew) {
  on_shard([]() -> io::Task<void> {
    OneExchange one;
    co_await one.begin(request_of("GET", "/"), true);
    Recorder late;
    io::TaskGroup group;
    group.spawn("stop", one.joined.served().stop());
    EXPECT_TRUE(co_await eventually([&] { return !one.joined.client->can_start(); }));
    EXPECT_EQ(one.joined.client->start(request_of("GET", "/"), late, true).error().code(), Code::unavailable);
    EXPECT_FALSE(one.sink.done());
    EXPECT_TRUE(one.keeper.last().send_response(200, {}, true));
    EXPECT_TRUE(co_await eventually([&] { return one.sink.done(); }));
    EXPECT_EQ(one.sink.status, 200);
    EXPECT_TRUE(co_await eventually([&] { return !one.joined.client->is_open(); }));
    EXPECT_TRUE(co_await group.join());
    co_await one.joined.client->close();
  });
}

TEST(Http2, TheClientDrainsItself) {
  on_shard([]() -> io::Task<void> {
    OneExchange one;
    co_await one.begin(request_of("GET", "/"), true);
    io::TaskGroup group;
    group.spawn("drain", one.joined.client->drain());
    EXPECT_TRUE(co_await eventually([&] { return !one.joined.client->can_start(); }));
    EXPECT_TRUE(one.keeper.last().send_response(200, {}, true));
    EXPECT_TRUE(co_await group.join());
    EXPECT_EQ(one.sink.status, 200);
    co_await one.joined.served().stop();
  });
}

TEST(Http2, AnOldConnectionTakesNothingNewAndEndsAfterItsGrace) {
  on_shard([]() -> io::Task<void> {
    Keeper keeper;
    Http2Options options;
    options.max_age = 50ms;
    options.max_age_grace = 100ms;
    Joined joined(keeper, options);
    co_await joined.open();
    Recorder sink;
    auto exchange = joined.client->start(request_of("GET", "/"), sink, true).value();
    EXPECT_TRUE(co_await eventually([&] { return !joined.client->can_start(); }));
    EXPECT_FALSE(sink.done()) << "what runs has its grace";
    EXPECT_TRUE(co_await eventually([&] { return sink.done(); }));
    EXPECT_TRUE(sink.failure.has_value());
    EXPECT_TRUE(co_await eventually([&] { return !joined.client->is_open(); }));
    co_await joined.end();
  });
}

TEST(Http2, AClosedIdleConnectionIsSeenByItsClient) {
  on_shard([]() -> io::Task<void> {
    Echo echo;
    Http2Options options;
    options.limits.idle_timeout = 100ms;
    Joined joined(echo, options);
    co_await joined.open();
    EXPECT_TRUE(co_await eventually([&] { return !joined.client->is_open(); }));
    co_await joined.end();
  });
}

TEST(Http2, APeerThatAnswersPingsLivesAndOneThatDoesNotIsClosed) {
  on_shard([]() -> io::Task<void> {
    Echo echo;
    Http2Options options;
    options.keep_alive_interval = 20ms;
    options.keep_alive_timeout = 100ms;
    Joined joined(echo, options);
    co_await joined.open();
    io::Stream silent = co_await joined.served().connect();
    EXPECT_TRUE(silent.write(Bytes::copy_of(opening())));
    const std::string answer = co_await read_to_end(silent);
    EXPECT_EQ(last_payload_of(answer, kPing), "keeplive");
    EXPECT_TRUE(joined.client->is_open()) << "it lived longer than the timeout";
    co_await joined.end();
    EXPECT_EQ((co_await joined.served().port().stats()).value().closed_as(transport::CloseKind::idle), 1u);
  });
}

/// Holds its peers to a policy of PINGs, and keeps what it gets.
struct Strict final : Handler {
  explicit Strict(const PingPolicy& policy) : policy(policy) {}
  void handle(ExchangePtr exchange) override {
    exchange->hold_to(policy);
    keeper.handle(std::move(exchange));
  }
  const PingPolicy policy;
  Keeper keeper;
};

TEST(Http2, AClientThatPingsMoreOftenThanItsServersPolicyIsToldSoAndItsExchangesSayWhy) {
  on_shard([]() -> io::Task<void> {
    Strict strict({.min_interval = 1min});
    Http2Options options;
    options.keep_alive_interval = 10ms;
    options.keep_alive_when_idle = false;
    Joined joined(strict, {}, options);
    co_await joined.open();
    Recorder sink;
    auto exchange = joined.client->start(request_of("GET", "/"), sink, true).value();
    EXPECT_FALSE(joined.client->pinged_too_often());
    EXPECT_TRUE(co_await eventually([&] { return sink.done(); }));
    EXPECT_TRUE(joined.client->pinged_too_often());
    if (sink.failure) EXPECT_NE(sink.failure->message().find("too_many_pings"), std::string::npos) << sink.failure->message();
    EXPECT_TRUE(sink.failure && co_await eventually([&] { return !joined.client->is_open(); }));
    co_await joined.end();
    EXPECT_EQ((co_await joined.served().port().stats()).value().closed_as(transport::CloseKind::flood), 1u);
  });
}

// ---------------------------------------------------------------- raw peers

TEST(Http2, APolicyOfPingsForgivesWhatCameBeforeAnAnswerAndEndsAConnectionInItsWords) {
  on_shard([]() -> io::Task<void> {
    Strict strict({.min_interval = 1min});
    Http2Protocol protocol(strict);
    Served served(protocol);
    co_await served.open();
    io::Stream peer = co_await served.connect();
    std::string pings;
    for (int i = 0; i < 3; ++i) pings += frame(kPing, 0, 0, "12345678");
    const auto last = [](std::string text) {
      return [text = std::move(text)](std::string_view seen) { return last_payload_of(seen, kPing) == text; };
    };
    EXPECT_TRUE(peer.write(Bytes::copy_of(opening() + pings + pings + frame(kPing, 0, 0, "unheld 1"))));
    co_await read_until(peer, last("unheld 1"));
    EXPECT_TRUE(peer.write(Bytes::copy_of(get_request(1) + pings)));
    EXPECT_TRUE(co_await eventually([&] { return strict.keeper.kept.size() == 1; }));
    EXPECT_TRUE(strict.keeper.last().send_response(200, {}, false));
    co_await read_until(peer, [](std::string_view seen) { return last_payload_of(seen, kHeaders).has_value(); });
    EXPECT_TRUE(peer.write(Bytes::copy_of(frame(kPing, 0, 0, "answered") + frame(kPing, 0, 0, "strike 1") + frame(kPing, 0, 0, "strike 2"))));
    co_await read_until(peer, last("strike 2"));
    EXPECT_TRUE(peer.write(Bytes::copy_of(frame(kPing, 0, 0, "strike 3"))));
    EXPECT_EQ(last_payload_of(co_await read_to_end(peer), kGoaway), be32(1) + be32(11) + "too_many_pings");
    peer.close();
    co_await served.stop();
  });
}

TEST(Http2, DrainingSaysTheHighestStreamFirstAndTheLastOneARoundTripLater) {
  on_shard([]() -> io::Task<void> {
    Keeper keeper;
    Http2Protocol protocol(keeper);
    Served served(protocol);
    co_await served.open();
    io::Stream peer = co_await served.connect();
    EXPECT_TRUE(peer.write(Bytes::copy_of(opening() + get_request(1))));
    EXPECT_TRUE(co_await eventually([&] { return keeper.kept.size() == 1; }));
    io::TaskGroup group;
    group.spawn("stop", served.stop());
    std::string answer = co_await read_until(peer, [](std::string_view seen) { return last_payload_of(seen, kPing).has_value(); });
    EXPECT_EQ(last_payload_of(answer, kGoaway), be32(0x7fffffff) + be32(0));
    const std::string ping = last_payload_of(answer, kPing).value();
    // A request that was on its way is served, one after the round trip is not.
    EXPECT_TRUE(peer.write(Bytes::copy_of(get_request(3) + frame(kPing, 1, 0, ping) + frame(kPing, 0, 0, "12345678"))));
    answer = co_await read_until(peer, [](std::string_view seen) { return last_payload_of(seen, kGoaway).has_value(); });
    EXPECT_EQ(last_payload_of(answer, kGoaway), be32(3) + be32(0));
    EXPECT_EQ(keeper.kept.size(), 2u);
    EXPECT_TRUE(peer.write(Bytes::copy_of(get_request(5) + frame(kPing, 0, 0, "23456789"))));
    co_await read_until(peer, [](std::string_view seen) { return last_payload_of(seen, kPing) == "23456789"; });
    EXPECT_EQ(keeper.kept.size(), 2u);
    for (auto& one : keeper.kept) EXPECT_TRUE(one->exchange->send_response(200, {}, true));
    co_await read_to_end(peer);
    peer.close();
    EXPECT_TRUE(co_await group.join());
  });
}

TEST(Http2, KnowsItsPrefaceByteByByte) {
  on_shard([]() -> io::Task<void> {
    Echo echo;
    Http2Protocol protocol(echo);
    for (size_t n = 1; n < kPreface.size(); ++n) EXPECT_EQ(protocol.detect(as_bytes(kPreface.substr(0, n))), transport::Detected::maybe);
    EXPECT_EQ(protocol.detect(as_bytes(kPreface)), transport::Detected::yes);
    EXPECT_EQ(protocol.detect(as_bytes("PRI * HTTP/2.1")), transport::Detected::no);
    EXPECT_EQ(protocol.detect(as_bytes("GET / HTTP/1.1")), transport::Detected::no);

    Served served(protocol);
    co_await served.open();
    io::Stream peer = co_await served.connect();
    for (const char c : opening() + get_request(1)) {
      EXPECT_TRUE(peer.write(Bytes::copy_of(std::string(1, c))));
      peer.flush();
      co_await io::yield();
    }
    const std::string answer = co_await read_until(peer, [](std::string_view seen) { return last_payload_of(seen, kData).has_value(); });
    EXPECT_EQ(last_payload_of(answer, kData), "GET / ");
    EXPECT_TRUE(last_payload_of(answer, kSettings).has_value()) << "its SETTINGS";
    peer.close();
    co_await served.stop();
  });
}

/// What a server says to a peer that sends these frames, up to the end of the connection; and how it has counted that.
io::Task<std::pair<std::string, transport::ServerStats>> ended_by(std::string frames) {
  Echo echo;
  Http2Protocol protocol(echo);
  Served served(protocol);
  co_await served.open();
  io::Stream peer = co_await served.connect();
  EXPECT_TRUE(peer.write(Bytes::copy_of(opening() + frames)));
  std::string answer = co_await read_to_end(peer);
  co_await served.stop();
  co_return std::pair{std::move(answer), (co_await served.port().stats()).value()};
}

TEST(Http2, EndsTheConnectionOfAPeerThatBreaksTheProtocolWithGoaway) {
  on_shard([]() -> io::Task<void> {
    const auto [answer, stats] = co_await ended_by(frame(kData, 0, 0, "data on stream 0"));
    EXPECT_EQ(last_payload_of(answer, kGoaway).value().substr(4, 4), be32(1)) << "PROTOCOL_ERROR";
    EXPECT_EQ(stats.closed_as(transport::CloseKind::protocol_error), 1u);
  });
}

TEST(Http2, AClientThatClosesAsGrpcGoDoesEndsWell) {
  on_shard([]() -> io::Task<void> {
    const auto [answer, stats] = co_await ended_by(frame(kGoaway, 0, 0, be32(0x7fffffff) + be32(0) + "client transport shutdown"));
    EXPECT_EQ(stats.closed_as(transport::CloseKind::peer), 1u);
    EXPECT_EQ(stats.closed_as(transport::CloseKind::protocol_error), 0u);
  });
}

}  // namespace
}  // namespace sofa::http
