#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core_node.h"
#include "recorded.h"
#include "sofa/state/raft/describe.h"

namespace sofa::raft {
namespace {

using namespace testing;
using jraft::ErrorResponse;
using jraft::Message;
using jraft::RaftError;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr auto kOne = "127.0.0.1:7101", kTwo = "127.0.0.1:7102", kThree = "127.0.0.1:7103", kFour = "127.0.0.1:7104";
constexpr auto kAll = "127.0.0.1:7101,127.0.0.1:7102,127.0.0.1:7103";

ErrorResponse refusal_of(const Message& message) {
  const auto* refusal = std::get_if<ErrorResponse>(&message);
  EXPECT_NE(refusal, nullptr) << "answered with a message of kind " << message.index();
  return refusal == nullptr ? ErrorResponse{} : *refusal;
}

void expect_refusal(const Message& message, RaftError code, const std::string& text) {
  const ErrorResponse refusal = refusal_of(message);
  EXPECT_EQ(refusal.code, static_cast<int32_t>(code));
  EXPECT_EQ(refusal.message, text);
}

/// The group as it was when a request was recorded: who led it, and its members.
struct Was {
  std::string leader, members;
};
std::optional<Was> group_of(const std::string& name) {
  static const std::map<std::string, Was> groups = {
      {"cli GetLeader", {kThree, kAll}},
      {"cli GetPeers", {kThree, kAll}},
      {"cli Snapshot", {kThree, kAll}},
      {"cli AddPeer", {kThree, kAll}},
      {"cli RemovePeer", {kThree, "127.0.0.1:7101,127.0.0.1:7102,127.0.0.1:7103,127.0.0.1:7104"}},
      {"cli ChangePeers", {kThree, kAll}},
      {"cli AddLearners", {kThree, kAll}},
      {"cli RemoveLearners", {kThree, "127.0.0.1:7101,127.0.0.1:7102,127.0.0.1:7103,127.0.0.1:7105/learner"}},
      {"cli ResetLearners", {kThree, kAll}},
      {"cli TransferLeader", {kOne, "127.0.0.1:7101::100,127.0.0.1:7102::50,127.0.0.1:7103::0"}},
      {"cli RemoveLearners with nothing to remove: zero-length answer body", {kOne, kAll}},
      {"error: unknown group", {kOne, kAll}},
      {"error: bad peer id", {kOne, kAll}},
      {"error: add a peer that is a member", {kOne, kAll}},
      {"error: transfer to a stranger", {kOne, kAll}},
      {"error: GetPeers on a follower", {kThree, kAll}},
  };
  const auto at = groups.find(name);
  return at == groups.end() ? std::nullopt : std::optional(at->second);
}

/// All members on one server: one leads, the others know it.
void fill(Nodes& nodes, const Was& was) {
  const auto members = jraft::Configuration::parse(was.members);
  for (const PeerId& peer : members->peers) {
    CoreNode& node = nodes.add("lab", peer.to_string(), was.members);
    peer.to_string().starts_with(was.leader) ? node.lead() : node.follow(was.leader);
  }
}

TEST(CliService, AnswersEveryRecordedRequestWithTheBytesOfJavas) {
  on_shard([]() -> io::Task<void> {
    const auto frames = recorded();
    size_t compared = 0;
    for (size_t at = 0; at + 1 < frames.size(); ++at) {
      const auto was = group_of(frames[at].name);
      if (!was) continue;
      const Frame &request = frames[at], &answer = frames[at + 1];
      SCOPED_TRACE(request.name);
      EXPECT_EQ(answer.name, request.name + " (answer)");
      Nodes nodes;
      fill(nodes, *was);
      auto asked = jraft::decode_message(request.type, request.bytes());
      EXPECT_TRUE(asked) << asked.error().to_string();
      if (!asked) continue;
      const Message answered = co_await answer_cli(nodes, std::move(*asked));
      ++compared;
      std::visit(
          [&]<class M>(const M& message) {
            EXPECT_EQ(M::kName, answer.type);
            if constexpr (std::same_as<M, ErrorResponse>) {
              // JRaft's text says nothing: only its code is kept.
              if (message.code == -1) {
                EXPECT_EQ(jraft::decode<ErrorResponse>(answer.bytes())->code, -1);
                return;
              }
            }
            EXPECT_EQ(to_hex(jraft::encode(message)), answer.body);
          },
          answered);
    }
    EXPECT_EQ(compared, 16U);
  });
}

TEST(CliService, TakesEveryRequestOfJRaftsCli) {
  EXPECT_EQ(cli_class_names().size(), 11U);
  for (const std::string& name : cli_class_names()) {
    EXPECT_THAT(name, HasSubstr("CliRequests$"));
    EXPECT_THAT(name, HasSubstr("Request"));
  }
}

TEST(CliService, SaysInJRaftsWordsWhichNodeItLacks) {
  on_shard([]() -> io::Task<void> {
    Nodes nodes;
    expect_refusal(co_await answer_cli(nodes, jraft::GetLeaderRequest{.group_id = "lab"}), RaftError::enoent, "No nodes in group lab");
    expect_refusal(co_await answer_cli(nodes, jraft::SnapshotRequest{.group_id = "lab"}), RaftError::enoent, "Empty nodes in group lab");
    CoreNode& one = nodes.add("lab", kOne, kAll);
    expect_refusal(co_await answer_cli(nodes, jraft::SnapshotRequest{.group_id = "lab", .peer_id = kTwo}), RaftError::enoent,
                   "Fail to find node 127.0.0.1:7102 in group lab");
    expect_refusal(co_await answer_cli(nodes, jraft::AddPeerRequest{.group_id = "lab", .leader_id = "localhost", .peer_id = kFour}),
                   RaftError::einval, "Fail to parse peer id localhost");
    expect_refusal(co_await answer_cli(nodes, jraft::GetLeaderRequest{.group_id = "lab", .peer_id = kOne}), RaftError::eagain, "Unknown leader");
    nodes.add("lab", kTwo, kAll);
    expect_refusal(co_await answer_cli(nodes, jraft::SnapshotRequest{.group_id = "lab"}), RaftError::einval,
                   "Peer must be specified since there're 2 nodes in group lab");
    one.cli = false;
    expect_refusal(co_await answer_cli(nodes, jraft::SnapshotRequest{.group_id = "lab", .peer_id = kOne}), RaftError::eacces,
                   "Cli service is not allowed to access node <lab/127.0.0.1:7101>");
    expect_refusal(co_await answer_cli(nodes, jraft::PingRequest{}), RaftError::erequest, "this is no request of the CLI");
  });
}

TEST(CliService, RefusesChangesWhereItDoesNotLeadAndNamesTheLeader) {
  on_shard([]() -> io::Task<void> {
    Nodes nodes;
    nodes.add("lab", kOne, kAll).follow(kThree);
    const auto refusal = refusal_of(co_await answer_cli(nodes, jraft::AddPeerRequest{.group_id = "lab", .leader_id = kOne, .peer_id = kFour}));
    EXPECT_EQ(refusal.code, -1);
    EXPECT_THAT(*refusal.message, HasSubstr("its leader is 127.0.0.1:7103"));
    expect_refusal(co_await answer_cli(nodes, jraft::TransferLeaderRequest{.group_id = "lab", .leader_id = kOne}), RaftError::eperm, "Not a leader");
  });
}

TEST(CliService, AnswersForALeaderThatIsRemoved) {
  on_shard([]() -> io::Task<void> {
    Nodes nodes;
    CoreNode& leader = nodes.add("lab", kOne, kAll);
    leader.lead();
    const Message answer = co_await answer_cli(nodes, jraft::RemovePeerRequest{.group_id = "lab", .leader_id = kOne, .peer_id = kOne});
    EXPECT_THAT(std::get<jraft::RemovePeerResponse>(answer).new_peers, ElementsAre(kTwo, kThree));
    EXPECT_FALSE(leader.core().is_leader());
  });
}

TEST(CliService, KeepsPrioritiesInTextsAndLearnersInChangesOfPeers) {
  on_shard([]() -> io::Task<void> {
    Nodes nodes;
    CoreNode& leader = nodes.add("lab", kOne, "127.0.0.1:7101::100,127.0.0.1:7102::50,127.0.0.1:7105/learner");
    leader.lead();
    const Message added = co_await answer_cli(nodes, jraft::AddPeerRequest{.group_id = "lab", .leader_id = kOne, .peer_id = "127.0.0.1:7104::10"});
    EXPECT_THAT(std::get<jraft::AddPeerResponse>(added).new_peers, ElementsAre("127.0.0.1:7101::100", "127.0.0.1:7102::50", "127.0.0.1:7104::10"));
    const Message changed = co_await answer_cli(
        nodes, jraft::ChangePeersRequest{.group_id = "lab", .leader_id = kOne, .new_peers = {"127.0.0.1:7101::100", "127.0.0.1:7104::10"}});
    EXPECT_TRUE(std::holds_alternative<jraft::ChangePeersResponse>(changed));
    EXPECT_EQ(leader.core().members().current.to_string(), "127.0.0.1:7101::100,127.0.0.1:7104::10,127.0.0.1:7105/learner");
  });
}

TEST(CliService, ChangesNothingWhenLearnersAreAddedOrRemovedAgain) {
  on_shard([]() -> io::Task<void> {
    Nodes nodes;
    CoreNode& leader = nodes.add("lab", kOne, "127.0.0.1:7101,127.0.0.1:7105/learner");
    leader.lead();
    const int64_t last = leader.core().log().last();
    const Message added =
        co_await answer_cli(nodes, jraft::AddLearnersRequest{.group_id = "lab", .leader_id = kOne, .learners = {"127.0.0.1:7105", "127.0.0.1:7105"}});
    EXPECT_THAT(std::get<jraft::LearnersOpResponse>(added).new_learners, ElementsAre("127.0.0.1:7105"));
    (void)co_await answer_cli(nodes, jraft::RemoveLearnersRequest{.group_id = "lab", .leader_id = kOne, .learners = {kFour}});
    EXPECT_EQ(leader.core().log().last(), last);
  });
}

TEST(CliService, ShowsAmongTheLivingWhoHasAnsweredWithinTheLease) {
  on_shard([]() -> io::Task<void> {
    Nodes nodes;
    nodes.add("lab", kOne, "127.0.0.1:7101,127.0.0.1:7102,127.0.0.1:7103,127.0.0.1:7105/learner", {kTwo, "127.0.0.1:7105"}).lead();
    const Message all = co_await answer_cli(nodes, jraft::GetPeersRequest{.group_id = "lab"});
    EXPECT_THAT(std::get<jraft::GetPeersResponse>(all).peers, ElementsAre(kOne, kTwo, kThree));
    EXPECT_THAT(std::get<jraft::GetPeersResponse>(all).learners, ElementsAre("127.0.0.1:7105"));
    const Message alive = co_await answer_cli(nodes, jraft::GetPeersRequest{.group_id = "lab", .leader_id = kOne, .only_alive = true});
    EXPECT_THAT(std::get<jraft::GetPeersResponse>(alive).peers, ElementsAre(kOne, kThree));
    EXPECT_TRUE(std::get<jraft::GetPeersResponse>(alive).learners.empty());
  });
}

TEST(CliService, AnswersASnapshotWithWhatBecameOfIt) {
  on_shard([]() -> io::Task<void> {
    Nodes nodes;
    CoreNode& node = nodes.add("lab", kOne, kAll);
    EXPECT_EQ(refusal_of(co_await answer_cli(nodes, jraft::SnapshotRequest{.group_id = "lab"})), ErrorResponse{});
    EXPECT_EQ(node.snapshots, 1);
    node.snapshot_status = {RaftError::ebusy, "Is saving another snapshot."};
    expect_refusal(co_await answer_cli(nodes, jraft::SnapshotRequest{.group_id = "lab"}), RaftError::ebusy, "Is saving another snapshot.");
  });
}

TEST(CliService, SetsPeersAnewWhereverItIsAsked) {
  on_shard([]() -> io::Task<void> {
    Nodes nodes;
    CoreNode& node = nodes.add("lab", kOne, kAll);
    EXPECT_EQ(refusal_of(co_await answer_cli(nodes, jraft::ResetPeerRequest{.group_id = "lab", .peer_id = kOne, .new_peers = {kOne}})),
              ErrorResponse{});
    EXPECT_EQ(node.core().members().current.to_string(), kOne);
    EXPECT_EQ(refusal_of(co_await answer_cli(nodes, jraft::ResetPeerRequest{.group_id = "lab", .peer_id = kOne})).code,
              static_cast<int32_t>(RaftError::einval));
  });
}

TEST(Describe, TellsHowANodeIs) {
  on_shard([]() -> io::Task<void> {
    Nodes nodes;
    CoreNode& leader = nodes.add("lab", kOne, "127.0.0.1:7101,127.0.0.1:7102,127.0.0.1:7103,127.0.0.1:7105/learner", {kTwo});
    leader.lead();
    const auto is = answer_describe(nodes, {.group_id = "lab"}, io::Shard::current().now());
    EXPECT_TRUE(is) << is.error().to_string();
    if (!is) co_return;
    EXPECT_EQ(is->role, "LEADER");
    EXPECT_EQ(is->committed, leader.core().commit_index());
    EXPECT_EQ(is->group, "lab");
    EXPECT_GE(is->next_timer_ms, 0) << "a heartbeat is due";
    EXPECT_EQ(is->followers.size(), 3U);
    for (const DescribedFollower& one : is->followers) EXPECT_EQ(one.silent_ms > 1000, one.peer == kTwo) << one.peer;
    EXPECT_EQ(jraft::decode<DescribeResponse>(jraft::encode(*is)), *is);
    EXPECT_EQ(answer_describe(nodes, {.group_id = "nope"}, {}).error().message(), "Empty nodes in group nope");
  });
}

TEST(Status, IsInTheErrorThatIsMadeOfIt) {
  const jraft::Status status{RaftError::ecatchup, "Peer 127.0.0.1:7104 failed to catch up."};
  EXPECT_EQ(status_of(error_of(status)), status);
  EXPECT_EQ(status_of(error_of(status).wrap("a story around it")), status);
  EXPECT_EQ(status_of(Error(Code::unavailable, "gone")).code, RaftError::einternal);
}

}  // namespace
}  // namespace sofa::raft
