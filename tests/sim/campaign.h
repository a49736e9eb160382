#pragma once
// Campaign: many seeds, on several processes, with a file from which a later one goes on.

#include <cstdint>
#include <functional>
#include <string>

#include "sofa/sim/marks.h"

namespace sofa::raft_sim {

/// What came of one seed.
struct SeedResult {
  std::string invariant{}, what{};  ///< empty: it has passed
  double virtual_seconds = 0;
  uint64_t events = 0;
  sim::Marks marks{};
};

struct CampaignOptions {
  uint64_t first = 1, seeds = 1;
  int processes = 1;
  std::string again = "./dev sim raft";  ///< the command that runs a seed again, without its number
  std::string commit = "unknown";
  /// Seeds that have passed are kept there and not run again, while `sources` stays the same. Empty: nothing is kept.
  std::string resume_file{};
  std::string sources{};
  std::vector<std::string> required_marks{};  ///< a campaign of at least 200 seeds that does not reach one has failed
};

/// Runs the seeds; `explain` prints what is to be known of one that has failed, for the first few. Prints progress, failures and a table. The number
/// of failures; what was not reached counts as one.
uint64_t run_campaign(const CampaignOptions& options, const std::function<SeedResult(uint64_t)>& run, const std::function<void(uint64_t)>& explain);

}  // namespace sofa::raft_sim
