// A server of several shards: every call answered exactly once, counters that add up, limits over all shards, a stop from anywhere.

#include "sample.h"
#include "sofa/io/task_group.h"

namespace sofa::rpc {
namespace {

using namespace testing;
using ::testing::HasSubstr;

Server server_of(const std::shared_ptr<Seen>& seen, ServerOptions options = {}) {
  options.port = 0;
  return Server(std::move(options)).add<Sample>([seen](unsigned) { return make_sample(seen); });
}

struct Tally {
  int right = 0, wrong = 0;
};

/// Calls of both kinds: `add` is answered in the read of its connection, `sleep` by a coroutine.
Task<Result<void>> many_calls(std::string address, int client, int calls, Tally& tally) {
  auto sample = co_await or_return(connect<Sample>(address, {.connections = 3}));
  for (int i = 0; i < calls; ++i) {
    const auto sum = co_await sample->add(client * 1000, i);
    ++(sum && *sum == client * 1000 + i ? tally.right : tally.wrong);
    if (i % 10 != 0) continue;
    const auto slept = co_await sample->sleep(0);
    ++(slept && *slept == "slept 0" ? tally.right : tally.wrong);
  }
  co_return Result<void>();
}

TEST(Shards, EveryCallIsAnsweredOnceAndTheCountersAddUp) {
  run_test(
      []() -> Task<Result<void>> {
        constexpr int kClients = 12, kCalls = 200;
        auto server = co_await or_return(server_of(std::make_shared<Seen>()).start());
        io::Runtime& runtime = io::Shard::current().runtime();
        std::vector<Tally> tallies(kClients);
        std::vector<Task<Result<int>>> clients;
        for (int i = 0; i < kClients; ++i) {
          clients.push_back([](io::Shard& shard, std::string address, int client, Tally& tally) -> Task<Result<int>> {
            co_await or_return(io::on(shard, [&] { return many_calls(address, client, kCalls, tally); }));
            co_return client;
          }(runtime.shard(static_cast<unsigned>(i) % runtime.shard_count()), at(server), i, tallies[static_cast<size_t>(i)]));
        }
        co_await or_return(io::when_all(std::move(clients)));
        int right = 0, wrong = 0;
        for (const Tally& tally : tallies) right += tally.right, wrong += tally.wrong;
        EXPECT_EQ(right, kClients * (kCalls + kCalls / 10));
        EXPECT_EQ(wrong, 0);
        const ServerStats stats = server->stats();
        EXPECT_EQ(stats.calls, static_cast<uint64_t>(right));
        EXPECT_EQ(stats.errors + stats.refused + stats.busy + stats.dropped, 0u);
        co_return co_await server->stop();
      }(),
      3);
}

TEST(Shards, TheLimitOfTheServerHoldsOverAllShards) {
  run_test(
      []() -> Task<Result<void>> {
        auto seen = std::make_shared<Seen>();
        auto server = co_await or_return(server_of(seen, {.max_calls_of_all_shards = 3}).start());
        // Connections go to the shards in turn.
        std::vector<std::shared_ptr<Sample>> clients;
        for (int i = 0; i < 4; ++i) clients.push_back(co_await or_return(connect<Sample>(at(server))));
        for (int i = 0; i < 3; ++i) clients[static_cast<size_t>(i)]->sleep.with({.timeout = 10min}).callback(600'000, [](Result<std::string>) {});
        EXPECT_TRUE(co_await eventually([&] { return server->stats().calls == 3; }));
        const auto busy = co_await clients[3]->sleep(0);
        EXPECT_FALSE(busy);
        EXPECT_EQ(busy.error().code(), Code::resource_exhausted);
        EXPECT_EQ(server->stats().busy, 1u);
        clients[0].reset();
        EXPECT_TRUE(co_await eventually([&] { return seen->cancelled == 1; }));
        std::optional<Result<std::string>> free;
        while (!free || !*free) free = co_await clients[3]->sleep.with({.retries = 20})(0);
        EXPECT_EQ(**free, "slept 0");
        clients.clear();
        co_return co_await server->stop();
      }(),
      2);
}

TEST(Shards, TheLimitOfTheServerHoldsOverAllProtocolsTogether) {
  run_test(
      []() -> Task<Result<void>> {
        auto seen = std::make_shared<Seen>();
        auto server = co_await or_return(server_of(seen, {.max_calls_of_all_shards = 5}).start());
        std::vector<std::shared_ptr<Sample>> clients;
        for (const std::string scheme : {"bolt://", "dubbo://", "tri://", "http://", "h2c://"}) {
          clients.push_back(co_await or_return(connect<Sample>(scheme + server->address().to_string())));
          clients.back()->sleep.with({.timeout = 10min}).callback(600'000, [](Result<std::string>) {});
          EXPECT_TRUE(co_await eventually([&] { return server->stats().calls == clients.size(); }));
        }
        EXPECT_EQ(server->stats().busy, 0u);
        for (const auto& client : clients) EXPECT_FALSE(co_await client->sleep(0));
        EXPECT_EQ(server->stats().busy, 5u) << "each was told that the server is busy";
        clients.erase(clients.begin());
        EXPECT_TRUE(co_await eventually([&] { return seen->cancelled == 1; }));
        for (const auto& client : clients) {
          std::optional<Result<std::string>> free;
          while (!free || !*free) free = co_await client->sleep.with({.retries = 20})(0);
          EXPECT_EQ(**free, "slept 0");
        }
        clients.clear();
        co_return co_await server->stop();
      }(),
      2);
}

TEST(Shards, StatsMayBeReadFromAnyThreadWhileTheServerStops) {
  io::Runtime runtime({.shards = 2, .hold_limit = Duration::zero()});
  auto server = runtime.block_on([] { return server_of(std::make_shared<Seen>()).start(); }());
  ASSERT_TRUE(server) << server.error().to_string();
  ASSERT_TRUE(runtime.block_on([](RunningServer& running) -> Task<Result<void>> {
    auto client = co_await or_return(connect<Sample>("bolt://" + running.address().to_string()));
    co_await or_return(client->ping());
    co_return Result<void>();
  }(**server)));
  std::atomic<bool> stopped{false};
  std::atomic<uint64_t> reads{0};
  std::thread reader([&] {
    while (!stopped) {
      EXPECT_EQ((*server)->stats().calls, 1u);
      ++reads;
    }
  });
  while (reads == 0) std::this_thread::yield();
  EXPECT_TRUE(runtime.block_on((*server)->stop()));
  stopped = true;
  reader.join();
  EXPECT_EQ((*server)->stats().calls, 1u) << "the counters outlive the shards of the server";
}

TEST(Shards, AServerMayBeStoppedByManyAtOnceAndAgain) {
  io::Runtime runtime({.shards = 3, .hold_limit = Duration::zero()});
  auto seen = std::make_shared<Seen>();
  auto server = runtime.block_on([](std::shared_ptr<Seen> s) { return server_of(s, {.drain = 50ms}).start(); }(seen));
  ASSERT_TRUE(server) << server.error().to_string();
  auto client = runtime.block_on([](RunningServer& running) { return connect<Sample>("bolt://" + running.address().to_string()); }(**server));
  ASSERT_TRUE(client);
  auto call = (*client)->sleep.with({.timeout = 10min}).future(600'000);
  while ((*server)->stats().calls == 0) std::this_thread::yield();
  std::vector<std::thread> stoppers;
  for (unsigned i = 0; i < 6; ++i) {
    stoppers.emplace_back([&, i] {
      EXPECT_TRUE(runtime.block_on((*server)->stop(), i % 3));
      EXPECT_EQ(seen->cancelled, 1) << "a stop ended before the server had";
    });
  }
  for (std::thread& stopper : stoppers) stopper.join();
  EXPECT_TRUE(runtime.block_on((*server)->stop()));
  EXPECT_FALSE(call.get());
  client->reset();
  server->reset();
}

}  // namespace
}  // namespace sofa::rpc
