#include "scenario.h"

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "sofa/state/raft_core/detail/entries_of.h"

namespace sofa::raft_sim {

RaftWorld& Trial::prepare(RaftOptions options) {
  own_marks_ = marks();
  world_.reset();
  world_ = std::make_unique<RaftWorld>(std::move(options), seed_);
  world_->world.keep_trace(trace_);
  world_->has_operator = false;
  world_->restart_after = {};
  return *world_;
}

RaftWorld& Trial::begin(RaftOptions options) {
  RaftWorld& world = prepare(std::move(options));
  world.start();
  return world;
}

RaftWorld& Trial::begin_led(RaftOptions options) {
  RaftWorld& world = begin(std::move(options));
  (void)world.wait_for_leader();
  const auto known = [&] {
    const int leader = world.leader();
    return leader >= 0 && world.core(leader)->commit_index() > 0 && all_have(world, world.core(leader)->commit_index());
  };
  must(world.run_until(known, 30s), "a leader has told all that it leads");
  return world;
}

sim::Marks Trial::marks() const {
  sim::Marks all = own_marks_;
  if (world_ != nullptr) all.add(world_->marks);
  return all;
}

RaftOptions idle(int nodes) {
  RaftOptions options;
  options.nodes = nodes;
  options.load.clients = 0;
  options.snapshot_every = 0;
  return options;
}

RaftOptions busy(int nodes) {
  RaftOptions options = idle(nodes);
  options.load.clients = 4;
  return options;
}

Duration timeout(const RaftWorld& world) { return world.options.core.election_timeout; }

std::vector<int> others(const RaftWorld& world, int machine) {
  std::vector<int> all = world.machines();
  std::erase(all, machine);
  return all;
}

int follower(const RaftWorld& world, int leader) {
  for (const int i : others(world, leader)) {
    if (world.core(i) != nullptr && world.core(i)->is_active()) return i;
  }
  return -1;
}

jraft::Message heartbeat_from(const RaftWorld& world, int leader, int to) {
  const Core& of = *world.core(to);
  return jraft::AppendEntriesRequest{.group_id = world.group_name(0),
                                     .server_id = world.peer_of(leader).to_string(),
                                     .peer_id = world.peer_of(to).to_string(),
                                     .term = of.term(),
                                     .prev_log_term = of.log().last_id().term,
                                     .prev_log_index = of.log().last(),
                                     .committed_index = of.commit_index()};
}

int64_t write(Trial& trial, RaftWorld& world, int machine, int entries, size_t bytes) {
  for (int i = 0; i < entries; ++i) {
    std::string value = fmt::format("{}.", world.world.random("values").next());
    value.resize(std::max(bytes, value.size()), '-');
    const auto status = world.propose(machine, 0, encode({.op = Op::put, .key = "s", .value = std::move(value)}));
    trial.must(status.ok(), "{} takes entries: {}", machine, status.to_string());
  }
  return world.core(machine)->log().last();
}

bool all_have(const RaftWorld& world, int64_t index) {
  const int leader = world.leader();
  return std::ranges::all_of(world.machines(), [&](int i) {
    const Core* const core = world.core(i);
    if (core == nullptr || !core->is_active() || world.applied(i) >= index) return true;
    const auto& members = world.core(leader < 0 ? i : leader)->members();
    return !members.current.has(world.peer(i)) && !members.old.has(world.peer(i));
  });
}

void start_all(RaftWorld& world) {
  for (const int i : world.machines()) {
    if (world.replica(i)->has_failed()) world.cut_power(i);
    for (int n = 0; n < 3 && world.machine(i).state() == Machine::State::off; ++n) (void)world.start_machine(i);
  }
}

jraft::Message entries_from(const RaftWorld& world, int leader, int to, int64_t first) {
  const raft::LogView& log = world.core(leader)->log();
  auto request = std::get<jraft::AppendEntriesRequest>(heartbeat_from(world, leader, to));
  request.term = world.core(leader)->term();
  request.committed_index = 0;
  request.prev_log_index = first - 1;
  request.prev_log_term = log.term_of(first - 1);
  std::vector<Entry> entries;
  for (int64_t index = first; index <= log.last(); ++index) entries.push_back(log.entry(index));
  raft::detail::put_entries(entries, request);
  return request;
}

void write_and_wait(Trial& trial, RaftWorld& world, int entries) {
  const int64_t last = write(trial, world, world.wait_for_leader(), entries);
  trial.must(world.run_until([&] { return all_have(world, last); }, 30s), "all who are up apply what was written");
}

namespace {
Answer ask(RaftWorld& world, int machine, const Request& request) {
  auto answer = std::make_shared<std::optional<Reply>>();
  world.replica(machine)->request(request, [answer](const Reply& reply) { *answer = reply; });
  return answer;
}
}  // namespace

Answer put(RaftWorld& world, int machine, const std::string& key, const std::string& value) {
  return ask(world, machine, {.kind = Request::Kind::write, .key = key, .command = encode({.op = Op::put, .key = key, .value = value})});
}
Answer read(RaftWorld& world, int machine, const std::string& key) { return ask(world, machine, {.kind = Request::Kind::read, .key = key}); }

void seed_log(RaftWorld& world, int machine, const std::vector<int64_t>& terms, int64_t term) {
  constexpr uint64_t kEntries = 1, kKept = 2;  // streams of the first group
  auto log = log::testing::SteppedLog::open(world.disk(machine).files(), world.options.log, 1).value();
  uint64_t chain = 0;
  for (size_t i = 0; i < terms.size(); ++i) {
    const LogId id{.index = static_cast<int64_t>(i) + 1, .term = terms[i]};
    Entry entry{.id = id, .type = raft::EntryType::data};
    if (i == 0) {
      entry.type = raft::EntryType::configuration;
      entry.membership = std::make_shared<const Membership>(Membership{.current = world.first_members()});
    } else {
      entry.data = encode({.op = Op::put, .key = "s", .value = fmt::format("{} of {}", id.index, id.term)});
    }
    chain = world.truth().chain_after(chain, entry);
    world.truth().check_chain(machine, id, chain);
    log->append(kEntries, raft::record_term(entry), i + 1, raft::encode_entry_record(entry));
    term = std::max(term, id.term);
  }
  log->append(kKept, 0, 1, raft::encode_kept({.state = {.term = term}}));
  while (log->write()) log->complete();
  (void)world.disk(machine).take_latency();
}

// Running them.

std::vector<Scenario> scenarios() {
  std::vector<Scenario> all;
  for (auto part : {election_scenarios(), replication_scenarios(), disk_scenarios(), snapshot_scenarios(), membership_scenarios(), read_scenarios(),
                    quiet_scenarios()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  std::ranges::sort(all, {}, &Scenario::number);
  return all;
}

void list_scenarios() {
  for (const Scenario& one : scenarios()) fmt::print("{:60} {}\n", one.full_name(), one.shows);
}

namespace {

struct Result {
  bool failed = false;
  sim::Marks marks{};
};

/// With a trace, its failure is explained.
Result run_once(const Scenario& scenario, uint64_t seed, size_t trace) {
  Trial trial(seed, trace);
  Result result;
  try {
    scenario.run(trial);
  } catch (const sim::Broken& broken) {
    result.failed = true;
    if (trace == 0) return result;
    double seconds = 0;
    if (RaftWorld* const world = trial.world()) {
      for (const std::string& line : world->world.trace_lines()) fmt::print("{}\n", line);
      fmt::print("{}", world->describe());
      seconds = std::chrono::duration<double>(world->world.elapsed()).count();
    }
    fmt::print("FAILED {} with seed {} at {:.6f} s: {}: {}\n  again: ./dev sim raft --scenario {} --seed {} --seeds 1\n", scenario.full_name(), seed,
               seconds, broken.invariant, broken.what(), scenario.full_name(), seed);
  }
  result.marks = trial.marks();
  return result;
}

bool run_scenario(const Scenario& scenario, uint64_t first_seed, uint64_t seeds) {
  sim::Marks marks;
  for (uint64_t seed = first_seed; seed < first_seed + seeds; ++seed) {
    Result result = run_once(scenario, seed, 0);
    if (result.failed) {
      (void)run_once(scenario, seed, 200);
      return false;
    }
    marks.add(result.marks);
  }
  const auto missing = marks.missing(scenario.marks);
  for (const std::string& mark : missing) {
    fmt::print("FAILED {}: it has shown nothing, since '{}' was never reached with the seeds {} to {}\n", scenario.full_name(), mark, first_seed,
               first_seed + seeds - 1);
  }
  return missing.empty();
}

}  // namespace

int run_scenarios(const std::vector<std::string>& names, uint64_t first_seed, uint64_t seeds, bool verbose) {
  const std::vector<Scenario> all = scenarios();
  int failed = 0, run = 0;
  const auto begun = std::chrono::steady_clock::now();
  const auto seconds_since = [](auto since) { return std::chrono::duration<double>(std::chrono::steady_clock::now() - since).count(); };
  for (const std::string& name : names) {
    const int before = run;
    for (const Scenario& one : all) {
      if (name != "all" && name != one.full_name() && name != std::to_string(one.number)) continue;
      const auto start = std::chrono::steady_clock::now();
      ++run;
      if (!run_scenario(one, first_seed, seeds)) ++failed;
      if (verbose) fmt::print("{:60} {:6.2f} s\n", one.full_name(), seconds_since(start));
      std::fflush(stdout);
    }
    if (run != before) continue;
    ++failed;
    fmt::print("there is no scenario '{}'; --scenarios lists them\n", name);
  }
  fmt::print("{} scenarios with {} seeds each in {:.1f} s: {} failed\n", run, seeds, seconds_since(begun), failed);
  return failed;
}

}  // namespace sofa::raft_sim
