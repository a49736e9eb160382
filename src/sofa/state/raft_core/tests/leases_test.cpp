// What a leader's lease rests on: no vote that nobody was told to ask for while it is heard. And what a round of reads costs.
#include <map>

#include "lone.h"

namespace sofa::raft {
namespace {

using namespace std::chrono_literals;

constexpr const char* kSelf = "127.0.0.1:9000";
constexpr const char* kLeader = "127.0.0.1:9001";
constexpr const char* kOther = "127.0.0.1:9002";
constexpr const char* kMembers = "127.0.0.1:9000,127.0.0.1:9001,127.0.0.1:9002";

jraft::RequestVoteRequest vote(int64_t term, std::optional<bool> was_told) {
  jraft::RequestVoteRequest request{.group_id = "test", .server_id = kOther, .peer_id = kSelf, .term = term};
  request.last_log_index = 10;
  request.last_log_term = 5;
  request.was_told = was_told;
  return request;
}

bool granted(Lone& node, const jraft::RequestVoteRequest& request) { return std::get<jraft::RequestVoteResponse>(*node.ask(request)).granted; }

/// It follows a leader of the term 5, whom it has just heard.
class Led : public ::testing::Test {
 protected:
  Led() : node(Lone::options_of(kSelf), {.term = 5}, {}, kMembers) {
    node.now += 10s;
    hear();
    node.pass();  // it does not campaign, and waits anew
  }
  void hear() { (void)node.ask(Lone::append(kLeader, kSelf, 5, {})); }
  Lone node;
};

TEST_F(Led, AVoteThatNobodyWasToldToAskForIsNotGiven) {
  node.now += 999ms;
  EXPECT_FALSE(granted(node, vote(6, false)));
  EXPECT_EQ(node.core.term(), 5) << "the leader would end when it hears of another term";
  EXPECT_EQ(node.core.leader(), *PeerId::parse(kLeader));
}

TEST_F(Led, AVoteIsGivenToWhomTheLeaderHasTold) { EXPECT_TRUE(granted(node, vote(6, true))); }

TEST_F(Led, AVoteIsGivenToAJavaNodeWhichDoesNotSayWhetherItWasTold) { EXPECT_TRUE(granted(node, vote(6, std::nullopt))); }

TEST_F(Led, AVoteIsGivenWhenTheLeaderIsSilent) {
  node.now += 1000ms;
  EXPECT_TRUE(granted(node, vote(6, false)));
  EXPECT_TRUE(granted(node, vote(6, false))) << "the answer was lost: it is asked again";
}

TEST_F(Led, AVoteThatIsNotGivenPutsTheOwnElectionNotOff) {
  auto entries = Lone::append(kLeader, kSelf, 5, {});
  Lone::add(entries, 5, "x");
  ASSERT_TRUE(std::get<jraft::AppendEntriesResponse>(*node.ask(entries)).success);
  const Instant due = node.core.due();
  node.now = due - 1ms;
  auto request = vote(6, std::nullopt);
  request.last_log_index = 0;
  EXPECT_FALSE(granted(node, request));
  EXPECT_EQ(node.core.term(), 6);
  EXPECT_EQ(node.core.due(), due);
}

TEST_F(Led, AVoteIsNotGivenRightAfterAStart) {
  Lone again(Lone::options_of(kSelf), {.term = 5}, {}, kMembers);
  EXPECT_FALSE(granted(again, vote(6, false)));
  again.now += 1000ms;
  EXPECT_TRUE(granted(again, vote(6, false)));
}

TEST_F(Led, PreVotesThatComeWhenTheLeaderIsHeardAgainElectNobody) {
  node.pass();
  auto asked = node.requests<jraft::RequestVoteRequest>();
  ASSERT_EQ(asked.size(), 2u);
  ASSERT_TRUE(asked[0].second.pre_vote);
  hear();
  node.core.answered(node.now, asked[0].first, jraft::RequestVoteResponse{.term = 5, .granted = true});
  (void)node.run();
  EXPECT_EQ(node.core.role(), Role::follower);
  EXPECT_EQ(node.core.term(), 5);
}

TEST_F(Led, WhoWasToldToCampaignSaysSo) {
  (void)node.ask(jraft::TimeoutNowRequest{.group_id = "test", .server_id = kLeader, .peer_id = kSelf, .term = 5});
  const auto asked = node.requests<jraft::RequestVoteRequest>();
  ASSERT_EQ(asked.size(), 2u);
  EXPECT_EQ(asked[0].second.was_told, true);
}

TEST_F(Led, WhoCampaignsByItselfSaysSo) {
  node.pass();
  const auto pre = node.requests<jraft::RequestVoteRequest>();
  ASSERT_EQ(pre.size(), 2u);
  EXPECT_EQ(pre[0].second.was_told, std::nullopt);
  node.core.answered(node.now, pre[0].first, jraft::RequestVoteResponse{.term = 5, .granted = true});
  (void)node.run();
  const auto asked = node.requests<jraft::RequestVoteRequest>();
  ASSERT_EQ(asked.size(), 2u);
  EXPECT_EQ(asked[0].second.was_told, false);
}

/// A node that starts, in the term 5, as the only member.
Lone alone(std::string_view voted_for) {
  FoundLog log{.term_begins = {{.index = 1, .term = 5}}, .last = 1};
  log.members[1] = std::make_shared<const Membership>(Membership{.current = *jraft::Configuration::parse(kSelf)});
  return Lone(Lone::options_of(kSelf), {.term = 5, .voted_for = *PeerId::parse(voted_for)}, std::move(log), "");
}

TEST(Alone, WhoLedLastLeadsAtOnce) { EXPECT_TRUE(alone(kSelf).core.is_leader()); }

TEST(Alone, WhoHasBecomeSoByAnotherLeadersEntryWaitsForTheLeaseOfThat) {
  Lone node = alone(kLeader);
  EXPECT_FALSE(node.core.is_leader());
  const Instant begun = node.now;
  node.pass();
  EXPECT_TRUE(node.core.is_leader());
  EXPECT_GE(node.now - begun, 1s);
}

TEST(Campaign, OfANodeWhoseVoteCannotBeSavedIsOneUntilItIs) {
  Instant now = Instant() + 100s;
  Core core(Lone::options_of(kSelf), {.term = 5}, {}, *jraft::Configuration::parse(kMembers), 1);
  core.start(now);
  uint64_t unsaved = 0;
  for (int i = 0; i < 100; ++i) {
    now = std::max(now, core.due());
    core.tick(now);
    for (const Effect& effect : core.take()) {
      if (const auto* state = std::get_if<effect::SaveState>(&effect)) unsaved = state->number;
      const auto* send = std::get_if<effect::Send>(&effect);
      const auto* vote = send == nullptr ? nullptr : std::get_if<jraft::RequestVoteRequest>(&send->request);
      if (vote != nullptr) core.answered(now, send->call, jraft::RequestVoteResponse{.term = vote->term - 1, .granted = vote->pre_vote});
    }
  }
  EXPECT_EQ(core.term(), 6) << "one term, however long the disk hangs";
  core.state_saved(now, unsaved);
  for (int i = 0; i < 100 && core.term() == 6; ++i) {
    now = std::max(now, core.due());
    core.tick(now);
    for (const Effect& effect : core.take()) {
      const auto* send = std::get_if<effect::Send>(&effect);
      if (send != nullptr) core.answered(now, send->call, jraft::RequestVoteResponse{.term = 6, .granted = true});
    }
  }
  EXPECT_GT(core.term(), 6) << "then it goes on";
}

/// A leader of three with a log of `last` entries of its first term, which the others are asked about.
class Leading : public ::testing::Test {
 protected:
  explicit Leading(FoundLog log = {}) : node(Lone::options_of(kSelf), {.term = 5}, std::move(log), kMembers) {
    node.pass();
    for (const bool pre : {true, false}) {
      auto asked = node.requests<jraft::RequestVoteRequest>();
      EXPECT_EQ(asked.size(), 2u);
      EXPECT_EQ(asked[0].second.pre_vote, pre);
      node.core.answered(node.now, asked[0].first, jraft::RequestVoteResponse{.term = node.core.term(), .granted = true});
      (void)node.run();
    }
    EXPECT_TRUE(node.core.is_leader());
  }
  void answer(uint64_t call, bool success, std::optional<int64_t> last) {
    node.core.answered(node.now, call, jraft::AppendEntriesResponse{.term = node.core.term(), .success = success, .last_log_index = last});
    (void)node.run();
  }
  Lone node;
};

TEST_F(Leading, AskAPeerThatTakesNothingInOneRoundOfReadsAtATime) {
  for (const auto& [call, probe] : node.requests<jraft::AppendEntriesRequest>()) answer(call, true, 0);
  for (const auto& [call, entries] : node.requests<jraft::AppendEntriesRequest>()) answer(call, true, std::nullopt);
  ASSERT_EQ(node.core.commit_index(), 1);
  std::vector<uint64_t> silent;
  for (uint64_t token = 1; token <= 20; ++token) {
    ASSERT_TRUE(node.core.read(node.now, token).ok());
    (void)node.run();
    for (const auto& [call, heartbeat] : node.requests<jraft::AppendEntriesRequest>()) {
      if (heartbeat.peer_id == kOther) {
        silent.push_back(call);
      } else {
        answer(call, true, 1);
      }
    }
  }
  EXPECT_EQ(silent.size(), 1u);
  // Who was not asked yet is asked when it has ended the round before: a majority may depend on it.
  ASSERT_TRUE(node.core.read(node.now, 21).ok());
  (void)node.run();
  (void)node.requests<jraft::AppendEntriesRequest>();
  node.core.failed(node.now, silent[0], {jraft::RaftError::etimedout, "no answer"});
  (void)node.run();
  const auto asked = node.requests<jraft::AppendEntriesRequest>();
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].second.peer_id, kOther);
}

