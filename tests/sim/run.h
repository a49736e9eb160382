#pragma once
// run_seed: one run of the swarm, or of many groups for hours, from its seed to its end. Everything about it is in the seed and the planted fault
// that is in force: twice the same gives twice the same hash.

#include <cstdio>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "raft_world.h"

namespace sofa::raft_sim {

struct Run {
  uint64_t seed = 1;
  Duration length = std::chrono::seconds(60);  ///< of the faults; of many groups: of their life
  int groups = 0;                              ///< so many, for hours (run_many_groups); 0: what the swarm draws
  std::function<void(const std::string&)> told{};
  size_t trace = 0;  ///< lines that are kept
  bool keep_faults = false;
  std::optional<std::vector<uint64_t>> only_faults{};
  std::FILE* history = nullptr;
};

struct Outcome {
  std::string invariant{}, what{};  ///< empty: nothing was broken
  double virtual_seconds = 0;
  uint64_t hash = 0, events = 0;
  sim::Marks marks{};
  std::vector<std::string> trace{};
  std::vector<sim::World::Fault> faults{};
};

Outcome run_seed(const Run& run);

/// The few faults that a seed that fails takes to do so.
struct Minimal {
  std::string invariant{}, what{};  ///< empty: it does not fail
  std::vector<sim::World::Fault> faults{};
  double virtual_seconds = 0;
  size_t all = 0, runs = 0;  ///< faults of the whole run; runs that it took
};
Minimal minimise_seed(const Run& run, size_t most_runs);
void print(const Minimal& minimal);

/// The planted faults, each with the seeds of the swarm that it takes until an invariant is broken: a line for each of `names` (none: all), as the
/// table of docs/simulator.md. A seed that fails without the fault, too, does not count. How many were not found. So many
/// processes at once.
int find_plants(std::vector<std::string> names, uint64_t most_seeds, const Run& run, size_t processes);

/// Three of those that the table says are found, others each day.
std::vector<std::string> plants_of_today();

}  // namespace sofa::raft_sim
