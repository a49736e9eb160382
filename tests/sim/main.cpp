// sim_raft: runs seeds of the Raft simulator. `./dev sim raft --help` says how.
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <string>

#include "run.h"
#include "sofa/state/raft_core/plant.h"

namespace sofa::raft_sim {
namespace {

struct Arguments {
  uint64_t seeds = 1, first = 1;
  int64_t seconds = 60;
  bool verbose = false;
  std::string history{};
  bool plants = false, minimise = false;
  std::vector<std::string> names{};  ///< of planted faults; none: all
};

Run run_of(uint64_t seed, const Arguments& arguments, size_t trace) {
  return {.seed = seed, .length = std::chrono::seconds(arguments.seconds), .trace = trace};
}

Outcome run_one(uint64_t seed, const Arguments& arguments) {
  Run run = run_of(seed, arguments, 0);
  run.history = arguments.history.empty() ? nullptr : std::fopen(arguments.history.c_str(), "w");
  Outcome outcome = run_seed(run);
  if (run.history != nullptr) std::fclose(run.history);
  return outcome;
}

/// It is known to fail: what happened last, and how it stands then.
void explain(uint64_t seed, const Arguments& arguments) {
  const Outcome outcome = run_seed(run_of(seed, arguments, 200));
  for (const std::string& line : outcome.trace) fmt::print("{}\n", line);
  fmt::print("{}\n", outcome.what);
}

int run(const Arguments& arguments) {
  const auto begun = std::chrono::steady_clock::now();
  double seconds = 0;
  uint64_t failed = 0, events = 0;
  sim::Marks marks;
  for (uint64_t seed = arguments.first; seed < arguments.first + arguments.seeds; ++seed) {
    const Outcome outcome = run_one(seed, arguments);
    seconds += outcome.virtual_seconds;
    events += outcome.events;
    marks.add(outcome.marks);
    if (arguments.verbose) fmt::print("seed {}: {:.0f} s, {} events, hash {:016x}\n", seed, outcome.virtual_seconds, outcome.events, outcome.hash);
    if (outcome.invariant.empty()) continue;
    ++failed;
    if (failed <= 3) explain(seed, arguments);
    fmt::print("FAILED seed {} at {:.6f} s: {}: {}\n  again: ./dev sim raft --seed {}\n", seed, outcome.virtual_seconds, outcome.invariant,
               outcome.what, seed);
    std::fflush(stdout);
  }
  const double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  for (const auto& [mark, times] : marks.all()) fmt::print("  {:10} {}\n", times, mark);
  fmt::print("{} seeds, {:.0f} virtual s in {:.1f} s: {:.0f} virtual s/s, {:.2f} M events/s\n", arguments.seeds, seconds, took, seconds / took,
             static_cast<double>(events) / took / 1e6);
  fmt::print("{} passed, {} failed\n", arguments.seeds - failed, failed);
  return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace sofa::raft_sim

int main(int count, char** values) {
  sofa::raft_sim::Arguments arguments;
  for (int i = 1; i < count; ++i) {
    const std::string_view flag = values[i];
    const char* value = i + 1 < count ? values[i + 1] : "";
    if (flag == "--seeds") arguments.seeds = std::strtoull(value, nullptr, 10), ++i;
    if (flag == "--seed") arguments.first = std::strtoull(value, nullptr, 10), ++i;
    if (flag == "--seconds") arguments.seconds = std::strtoll(value, nullptr, 10), ++i;
    if (flag == "--history") arguments.history = value, ++i;
    if (flag == "--verbose") arguments.verbose = true;
    if (flag == "--plants") arguments.plants = true;
    if (flag == "--minimise") arguments.minimise = true;
    if (flag == "--only") arguments.names.emplace_back(value), ++i;
    if (flag == "--plant") sofa::raft::the_plant = sofa::raft::plant_named(value).value_or(sofa::raft::Plant::none), ++i;
  }
  const sofa::raft_sim::Run one{.seed = arguments.first, .length = std::chrono::seconds(arguments.seconds)};
  if (arguments.plants) return sofa::raft_sim::find_plants(arguments.names, arguments.seeds, one) == 0 ? 0 : 1;
  if (arguments.minimise) return sofa::raft_sim::minimise_seed(one, 400) ? 0 : 1;
  return run(arguments);
}
