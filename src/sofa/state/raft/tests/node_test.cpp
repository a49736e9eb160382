#include "sofa/state/raft/node.h"

#include <gtest/gtest.h>

#include "sofa/state/log/testing/fault_file_system.h"
#include "sofa/state/raft/testing/raft_cluster.h"

namespace sofa::raft::testing {
namespace {

using namespace std::chrono_literals;
using log::testing::FaultFileSystem;

TEST(Node, ThreeServersElectALeaderAndReplicate) {
  on_shard([]() -> io::Task<void> {
    RaftCluster cluster(3);
    co_await cluster.start_all();
    Node& leader = *co_await cluster.leader();
    for (int i = 1; i <= 20; ++i) {
      auto reply = co_await leader.apply(Bytes::copy_of(fmt::format("{},", i)));
      EXPECT_TRUE(reply) << reply.error().to_string();
      if (reply) EXPECT_EQ(reply->text(), std::to_string(i)) << "the state machine's reply";
    }
    for (int i = 0; i < 3; ++i) {
      EXPECT_TRUE(co_await cluster.node(i).read());
      EXPECT_EQ(cluster.machine(i).text.size(), 51u) << "a linearizable read at " << i;
    }
    co_await cluster.stop_all();
  });
}

TEST(Node, AFollowerTakesNoEntries) {
  on_shard([]() -> io::Task<void> {
    RaftCluster cluster(3);
    co_await cluster.start_all();
    Node& leader = *co_await cluster.leader();
    for (int i = 0; i < 3; ++i) {
      if (&cluster.node(i) == &leader) continue;
      auto refused = co_await cluster.node(i).apply(Bytes::copy_of("x"));
      EXPECT_FALSE(refused);
      if (!refused) EXPECT_EQ(status_of(refused.error()).code, jraft::RaftError::eperm);
    }
    co_await cluster.stop_all();
  });
}

TEST(Node, WhatWasAcknowledgedIsThereAfterPowerCutsOfAll) {
  on_shard([]() -> io::Task<void> {
    RaftCluster cluster(3);
    co_await cluster.start_all();
    std::string expected;
    for (int round = 0; round < 3; ++round) {
      for (int i = 0; i < 30; ++i) {
        auto reply = co_await (*co_await cluster.leader()).apply(Bytes::copy_of(fmt::format("{}.{},", round, i)));
        EXPECT_TRUE(reply) << reply.error().to_string();
        expected += fmt::format("{}.{},", round, i);
      }
      co_await cluster.cut_power_of_all();
      co_await cluster.start_all();
      EXPECT_TRUE(co_await (*co_await cluster.leader()).read());
      EXPECT_EQ(cluster.machine_of(*co_await cluster.leader()).text, expected);
    }
    co_await cluster.stop_all();
  });
}

TEST(Node, AWipedMemberIsFedBySnapshot) {
  on_shard([]() -> io::Task<void> {
    RaftCluster cluster(3);
    co_await cluster.start_all();
    Node& leader = *co_await cluster.leader();
    for (int i = 0; i < 50; ++i) EXPECT_TRUE(co_await leader.apply(Bytes::copy_of("a")));
    EXPECT_TRUE(co_await leader.snapshot());
    for (int i = 0; i < 50; ++i) EXPECT_TRUE(co_await leader.apply(Bytes::copy_of("b")));
    EXPECT_TRUE(co_await leader.snapshot());
    EXPECT_GT(leader.describe().first_log, 40) << "what the snapshot before the newest holds is given up";
    const int victim = &cluster.node(0) == &leader ? 1 : 0;
    co_await cluster.wipe(victim);
    co_await cluster.start(victim);
    EXPECT_TRUE(co_await eventually([&] { return cluster.machine(victim).text.size() == 100; }));
    EXPECT_EQ(cluster.machine(victim).loads, 1) << "by a snapshot, not entry by entry";
    EXPECT_TRUE(co_await cluster.node(victim).read());
    EXPECT_TRUE(co_await eventually([&] { return !cluster.node(victim).describe().installing; }));
    co_await cluster.restart(victim);
    EXPECT_EQ(cluster.machine(victim).loads, 1) << "its own, at the start";
    EXPECT_TRUE(co_await eventually([&] { return !cluster.node(victim).core().leader().is_nobody(); }));
    EXPECT_TRUE(co_await cluster.node(victim).read());
    EXPECT_EQ(cluster.machine(victim).text.size(), 100u);
    co_await cluster.stop_all();
  });
}

TEST(Node, ASnapshotIsOfTheEntryThatItWasBegunWithWhileOthersAreApplied) {
  on_shard([]() -> io::Task<void> {
    RaftCluster cluster(1);
    co_await cluster.start_all();
    Node& node = *co_await cluster.leader();
    size_t answered = 0, sent = 0;
    std::function<void()> send = [&] {
      if (++sent > 2000) return;
      node.apply(Bytes::copy_of("a"), [&](const Result<Bytes>& done) {
        EXPECT_TRUE(done);
        ++answered;
        send();
      });
    };
    for (int i = 0; i < 8; ++i) send();
    while (answered < 2000) {
      const auto saved = co_await node.snapshot();
      EXPECT_TRUE(saved) << saved.error().to_string();
      EXPECT_TRUE(co_await io::sleep_for(1ms));
    }
    co_await cluster.restart(0);
    EXPECT_TRUE(co_await (*co_await cluster.leader()).read());
    EXPECT_EQ(cluster.machine(0).text.size(), 2000u);
    co_await cluster.stop_all();
  });
}

TEST(Node, AFullDiskIsNoFailure) {
  on_shard([]() -> io::Task<void> {
    RaftCluster cluster(1);
    co_await cluster.start_all();
    Node& node = *co_await cluster.leader();
    EXPECT_TRUE(co_await node.apply(Bytes::copy_of("a")));
    cluster.disk(0).fill_up();
    // What fits into the segment is still taken; then the node is full.
    Result<Bytes> last = Bytes();
    std::vector<Result<Bytes>> answers;
    size_t sent = 0;
    while (!node.describe().disk_full && sent < 100) {
      node.apply(Bytes::copy_of(std::string(32 << 10, 'x')), [&](Result<Bytes> one) { answers.push_back(std::move(one)); });
      ++sent;
      EXPECT_TRUE(co_await io::sleep_for(1ms));
    }
    EXPECT_TRUE(node.describe().disk_full);
    auto refused = co_await node.apply(Bytes::copy_of("y"));
    EXPECT_FALSE(refused);
    if (!refused) {
      EXPECT_EQ(status_of(refused.error()).code, jraft::RaftError::ebusy);
      EXPECT_NE(refused.error().message().find("the disk of"), std::string_view::npos);
    }
    cluster.disk(0).free_space();
    EXPECT_TRUE(co_await eventually([&] { return !node.describe().disk_full; }));
    EXPECT_TRUE(co_await eventually([&] { return answers.size() == sent; })) << "what was taken is answered, and nothing is lost";
    for (const auto& answer : answers) EXPECT_TRUE(answer) << answer.error().to_string();
    EXPECT_TRUE(co_await node.apply(Bytes::copy_of("z")));
    EXPECT_EQ(cluster.machine(0).text.size(), 2 + sent * (32 << 10));
    co_await cluster.stop_all();
  });
}

TEST(Node, AFailedSyncIsTheEndOfTheNode) {
  on_shard([]() -> io::Task<void> {
    RaftCluster cluster(3);
    co_await cluster.start_all();
    Node& leader = *co_await cluster.leader();
    EXPECT_TRUE(co_await leader.apply(Bytes::copy_of("a")));
    const int failing = cluster.index_of(leader);
    cluster.disk(failing).fail_next("sync", "segment");
    [[maybe_unused]] const auto lost = co_await leader.apply(Bytes::copy_of("b"));
    EXPECT_TRUE(co_await eventually([&] { return leader.describe().role == "ERROR"; }));
    auto refused = co_await leader.apply(Bytes::copy_of("c"));
    EXPECT_FALSE(refused);
    // The others go on without it.
    EXPECT_TRUE(co_await eventually([&] {
      for (int i = 0; i < 3; ++i) {
        if (i != failing && cluster.node(i).core().role() == Role::leader) return true;
      }
      return false;
    }));
    co_await cluster.stop_all();
  });
}

TEST(Node, AnExceptionOfTheStateMachineIsTheEndOfTheNode) {
  on_shard([]() -> io::Task<void> {
    RaftCluster cluster(1);
    co_await cluster.start_all();
    Node& node = *co_await cluster.leader();
    auto lost = co_await node.apply(Bytes::copy_of("throw"));
    EXPECT_FALSE(lost);
    if (!lost) EXPECT_EQ(status_of(lost.error()).code, jraft::RaftError::estatemachine) << lost.error().to_string();
    EXPECT_EQ(node.describe().role, "ERROR");
    co_await cluster.stop_all();
  });
}

TEST(Node, ManyGroupsShareOneLog) {
  on_shard([]() -> io::Task<void> {
    RaftCluster cluster(3);
    co_await cluster.start_all();
    constexpr int kGroups = 8;
    for (int group = 0; group < kGroups; ++group) co_await cluster.start_group(fmt::format("more{}", group));
    for (int group = 0; group < kGroups; ++group) {
      Node& leader = *co_await cluster.leader(fmt::format("more{}", group));
      auto reply = co_await leader.apply(Bytes::copy_of("x,"));
      EXPECT_TRUE(reply) << reply.error().to_string();
    }
    co_await cluster.cut_power_of_all();
    co_await cluster.start_all();
    for (int group = 0; group < kGroups; ++group) {
      co_await cluster.start_group(fmt::format("more{}", group));
      Node& leader = *co_await cluster.leader(fmt::format("more{}", group));
      EXPECT_TRUE(co_await leader.read());
      EXPECT_EQ(static_cast<TextMachine&>(leader.machine()).text, "x,");
    }
    co_await cluster.stop_all();
  });
}

TEST(Node, MembersMayHaveIpv6Addresses) {
  on_shard([]() -> io::Task<void> {
    RaftCluster cluster(3, "[::1]");
    co_await cluster.start_all();
    Node& leader = *co_await cluster.leader();
    EXPECT_TRUE(leader.self().to_string().starts_with("[::1]:"));
    for (int round = 0; round < 2; ++round) {
      EXPECT_TRUE(co_await leader.apply(Bytes::copy_of("a,")));
      EXPECT_TRUE(co_await leader.snapshot());
    }
    const int victim = (cluster.index_of(leader) + 1) % 3;
    co_await cluster.wipe(victim);
    co_await cluster.start(victim);
    EXPECT_TRUE(co_await eventually([&] { return cluster.machine(victim).text == "a,a,"; }));
    EXPECT_EQ(cluster.machine(victim).loads, 1) << "by a snapshot, whose address is one of IPv6, too";
    EXPECT_TRUE(co_await cluster.node(victim).read());
    Client client("test", cluster.members());
    EXPECT_TRUE(co_await client.apply(Bytes::copy_of("b,")));
    co_await client.close();
    co_await cluster.stop_all();
  });
}

TEST(Server, RefusesTheFolderOfAnother) {
  on_shard([]() -> io::Task<void> {
    FaultFileSystem disk;
    {
      auto first = co_await Server::open({.folder = "/data", .address = free_address(), .owner = "group a", .files = &disk});
      EXPECT_TRUE(first) << first.error().to_string();
      auto second = co_await Server::open({.folder = "/data", .address = free_address(), .owner = "group a", .files = &disk});
      EXPECT_FALSE(second);
      if (!second) EXPECT_NE(second.error().message().find("is of the node"), std::string_view::npos) << second.error().to_string();
      EXPECT_TRUE(co_await (*first)->stop());
    }
    disk.put("/data/identity", {'s', 'o', 'f', 'a', '-', 'r', 'a', 'f', 't', ' ', '9', '\n'});
    auto newer = co_await Server::open({.folder = "/data", .address = free_address(), .files = &disk});
    EXPECT_FALSE(newer);
    if (!newer) EXPECT_NE(newer.error().message().find("sofa-raft 9"), std::string_view::npos) << newer.error().to_string();
  });
}

TEST(Server, SaysWhatIsWrongWithItsOptions) {
  on_shard([]() -> io::Task<void> {
    for (const char* address : {"", "nowhere", "127.0.0.1", "127.0.0.1:x"}) {
      auto server = co_await Server::open({.folder = "/data", .address = address});
      EXPECT_FALSE(server) << address;
    }
    FaultFileSystem disk;
    auto server = co_await Server::open({.folder = "/data", .address = free_address(), .files = &disk});
    EXPECT_TRUE(server) << server.error().to_string();
    auto named = co_await (*server)->start({.group = "1 bad name"}, std::make_unique<TextMachine>());
    EXPECT_FALSE(named);
    auto members =
        co_await (*server)->start({.group = "g", .initial = *jraft::Configuration::parse("127.0.0.1:1/learner")}, std::make_unique<TextMachine>());
    EXPECT_FALSE(members);
    const auto says = [&](NodeOptions options, std::string_view name) -> io::Task<void> {
      options.group = "g";
      auto started = co_await (*server)->start(std::move(options), std::make_unique<TextMachine>());
      EXPECT_FALSE(started) << name;
      if (!started)
        EXPECT_NE(started.error().message().find(fmt::format("the option {} of the group g is out of its range", name)), std::string_view::npos);
    };
    co_await says({.election_timeout = 1ms}, "election_timeout");
    co_await says({.snapshot_interval = -1s}, "snapshot_interval");
    co_await says({.priority = -2}, "priority");
    co_await says({.apply_batch = 0}, "apply_batch");
    EXPECT_TRUE(co_await (*server)->stop());
    auto nowhere = co_await Server::open({.folder = "/other", .address = free_address(), .bind = "nowhere", .files = &disk});
    EXPECT_FALSE(nowhere);
    if (!nowhere) EXPECT_NE(nowhere.error().to_string().find("listens at no address (bind)"), std::string::npos) << nowhere.error().to_string();
  });
}

}  // namespace
}  // namespace sofa::raft::testing