TEST_F(Leading, GoOnBehindWhatAPeerHasTakenWhenTheRequestBehindThatIsLost) {
  std::map<std::string, uint64_t> first;
  for (const auto& [call, probe] : node.requests<jraft::AppendEntriesRequest>()) answer(call, true, 0);
  for (const auto& [call, entries] : node.requests<jraft::AppendEntriesRequest>()) first[entries.peer_id] = call;
  EXPECT_TRUE(node.core.propose(node.now, {Bytes::copy_of("x")}).status.ok());
  (void)node.run();
  uint64_t lost = 0;
  for (const auto& [call, entries] : node.requests<jraft::AppendEntriesRequest>()) {
    if (entries.peer_id == kOther) lost = call;
  }
  node.core.failed(node.now, lost, {jraft::RaftError::einternal, "the connection has no room for it"});
  (void)node.run();
  answer(first.at(kOther), true, 1);
  EXPECT_EQ(node.core.commit_index(), 1) << "what came before it was under way, and has arrived";
  node.now += 200ms;
  node.core.tick(node.now);
  (void)node.run();
  const auto asked = node.requests<jraft::AppendEntriesRequest>();
  EXPECT_TRUE(
      std::ranges::any_of(asked, [](const auto& one) { return one.second.peer_id == kOther && one.second.data && one.second.prev_log_index == 1; }));
}

