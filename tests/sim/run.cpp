#include "run.h"

#include <sys/wait.h>
#include <unistd.h>

#include "clients.h"
#include "sofa/sim/minimise.h"
#include "sofa/state/raft_core/plant.h"
#include "swarm.h"

namespace sofa::raft_sim {

using raft::Plant;
using raft::PlantInfo;

Outcome run_seed(const Run& run) {
  RaftWorld world(draw_options(run.seed), run.seed);
  world.world.keep_trace(run.trace);
  if (run.keep_faults) world.world.keep_faults();
  if (run.only_faults) world.world.only_faults(*run.only_faults);
  world.clients().write_history(run.history);
  Outcome outcome;
  try {
    run_swarm(world, run.seed, run.length);
  } catch (const sim::Broken& broken) {
    outcome.invariant = broken.invariant;
    outcome.what = broken.what();
    if (run.trace != 0) outcome.what += "\n" + world.describe();
  }
  outcome.virtual_seconds = std::chrono::duration<double>(world.world.elapsed()).count();
  outcome.hash = world.world.hash();
  outcome.events = world.world.events();
  outcome.marks = world.marks;
  outcome.trace.assign(world.world.trace_lines().begin(), world.world.trace_lines().end());
  outcome.faults = world.world.faults();
  return outcome;
}

bool minimise_seed(const Run& given, size_t most_runs) {
  Run run = given;
  run.keep_faults = true;
  const Outcome whole = run_seed(run);
  if (whole.invariant.empty()) return false;
  std::vector<uint64_t> all;
  for (const auto& fault : whole.faults) all.push_back(fault.number);
  const auto found = sim::minimise(
      std::move(all),
      [&](const std::vector<uint64_t>& kept) {
        run.only_faults = kept;
        return run_seed(run).invariant == whole.invariant;
      },
      most_runs);
  run.only_faults = found.kept;
  const Outcome small = run_seed(run);
  fmt::print("{} breaks after {:.6f} s with {} of {} faults ({} runs): {}\n", small.invariant, small.virtual_seconds, found.kept.size(),
             whole.faults.size(), found.runs, small.what);
  for (const auto& fault : small.faults) {
    fmt::print("  {:12.6f} {}\n", std::chrono::duration<double>(fault.when - sim::World::kBegin).count(), fault.what);
  }
  return true;
}

namespace {

/// The first seed at which an invariant breaks with the fault, and not without it.
std::string find_plant(const PlantInfo& plant, uint64_t most_seeds, Run run) {
  const uint64_t first = run.seed;
  for (; run.seed < first + most_seeds; ++run.seed) {
    raft::the_plant = plant.plant;
    const Outcome with = run_seed(run);
    if (with.invariant.empty()) continue;
    raft::the_plant = Plant::none;
    if (!run_seed(run).invariant.empty()) continue;
    return fmt::format("{} | {}", run.seed - first + 1, with.invariant);
  }
  return fmt::format("not in {} | ", most_seeds);
}

/// In a process of its own: what a fault does may end it.
std::string find_plant_apart(const PlantInfo& plant, uint64_t most_seeds, const Run& run) {
  int ends[2];
  if (pipe(ends) != 0) return "no pipe | ";
  const pid_t child = fork();
  if (child == 0) {
    const std::string found = find_plant(plant, most_seeds, run);
    const bool told = write(ends[1], found.data(), found.size()) == static_cast<ssize_t>(found.size());
    _exit(told ? 0 : 1);
  }
  close(ends[1]);
  std::string found(200, 0);
  const ssize_t size = read(ends[0], found.data(), found.size());
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (size <= 0) return fmt::format("the process ended with {} | ", status);
  found.resize(static_cast<size_t>(size));
  return found;
}

}  // namespace

int find_plants(std::vector<std::string> names, uint64_t most_seeds, const Run& run) {
  if (names.empty()) {
    for (const PlantInfo& plant : raft::plants()) names.emplace_back(plant.name);
  }
  int missing = 0;
  for (const std::string& name : names) {
    const auto plant = std::ranges::find(raft::plants(), name, &PlantInfo::name);
    const std::string found = plant == raft::plants().end() ? "there is no such fault | " : find_plant_apart(*plant, most_seeds, run);
    if (found.ends_with("| ")) ++missing;
    fmt::print("| {} | {} | {} |\n", name, plant == raft::plants().end() ? "" : plant->what, found);
    std::fflush(stdout);
  }
  return missing;
}

}  // namespace sofa::raft_sim
