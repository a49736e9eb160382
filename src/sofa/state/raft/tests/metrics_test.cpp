#include <gtest/gtest.h>

#include "sofa/state/raft/describe.h"
#include "sofa/state/raft/testing/raft_cluster.h"

namespace sofa::raft::testing {
namespace {

using log::testing::FaultFileSystem;

const std::string* label_of(const MetricValue& value, std::string_view name) {
  for (const auto& [key, text] : value.id.labels) {
    if (key == name) return &text;
  }
  return nullptr;
}

/// The value of this name whose labels have these; null: there is none.
const MetricValue* find(const std::vector<MetricValue>& values, std::string_view name, const MetricLabels& labels = {}) {
  for (const MetricValue& value : values) {
    const bool fits = std::ranges::all_of(labels, [&](const auto& one) {
      const std::string* const text = label_of(value, one.first);
      return text != nullptr && *text == one.second;
    });
    if (value.id.name == name && fits) return &value;
  }
  return nullptr;
}

int64_t number_of(const std::vector<MetricValue>& values, std::string_view name, const MetricLabels& labels = {}) {
  const MetricValue* const value = find(values, name, labels);
  return value == nullptr ? -1 : value->number;
}

/// One server with a group of its own for each name.
struct Alone {
  FaultFileSystem disk;
  std::unique_ptr<Server> server;

