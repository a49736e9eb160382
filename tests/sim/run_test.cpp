#include "run.h"

#include <gtest/gtest.h>

#include "sofa/state/raft_core/plant.h"

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
  const Minimal found = minimise_seed({.seed = seed}, 150);
  raft::the_plant = raft::Plant::none;
  EXPECT_EQ(found.invariant, "I6_one_history") << "seed " << seed;
  EXPECT_LE(found.faults.size(), 10u) << "of " << found.all << ", seed " << seed;
  EXPECT_GT(found.all, found.faults.size());
}

}  // namespace
}  // namespace sofa::raft_sim
