#include "run.h"

#include <gtest/gtest.h>

#include <set>

#include "clients.h"
#include "sofa/state/raft_core/plant.h"
#include "sofa/state/raft_core/tests/lone.h"
#include "swarm.h"

namespace sofa::raft_sim {
namespace {

using namespace std::chrono_literals;

TEST(Run, OfTheSameSeedIsTheSame) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    const Outcome once = run_seed({.seed = seed, .length = 20s});
    // That somebody looks changes nothing.
    const Outcome again = run_seed({.seed = seed, .length = 20s, .trace = 200, .keep_faults = true});
    EXPECT_EQ(once.hash, again.hash) << "seed " << seed;
    EXPECT_EQ(once.events, again.events) << "seed " << seed;
    EXPECT_NE(once.hash, run_seed({.seed = seed + 100, .length = 20s}).hash);
  }
}

TEST(Run, WithoutItsFaultsHasNone) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    const Outcome calm = run_seed({.seed = seed, .length = 20s, .keep_faults = true, .only_faults = std::vector<uint64_t>()});
    EXPECT_EQ(calm.invariant, "") << calm.what;
    EXPECT_TRUE(calm.faults.empty());
  }
}

TEST(Run, ThatFailsFailsWithAFewOfItsFaults) {
  raft::the_plant = raft::Plant::commit_beyond_request;
  uint64_t seed = 1;
  while (seed < 50 && run_seed({.seed = seed}).invariant.empty()) ++seed;
  const Minimal found = minimise_seed({.seed = seed}, 400);
  raft::the_plant = raft::Plant::none;
  EXPECT_EQ(found.invariant, "I6_one_history") << "seed " << seed;
  EXPECT_LE(found.faults.size(), found.all / 4) << "of " << found.all << ", seed " << seed;
  EXPECT_LT(found.runs, 400u) << "it ends by itself: without any one of them the run passes";
}

TEST(Truth, SeesALeaderOfOldThatMayStillFindAMajority) {
  const auto members_of = [](const std::vector<int>& nodes, const std::vector<int>& old = {}) {
    Membership members;
    for (const int i : nodes) members.current.peers.push_back(RaftWorld::peer(i));
    for (const int i : old) members.old.peers.push_back(RaftWorld::peer(i));
    return members;
  };
  const auto judge = [](const Truth& truth, const Membership& old, const Membership& next) -> std::string {
    const std::vector<Truth::Leader> leaders{{0, 1, &old}, {3, 2, &next}};
    try {
      truth.check_leaders(leaders, &RaftWorld::machine_of);
    } catch (const sim::Broken& broken) {
      return broken.invariant;
    }
    return "";
  };
  Truth truth(0);
  for (const int node : {0, 1, 2}) truth.on_term(node, 1);
  for (const int node : {3, 4, 5}) truth.on_term(node, 2);
  // From three members to three others at once, or by way of both.
  EXPECT_EQ(judge(truth, members_of({0, 1, 2}), members_of({3, 4, 5})), "I10_one_may_commit");
  EXPECT_EQ(judge(truth, members_of({3, 4, 5}, {0, 1, 2}), members_of({3, 4, 5})), "");
  truth.on_term(1, 2);
  EXPECT_EQ(judge(truth, members_of({0, 1, 2}), members_of({3, 4, 5})), "I10_one_may_commit");
  truth.on_term(2, 2);
  EXPECT_EQ(judge(truth, members_of({0, 1, 2}), members_of({3, 4, 5})), "");
}

/// The invariants that a planted fault breaks, among a few seeds.
std::set<std::string> broken_by(raft::Plant plant, uint64_t seeds) {
  std::set<std::string> found;
  raft::the_plant = plant;
  for (uint64_t seed = 1; seed <= seeds; ++seed) found.insert(run_seed({.seed = seed}).invariant);
  raft::the_plant = raft::Plant::none;
  return found;
}

