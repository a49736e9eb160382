#include "sofa/tool/raft_view.h"

#include <gtest/gtest.h>

namespace sofa::tool {
namespace {

constexpr auto kLeader = "127.0.0.1:7101", kJava = "127.0.0.1:7102", kDown = "127.0.0.1:7103", kLearner = "127.0.0.1:7104";

RaftGroupView group_of(bool cpp_leader) {
  RaftGroupView group{.leader = jraft::PeerId::parse(kLeader),
                      .members = *jraft::Configuration::parse("127.0.0.1:7101,127.0.0.1:7102,127.0.0.1:7103,127.0.0.1:7104/learner"),
                      .alive = jraft::Configuration::parse("127.0.0.1:7101,127.0.0.1:7102")};
  raft::DescribeResponse leader{.peer = kLeader, .role = "LEADER", .term = 3, .last_log = 100, .committed = 98, .applied = 97};
  leader.followers = {{.peer = kJava, .match = 90}, {.peer = kDown, .match = 40}};
  group.told.emplace(kLeader, cpp_leader ? Result<raft::DescribeResponse>(leader) : fail(Code::unimplemented, "unknown class"));
  group.told.emplace(kJava, fail(Code::unimplemented, "unknown class"));
  group.told.emplace(kDown, fail(Code::unavailable, "connection refused"));
  group.told.emplace(kLearner,
                     raft::DescribeResponse{.peer = kLearner, .role = "FOLLOWER", .term = 3, .last_log = 95, .committed = 95, .installing = true});
  return group;
}

TEST(RaftRows, ShowWhatEachMemberAndTheLeaderTell) {
  const auto rows = raft_rows(group_of(true));
  ASSERT_EQ(rows.size(), 4U);
  EXPECT_EQ(rows[0].role, "leader");
  EXPECT_EQ(rows[0].lag, 0);
  EXPECT_EQ(rows[0].applied, 97);
  EXPECT_EQ(rows[1].role, "follower");
  EXPECT_TRUE(rows[1].alive) << "a node of Java's has answered, if only that it does not know the question";
  EXPECT_EQ(rows[1].lag, 10) << "the leader knows";
  EXPECT_FALSE(rows[1].term);
  EXPECT_FALSE(rows[2].alive);
  EXPECT_EQ(rows[2].lag, 60);
  EXPECT_EQ(rows[2].note, "connection refused");
  EXPECT_EQ(rows[3].role, "learner");
  EXPECT_EQ(rows[3].lag, 5);
  EXPECT_EQ(rows[3].note, "fetches a snapshot");
}

TEST(RaftRows, LeaveOutWhatALeaderOfJavasDoesNotTell) {
  const auto rows = raft_rows(group_of(false));
  EXPECT_EQ(rows[0].role, "leader");
  EXPECT_TRUE(rows[0].alive);
  EXPECT_FALSE(rows[0].log);
  EXPECT_FALSE(rows[3].lag);
  EXPECT_EQ(rows[3].log, 95);
}

}  // namespace
}  // namespace sofa::tool
