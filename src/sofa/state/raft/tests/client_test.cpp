#include "sofa/state/raft/client.h"

#include <gtest/gtest.h>

#include "sofa/state/raft/testing/raft_cluster.h"

namespace sofa::raft::testing {
namespace {

using namespace std::chrono_literals;

void expect_text(const Result<Bytes>& result, std::string_view text) {
  EXPECT_TRUE(result) << result.error().to_string();
  if (result) EXPECT_EQ(result->text(), text);
}

TEST(Client, FindsTheLeaderAndFollowsItWhenItChanges) {
  on_shard([]() -> io::Task<void> {
    RaftCluster cluster(3);
    co_await cluster.start_all();
    Client client("test", cluster.members());
    for (int i = 1; i <= 5; ++i) expect_text(co_await client.apply(Bytes::copy_of("x,")), std::to_string(i));
    Node* const before = co_await cluster.leader();
    const int next = (cluster.index_of(*before) + 1) % 3;
    EXPECT_TRUE(before->transfer(cluster.node(next).self()));
    EXPECT_TRUE(co_await eventually([&] { return cluster.node(next).core().role() == Role::leader; }));
    expect_text(co_await client.apply(Bytes::copy_of("y,")), "6");
    expect_text(co_await client.ask(Bytes::copy_of("text")), "x,x,x,x,x,y,");
    co_await client.close();
    co_await cluster.stop_all();
  });
}

TEST(Client, GoesOnWhenTheLeaderIsGoneAndSaysWhereItIsInDoubt) {
  on_shard([]() -> io::Task<void> {
    RaftCluster cluster(3);
    co_await cluster.start_all();
    Client client("test", cluster.members(), {.timeout = 20s});
    expect_text(co_await client.apply(Bytes::copy_of("a")), "0");
    co_await cluster.stop(cluster.index_of(*co_await cluster.leader()));
    auto doubtful = co_await client.apply(Bytes::copy_of("b"));
    if (!doubtful) EXPECT_NE(doubtful.error().message().find("it may have been applied"), std::string_view::npos) << doubtful.error().to_string();
    expect_text(co_await client.apply(Bytes::copy_of("c")), "0");
    const auto text = co_await client.ask(Bytes::copy_of("text"));
    EXPECT_TRUE(text && (text->text() == "abc" || (!doubtful && text->text() == "ac")));
    co_await client.close();
    co_await cluster.stop_all();
  });
}

TEST(Client, EndsWithinItsTimeoutWhenNobodyLeads) {
  on_shard([]() -> io::Task<void> {
    RaftCluster cluster(3);
    co_await cluster.start(0);
    Client client("test", cluster.members(), {.timeout = 300ms});
    const Instant begun = io::Shard::current().now();
    for (const bool asks : {true, false}) {
      const auto result = asks ? co_await client.ask(Bytes::copy_of("text")) : co_await client.apply(Bytes::copy_of("x"));
      EXPECT_FALSE(result);
      if (!result) EXPECT_EQ(result.error().code(), Code::deadline_exceeded) << result.error().to_string();
    }
    EXPECT_LT(io::Shard::current().now() - begun, 10s);
    co_await client.close();
    co_await cluster.stop_all();
  });
}

TEST(Client, IsToldWhatTheGroupRefusesAtOnce) {
  on_shard([]() -> io::Task<void> {
    RaftCluster cluster(1);
    co_await cluster.start_all();
    co_await cluster.leader();
    Client client("test", cluster.members(), {.timeout = 60s});
    const auto large = co_await client.apply(Bytes::copy_of(std::string(60 << 10, 'x')));
    EXPECT_FALSE(large);
    if (!large) EXPECT_EQ(status_of(large.error()).code, jraft::RaftError::einval) << large.error().to_string();
    const auto strange = co_await client.ask(Bytes::copy_of("what?"));
    EXPECT_FALSE(strange);
    if (!strange) EXPECT_NE(strange.error().to_string().find("'what?' is no question"), std::string::npos) << strange.error().to_string();
    co_await client.close();
    Client other("other", cluster.members(), {.timeout = 2s});
    const auto unknown = co_await other.apply(Bytes::copy_of("x"));
    EXPECT_FALSE(unknown);
    if (!unknown) EXPECT_NE(unknown.error().to_string().find("No nodes in group other"), std::string::npos) << unknown.error().to_string();
    co_await other.close();
    co_await cluster.stop_all();
  });
}

TEST(Client, WritesExactlyOnceThroughChangesOfTheLeader) {
  on_shard([]() -> io::Task<void> {
    RaftCluster cluster(3);
    cluster.options.sessions = true;
    co_await cluster.start_all();
    Client client("test", cluster.members(), {.timeout = 20s, .exactly_once = true});
    std::string expected;
    for (int i = 0; i < 60; ++i) {
      if (i % 20 == 10) co_await cluster.restart(cluster.index_of(*co_await cluster.leader()));
      if (i == 30) EXPECT_TRUE(co_await (*co_await cluster.leader()).snapshot());
      auto reply = co_await client.apply(Bytes::copy_of(fmt::format("{},", i)));
      EXPECT_TRUE(reply) << reply.error().to_string();
      expected += fmt::format("{},", i);
    }
    expect_text(co_await client.ask(Bytes::copy_of("text")), expected);
    co_await client.close();
    co_await cluster.stop_all();
  });
}

TEST(Client, ARepeatedWriteGetsTheReplyOfThen) {
  on_shard([]() -> io::Task<void> {
    RaftCluster cluster(3);
    cluster.options.sessions = true;
    co_await cluster.start_all();
    Node& leader = *co_await cluster.leader();
    std::vector<std::string> replies;
    const auto write = [&](uint64_t session, uint64_t number, std::string text) {
      leader.apply_once({.session = session, .number = number}, Bytes::copy_of(text),
                        [&](Result<Bytes> reply) { replies.push_back(std::string(reply ? reply->text() : name_of(status_of(reply.error()).code))); });
    };
    write(7, 1, "a,");
    write(7, 1, "a,");  // perhaps in the same batch
    EXPECT_TRUE(co_await eventually([&] { return replies.size() == 2; }));
    write(7, 2, "b,");
    EXPECT_TRUE(co_await leader.apply(Bytes::copy_of("other,"))) << "entries without a session go beside";
    write(7, 2, "b,");
    write(7, 1, "a,");
    write(8, 5, "c,");  // of a session that is not known, in its middle
    EXPECT_TRUE(co_await eventually([&] { return replies.size() == 6; }));
    EXPECT_EQ(replies, (std::vector<std::string>{"1", "1", "2", "2", "ESTALE", "ENOENT"}));
    EXPECT_EQ(cluster.machine_of(leader).text, "a,b,other,");
    co_await cluster.stop_all();
  });
}

}  // namespace
}  // namespace sofa::raft::testing