/// Its log begins at 41, behind which there is a snapshot up to 60 alone.
class LeadingWithASnapshot : public Leading {
 protected:
  LeadingWithASnapshot()
      : Leading({.snapshot = {.index = 60, .term = 1},
                 .snapshot_members = std::make_shared<const Membership>(Membership{.current = *jraft::Configuration::parse(kMembers)}),
                 .first = 41,
                 .term_begins = {{.index = 41, .term = 1}},
                 .last = 100}) {}
};

TEST_F(LeadingWithASnapshot, StepBackNoFurtherThanTheLogTells) {
  // The peer's log is the same up to 45, and goes on with what another leader has put there.
  int64_t asked_at = 0;
  for (int rounds = 0; rounds < 30 && asked_at != 42; ++rounds) {
    for (const auto& [call, probe] : node.requests<jraft::AppendEntriesRequest>()) {
      if (probe.peer_id != kLeader || !probe.data) continue;
      asked_at = probe.prev_log_index + 1;
      const bool same = probe.prev_log_index <= 45;
      answer(call, same, 101);
      if (same) break;
    }
    if (asked_at - 1 <= 45 && asked_at != 0) break;
  }
  EXPECT_GE(asked_at, 42);
  EXPECT_LE(asked_at, 46);
  EXPECT_TRUE(node.offered.empty()) << "it needs no snapshot";
}

