// Scenarios 70 to 74, 78 to 80 and 84: reads, load, and what JRaft is known to have got wrong (jraft.md 9).
#include <map>
#include <set>

#include "scenario.h"

namespace sofa::raft_sim {

namespace {

using jraft::AppendEntriesResponse;

/// A leader stands still with a read begun; another one takes its place; then the old one is asked again, and goes on with what has come meanwhile.
void no_stale_read_of_a_paused_leader(Trial& trial, RaftWorld& world, int round) {
  const int old = world.wait_for_leader();
  world.run_for(300ms);
  if (world.leader() != old || !world.core(old)->is_leader()) return;
  const Answer before = put(world, old, "r", fmt::format("before {}", round));
  if (!world.run_until([&] { return before->has_value(); }, 10s) || !world.core(old)->is_leader()) return;
  const Answer begun = read(world, old, "r");
  world.run_for(Duration(trial.random.uniform(0, 1'500'000)));
  world.pause(old, 4 * timeout(world) + Duration(trial.random.uniform(0, 1'000'000'000)));
  const auto another = [&] { return world.leader() >= 0 && world.leader() != old && !world.machine(world.leader()).is_paused(); };
  if (!world.run_until(another, 4 * timeout(world) - 100ms)) return;
  world.run_for(50ms);
  const int now = world.leader();
  const Answer after = put(world, now, "r", fmt::format("after {}", round));
  if (!world.run_until([&] { return after->has_value(); }, 200ms) || (*after)->kind != Reply::Kind::done || !world.machine(old).is_paused()) return;
  trial.reach("a paused leader was replaced");
  Answer late;
  world.machine(old).enter([&] { late = read(world, old, "r"); });
  trial.must(world.run_until([&] { return late != nullptr && late->has_value(); }, 20s), "the old leader answers the read");
  trial.must((*late)->kind != Reply::Kind::done || (*late)->value == fmt::format("after {}", round), "it does not answer with what was, but {}",
             (*late)->value.value_or("nothing"));
}

void late_answers_of_rounds(Trial& trial) {
  RaftOptions options = busy(3);
  options.load.reads = 0.7;
  options.load.mean_pause = 20ms;
  RaftWorld& world = trial.begin_led(options);
  world.meddle = [&](const RaftWorld::Passing& passing) {
    if (as<AppendEntriesResponse>(passing) == nullptr || !trial.chance(0.15)) return true;
    const bool again = trial.chance(0.5);
    world.world.after(Duration(trial.random.uniform(1, 900'000'000)), [&world, to = passing.to, call = passing.call, message = passing.message] {
      if (world.is_up(to)) world.deliver_answer(to, call, message);
    });
    trial.reach(again ? "answer comes twice" : "answer comes late");
    return again;
  };
  for (int round = 0; round < 3; ++round) no_stale_read_of_a_paused_leader(trial, world, round);
  world.meddle = nullptr;
  world.settle();
}

void lease_and_drift(Trial& trial) {
  RaftOptions options = busy(3);
  options.load.reads = 0.7;
  options.load.mean_pause = 20ms;
  options.core.lease_reads = true;
  options.core.lease_percent = 80;  // clocks that drift by 10 percent: at most 0.9 / 1.1 of a timeout
  options.drift = 0.1;
  RaftWorld& world = trial.begin_led(options);
  for (int round = 0; round < 3; ++round) {
    for (const int i : world.machines()) {
      world.machine(i).clock.set_rate(world.world.now(), trial.chance(0.5) ? 0.9 : 1.1);
      world.machine(i).clock.jump_wall(trial.chance(0.5) ? 1h : -1h);
    }
    no_stale_read_of_a_paused_leader(trial, world, round);
  }
  world.settle();
}

/// Requests for votes come late, when the leader that was silent for a moment is heard again.
void late_votes(Trial& trial) {
  RaftOptions options = busy(5);
  options.load.reads = 0.7;
  options.load.mean_pause = 20ms;
  options.core.lease_reads = true;
  options.core.max_election_delay = 50ms;
  RaftWorld& world = trial.begin_led(options);
  const Duration timeout = options.core.election_timeout;
  std::map<uint64_t, std::pair<int, uint64_t>> held;  // by the call that was made up: who has asked, and its call
  std::set<int> deaf;
  world.meddle = [&](const RaftWorld::Passing& passing) {
    if (as<jraft::AppendEntriesRequest>(passing) != nullptr) return !deaf.contains(passing.to);
    if (passing.is_answer && held.contains(passing.call)) {
      const auto [to, call] = held.at(passing.call);
      if (world.is_up(to)) world.deliver_answer(to, call, passing.message);
      return false;
    }
    const auto* const vote = as<jraft::RequestVoteRequest>(passing);
    if (vote == nullptr || vote->pre_vote) return true;
    world.world.after(Duration(trial.random.uniform(0, timeout.count() * 8 / 10)),
                      [&world, &held, from = passing.from, to = passing.to, call = passing.call, message = passing.message] {
                        held[world.deliver_request(from, to, message)] = {from, call};
                      });
    trial.reach("a vote is asked for late");
    return false;
  };
  for (int round = 0; round < 20; ++round) {
    const int leader = world.wait_for_leader();
    for (const int i : others(world, leader)) {
      if (deaf.size() < 3) deaf.insert(i);
    }
    world.run_for(timeout + Duration(trial.random.uniform(0, 150'000'000)));
    deaf.clear();
    world.run_for(Duration(trial.random.uniform(0, 3 * timeout.count())));
  }
  world.meddle = nullptr;
  world.settle();
}

/// Calls of clients that have been answered in some seconds.
uint64_t goodput(Trial& trial, int clients, Duration length) {
  RaftOptions options = busy(3);
  options.load.clients = clients;
  options.load.mean_pause = 1ms;
  options.load.reads = 0;
  options.load.keys = 50;
  options.disk.mean_sync = 5ms;
  options.core.max_uncommitted = 8;
  RaftWorld& world = trial.begin_led(options);
  const uint64_t elections = world.marks.times("leader started");
  const uint64_t before = world.clients().counts().done;
  world.run_for(length);
  trial.must(world.marks.times("leader started") == elections, "no leader changes under load");
  const uint64_t done = world.clients().counts().done - before;
  world.settle();
  return done;
}

void overload(Trial& trial) {
  const uint64_t peak = goodput(trial, 12, 2s), over = goodput(trial, 120, 2s);
  trial.must(over * 10 >= peak * 7, "ten times the load costs no more than 30 %: {} calls, where {} were done", over, peak);
  // All come back at once after an outage.
  RaftOptions options = busy(3);
  options.load.clients = 30;
  options.core.max_uncommitted = 8;
  RaftWorld& world = trial.begin_led(options);
  for (const int i : world.machines()) world.kill(i);
  world.run_for(10s);
  start_all(world);
  const uint64_t before = world.truth().data_applied();
  trial.must(world.run_until([&] { return world.truth().data_applied() > before + 200; }, 10s), "after an outage it recovers within ten seconds");
  world.settle();
}

void restarts_disturb_nobody(Trial& trial) {
  RaftWorld& world = trial.begin_led(busy(5));
  const int leader = world.leader();
  const int64_t term = world.core(leader)->term();
  for (int round = 0; round < 2; ++round) {
    for (const int i : others(world, leader)) {
      trial.chance(0.5) ? world.kill(i) : world.cut_power(i);
      world.run_for(Duration(trial.random.uniform(0, 800'000'000)));
      trial.must(world.start_machine(i), "it starts");
      world.run_for(700ms);
      trial.must(world.leader() == leader && world.core(leader)->term() == term, "a restart of {} leads to no election", i);
    }
  }
  world.settle();
}

void state_machine_fails(Trial& trial) {
  RaftWorld& world = trial.begin_led(busy(3));
  world.run_for(1s);
  const int leader = world.leader(), bad = trial.chance(0.5) ? leader : follower(world, leader);
  world.replica(bad)->fail_state_machine({jraft::RaftError::estatemachine, "apply has thrown"});
  trial.must(world.run_until([&] { return world.leader() >= 0; }, 2 * timeout(world)), "leadership is handed over");
  const uint64_t before = world.truth().data_applied();
  trial.must(world.run_until([&] { return world.truth().data_applied() > before + 30; }, 10s), "the others go on");
  trial.must(world.replica(bad)->has_failed(), "who has failed stays so");
  world.kill(bad);
  world.settle();
}

void reads_without_a_majority(Trial& trial) {
  RaftWorld& world = trial.begin_led(idle(5));
  const int leader = world.leader();
  const std::vector<int> rest = others(world, leader);
  const auto ends = [&](const Answer& answer, Duration most) { return world.run_until([&] { return answer->has_value(); }, most); };
  for (int down = 0; down < 2; ++down) world.kill(rest[static_cast<size_t>(down)]);
  world.run_for(500ms);
  for (int i = 0; i < 5; ++i) {
    const Answer good = read(world, leader, "k");
    trial.must(ends(good, timeout(world)) && (*good)->kind == Reply::Kind::done, "two of five that are down fail no read");
  }
  world.kill(rest[2]);
  const Answer bad = read(world, leader, "k");
  trial.must(ends(bad, 2 * timeout(world)) && (*bad)->kind != Reply::Kind::done, "without a majority a read fails, and in time");
  trial.reach("a read without a majority");
  start_all(world);
  world.settle();
}

void cut_over_segments(Trial& trial) {
  RaftWorld& world = trial.begin_led(idle(3));
  for (int round = 0; round < 3; ++round) {
    const int old = world.wait_for_leader();
    world.network.isolate(old, world.machines());
    const int64_t last = write(trial, world, old, 25, 6000);  // over two segments
    world.run_for(200ms);
    const auto another = [&] { return world.leader() >= 0 && world.leader() != old; };
    trial.must(world.run_until(another, 12s), "the others elect a leader");
    (void)write(trial, world, world.leader(), 3);
    const int64_t term = world.core(old)->log().term_of(last);
    world.network.heal();
    trial.must(world.run_until([&] { return world.core(old)->log().term_of(last) != term; }, 10s), "the tail is cut");
    world.run_for(Duration(trial.random.uniform(0, 3'000'000)));
    world.cut_power(old);
    (void)world.start_machine(old);
    world.run_for(500ms);
    start_all(world);
    write_and_wait(trial, world, 2);
    trial.must(world.core(old)->log().last() < last, "nothing that was cut comes back");
  }
  world.settle();
}

void burst_of_breaks(Trial& trial) {
  RaftWorld& world = trial.begin_led(busy(3));
  const Instant end = world.world.now() + 3s;
  while (world.world.now() < end) {
    world.run_for(std::chrono::milliseconds(trial.random.uniform(2, 20)));
    const int from = static_cast<int>(trial.random.uniform(3)), to = others(world, from)[trial.random.uniform(2)];
    world.network.reset(world.network.connect(from, to, RaftWorld::kRaft));
  }
  const int leader = world.wait_for_leader();
  const int64_t last = world.core(leader)->log().last();
  trial.must(world.run_until([&] { return all_have(world, last); }, 2 * timeout(world)), "within two election timeouts nobody lags for it");
  world.settle();
}

}  // namespace

std::vector<Scenario> read_scenarios() {
  return {
      {70,
       "late_answers_of_rounds",
       "answers of an earlier round, late or twice, confirm no read",
       late_answers_of_rounds,
       {"answer comes late", "answer comes twice", "a paused leader was replaced"}},
      {71,
       "lease_and_drift",
       "clocks that drift by 10 percent, and a leader that stood still: no stale read",
       lease_and_drift,
       {"read while it has a lease", "a paused leader was replaced"}},
      {84,
       "late_votes",
       "a vote that comes when the leader is heard again elects nobody beside its lease",
       late_votes,
       {"read while it has a lease", "a vote is asked for late"}},
      {72, "overload", "ten times the load is refused, not suffered", overload, {"proposal refused: busy"}},
      {73, "restarts_disturb_nobody", "followers come and go without an election", restarts_disturb_nobody, {"started again"}},
      {74, "state_machine_fails", "a node whose state machine fails hands over and stops", state_machine_fails, {"node in ERROR"}},
      {78,
       "reads_without_a_majority",
       "a minority that is down fails no read; without a majority reads end",
       reads_without_a_majority,
       {"a read without a majority"}},
      {79, "cut_over_segments", "a tail over several segments is cut, also for a restart right after it", cut_over_segments, {"suffix cut"}},
      {80, "burst_of_breaks", "after many broken connections nobody is forgotten", burst_of_breaks},
  };
}

}  // namespace sofa::raft_sim
