// Scenarios 75 to 77 and 81 to 83: groups in which nothing happens (raft_core/quiet.cpp).
#include "scenario.h"

namespace sofa::raft_sim {

namespace {

bool all_quiet(const RaftWorld& world) {
  return std::ranges::all_of(world.machines(), [&](int i) { return world.core(i) == nullptr || world.core(i)->is_quiet(); });
}

RaftOptions quiet(int nodes) {
  RaftOptions options = idle(nodes);
  options.core.quiet_after = 2s;
  options.core.longest_quiet = 10min;
  return options;
}

RaftWorld& begin_quiet(Trial& trial, RaftOptions options) {
  RaftWorld& world = trial.begin_led(std::move(options));
  trial.must(world.run_until([&] { return all_quiet(world); }, 10s), "a group in which nothing happens falls quiet");
  return world;
}

void quiet_again(Trial& trial, RaftWorld& world) {
  world.meddle = nullptr;
  world.settle();
  trial.must(world.run_until([&] { return all_quiet(world); }, 20s), "it falls quiet again");
}

void falls_quiet_and_wakes(Trial& trial) {
  RaftWorld& world = begin_quiet(trial, quiet(trial.chance(0.5) ? 3 : 5));
  uint64_t messages = 0;
  world.meddle = [&](const RaftWorld::Passing&) { return ++messages, true; };
  const int leader = world.leader();
  const int64_t term = world.core(leader)->term();
  world.run_for(30s);
  trial.must(messages == 0, "a quiet group sends nothing, not {} messages", messages);
  const Answer written = put(world, leader, "k", "v");
  trial.must(world.run_until([&] { return written->has_value(); }, 1s) && (*written)->kind == Reply::Kind::done, "a write wakes it");
  trial.must(world.run_until([&] { return all_quiet(world); }, 10s), "it falls quiet again");
  const int asked = trial.chance(0.5) ? leader : follower(world, leader);
  const Answer answer = read(world, asked, "k");
  trial.must(world.run_until([&] { return answer->has_value(); }, 1s) && (*answer)->value == "v", "a read at {} wakes it", asked);
  trial.must(world.core(leader)->is_leader() && world.core(leader)->term() == term, "nobody was elected");
  quiet_again(trial, world);
}

void leader_is_lost(Trial& trial) {
  RaftWorld& world = begin_quiet(trial, quiet(3));
  world.run_for(Duration(trial.random.uniform(0, 1'000'000'000)));
  const int old = world.leader();
  const uint64_t kind = trial.random.uniform(4);
  if (kind == 0) world.kill(old);
  if (kind == 1) world.cut_power(old);
  if (kind == 2) world.pause(old, 20s);
  if (kind == 3) world.network.isolate(old, world.machines());
  const auto another = [&] {
    const int now = world.leader();
    return now >= 0 && now != old;
  };
  trial.must(world.run_until(another, world.options.node_lost_after + 3 * timeout(world) + 2500ms), "the others are told and elect a leader");
  const int64_t last = write(trial, world, world.leader(), 3);
  trial.must(world.run_until([&] { return world.applied(world.leader()) >= last; }, 5s), "the others go on");
  quiet_again(trial, world);
}

void follower_comes_back(Trial& trial) {
  RaftWorld& world = begin_quiet(trial, quiet(3));
  const int leader = world.leader(), away = follower(world, leader);
  const int64_t term = world.core(leader)->term();
  trial.chance(0.5) ? world.kill(away) : world.cut_power(away);
  world.run_for(4s);
  trial.must(world.core(leader)->is_leader() && world.core(leader)->term() == term, "the leader has a majority, and leads");
  if (trial.chance(0.5)) (void)write(trial, world, leader, 3);
  (void)world.start_machine(away);
  world.run_for(5s);
  trial.must(world.core(leader)->is_leader() && world.core(leader)->term() == term, "who comes back disturbs nobody");
  quiet_again(trial, world);
}

void leader_starts_anew(Trial& trial) {
  RaftWorld& world = begin_quiet(trial, quiet(3));
  const int old = world.leader();
  const int64_t term = world.core(old)->term();
  trial.chance(0.5) ? world.kill(old) : world.cut_power(old);
  trial.must(world.start_machine(old), "it starts at once");
  const auto led = [&] { return world.leader() >= 0 && world.core(world.leader())->term() > term; };
  trial.must(world.run_until(led, world.options.node_lost_after + 4 * timeout(world) + 2500ms), "nobody follows for ever who leads no more");
  quiet_again(trial, world);
}

void one_that_does_not_know(Trial& trial) {
  RaftWorld& world = trial.prepare(quiet(3));
  const int java = static_cast<int>(trial.random.uniform(3));
  world.meddle = [&](const RaftWorld::Passing& passing) {
    // One node neither asks for quiet nor agrees to it.
    if (const auto* asked = as<jraft::AppendEntriesRequest>(passing); asked != nullptr && asked->quiet && passing.from == java) {
      auto plain = *asked;
      plain.quiet.reset();
      world.replica(passing.to)->take_request(passing.connection, passing.from, passing.call, plain);
      return false;
    }
    if (const auto* answer = as<jraft::AppendEntriesResponse>(passing); answer != nullptr && answer->quiet && passing.from == java) {
      auto plain = *answer;
      plain.quiet.reset();
      world.replica(passing.to)->take_answer(passing.call, plain);
      return false;
    }
    return true;
  };
  world.start();
  const int leader = world.wait_for_leader();
  const int64_t term = world.core(leader)->term();
  for (int i = 0; i < 40; ++i) {
    world.run_for(500ms);
    trial.must(!world.core(leader)->is_quiet(), "with one that does not know it, a group is never quiet");
    trial.must(world.core(leader)->is_leader() && world.core(leader)->term() == term, "nobody is elected");
  }
  trial.reach("one node knows no quiet");
  world.meddle = nullptr;
  world.settle();
}

void nobody_tells(Trial& trial) {
  RaftOptions options = quiet(3);
  options.core.longest_quiet = 10s;
  options.node_lost_after = 1h;
  options.core.quiet_after = 1s;
  RaftWorld& world = begin_quiet(trial, options);
  const int old = world.leader();
  world.stop(old, 0);  // its node lives on, and its connections
  const auto another = [&] { return world.leader() >= 0 && world.leader() != old; };
  trial.must(world.run_until(another, 2 * options.core.longest_quiet + 4 * timeout(world)), "a quiet member looks after itself in the end");
  world.kill(old);
  world.settle();
}

}  // namespace

std::vector<Scenario> quiet_scenarios() {
  return {
      {75,
       "idle_group_falls_quiet_and_wakes",
       "no message for as long as nothing happens; writes and reads wake it",
       falls_quiet_and_wakes,
       {"quiet"}},
      {76,
       "quiet_group_loses_its_leader",
       "who counts on a node that is lost wakes and elects",
       leader_is_lost,
       {"quiet", "quiet node told that another one is lost"}},
      {77, "quiet_follower_comes_back", "a follower that starts anew disturbs no quiet group", follower_comes_back, {"quiet"}},
      {81, "quiet_leader_starts_anew", "a leader that starts anew at once leaves no group without one", leader_starts_anew, {"quiet"}},
      {82, "one_that_does_not_know_quiet", "a group with a Java node is never quiet", one_that_does_not_know, {"one node knows no quiet"}},
      {83, "nobody_tells_of_a_lost_leader", "a quiet member looks after itself in the end", nobody_tells, {"quiet"}},
  };
}

}  // namespace sofa::raft_sim