TEST(Invariants, OfMemoryProgressAndSessionsAreLookedAt) {
  EXPECT_TRUE(broken_by(raft::Plant::cache_without_bound, 8).contains("I11_memory_is_bounded"));
  EXPECT_TRUE(broken_by(raft::Plant::lost_probe_not_retried, 8).contains("I12_who_lags_gets_on"));
  EXPECT_TRUE(broken_by(raft::Plant::local_reads_go_back, 8).contains("I17_reads_of_a_node_go_on"));
}

/// A leader of two whose request with entries to the other one has failed: is it stalled?
TEST(Stalled, IsNobodyButByAFaultAndThenIsAskedAgain) {
  for (const bool fault : {false, true}) {
    const raft::PeerId other = *raft::PeerId::parse("127.0.0.1:9001");
    raft::Lone leader(raft::Lone::options_of("127.0.0.1:9000"), {.term = 5}, {}, "127.0.0.1:9000,127.0.0.1:9001");
    leader.pass();
    for (int votes = 0; votes < 2; ++votes) {
      const auto asked = leader.requests<jraft::RequestVoteRequest>();
      ASSERT_EQ(asked.size(), 1u);
      leader.core.answered(leader.now, asked[0].first, jraft::RequestVoteResponse{.term = leader.core.term(), .granted = true});
      (void)leader.run();
    }
    ASSERT_TRUE(leader.core.is_leader());
    const auto probes = leader.requests<jraft::AppendEntriesRequest>();
    ASSERT_FALSE(probes.empty());
    EXPECT_TRUE(leader.core.stalled().empty()) << "an answer is awaited";
    raft::the_plant = fault ? raft::Plant::lost_probe_not_retried : raft::Plant::none;
    for (const auto& [call, probe] : probes) leader.core.failed(leader.now, call, {jraft::RaftError::etimedout, "no answer"});
    raft::the_plant = raft::Plant::none;
    const std::vector<raft::PeerId> expected = fault ? std::vector{other} : std::vector<raft::PeerId>();
    EXPECT_EQ(leader.core.stalled(), expected);
    EXPECT_EQ(leader.core.revive_stalled(leader.now), expected);
    EXPECT_TRUE(leader.core.stalled().empty());
    leader.pass();
    EXPECT_FALSE(leader.requests<jraft::AppendEntriesRequest>().empty()) << "it is asked again";
  }
}

int64_t applied_by_all_groups(RaftWorld& world) {
  int64_t all = 0;
  for (int group = 0; group < world.options.groups; ++group) all += world.truth(group).most_applied();
  return all;
}

TEST(ManyGroups, LiveOnTheSameMachinesAndAreQuietInBetween) {
  constexpr uint64_t kSeed = 1;
  const Outcome outcome = run_seed({.seed = kSeed, .length = 30min, .groups = 20});
  EXPECT_EQ(outcome.invariant, "") << "seed " << kSeed << ": " << outcome.what;
  EXPECT_GE(outcome.virtual_seconds, 1800);
  for (const char* mark : {"quiet", "started again", "partition", "members changed", "snapshot saved"}) {
    EXPECT_GT(outcome.marks.times(mark), 0u) << mark << ", seed " << kSeed;
  }
}

TEST(ManyGroups, OfWhichNobodyGoesBackToWhatIsOldAreRememberedNoLongerThanTheirNodesDo) {
  constexpr uint64_t kSeed = 2;
  RaftOptions options = draw_many_groups(kSeed, 5);
  options.snapshot_every = 20;
  options.load.mean_pause = 1s;
  RaftWorld world(options, kSeed);
  run_many_groups(world, kSeed, 15min, {});
  const size_t early = world.remembered();
  const int64_t applied = applied_by_all_groups(world);
  world.go_on();
  world.run_for(45min);
  world.settle();
  EXPECT_GT(applied_by_all_groups(world), 2 * applied);
  EXPECT_LT(world.remembered(), 2 * early) << "seed " << kSeed;
}

}  // namespace
}  // namespace sofa::raft_sim