TEST_F(LeadingWithASnapshot, OfferItToWhoseLogEndsBefore) {
  for (const auto& [call, probe] : node.requests<jraft::AppendEntriesRequest>()) {
    if (probe.peer_id == kLeader) answer(call, false, 3);
  }
  ASSERT_EQ(node.offered.size(), 1u);
  EXPECT_EQ(node.offered[0].to, *PeerId::parse(kLeader));
}

/// A node that began with nothing, and reads in the log that it once was the only member.
class Beginning : public ::testing::Test {
 protected:
  Beginning() : node(Lone::options_of(kSelf), {}, {}, "") {}
  void entries_of_old(int64_t committed) {
    auto request = Lone::append(kLeader, kSelf, 5, {}, committed);
    Lone::add_members(request, 1, {kSelf});
    Lone::add(request, 1, "x");
    ASSERT_TRUE(std::get<jraft::AppendEntriesResponse>(*node.ask(request)).success);
    ASSERT_EQ(node.core.log().last(), 2);
  }
  bool campaigns() {
    node.now += 10s;
    node.core.tick(node.now);
    (void)node.run();
    return node.core.role() != Role::follower;
  }
  Lone node;
};

TEST_F(Beginning, LeadNobodyBeforeTheLeadersTermIsReached) {
  // The leader has just started, and does not know yet what is committed.
  (void)node.ask(Lone::append(kLeader, kSelf, 5, {.index = 9, .term = 4}));
  entries_of_old(0);
  EXPECT_FALSE(campaigns());
  auto rest = Lone::append(kLeader, kSelf, 5, {.index = 2, .term = 1});
  Lone::add_members(rest, 5, {kSelf});
  ASSERT_TRUE(std::get<jraft::AppendEntriesResponse>(*node.ask(rest)).success);
  EXPECT_TRUE(campaigns());
}

TEST_F(Beginning, LeadNobodyBeforeAllIsThereOfWhichTheLeaderHasToldOnTheWay) {
  (void)node.ask(Lone::append(kLeader, kSelf, 5, {.index = 9, .term = 4}));
  entries_of_old(0);
  (void)node.ask(Lone::append(kLeader, kSelf, 5, {.index = 2, .term = 1}, 4));  // a heartbeat
  auto rest = Lone::append(kLeader, kSelf, 5, {.index = 2, .term = 1});
  Lone::add(rest, 5, "y");
  ASSERT_TRUE(std::get<jraft::AppendEntriesResponse>(*node.ask(rest)).success);
  EXPECT_FALSE(campaigns()) << "4 is committed, and its log ends at 3";
}

TEST_F(Beginning, VoteForNobodyBeforeALeaderIsHeard) {
  node.now += 10s;
  EXPECT_FALSE(granted(node, vote(6, false)));
  (void)node.ask(Lone::append(kLeader, kSelf, 7, {.index = 11, .term = 5}, 10));
  node.now += 10s;
  auto behind = vote(8, false);
  behind.last_log_index = 9;
  EXPECT_FALSE(granted(node, behind)) << "10 is committed";
  EXPECT_TRUE(granted(node, vote(9, false)));
}

}  // namespace
}  // namespace sofa::raft
