// The bodies that are not whole, of all connections together.

#include "harness.h"
#include "sofa/http/router.h"

namespace sofa::http {
namespace {

using namespace std::chrono_literals;
using namespace testing;

constexpr size_t kKiB = 1024;

RequestHead post_of(size_t size) {
  return {.method = "POST", .authority = "test", .target = "/", .headers = {{"content-length", std::to_string(size)}}};
}

/// One request on a connection of its own.
struct Upload {
  explicit Upload(std::unique_ptr<ClientConnection> its) : connection(std::move(its)) {}
  void begin(size_t size) {
    exchange = connection->start(post_of(size), sink, false).value();
    sink.exchange = exchange.get();
  }
  void send(size_t bytes, bool end = false) { EXPECT_TRUE(exchange->send_data(Bytes::copy_of(std::string(bytes, 'x')), end)); }
  io::Task<void> end() {
    exchange.reset();
    co_await connection->close();
  }
  std::unique_ptr<ClientConnection> connection;
  Recorder sink;
  ExchangePtr exchange;
};

/// Answers with the length of the body.
std::unique_ptr<Router> lengths() {
  auto router = std::make_unique<Router>();
  router->post("/", [](Exchange& exchange, Body& body) -> io::Task<Result<void>> {
    const Bytes whole = co_await io::or_return(body.read_all(size_t{10} << 20));
    co_return respond_text(exchange, 200, std::to_string(whole.size()));
  });
  return router;
}

template <class Options>
Options with_budget(std::shared_ptr<transport::ByteBudget> budget) {
  Options options;
  options.half_bodies = std::move(budget);
  return options;
}

/// `connect` makes a client of a stream.
template <class Protocol, class Options, class Connect>
io::Task<void> fill_the_budget(Connect connect) {
  const auto budget = std::make_shared<transport::ByteBudget>(256 * kKiB);
  const auto router = lengths();
  Protocol protocol(*router, with_budget<Options>(budget));
  Served served(protocol);
  co_await served.open();
  Upload first(connect(co_await served.connect()).value()), second(connect(co_await served.connect()).value());
  first.begin(300 * kKiB);
  first.send(150 * kKiB);
  EXPECT_TRUE(co_await eventually([&] { return budget->held() >= 140 * kKiB; }));
  second.begin(300 * kKiB);
  second.send(100 * kKiB);
  EXPECT_TRUE(co_await eventually([&] { return budget->held() >= 230 * kKiB; }));
  second.send(100 * kKiB);
  EXPECT_TRUE(co_await eventually([&] { return second.sink.status != 0; }));
  EXPECT_EQ(second.sink.status, 503);
  EXPECT_TRUE(co_await eventually([&] { return second.sink.done(); }));
  EXPECT_NE(second.sink.body.find("max_half_frame_bytes 262144"), std::string::npos) << second.sink.body;
  co_await second.end();
  EXPECT_TRUE(co_await eventually([&] { return budget->held() < 160 * kKiB; })) << "what was refused is let go";

  Upload third(connect(co_await served.connect()).value());
  third.begin(60 * kKiB);
  third.send(60 * kKiB, true);
  EXPECT_TRUE(co_await eventually([&] { return third.sink.done(); }));
  EXPECT_EQ(third.sink.body, "61440\n");
  first.send(90 * kKiB);
  first.send(60 * kKiB, true);
  EXPECT_TRUE(co_await eventually([&] { return first.sink.done(); }));
  EXPECT_EQ(first.sink.status, 503) << "one that is larger than the budget is refused, too";
  co_await first.end();
  co_await third.end();
  EXPECT_TRUE(co_await eventually([&] { return budget->held() == 0; }));
  co_await router->stop_shard();
  co_await served.stop();
}

TEST(HalfBodies, OfHttp1TheRequestThatGrowsOverTheBudgetIsAnswered503AndOthersGoOn) {
  on_shard([]() -> io::Task<void> {
    return fill_the_budget<Http1Protocol, Http1Options>([](io::Stream stream) { return connect_http1(std::move(stream)); });
  });
}

TEST(HalfBodies, OfHttp2TheRequestThatGrowsOverTheBudgetIsAnswered503AndOthersGoOn) {
  on_shard([]() -> io::Task<void> {
    return fill_the_budget<Http2Protocol, Http2Options>([](io::Stream stream) { return connect_http2(std::move(stream)); });
  });
}

TEST(HalfBodies, AConnectionThatEndsGivesBackWhatItsRequestsHeld) {
  on_shard([]() -> io::Task<void> {
    const auto budget = std::make_shared<transport::ByteBudget>(1024 * kKiB);
    Keeper keeper;
    Http2Protocol protocol(keeper, with_budget<Http2Options>(budget));
    Served served(protocol);
    co_await served.open();
    Upload upload(connect_http2(co_await served.connect()).value());
    upload.begin(100 * kKiB);
    EXPECT_TRUE(co_await eventually([&] { return keeper.kept.size() == 1; }));
    EXPECT_TRUE(keeper.last().hold(100 * kKiB));
    EXPECT_EQ(budget->held(), 96 * kKiB);
    co_await upload.end();
    EXPECT_TRUE(co_await eventually([&] { return keeper.last_sink().done(); }));
    EXPECT_EQ(budget->held(), 0u) << "although the handler keeps the exchange";
    EXPECT_TRUE(keeper.last().hold(100 * kKiB)) << "which says nothing any more";
    EXPECT_EQ(budget->held(), 0u);
    co_await served.stop();
  });
}

RequestHead with_large_head() {
  RequestHead head{.method = "GET", .authority = "test", .target = "/"};
  head.headers.add("x-large", std::string(40 * kKiB, 'x'));
  return head;
}

/// Requests with large heads, one after another on connections of their own, are kept by the handler until the budget is full.
template <class Protocol, class Options, class Connect>
io::Task<void> fill_with_heads(Connect connect) {
  const auto budget = std::make_shared<transport::ByteBudget>(80 * kKiB);
  Keeper keeper;
  Protocol protocol(keeper, with_budget<Options>(budget));
  Served served(protocol);
  co_await served.open();
  struct One {
    std::unique_ptr<ClientConnection> connection;
    Recorder sink;
    ExchangePtr exchange;
  } asked[3];
  for (size_t i = 0; i < 3; ++i) {
    asked[i].connection = connect(co_await served.connect()).value();
    asked[i].exchange = asked[i].connection->start(with_large_head(), asked[i].sink, true).value();
    EXPECT_TRUE(co_await eventually([&] { return keeper.kept.size() == i + 1 || asked[i].sink.status != 0; }));
  }
  EXPECT_EQ(keeper.kept.size(), 2u);
  EXPECT_EQ(asked[2].sink.status, 503);
  EXPECT_GE(budget->held(), 64 * kKiB);
  EXPECT_TRUE(keeper.last().send_response(204, {}, true));
  keeper.kept.pop_back();
  EXPECT_TRUE(co_await eventually([&] { return asked[1].sink.done() && budget->held() < 64 * kKiB; })) << "an answered request holds nothing";
  keeper.kept.clear();
  for (One& one : asked) {
    one.exchange.reset();
    co_await one.connection->close();
  }
  EXPECT_TRUE(co_await eventually([&] { return budget->held() == 0; })) << "nor one that is let go";
  co_await served.stop();
}

TEST(HalfBodies, TheHeadsOfHttp1CountInTheBudgetUntilTheyAreAnswered) {
  on_shard([]() -> io::Task<void> {
    return fill_with_heads<Http1Protocol, Http1Options>([](io::Stream stream) { return connect_http1(std::move(stream)); });
  });
}

TEST(HalfBodies, TheHeadsOfHttp2CountInTheBudgetUntilTheyAreAnswered) {
  on_shard([]() -> io::Task<void> {
    return fill_with_heads<Http2Protocol, Http2Options>([](io::Stream stream) { return connect_http2(std::move(stream)); });
  });
}

}  // namespace
}  // namespace sofa::http
