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
  RaftWorld world(run.groups == 0 ? draw_options(run.seed) : draw_many_groups(run.seed, run.groups), run.seed);
  world.world.keep_trace(run.trace);
  if (run.keep_faults) world.world.keep_faults();
  if (run.only_faults) world.world.only_faults(*run.only_faults);
  world.clients().write_history(run.history);
  Outcome outcome;
  try {
    run.groups == 0 ? run_swarm(world, run.seed, run.length) : run_many_groups(world, run.seed, run.length, run.told);
  } catch (const sim::Broken& broken) {
    outcome.invariant = broken.invariant;
    outcome.what = broken.what();
    if (run.trace != 0) outcome.what += "\n" + world.describe();
  }
  world.clients().end_history();
  outcome.virtual_seconds = std::chrono::duration<double>(world.world.elapsed()).count();
  outcome.hash = world.world.hash();
  outcome.events = world.world.events();
  outcome.marks = world.marks;
  outcome.trace.assign(world.world.trace_lines().begin(), world.world.trace_lines().end());
  outcome.faults = world.world.faults();
  return outcome;
}

Minimal minimise_seed(const Run& given, size_t most_runs) {
  Run run = given;
  run.keep_faults = true;
  const Outcome whole = run_seed(run);
  if (whole.invariant.empty()) return {};
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
  Outcome small = run_seed(run);
  return {.invariant = std::move(small.invariant),
          .what = std::move(small.what),
          .faults = std::move(small.faults),
          .virtual_seconds = small.virtual_seconds,
          .all = whole.faults.size(),
          .runs = found.runs};
}

void print(const Minimal& minimal) {
  if (minimal.invariant.empty()) return fmt::print("nothing is broken\n");
  fmt::print("{} breaks after {:.6f} s with {} of {} faults ({} runs): {}\n", minimal.invariant, minimal.virtual_seconds, minimal.faults.size(),
             minimal.all, minimal.runs, minimal.what);
  for (const auto& fault : minimal.faults) {
    fmt::print("  {:12.6f} {}\n", std::chrono::duration<double>(fault.when - sim::World::kBegin).count(), fault.what);
  }
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

/// A search in a process of its own: what a fault does may end it.
struct Search {
  pid_t child = -1;
  int result = -1;
};

Search begin_search(std::string_view name, uint64_t most_seeds, const Run& run) {
  const auto plant = std::ranges::find(raft::plants(), name, &PlantInfo::name);
  int ends[2];
  if (plant == raft::plants().end() || pipe(ends) != 0) return {};
  const pid_t child = fork();
  if (child == 0) {
    const std::string found = find_plant(*plant, most_seeds, run);
    const bool told = write(ends[1], found.data(), found.size()) == static_cast<ssize_t>(found.size());
    _exit(told ? 0 : 1);
  }
  close(ends[1]);
  return {.child = child, .result = ends[0]};
}

std::string end_search(const Search& search) {
  if (search.child < 0) return "there is no such fault | ";
  std::string found(200, 0);
  const ssize_t size = read(search.result, found.data(), found.size());
  close(search.result);
  int status = 0;
  waitpid(search.child, &status, 0);
  if (size <= 0) return fmt::format("ended by the signal {} | ", WTERMSIG(status));
  found.resize(static_cast<size_t>(size));
  return found;
}

/// Those that take hundreds of seeds, or are not found yet (docs/simulator.md): too slow for each test run.
constexpr std::string_view kSlow[] = {
    "term_saved_with_vote_only",   "lease_forgotten_at_start",          "acknowledged_before_fsync", "aba_ack",
    "flush_of_cut_entries_counts", "commit_by_counting_old_terms",      "installed_is_match",        "probe_answer_is_match",
    "lease_from_answers_time",     "lease_after_timeout_now",           "lease_while_transferring",  "read_without_round",
    "members_not_rolled_back",     "reset_forgotten_at_start",          "pre_vote_ignores_leader",   "state_saved_before_sync",
    "stale_pipeline_epoch",        "leader_counts_itself_before_fsync", "install_keeps_log",         "stable_before_joint_committed",
    "vote_not_persisted",          "log_reset_before_snapshot_named"};

}  // namespace

std::vector<std::string> plants_of_today() {
  std::vector<std::string> found;
  for (const PlantInfo& plant : raft::plants()) {
    if (std::ranges::find(kSlow, plant.name) == std::end(kSlow)) found.emplace_back(plant.name);
  }
  const auto day = static_cast<size_t>(std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now()).time_since_epoch().count());
  return {found[day * 3 % found.size()], found[(day * 3 + 1) % found.size()], found[(day * 3 + 2) % found.size()]};
}

int find_plants(std::vector<std::string> names, uint64_t most_seeds, const Run& run, size_t processes) {
  if (names.empty()) {
    for (const PlantInfo& plant : raft::plants()) names.emplace_back(plant.name);
  }
  int missing = 0;
  std::vector<Search> searches;
  for (size_t i = 0; i < names.size(); ++i) {
    while (searches.size() < std::min(names.size(), i + processes)) searches.push_back(begin_search(names[searches.size()], most_seeds, run));
    const std::string found = end_search(searches[i]);
    if (found.ends_with("| ")) ++missing;
    const auto plant = std::ranges::find(raft::plants(), names[i], &PlantInfo::name);
    fmt::print("| {} | {} | {} |\n", names[i], plant == raft::plants().end() ? "" : plant->what, found);
    std::fflush(stdout);
  }
  fmt::print("{} passed, {} failed\n", names.size() - static_cast<size_t>(missing), missing);
  return missing;
}

}  // namespace sofa::raft_sim
