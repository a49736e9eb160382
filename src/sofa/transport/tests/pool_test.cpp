#include "sofa/transport/pool.h"

#include "harness.h"
#include "sofa/transport/bolt_protocol.h"
#include "sofa/transport/port.h"

namespace sofa::transport {
namespace {

using namespace std::chrono_literals;
using namespace testing;

PoolOptions quick() {
  PoolOptions options;
  options.backoff.first = 5ms;
  options.backoff.most = 20ms;
  return options;
}

/// A bolt server that echoes, on a port that can be stopped and opened again.
struct EchoServer {
  EchoServer() { EXPECT_TRUE(handlers.add("test.Ask", echo)); }
  io::Task<void> open(io::Address address = loopback()) {
    auto opened = co_await Port::open(address, {&bolt});
    EXPECT_TRUE(opened.has_value()) << (opened ? "" : opened.error().to_string());
    port = std::move(*opened);
  }
  Echo echo;
  Handlers handlers;
  BoltProtocol bolt{handlers};
  std::unique_ptr<Port> port;
};

class PoolOver : public ::testing::TestWithParam<const char*> {};

TEST_P(PoolOver, ConnectsOnceForAllWhoAsk) {
  const char* text = GetParam();
  on_shard([text]() -> io::Task<void> {
    EchoServer server;
    co_await server.open(std::string_view(text) == "unix" ? io::Address::unix_path(fmt::format("/tmp/sofa-pool-{}.sock", ::getpid()))
                                                          : io::Address::parse(text).value());
    ConnectionPool pool(quick(), Random(1));
    const io::Address address = server.port->local();
    EXPECT_TRUE(pool.try_get(address) == nullptr);
    std::vector<io::Task<Result<SessionRef>>> asking;
    for (int i = 0; i < 20; ++i) asking.push_back(pool.get(address));
    auto got = co_await io::when_all(std::move(asking));
    EXPECT_TRUE(got.has_value()) << (got ? "" : got.error().to_string());
    if (!got) co_return;
    for (const SessionRef& session : *got) EXPECT_TRUE(session == got->front());
    EXPECT_TRUE((co_await got->front()->call(request_of("test.Ask", "x"))).value().ok());
    EXPECT_EQ((co_await server.port->stats()).value().accepted, 1u);
    EXPECT_TRUE(pool.try_get(address) != nullptr);
    co_await pool.close();
    EXPECT_EQ((co_await pool.get(address)).error().code(), Code::unavailable);
    co_await server.port->stop();
  });
}
INSTANTIATE_TEST_SUITE_P(Addresses, PoolOver, ::testing::Values("127.0.0.1:0", "[::1]:0", "unix"));

TEST(Pool, GivesItsConnectionsInTurn) {
  on_shard([]() -> io::Task<void> {
    EchoServer server;
    co_await server.open();
    PoolOptions options = quick();
    options.connections_per_address = 3;
    ConnectionPool pool(options, Random(1));
    EXPECT_TRUE((co_await pool.get(server.port->local())).has_value());
    EXPECT_TRUE(co_await eventually([&] { return pool.connections() == 3; }));
    std::map<Session*, int> times;
    for (int i = 0; i < 30; ++i) ++times[pool.try_get(server.port->local()).get()];
    EXPECT_EQ(times.size(), 3u);
    for (const auto& [session, count] : times) EXPECT_EQ(count, 10);
    co_await pool.close();
    co_await server.port->stop();
  });
}

TEST(Pool, FailsAtOnceWhileAnAddressWaitsForItsNextAttempt) {
  on_shard([]() -> io::Task<void> {
    EchoServer server;
    co_await server.open();
    const io::Address address = server.port->local();
    co_await server.port->stop();
    PoolOptions options = quick();
    options.backoff.first = options.backoff.most = 10s;
    ConnectionPool pool(options, Random(1));
    auto refused = co_await pool.get(address);
    EXPECT_EQ(refused.error().code(), Code::unavailable) << refused.error().to_string();
    EXPECT_EQ(status_of(refused.error()), bolt::Status::comm_error);
    const Instant asked = SystemClock::instance().now_monotonic();
    auto again = co_await pool.get(address);
    EXPECT_FALSE(again);
    EXPECT_NE(again.error().to_string().find("tried again within"), std::string::npos) << again.error().to_string();
    EXPECT_LT(SystemClock::instance().now_monotonic() - asked, 2s);
    co_await pool.close();
  });
}

TEST(Pool, ConnectsAgainAfterTheServerCameBack) {
  on_shard([]() -> io::Task<void> {
    EchoServer server;
    co_await server.open();
    const io::Address address = server.port->local();
    ConnectionPool pool(quick(), Random(system_seed()));
    SessionRef first = (co_await pool.get(address)).value();
    co_await server.port->stop();
    EXPECT_TRUE(co_await eventually([&] { return !first->usable() && pool.try_get(address) == nullptr; }));
    EXPECT_FALSE(co_await pool.get(address));
    co_await server.open(address);
    EXPECT_TRUE(co_await eventually([&] { return pool.try_get(address) != nullptr; })) << "without being asked";
    EXPECT_TRUE((co_await pool.try_get(address)->call(request_of("test.Ask", "x"))).value().ok());
    co_await pool.close();
    co_await server.port->stop();
  });
}

TEST(Pool, OpensANewConnectionWhenThePeerSaysGoAway) {
  on_shard([]() -> io::Task<void> {
    Later later;
    Handlers handlers;
    EXPECT_TRUE(handlers.add("test.Later", later));
    io::Listener listener = std::move(io::Listener::bind(loopback()).value());
    ConnectionPool pool(quick(), Random(1));
    auto asking = [](ConnectionPool& p, io::Address address, SessionRef& into) -> io::Task<void> { into = (co_await p.get(address)).value(); };
    io::TaskGroup group;
    SessionRef first;
    group.spawn("ask", asking(pool, listener.local(), first));
    SessionOptions with_goaway = SessionOptions::server();
    with_goaway.send_goaway = true;
    Served old_end(std::move((co_await listener.accept()).value()), handlers, with_goaway);
    EXPECT_TRUE(co_await eventually([&] { return first != nullptr; }));
    auto pending = first->call(request_of("test.Later", ""));
    EXPECT_TRUE(co_await eventually([&] { return later.waiting.size() == 1; }));
    old_end.session->drain();
    EXPECT_TRUE(co_await eventually([&] { return first->told_to_go(); }));
    SessionRef second;
    group.spawn("ask", asking(pool, listener.local(), second));
    Served new_end(std::move((co_await listener.accept()).value()), handlers);
    EXPECT_TRUE(co_await eventually([&] { return second != nullptr; }));
    EXPECT_TRUE(first->is_open()) << "its pending call goes on";
    EXPECT_TRUE(later.waiting[0].answer("test.A", {}, {}));
    EXPECT_TRUE((co_await pending).value().ok());
    EXPECT_TRUE(co_await eventually([&] { return old_end.end_result.has_value(); }));
    later.waiting.clear();
    EXPECT_TRUE(co_await group.join());
    co_await pool.close();
    co_await old_end.end();
    co_await new_end.end();
  });
}

TEST(Pool, LooksOftenForAPeerThatHasSaidThatItCloses) {
  on_shard([]() -> io::Task<void> {
    Handlers handlers;
    auto listener = std::make_unique<io::Listener>(std::move(io::Listener::bind(loopback()).value()));
    const io::Address address = listener->local();
    PoolOptions options = quick();
    options.backoff.first = options.backoff.most = 60s;
    options.comeback.pause = 5ms;
    ConnectionPool pool(options, Random(1));
    io::TaskGroup group;
    SessionRef first;
    const auto ask = [](ConnectionPool& p, io::Address at, SessionRef& into) -> io::Task<void> { into = (co_await p.get(at)).value(); };
    group.spawn("ask", ask(pool, address, first));
    SessionOptions with_goaway = SessionOptions::server();
    with_goaway.send_goaway = true;
    Served old_end(std::move((co_await listener->accept()).value()), handlers, with_goaway);
    EXPECT_TRUE(co_await eventually([&] { return first != nullptr; }));
    listener.reset();
    old_end.session->drain();
    EXPECT_TRUE(co_await eventually([&] { return first->told_to_go() && pool.try_get(address) == nullptr; }));
    const auto refused = co_await pool.get(address);
    EXPECT_EQ(sent_of(refused.error()), Sent::no_closed) << refused.error().to_string();
    EchoServer successor;
    co_await successor.open(address);
    EXPECT_TRUE(co_await eventually([&] { return pool.try_get(address) != nullptr; })) << "long before its backoff would have let it";
    first = nullptr;
    EXPECT_TRUE(co_await group.join());
    co_await pool.close();
    co_await old_end.end();
    co_await successor.port->stop();
  });
}

/// Fails to connect `waits.size()` times; the server is back before the last wait ends, so the pool connects when that is over and not before.
io::Task<void> expect_waits(ManualClock& clock, const PoolOptions& options, uint64_t seed, std::span<const Duration> waits) {
  EchoServer server;
  co_await server.open();
  const io::Address address = server.port->local();
  co_await server.port->stop();
  ConnectionPool pool(options, Random(seed));
  EXPECT_FALSE(co_await pool.get(address));
  for (size_t i = 0; i < waits.size(); ++i) {
    if (i + 1 == waits.size()) co_await server.open(address);
    co_await pass(clock, waits[i] - 1ms, waits[i] - 1ms);
    const auto early = co_await pool.get(address);
    EXPECT_TRUE(!early && early.error().to_string().contains("tried again within")) << "wait " << i;
    co_await pass(clock, 2ms, 2ms);
    EXPECT_EQ((co_await pool.get(address)).has_value(), i + 1 == waits.size()) << "wait " << i;
  }
  co_await pool.close();
  co_await server.port->stop();
}

TEST(Pool, WaitsTwiceAsLongAfterEachFailureUpToTheMostWithJitterFromItsSeed) {
  PoolOptions options;
  options.backoff.first = 100ms;
  options.backoff.most = 1s;
  options.backoff.jitter = 0.3;
  const uint64_t seed = system_seed();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  Random drawn(seed);
  std::vector<Duration> waits;
  for (const Duration base : {100ms, 200ms, 400ms, 800ms, 1000ms, 1000ms}) {
    const double share = 0.7 + 0.6 * drawn.unit();
    waits.push_back(std::chrono::duration_cast<Duration>(base * share));
  }
  for (size_t failures = 1; failures <= waits.size(); ++failures) {
    with_manual_clock([&](ManualClock& clock) { return expect_waits(clock, options, seed, std::span(waits).first(failures)); });
  }
}

TEST(Pool, ForgetsAnAddressInGoodOrder) {
  on_shard([]() -> io::Task<void> {
    EchoServer server;
    co_await server.open();
    ConnectionPool pool(quick(), Random(1));
    SessionRef session = (co_await pool.get(server.port->local())).value();
    auto call = session->call(request_of("test.Ask", "x"));
    pool.forget(server.port->local());
    EXPECT_TRUE((co_await call).value().ok());
    EXPECT_TRUE(co_await eventually([&] { return !session->is_open(); }));
    EXPECT_EQ(pool.connections(), 0u);
    co_await pool.close();
    co_await server.port->stop();
  });
}

TEST(Pool, BoundsItsAddresses) {
  on_shard([]() -> io::Task<void> {
    PoolOptions options = quick();
    options.max_addresses = 1;
    ConnectionPool pool(options, Random(1));
    EXPECT_TRUE(pool.peer(io::Address::of("127.0.0.1", 1)) != nullptr);
    EXPECT_TRUE(pool.peer(io::Address::of("127.0.0.1", 2)) == nullptr);
    EXPECT_EQ((co_await pool.get(io::Address::of("127.0.0.1", 2))).error().code(), Code::resource_exhausted);
    co_await pool.close();
  });
}

TEST(Pool, ForgetsTheAddressesThatNobodyAsksForAnyMore) {
  with_manual_clock([](ManualClock& clock) -> io::Task<void> {
    EchoServer used, unused, kept;
    for (EchoServer* server : {&used, &unused, &kept}) co_await server->open();
    ConnectionPool pool(quick(), Random(1));
    const auto address = [](const EchoServer& server) { return server.port->local(); };
    for (const EchoServer* server : {&used, &unused, &kept}) EXPECT_TRUE((co_await pool.get(address(*server))).has_value());
    SessionRef last = pool.try_get(address(unused));
    const Instant before = io::Shard::current().now() + 10s;
    co_await pass(clock, 20s, 10s);
    EXPECT_TRUE(pool.try_get(address(used)) != nullptr);
    pool.forget_unused(before, [&](const io::Address& a) { return a == address(kept); });
    EXPECT_EQ(pool.addresses(), 2u);
    EXPECT_TRUE(co_await eventually([&] { return !last->is_open(); })) << "its connection ends in good order";
    EXPECT_TRUE(pool.try_get(address(used)) != nullptr);
    EXPECT_TRUE(pool.try_get(address(kept)) != nullptr);
    EXPECT_TRUE((co_await pool.get(address(unused))).has_value()) << "who asks again connects again";
    last = {};
    co_await pool.close();
    for (EchoServer* server : {&used, &unused, &kept}) co_await server->port->stop();
  });
}

}  // namespace
}  // namespace sofa::transport