  io::Task<void> open(std::string bind = {}) {
    ServerOptions options{.folder = "/data", .address = free_address(), .bind = std::move(bind), .files = &disk};
    options.log = {
        .folder = {}, .segment_bytes = 256 << 10, .max_record_bytes = 64 << 10, .max_batch_bytes = 64 << 10, .control_reserve_bytes = 8 << 10};
    auto opened = co_await Server::open(std::move(options));
    EXPECT_TRUE(opened) << opened.error().to_string();
    if (opened) server = std::move(*opened);
  }
  io::Task<Node*> start(std::string group) {
    auto node =
        co_await server->start({.group = std::move(group), .initial = *jraft::Configuration::parse(server->address()), .max_entry_bytes = 48 << 10},
                               std::make_unique<TextMachine>());
    EXPECT_TRUE(node) << node.error().to_string();
    EXPECT_TRUE(co_await eventually([&] { return serves(**node); }));
    co_return *node;
  }
};

TEST(Metrics, AreSumsUntilSomebodyAsksAndThenDetailsOfGroupsThatWrite) {
  on_shard([]() -> io::Task<void> {
    Alone alone;
    co_await alone.open();
    Node& busy = *co_await alone.start("busy");
    Node& idle = *co_await alone.start("idle");
    EXPECT_TRUE(co_await busy.apply(Bytes::copy_of("a")));
    auto values = alone.server->metrics();
    EXPECT_EQ(number_of(values, "raft_groups", {{"role", "LEADER"}, {"node", alone.server->address()}}), 2);
    EXPECT_EQ(number_of(values, "raft_elections"), 2);
    EXPECT_EQ(number_of(values, "raft_groups_without_leader"), 0);
    EXPECT_EQ(number_of(values, "raft_groups_detailed"), 0);
    EXPECT_EQ(number_of(values, "raft_replicators_stalled"), 0);
    EXPECT_EQ(find(values, "raft_latency"), nullptr) << "nobody had asked";
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(co_await busy.apply(Bytes::copy_of("bc")));
    EXPECT_TRUE(co_await busy.read());
    values = alone.server->metrics();
    for (const char* name : {"append-logs", "fsm-commit", "fsm-apply-tasks", "read-index"}) {
      const MetricValue* const latency = find(values, "raft_latency", {{"group", "busy"}, {"name", name}});
      EXPECT_NE(latency, nullptr) << name;
      if (latency != nullptr) EXPECT_EQ(latency->histogram.count(), name == std::string_view("read-index") ? 1U : 3U) << name;
    }
    const MetricValue* const bytes = find(values, "raft_size", {{"group", "busy"}, {"name", "append-logs-bytes"}});
    EXPECT_TRUE(bytes != nullptr && bytes->histogram.sum() == 6) << "2 bytes three times";
    EXPECT_EQ(number_of(values, "raft_applied_index", {{"group", "busy"}}), busy.describe().applied);
    EXPECT_EQ(find(values, "raft_term", {{"group", "idle"}}), nullptr) << "it has written nothing";
    alone.server->count_in_detail(idle);
    values = alone.server->metrics();
    EXPECT_EQ(number_of(values, "raft_term", {{"group", "idle"}}), 1) << "somebody has asked for it";
    EXPECT_EQ(number_of(values, "raft_groups_detailed"), 2);
    EXPECT_TRUE(std::ranges::is_sorted(values, {}, [](const MetricValue& one) { return one.id.name; })) << "values of one name stand together";
    EXPECT_TRUE(co_await alone.server->stop());
  });
}

TEST(Metrics, HaveABoundOfGroupsInDetail) {
  on_shard([]() -> io::Task<void> {
    Alone alone;
    co_await alone.open();
    [[maybe_unused]] const auto begun = alone.server->metrics();
    for (int i = 0; i < 70; ++i) EXPECT_TRUE(co_await (*co_await alone.start(fmt::format("g{}", i))).apply(Bytes::copy_of("a")));
    const auto values = alone.server->metrics();
    EXPECT_EQ(number_of(values, "raft_groups", {{"role", "LEADER"}}), 70);
    EXPECT_EQ(number_of(values, "raft_groups_detailed"), 64);
    EXPECT_EQ(number_of(values, "raft_groups_left_off"), 6);
    EXPECT_TRUE(co_await alone.server->stop());
  });
}

TEST(Metrics, TellHowFarThePeersOfALeaderAre) {
  on_shard([]() -> io::Task<void> {
    RaftCluster cluster(3);
    co_await cluster.start_all();
    Node& leader = *co_await cluster.leader();
    Server& server = cluster.server(cluster.index_of(leader));
    [[maybe_unused]] const auto begun = server.metrics();
    const int victim = (cluster.index_of(leader) + 1) % 3;
    const std::string lost = cluster.node(victim).self().to_string();
    co_await cluster.stop(victim);
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(co_await leader.apply(Bytes::copy_of("a")));
    EXPECT_TRUE(co_await eventually([&] { return number_of(server.metrics(), "raft_peers_silent") == 1; }));
    const auto values = server.metrics();
    EXPECT_EQ(number_of(values, "raft_replicator", {{"peer", lost}, {"name", "log-lags"}}), 5);
    EXPECT_EQ(number_of(values, "raft_largest_lag"), 5);
    EXPECT_GT(number_of(values, "raft_replicator", {{"peer", lost}, {"name", "consecutive-error-times"}}), 0);
    EXPECT_GT(number_of(values, "raft_replicator_times", {{"peer", lost}, {"name", "heartbeat-times"}}), 0);
    const auto told = described(leader, io::Shard::current().now());
    const auto peer = std::ranges::find(told.followers, lost, &DescribedFollower::peer);
    EXPECT_TRUE(peer != told.followers.end() && peer->lag == 5 && peer->errors > 0);
    co_await cluster.start(victim);
    EXPECT_TRUE(co_await eventually([&] { return number_of(server.metrics(), "raft_largest_lag") == 0; }));
    EXPECT_EQ(number_of(server.metrics(), "raft_replicators_stalled"), 0);
    co_await cluster.stop_all();
  });
}

TEST(Server, ListensWhereItIsToldAndIsNamedAsItsPeersKnowIt) {
  on_shard([]() -> io::Task<void> {
    Alone alone;
    const std::string there = free_address();
    co_await alone.open(there);
    EXPECT_EQ(alone.server->local().to_string(), there);
    EXPECT_NE(alone.server->address(), there);
    EXPECT_EQ((*co_await alone.start("g")).self().to_string(), alone.server->address());
    EXPECT_TRUE(co_await alone.server->stop());
  });
}

}  // namespace
}  // namespace sofa::raft::testing
