// Which provider of a list gets a call: balancers by name, sticky choices, what a provider's URL asks for, fault tolerance.

#include "servers.h"

namespace sofa::rpc {
namespace {

using namespace testing;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

TEST(Balance, AnUnknownBalancerIsRefusedAtConnect) {
  run_test([]() -> Task<Result<void>> {
    const auto client = co_await connect<Sample>("127.0.0.1:1", {.check = false, .balancer = "fastest"});
    EXPECT_FALSE(client);
    if (!client) EXPECT_THAT(std::string(client.error().message()), HasSubstr("no balancer is called 'fastest'"));
    co_return Result<void>();
  }());
}

TEST(Balance, AConsistentHashSendsAKeyToOneProviderAndAHashKeyGoesBeforeTheArgument) {
  run_test([]() -> Task<Result<void>> {
    Servers servers;
    co_await or_return(servers.start(3));
    auto client = co_await or_return(connect<Sample>(servers.urls(), {.balancer = "consistentHash"}));
    co_await or_return(warm_up(*client, 3));
    std::set<char> used;
    for (int key = 0; key < 40; ++key) {
      const char first = co_await or_return(who(*client, std::to_string(key)));
      used.insert(first);
      for (int i = 0; i < 3; ++i) EXPECT_EQ(co_await or_return(who(*client, std::to_string(key))), first);
      const Text other = co_await or_return(client->echo.with({.hash_key = std::to_string(key)})("something else"));
      EXPECT_EQ(other.value_or("?").front(), first);
    }
    EXPECT_EQ(used.size(), 3u);
    client.reset();
    co_return co_await servers.stop();
  }());
}

TEST(Balance, StickyStaysAtOneProvider) {
  run_test([]() -> Task<Result<void>> {
    Servers servers;
    co_await or_return(servers.start(2));
    auto client = co_await or_return(connect<Sample>(servers.urls(), {.balancer = "roundRobin", .sticky = true}));
    const char first = co_await or_return(who(*client, "x"));
    for (int i = 0; i < 20; ++i) EXPECT_EQ(co_await or_return(who(*client, "x")), first);
    client.reset();
    co_return co_await servers.stop();
  }());
}

TEST(Balance, AProvidersUrlGivesWeightTimeoutAndSerialization) {
  run_test([]() -> Task<Result<void>> {
    Servers servers;
    co_await or_return(servers.start(2));
    auto client = co_await or_return(connect<Sample>(servers.urls({"?weight=0", "?timeout=40&serialization=json"})));
    // The one without a weight is only called until the other is connected.
    for (int i = 0; i < 1000 && co_await or_return(who(*client, "x")) != '1'; ++i) co_await or_return(io::sleep_for(1ms));
    for (int i = 0; i < 20; ++i) EXPECT_EQ(co_await or_return(who(*client, "x")), '1');
    const auto late = co_await client->echo("slow");
    EXPECT_FALSE(late);
    EXPECT_THAT(std::string(late.error().message()), HasSubstr("no answer within 40 ms"));
    const auto own = co_await client->echo.with({.timeout = 30ms})("slow");
    EXPECT_THAT(std::string(own.error().message()), HasSubstr("no answer within 30 ms")) << "the call's timeout goes first";
    client.reset();
    co_return co_await servers.stop();
  }());
}

TEST(Balance, LocalPrefFindsTheAddressesOfThisMachineByItself) {
  run_test([]() -> Task<Result<void>> {
    Servers servers;
    co_await or_return(servers.start(1));
    auto elsewhere = make_sample(std::make_shared<Seen>(), "elsewhere:");
    // The whole of 127.0.0.0/8 is here; 127.0.0.1 alone is the address of an interface.
    servers.running.push_back(co_await or_return(Server(ServerOptions{.host = "127.0.0.2", .port = 0}).add(elsewhere).start()));
    auto client = co_await or_return(connect<Sample>(servers.urls(), {.connect_all = true, .balancer = "localPref"}));
    auto told = co_await or_return(connect<Sample>(servers.urls(), {.connect_all = true, .balancer = "localPref", .own_host = "127.0.0.2"}));
    char answered = 0;
    for (int i = 0; i < 5000 && answered != 'e'; ++i) {  // until both are connected
      answered = co_await or_return(who(*told, "x"));
      co_await or_return(io::sleep_for(1ms));
    }
    for (int i = 0; i < 50; ++i) EXPECT_EQ(co_await or_return(who(*told, "x")), 'e');
    for (int i = 0; i < 50; ++i) EXPECT_EQ(co_await or_return(who(*client, "x")), '0');
    client.reset();
    told.reset();
    co_return co_await servers.stop();
  }());
}

TEST(Balance, AProviderThatTimesOutLosesItsTraffic) {
  run_test([]() -> Task<Result<void>> {
    Servers servers;
    co_await or_return(servers.start(3));
    const cluster::FaultToleranceOptions fault_tolerance{.regulation_effective = true,
                                                         .degrade_effective = true,
                                                         .time_window = 1,
                                                         .least_window_count = 3,
                                                         .least_window_exception_rate_multiple = 2};
    auto client = co_await or_return(connect<Sample>(servers.urls(), {.timeout = 30ms, .fault_tolerance = fault_tolerance}));
    co_await or_return(warm_up(*client, 3));
    servers.stuck = 2;
    int asked = 0;
    const Instant end = io::Shard::current().clock().now_monotonic() + 15s;
    // A hundred calls without one that fails: it is hardly asked any more.
    for (int quiet = 0; quiet < 100 && io::Shard::current().clock().now_monotonic() < end;) {
      const auto got = co_await client->echo("x");
      quiet = got ? quiet + 1 : 0;
      asked += got ? 0 : 1;
      co_await or_return(io::sleep_for(2ms));
    }
    EXPECT_GE(asked, 3) << "it was never asked, so nothing was shown";
    EXPECT_LT(io::Shard::current().clock().now_monotonic(), end) << "it kept its traffic: " << asked << " calls failed";
    client.reset();
    co_return co_await servers.stop();
  }());
}

}  // namespace
}  // namespace sofa::rpc
