// What a client does with a call beside sending it to one provider: hedging, forking, broadcast, failback, budgets; batches of calls.

#include "servers.h"
#include "sofa/io/task_group.h"

namespace sofa::rpc {
namespace {

using namespace testing;
using namespace std::chrono_literals;
using ::testing::HasSubstr;

Instant now() { return io::Shard::current().clock().now_monotonic(); }

TEST(Strategy, FailfastAsksOnce) {
  run_test([]() -> Task<Result<void>> {
    auto client = co_await or_return(connect<Sample>("127.0.0.1:1", {.retries = 5, .check = false, .strategy = Strategy::failfast}));
    CallResponse response;
    const auto got = co_await client->hello.with({.response = &response})("x");
    EXPECT_FALSE(got);
    EXPECT_EQ(response.attempts, 1);
    client.reset();
    co_return Result<void>();
  }());
}

TEST(Strategy, ARetryBudgetBoundsTheAttempts) {
  run_test([]() -> Task<Result<void>> {
    const cluster::RetryBudgetOptions budget{.ratio = 0, .per_second = 0, .most = 2};
    auto client = co_await or_return(connect<Sample>("127.0.0.1:1", {.retries = 10, .check = false, .retry_budget = budget}));
    CallResponse response;
    EXPECT_FALSE(co_await client->hello.with({.response = &response})("x"));
    EXPECT_EQ(response.attempts, 3) << "one call, two repetitions";
    const auto again = co_await client->hello.with({.response = &response})("x");
    EXPECT_EQ(response.attempts, 1) << "the budget is spent";
    client.reset();
    co_return Result<void>();
  }());
}

TEST(Strategy, AHedgeAnswersForAProviderThatIsSlow) {
  run_test([]() -> Task<Result<void>> {
    Servers servers;
    co_await or_return(servers.start(2));
    const ClientOptions options{.timeout = 30s, .balancer = "roundRobin", .hedging = {.after = 20ms}};
    auto client = co_await or_return(connect<Sample>(servers.urls(), options));
    co_await or_return(warm_up(*client, 2));
    servers.stuck = 0;
    int hedged = 0;
    const Instant begun = now();
    for (int i = 0; i < 6; ++i) {
      CallResponse response;
      EXPECT_EQ(co_await or_return(client->echo.with({.response = &response})("x")), "1:x");
      EXPECT_EQ(response.address, servers.running[1]->address());
      hedged += response.attempts == 2 ? 1 : 0;
    }
    EXPECT_GE(hedged, 2);
    EXPECT_LT(now() - begun, 10s) << "it waited for the slow one";
    client.reset();
    co_return co_await servers.stop();
  }());
}

TEST(Strategy, OfForksTheFirstAnswerCountsAndAnErrorOfTheServiceIsAnAnswer) {
  run_test([]() -> Task<Result<void>> {
    Servers servers;
    co_await or_return(servers.start(3));
    auto client = co_await or_return(connect<Sample>(servers.urls(), {.timeout = 30s, .strategy = Strategy::forking, .forks = 3}));
    servers.stuck = 1;
    const Instant begun = now();
    for (int i = 0; i < 10; ++i) EXPECT_NE(co_await or_return(who(*client, "x")), '1');
    const auto failed = co_await client->fail("java");
    EXPECT_FALSE(failed);
    EXPECT_THAT(std::string(failed.error().message()), HasSubstr("boom 1"));
    EXPECT_LT(now() - begun, 10s);
    client.reset();
    co_return co_await servers.stop();
  }());
}

/// Two servers: the first sleeps as long as it is asked to, and counts the calls that were cancelled; the second answers at once.
struct SlowAndFast {
  std::shared_ptr<Seen> seen = std::make_shared<Seen>();
  std::unique_ptr<RunningServer> slow, fast;

