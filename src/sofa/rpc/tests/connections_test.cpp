// What a client does with its connections while time passes, on a clock that the test moves.
#include "manual_clock.h"
#include "sofa/grpc/server.h"
#include "sofa/http/server.h"
#include "sofa/rpc/detail/request_codec.h"
#include "sofa/transport/bolt_protocol.h"
#include "sofa/transport/port.h"

namespace sofa::rpc {
namespace {

using namespace testing;

/// A provider that refuses every call, over Bolt as busy and over gRPC as unknown, and counts its connections.
struct BusyProvider : transport::Handler {
  BusyProvider() { EXPECT_TRUE(handlers.add(std::string(detail::kRequestClass), *this)); }
  void handle(transport::IncomingRequest&, transport::Responder& responder) override {
    EXPECT_TRUE(responder.answer_error(bolt::Status::server_busy));
  }
  Task<Result<void>> open() {
    transport::PortOptions options;
    options.silent_timeout = 24h;  // here it is the client that ends connections
    port = co_await or_return(transport::Port::open(at, {&bolt, &http2}, options));
    at = port->local();
    co_return Result<void>();
  }
  static transport::BoltServerOptions without_idle_timeout() {
    transport::BoltServerOptions options;
    options.session.idle_timeout = Duration::zero();
    return options;
  }
  std::string url(std::string_view scheme = "bolt") const { return fmt::format("{}://{}", scheme, port->local().to_string()); }
  Task<transport::ServerStats> stats() { co_return (co_await port->stats()).value(); }

  io::Address at = io::Address::of("127.0.0.1", 0);
  transport::Handlers handlers;
  transport::BoltProtocol bolt{handlers, without_idle_timeout()};
  grpc::Server grpc;
  http::Http2Protocol http2{grpc};
  std::unique_ptr<transport::Port> port;
};

/// Waits until the provider has `open` connections; false after 20 s of real time.
Task<bool> has_open(BusyProvider& provider, uint64_t open) {
  const Instant until = SystemClock::instance().now_monotonic() + 20s;
  while ((co_await provider.stats()).open != open) {
    if (SystemClock::instance().now_monotonic() > until) co_return false;
    co_await io::yield();
  }
  co_return true;
}

class ConnectionsOf : public ::testing::TestWithParam<std::string_view> {};
INSTANTIATE_TEST_SUITE_P(Protocols, ConnectionsOf, ::testing::Values("bolt", "tri"), [](const auto& info) { return std::string(info.param); });

TEST_P(ConnectionsOf, ATargetEndWhenItIsNoLongerCalledAndThoseOfTheListStay) {
  with_manual_clock([](ManualClock& clock) -> Task<Result<void>> {
    const std::string_view scheme = GetParam();  // all times together stay below the 90 s after which HTTP/2 ends an idle connection itself
    BusyProvider listed, target;
    co_await or_return(listed.open());
    co_await or_return(target.open());
    auto client = co_await or_return(connect<Sample>(listed.url(scheme), {.heartbeat = Duration::zero(), .target_idle = 20s}));
    const auto ask = [&client, &target, scheme]() -> Task<void> {
      const auto refused = co_await client->hello.with({.target = target.url(scheme)})("x");
      EXPECT_TRUE(!refused && refused.error().code() == (scheme == "bolt" ? Code::resource_exhausted : Code::unimplemented));
    };
    co_await ask();
    EXPECT_TRUE(co_await has_open(target, 1));
    co_await pass(clock, 18s);
    co_await ask();  // in use: stays
    co_await pass(clock, 18s);
    EXPECT_EQ((co_await target.stats()).open, 1u);
    co_await pass(clock, 20s);
    co_await pass(clock, 20s);
    EXPECT_TRUE(co_await has_open(target, 0));
    EXPECT_EQ((co_await listed.stats()).open, 1u) << "it was not called either, but belongs to the list";
    co_await ask();
    EXPECT_EQ((co_await target.stats()).accepted, 2u) << "who asks again connects again";
    client.reset();
    co_await or_return(listed.port->stop());
    co_return co_await target.port->stop();
  });
}

TEST_P(ConnectionsOf, AProviderHasAsManyAsAreWanted) {
  with_manual_clock([](ManualClock&) -> Task<Result<void>> {
    BusyProvider provider;
    co_await or_return(provider.open());
    auto client = co_await or_return(connect<Sample>(provider.url(GetParam()), {.connections = 3}));
    for (int i = 0; i < 10; ++i) EXPECT_FALSE(co_await client->hello("x"));
    EXPECT_TRUE(co_await has_open(provider, 3));
    client.reset();
    EXPECT_TRUE(co_await has_open(provider, 0));
    co_return co_await provider.port->stop();
  });
}

TEST_P(ConnectionsOf, AllProvidersAreMadeBeforeACallAndMadeAgainWhenTheyAreLost) {
  with_manual_clock([](ManualClock& clock) -> Task<Result<void>> {
    BusyProvider one, two;
    co_await or_return(one.open());
    co_await or_return(two.open());
    const std::string urls = one.url(GetParam()) + "," + two.url(GetParam());
    auto lazy = co_await or_return(connect<Sample>(urls, {.check = false}));
    auto eager = co_await or_return(connect<Sample>(urls, {.check = false, .connect_all = true, .heartbeat = Duration::zero()}));
    for (BusyProvider* provider : {&one, &two}) EXPECT_TRUE(co_await has_open(*provider, 1)) << "of the client that connects to all";
    co_await or_return(two.port->stop());
    BusyProvider again;
    again.at = two.at;
    co_await or_return(again.open());
    const Instant until = SystemClock::instance().now_monotonic() + 20s;
    while ((co_await again.stats()).open == 0 && SystemClock::instance().now_monotonic() < until) {
      co_await pass(clock, 100ms);
      for (int turn = 0; turn < 50; ++turn) co_await io::yield();
    }
    EXPECT_EQ((co_await again.stats()).open, 1u);
    lazy.reset();
    eager.reset();
    co_await or_return(one.port->stop());
    co_return co_await again.port->stop();
  });
}

TEST(Connections, AreAskedForASignOfLifeAtTheHeartbeatOfTheOptions) {
  with_manual_clock([](ManualClock& clock) -> Task<Result<void>> {
    BusyProvider provider;
    co_await or_return(provider.open());
    auto client = co_await or_return(connect<Sample>(provider.url(), {.heartbeat = 2s}));
    EXPECT_TRUE(co_await has_open(provider, 1));
    co_await pass(clock, 1s);
    EXPECT_EQ((co_await provider.stats()).sessions.heartbeats_in, 1u) << "the first says that the client knows GoAway";
    co_await pass(clock, 2s);
    const Instant until = SystemClock::instance().now_monotonic() + 20s;
    while ((co_await provider.stats()).sessions.heartbeats_in == 1 && SystemClock::instance().now_monotonic() < until) co_await io::yield();
    EXPECT_EQ((co_await provider.stats()).sessions.heartbeats_in, 2u);
    client.reset();
    co_return co_await provider.port->stop();
  });
}

}  // namespace
}  // namespace sofa::rpc
