// sim_raft: runs seeds of the Raft simulator. `./dev sim raft --help` says how.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <string>

#include "campaign.h"
#include "run.h"
#include "scenario.h"
#include "sofa/state/raft_core/plant.h"
#include "swarm.h"

namespace sofa::raft_sim {
namespace {

struct Arguments {
  CampaignOptions campaign{};
  int64_t seconds = 60;
  int groups = 0;
  double hours = 0;  ///< of many groups, in lives of at most kLifeHours
  bool verbose = false;
  std::string history{};
  bool plants = false, minimise = false;
  std::vector<std::string> scenarios{};  ///< "all", or their names
  bool list_scenarios = false;
  uint64_t scenario_seeds = 5;
  std::vector<std::string> names{};  ///< of planted faults; none: all
};

Run run_of(uint64_t seed, const Arguments& arguments, size_t trace) {
  return {.seed = seed, .length = std::chrono::seconds(arguments.seconds), .groups = arguments.groups, .trace = trace};
}

Outcome run_one(uint64_t seed, const Arguments& arguments) {
  Run run = run_of(seed, arguments, 0);
  run.history = arguments.history.empty() ? nullptr : std::fopen(arguments.history.c_str(), "w");
  run.told = [](const std::string& line) { fmt::print("  {}\n", line), std::fflush(stdout); };
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

SeedResult run_for_campaign(uint64_t seed, const Arguments& arguments) {
  Outcome outcome = run_one(seed, arguments);
  if (arguments.verbose) fmt::print("seed {}: {:.0f} s, {} events, hash {:016x}\n", seed, outcome.virtual_seconds, outcome.events, outcome.hash);
  std::fflush(stdout);
  return {.invariant = std::move(outcome.invariant),
          .what = std::move(outcome.what),
          .virtual_seconds = outcome.virtual_seconds,
          .events = outcome.events,
          .marks = std::move(outcome.marks)};
}

/// So many hours of so many groups, as lives that run beside each other, and that are not run again when they have passed.
void divide_hours(Arguments& arguments) {
  constexpr double kLifeHours = 6;
  const double lives = std::ceil(arguments.hours / kLifeHours);
  arguments.campaign.seeds = static_cast<uint64_t>(lives);
  arguments.seconds = static_cast<int64_t>(arguments.hours * 3600 / lives);
  if (arguments.groups == 0) arguments.groups = 50;
  arguments.campaign.again += fmt::format(" --groups {} --hours {}", arguments.groups, arguments.hours / lives);
  arguments.campaign.sources += fmt::format("-{}-groups-{}-s", arguments.groups, arguments.seconds);
}

int run(const Arguments& arguments) {
  const auto run_it = [&](uint64_t seed) { return run_for_campaign(seed, arguments); };
  return run_campaign(arguments.campaign, run_it, [&](uint64_t seed) { explain(seed, arguments); }) == 0 ? 0 : 1;
}

}  // namespace
}  // namespace sofa::raft_sim

int main(int count, char** values) {
  sofa::raft_sim::Arguments arguments;
  arguments.campaign.required_marks = sofa::raft_sim::required_marks();
  for (int i = 1; i < count; ++i) {
    const std::string_view flag = values[i];
    const char* value = i + 1 < count ? values[i + 1] : "";
    if (flag == "--seeds") arguments.scenario_seeds = std::strtoull(value, nullptr, 10);
    if (flag == "--seeds") arguments.campaign.seeds = std::strtoull(value, nullptr, 10), ++i;
    if (flag == "--seed") arguments.campaign.first = std::strtoull(value, nullptr, 10), ++i;
    if (flag == "--processes") arguments.campaign.processes = std::max(1, std::atoi(value)), ++i;
    if (flag == "--resume") arguments.campaign.resume_file = value, ++i;
    if (flag == "--sources") arguments.campaign.sources = value, ++i;
    if (flag == "--commit") arguments.campaign.commit = value, ++i;
    if (flag == "--seconds") arguments.seconds = std::strtoll(value, nullptr, 10), ++i;
    if (flag == "--groups") arguments.groups = std::atoi(value), ++i;
    if (flag == "--hours") arguments.hours = std::strtod(value, nullptr), ++i;
    if (flag == "--history") arguments.history = value, ++i;
    if (flag == "--verbose") arguments.verbose = true;
    if (flag == "--plants") arguments.plants = true;
    if (flag == "--plants-of-today") arguments.plants = true, arguments.names = sofa::raft_sim::plants_of_today();
    if (flag == "--minimise") arguments.minimise = true;
    if (flag == "--scenario") arguments.scenarios.emplace_back(value), ++i;
    if (flag == "--scenarios") arguments.list_scenarios = true;
    if (flag == "--only") arguments.names.emplace_back(value), ++i;
    if (flag == "--plant") sofa::raft::the_plant = sofa::raft::plant_named(value).value_or(sofa::raft::Plant::none), ++i;
  }
  if (arguments.hours > 0) sofa::raft_sim::divide_hours(arguments);
  if (arguments.list_scenarios) return sofa::raft_sim::list_scenarios(), 0;
  if (!arguments.scenarios.empty()) {
    const uint64_t first = arguments.campaign.first;
    return sofa::raft_sim::run_scenarios(arguments.scenarios, first, arguments.scenario_seeds, arguments.verbose) == 0 ? 0 : 1;
  }
  const sofa::raft_sim::Run one = sofa::raft_sim::run_of(arguments.campaign.first, arguments, 0);
  if (arguments.plants) {
    const auto processes = static_cast<size_t>(arguments.campaign.processes);
    return sofa::raft_sim::find_plants(arguments.names, arguments.campaign.seeds, one, processes) == 0 ? 0 : 1;
  }
  if (arguments.minimise) {
    const auto minimal = sofa::raft_sim::minimise_seed(one, 400);
    sofa::raft_sim::print(minimal);
    return minimal.invariant.empty() ? 0 : 1;
  }
  return run(arguments);
}