  Task<Result<void>> start() {
    auto quick = make_sample();
    quick->sleep = [](int64_t) -> Task<Result<std::string>> { co_return "fast"; };
    slow = co_await or_return(Server(ServerOptions{.port = 0}).add(make_sample(seen)).start());
    fast = co_await or_return(Server(ServerOptions{.port = 0}).add(quick).start());
    co_return Result<void>();
  }
  std::string urls(std::string_view scheme) const {
    return fmt::format("{0}://{1},{0}://{2}", scheme, slow->address().to_string(), fast->address().to_string());
  }
  Task<Result<void>> stop() {
    co_await or_return(slow->stop());
    co_return co_await fast->stop();
  }
};

/// Over Bolt and Dubbo a provider is never told, as their protocols have no word for it.
class Losers : public ::testing::TestWithParam<std::string> {};

TEST_P(Losers, OfAHedgedOrForkedCallEndAtTheirProvider) {
  for (ClientOptions options : {ClientOptions{.timeout = 60s, .balancer = "roundRobin", .hedging = {.after = 20ms}},
                                ClientOptions{.timeout = 60s, .strategy = Strategy::forking, .forks = 2}}) {
    run_test([](std::string scheme, ClientOptions given) -> Task<Result<void>> {
      SlowAndFast servers;
      co_await or_return(servers.start());
      auto client = co_await or_return(connect<Sample>(servers.urls(scheme), given));
      int asked_both = 0;
      for (int i = 0; i < 20; ++i) {
        CallResponse response;
        EXPECT_EQ(co_await or_return(client->sleep.with({.response = &response})(60'000)), "fast");
        asked_both += response.attempts == 2 ? 1 : 0;
      }
      EXPECT_GE(asked_both, 1);
      EXPECT_TRUE(co_await eventually([&] { return servers.seen->cancelled >= asked_both; }))
          << servers.seen->cancelled << " of " << asked_both << " losers have ended";
      client.reset();
      co_return co_await servers.stop();
    }(GetParam(), options));
  }
}
INSTANTIATE_TEST_SUITE_P(Scheme, Losers, ::testing::Values("tri", "grpc", "h2c", "http"), [](const auto& scheme) { return scheme.param; });

/// What a handler does whose caller has gone, or whose time is over, when it calls on.
TEST(Strategy, ACallOfAnEndedScopeEndsWithItsReason) {
  run_test([]() -> Task<Result<void>> {
    Servers servers;
    co_await or_return(servers.start(2));
    const Hedging hedging{.after = 20ms};
    for (ClientOptions options : {ClientOptions{.hedging = hedging}, ClientOptions{.strategy = Strategy::forking},
                                  ClientOptions{.strategy = Strategy::failback}, ClientOptions{.strategy = Strategy::broadcast}, ClientOptions{}}) {
      auto client = co_await or_return(connect<Sample>(servers.urls(), options));
      io::CancelSource source(co_await io::current_scope());
      source.cancel("the caller is gone");
      const auto got = co_await source.run([](Sample& of) -> Task<Result<Text>> { co_return co_await of.echo("x"); }(*client));
      EXPECT_FALSE(got);
      if (!got) EXPECT_THAT(got.error().to_string(), HasSubstr("the caller is gone"));
    }
    co_return co_await servers.stop();
  }());
}

TEST(Strategy, ForkingNeedsAProviderToAsk) {
  run_test([]() -> Task<Result<void>> {
    const auto client = co_await connect<Sample>("127.0.0.1:1", {.check = false, .strategy = Strategy::forking, .forks = 0});
    EXPECT_FALSE(client);
    if (!client) EXPECT_THAT(client.error().to_string(), HasSubstr("forks is 0"));
    co_return Result<void>();
  }());
}

TEST(Strategy, ABroadcastReachesEveryProviderAndNamesOneThatFails) {
  run_test([]() -> Task<Result<void>> {
    Servers servers;
    co_await or_return(servers.start(3));
    auto client = co_await or_return(connect<Sample>(servers.urls(), {.timeout = 30s, .strategy = Strategy::broadcast}));
    EXPECT_EQ(co_await or_return(client->echo("x")), "0:x");
    for (const auto& server : servers.running) EXPECT_EQ(server->stats().calls, 1u);
    servers.stuck = 1;
    const auto got = co_await client->echo.with({.timeout = 200ms})("x");
    EXPECT_FALSE(got);
    if (!got) EXPECT_THAT(got.error().to_string(), HasSubstr(servers.running[1]->address().to_string()));
    client.reset();
    co_return co_await servers.stop();
  }());
}

TEST(Strategy, AFailbackIsRepeatedUntilAProviderIsThere) {
  run_test([]() -> Task<Result<void>> {
    Servers servers;
    co_await or_return(servers.start(1));
    const uint16_t port = servers.running[0]->address().port();
    co_await or_return(servers.stop());
    const ClientOptions options{
        .check = false, .strategy = Strategy::failback, .failback = {.most_waiting = 1, .attempts = 1000, .backoff = {.first = 10ms, .most = 20ms}}};
    auto client = co_await or_return(connect<Sample>(fmt::format("127.0.0.1:{}", port), options));
    EXPECT_TRUE(co_await client->note("key", "value"));
    const auto second = co_await client->note("key", "other");
    EXPECT_FALSE(second);
    if (!second) EXPECT_THAT(second.error().to_string(), HasSubstr("wait for their repetition already"));
    auto seen = std::make_shared<Seen>();
    auto server = co_await or_return(Server(ServerOptions{.port = port}).add(make_sample(seen), {.thread_safe = true}).start());
    EXPECT_TRUE(co_await eventually([&] { return seen->notes == 1; }));
    client.reset();
    co_return co_await server->stop();
  }());
}

TEST(Strategy, AMockAnswersInPlaceOfAProvider) {
  run_test([]() -> Task<Result<void>> {
    auto mock = make_sample();
    mock->hello = [](std::string name) { return "mocked " + name; };
    mock->transfer = [](Transfer t) -> Task<Result<Transfer>> { co_return Transfer{"mocked " + t.id, 7}; };
    auto client = co_await or_return(connect<Sample>("127.0.0.1:1", {.mock = mock}));
    EXPECT_EQ(co_await or_return(client->hello("x")), "mocked x");
    EXPECT_EQ((co_await or_return(client->transfer({"t-1", 1}))).id, "mocked t-1");
    const auto failed = co_await client->fail("java");
    EXPECT_FALSE(failed);
    if (!failed) EXPECT_THAT(failed.error().to_string(), HasSubstr("boom 1"));
    client.reset();
    co_return Result<void>();
  }());
}

/// A list that comes later.
struct LateProviders : Providers {
  ProviderList list = std::make_shared<const std::vector<Provider>>();
  ProviderList current() const override { return list; }
  std::string_view source() const override { return "late"; }
};

TEST(Strategy, ConnectWaitsForTheFirstAddresses) {
  run_test([]() -> Task<Result<void>> {
    Servers servers;
    co_await or_return(servers.start(1));
    auto late = std::make_shared<LateProviders>();
    const auto none = co_await connect<Sample>(late, {.address_wait = 20ms});
    EXPECT_FALSE(none);
    if (!none) EXPECT_THAT(none.error().to_string(), HasSubstr("no provider is known from late"));
    io::TaskGroup group(co_await io::current_scope());
    group.spawn("late addresses", [](LateProviders& to, ProviderList list) -> Task<void> {
      [[maybe_unused]] const auto slept = co_await io::sleep_for(30ms);
      to.list = std::move(list);
    }(*late, parse_providers(servers.urls()).value()->current()));
    auto client = co_await or_return(connect<Sample>(late, {.address_wait = 10s}));
    EXPECT_EQ(co_await or_return(who(*client, "x")), '0');
    co_await or_return(co_await group.join());
    client.reset();
    co_return co_await servers.stop();
  }());
}

TEST(Strategy, ATagGoesToTheProvidersThatHaveIt) {
  run_test([]() -> Task<Result<void>> {
    Servers servers;
    co_await or_return(servers.start(2));
    const cluster::Routers routers = {std::make_shared<cluster::TagRouter>(true)};
    auto client = co_await or_return(connect<Sample>(servers.urls({"?tag=blue"}), {.routers = routers}));
    for (int i = 0; i < 5; ++i) {
      EXPECT_EQ(co_await or_return(client->echo.with({.tag = "blue"})("x")), "0:x");
      EXPECT_EQ(co_await or_return(client->echo("x")), "1:x");
    }
    const auto red = co_await client->echo.with({.tag = "red"})("x");
    EXPECT_FALSE(red);
    if (!red) EXPECT_THAT(red.error().to_string(), HasSubstr("the routers leave none of the 2 providers"));
    client.reset();
    co_return co_await servers.stop();
  }());
}

TEST(Batch, AllOrTheFirstOfSeveralCallsUnderOneDeadline) {
  run_test([]() -> Task<Result<void>> {
    Servers servers;
    co_await or_return(servers.start(1));
    auto client = co_await or_return(connect<Sample>(servers.urls(), {.timeout = 30s}));
    std::vector<Task<Result<std::string>>> calls;
    for (int i = 0; i < 10; ++i) calls.push_back(client->hello(std::to_string(i)));
    const auto all = co_await or_return(io::with_timeout(5s, io::when_all(std::move(calls))));
    EXPECT_EQ(all.size(), 10u);
    EXPECT_EQ(all[7], "hello 7");

    std::vector<Task<Result<Text>>> some;
    some.push_back(client->echo("slow"));
    some.push_back(client->echo("fast"));
    EXPECT_EQ(co_await or_return(io::with_timeout(5s, io::first_of(std::move(some)))), "0:fast");

    std::vector<Task<Result<Text>>> late;
    late.push_back(client->echo("fast"));
    late.push_back(client->echo("slow"));
    const auto none = co_await io::with_timeout(50ms, io::when_all(std::move(late)));
    EXPECT_FALSE(none);
    if (!none) EXPECT_EQ(none.error().code(), Code::deadline_exceeded);
    client.reset();
    co_return co_await servers.stop();
  }());
}

}  // namespace
}  // namespace sofa::rpc
