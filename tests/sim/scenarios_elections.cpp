// Scenarios 1 to 19: elections.
#include <set>

#include "scenario.h"

namespace sofa::raft_sim {

namespace {

/// The moment at which a candidate has written its vote, and nobody knows of it yet.
bool vote_is_written(const RaftWorld& world, int machine) {
  const Core* const core = world.core(machine);
  return core != nullptr && core->role() == raft::Role::candidate && world.replica(machine)->durable().term < core->term() &&
         const_cast<RaftWorld&>(world).machine(machine).log->is_writing();
}

int candidate_with_written_vote(const RaftWorld& world) {
  for (const int i : world.machines()) {
    if (vote_is_written(world, i)) return i;
  }
  return -1;
}

jraft::RequestVoteRequest vote_request(const RaftWorld& world, int from, int to, int64_t term) {
  return {.group_id = world.group_name(0),
          .server_id = world.peer_of(from).to_string(),
          .peer_id = world.peer_of(to).to_string(),
          .term = term,
          .last_log_term = term - 1,
          .last_log_index = 1'000'000};
}

/// Nobody leads but `leader`, and the terms stay, for so long.
void must_stay_led(Trial& trial, RaftWorld& world, int leader, Duration length) {
  const int64_t term = world.core(leader)->term();
  const bool disturbed =
      world.run_until([&] { return world.leader() != leader || world.core(leader)->term() != term || !world.core(leader)->is_leader(); }, length);
  trial.must(!disturbed, "{} leads undisturbed in the term {}", leader, term);
}

/// A term passes: leadership goes to another one, not to `avoided`.
int pass_leadership(Trial& trial, RaftWorld& world, int avoided = -1) {
  const int from = world.wait_for_leader();
  int to = others(world, from)[0];
  if (to == avoided) to = others(world, from)[1];
  const auto can = [&] { return world.transfer(world.leader(), 0, to).ok(); };
  trial.must(world.run_until([&] { return world.leader() >= 0 && can(); }, 10s), "a leader hands over");
  trial.must(world.run_until([&] { return world.leader() >= 0 && world.leader() != from; }, 10s), "somebody takes over from {}", from);
  return world.leader();
}

void leader_crashes_idle(Trial& trial) {
  RaftWorld& world = trial.begin_led(idle(trial.chance(0.5) ? 3 : 5));
  world.run_for(Duration(trial.random.uniform(0, 1'000'000'000)));
  const int old = world.leader();
  trial.chance(0.5) ? world.kill(old) : world.cut_power(old);
  const bool led = world.run_until([&] { return world.leader() >= 0; }, 3 * timeout(world) * 105 / 100 + 100ms);
  trial.must(led, "there is a new leader within three election timeouts");
  trial.must(world.leader() != old, "another one leads");
  world.settle();
}

void uncommitted_tail_of_a_leader(Trial& trial) {
  RaftWorld& world = trial.begin_led(idle(3));
  const int old = world.leader();
  const int64_t term = world.core(old)->term(), before = world.core(old)->log().last();
  world.network.isolate(old, world.machines());
  const int64_t last = write(trial, world, old, static_cast<int>(trial.random.uniform(1, 5)));
  world.run_for(300ms);
  world.cut_power(old);
  world.network.heal();
  trial.must(world.run_until([&] { return world.leader() >= 0; }, 10s), "the others go on");
  write_and_wait(trial, world, 3);
  trial.must(world.start_machine(old), "it starts again");
  trial.must(world.core(old)->log().last() == last && world.core(old)->log().term_of(last) == term, "its tail is still there");
  world.settle();
  trial.must(world.core(old)->log().term_of(before + 1) != term, "the whole tail is gone");
}

void all_start_at_once(Trial& trial) {
  RaftOptions options = idle(trial.chance(0.5) ? 3 : 5);
  options.drift = 0;
  options.core.max_election_delay = std::chrono::milliseconds(trial.random.uniform(20, 100));
  RaftWorld& world = trial.begin(options);
  trial.must(world.run_until([&] { return world.leader() >= 0; }, 10 * (timeout(world) + options.core.max_election_delay)),
             "there is a leader within ten rounds");
  trial.reach("vote requested");
  world.settle();
}

void candidate_crashes_with_its_vote_saved(Trial& trial) {
  RaftOptions options = idle(3);
  options.disk.mean_sync = 20ms;
  RaftWorld& world = trial.begin(options);
  trial.must(world.run_until([&] { return candidate_with_written_vote(world) >= 0; }, 30s), "somebody writes its vote");
  const int i = candidate_with_written_vote(world), other = others(world, i)[0];
  const int64_t term = world.core(i)->term();
  world.network.isolate(i, world.machines());
  world.kill(i);
  trial.must(world.start_machine(i), "it starts again");
  trial.must(world.core(i)->term() == term && world.core(i)->voted_for() == world.peer_of(i), "its vote of the term {} is kept", term);
  std::optional<bool> granted;
  world.network.heal();
  uint64_t asked = 0;
  world.meddle = [&](const RaftWorld::Passing& passing) {
    if (const auto* answer = as<jraft::RequestVoteResponse>(passing); passing.call == asked && answer != nullptr) granted = answer->granted;
    return true;
  };
  asked = world.deliver_request(other, i, vote_request(world, other, i, term));
  trial.must(world.run_until([&] { return granted.has_value(); }, 5s), "it answers who asks for its vote");
  trial.must(!*granted, "it does not vote for another one in the term {}", term);
  trial.reach("crash with the vote written");
  world.meddle = nullptr;
  world.settle();
}

/// Whatever rests on a term or a vote has left a node whose disk has them.
void watch_votes(Trial& trial, RaftWorld& world, uint64_t& seen) {
  world.meddle = [&](const RaftWorld::Passing& passing) {
    if (const auto* vote = as<jraft::RequestVoteRequest>(passing); vote != nullptr && !vote->pre_vote && world.is_up(passing.from)) {
      ++seen;
      const Durable& durable = world.replica(passing.from)->durable();
      trial.must(durable.term >= vote->term, "{} asks for votes in the term {}, and has saved the term {}", passing.from, vote->term, durable.term);
    }
    if (const auto* vote = as<jraft::RequestVoteResponse>(passing); vote != nullptr && world.is_up(passing.from)) {
      const Durable& durable = world.replica(passing.from)->durable();
      trial.must(durable.term >= vote->term, "{} answers in the term {}, and has saved the term {}", passing.from, vote->term, durable.term);
    }
    return true;
  };
}

void votes_leave_when_they_are_saved(Trial& trial) {
  RaftOptions options = idle(3);
  options.disk.mean_sync = 150ms;
  RaftWorld& world = trial.prepare(options);
  uint64_t seen = 0;
  watch_votes(trial, world, seen);
  world.start();
  for (int round = 0; round < 4; ++round) {
    if (world.run_until([&] { return candidate_with_written_vote(world) >= 0; }, 4s) && trial.chance(0.5)) {
      const int i = candidate_with_written_vote(world);
      world.cut_power(i);
      (void)world.start_machine(i);
      continue;
    }
    const int leader = world.wait_for_leader();
    world.kill(leader);
    world.run_for(1500ms);
    (void)world.start_machine(leader);
  }
  if (seen > 0) trial.reach("votes are asked for");
  world.meddle = nullptr;
  world.settle();
}

void vote_cannot_be_saved(Trial& trial) {
  RaftWorld& world = trial.begin_led(idle(3));
  const int leader = world.leader(), bad = follower(world, leader);
  world.disk(bad).shape.sync_error = 1;
  world.meddle = [&](const RaftWorld::Passing& passing) {
    const auto* vote = as<jraft::RequestVoteResponse>(passing);
    trial.must(passing.from != bad || vote == nullptr || !vote->granted || vote->term == world.core(bad)->term(), "nothing new is granted");
    return true;
  };
  const int64_t term = world.core(leader)->term();
  world.kill(leader);
  trial.must(world.run_until([&] { return world.replica(bad)->has_failed(); }, 30s), "a node that cannot save its vote fails");
  trial.must(world.replica(bad)->durable().term == term, "its vote was not saved");
  world.run_for(5s);
  trial.must(world.leader() < 0, "nobody leads by a vote that was not saved");
  world.meddle = nullptr;
  world.settle();
}

void isolated_node_rejoins(Trial& trial) {
  RaftWorld& world = trial.begin_led(idle(3));
  const int leader = world.leader(), away = follower(world, leader);
  const int64_t term = world.core(leader)->term();
  world.network.isolate(away, world.machines());
  must_stay_led(trial, world, leader, 6s);
  trial.must(world.core(away)->term() == term && world.core(away)->leader().is_nobody(), "it has looked for a leader, and has stayed in its term");
  world.network.heal();
  must_stay_led(trial, world, leader, 4s);
  trial.must(world.core(away)->leader() == world.peer_of(leader), "it follows again");
  world.settle();
}

void old_peer_without_pre_vote_rejoins(Trial& trial) {
  RaftWorld& world = trial.begin(idle(3));
  const int old = static_cast<int>(trial.random.uniform(3));
  world.kill(old);
  int leader = world.wait_for_leader();
  world.run_for(1s);
  leader = world.leader();
  const int64_t term = world.core(leader)->term() + static_cast<int64_t>(trial.random.uniform(2, 9));
  // Its process is scripted: it has counted its term up alone, asks for votes with a log that is too short, and then says nothing any more.
  world.network.set_up(old);
  for (const int i : others(world, old)) {
    auto request = vote_request(world, old, i, term);
    request.last_log_index = 0;
    request.last_log_term = 0;
    (void)world.deliver_request(old, i, request);
  }
  const uint64_t before = world.marks.times("leader started");
  world.run_for(10s);
  trial.must(world.leader() >= 0 && world.core(world.leader())->term() > term, "there is a leader in a higher term than the old peer's");
  trial.must(world.marks.times("leader started") - before <= 2, "there was one election, or two at most");
  must_stay_led(trial, world, world.leader(), 4s);
  trial.reach("higher term came from outside");
  world.settle();
}

void longer_log_of_an_older_term(Trial& trial) {
  RaftWorld& world = trial.prepare(idle(3));
  const auto extra = static_cast<size_t>(trial.random.uniform(3, 10));
  std::vector<int64_t> longer{1, 1}, shorter{1, 1, 3};
  longer.insert(longer.end(), extra, 2);
  seed_log(world, 0, longer, 3);
  seed_log(world, 1, shorter);
  world.network.set_up(world.clients_machine());
  (void)world.start_machine(0);
  (void)world.start_machine(1);
  trial.must(world.run_until([&] { return world.leader() >= 0; }, 30s), "one of the two leads");
  trial.must(world.leader() == 1, "the newer term wins, not the longer log");
  world.start();
  world.settle();
  trial.must(world.core(0)->log().term_of(3) == 3, "the longer tail is gone");
}

void leader_hears_nobody(Trial& trial) {
  RaftWorld& world = trial.begin_led(idle(trial.chance(0.5) ? 3 : 5));
  const int leader = world.leader();
  world.run_for(Duration(trial.random.uniform(0, 1'000'000'000)));
  world.network.one_way(leader, world.machines(), false);
  const bool down = world.run_until([&] { return !world.core(leader)->is_leader(); }, timeout(world) * 150 / 100 * 105 / 100 + 50ms);
  trial.must(down, "a leader that hears nobody steps down within one and a half election timeouts");
  world.network.heal();
  world.settle();
}

void leader_is_heard_by_nobody(Trial& trial) {
  RaftWorld& world = trial.begin_led(idle(3));
  const int old = world.leader();
  world.network.one_way(old, world.machines(), true);
  const auto another = [&] { return world.leader() >= 0 && world.leader() != old; };
  trial.must(world.run_until(another, 8 * timeout(world)), "the others find a new leader");
  trial.must(world.run_until([&] { return !world.core(old)->is_leader() && world.core(old)->term() >= world.core(world.leader())->term(); }, 2s),
             "the old one hears of the higher term and leads no more");
  world.network.heal();
  world.settle();
}

void bridge(Trial& trial) {
  RaftWorld& world = trial.begin_led(busy(3));
  world.network.bridge(world.machines());
  const uint64_t before = world.marks.times("leader started");
  const uint64_t written = world.truth().data_applied();
  world.run_for(20s);
  trial.must(world.marks.times("leader started") - before <= 2, "leaders change less than three times");
  trial.must(world.truth().data_applied() > written + 20, "writes go on over the bridge");
  world.settle();
}

void ring(Trial& trial) {
  RaftWorld& world = trial.begin_led(busy(5));
  world.network.ring(world.machines());
  const uint64_t written = world.truth().data_applied();
  const bool goes_on = world.run_until([&] { return world.truth().data_applied() > written + 100; }, 30s);
  trial.must(goes_on, "where each node sees a majority, and no two the same, writes go on");
  world.settle();
}

void priorities(Trial& trial) {
  RaftOptions options = idle(5);
  options.priorities = {100, 50, 0, 0, 0};
  RaftWorld& world = trial.begin_led(options);
  trial.must(world.leader() == 0, "the highest priority leads");
  world.kill(0);
  trial.must(world.run_until([&] { return world.leader() == 1; }, 24s), "what is waited for falls, and the next one leads");
  world.kill(1);
  world.run_for(15s);
  trial.must(world.leader() < 0, "who has the priority 0 never leads");
  trial.reach("nobody may lead");
  (void)world.start_machine(static_cast<int>(trial.random.uniform(2)));
  trial.must(world.run_until([&] { return world.leader() == 0 || world.leader() == 1; }, 30s), "who may lead comes back, and does");
  world.settle();
}

void priority_node_lags(Trial& trial) {
  RaftOptions options = idle(3);
  options.priorities = {100, 50, 50};
  RaftWorld& world = trial.begin_led(options);
  trial.must(world.leader() == 0, "the highest priority leads");
  world.kill(0);
  trial.must(world.run_until([&] { return world.leader() > 0; }, 30s), "another one leads");
  write_and_wait(trial, world, 20);
  const int second = world.leader(), third = 3 - second;
  world.network.isolate(second, world.machines());  // it cannot tell the first one what it has missed
  (void)world.start_machine(0);
  trial.must(world.core(0)->log().last() < world.core(third)->log().last(), "it lags");
  trial.must(world.run_until([&] { return world.core(third)->is_leader(); }, 40s), "who has the longer log leads, whatever its priority");
  world.network.heal();
  trial.must(world.run_until([&] { return all_have(world, world.core(third)->log().last()); }, 20s), "all catch up");
  trial.must(world.run_until([&] { return world.transfer(world.leader(), 0, 0).ok(); }, 10s), "the leader hands over");
  trial.must(world.run_until([&] { return world.leader() == 0; }, 10s), "a transfer brings the first one back");
  world.settle();
}

void removed_node_campaigns(Trial& trial) {
  RaftWorld& world = trial.begin_led(idle(3));
  const int leader = world.leader(), removed = follower(world, leader);
  world.network.isolate(removed, world.machines());  // so that it does not learn it
  std::vector<int> rest = others(world, removed);
  std::optional<bool> done;
  trial.must(world.change_members(leader, 0, world.members(rest), [&](const jraft::Status& status) { done = status.ok(); }).ok(), "it is removed");
  trial.must(world.run_until([&] { return done.has_value(); }, 10s) && *done, "the change of members ends");
  world.network.heal();
  uint64_t asked = 0;
  world.meddle = [&](const RaftWorld::Passing& passing) {
    const auto* vote = as<jraft::RequestVoteRequest>(passing);
    if (passing.from == removed && vote != nullptr) ++asked;
    return true;
  };
  must_stay_led(trial, world, leader, 10s);
  trial.must(asked > 0, "it asks for votes");
  world.meddle = nullptr;
  world.settle();
}

void pre_vote_is_answered_by_a_higher_term(Trial& trial) {
  RaftWorld& world = trial.begin_led(idle(3));
  const int away = follower(world, world.leader());
  const int64_t old_term = world.core(away)->term();
  world.network.isolate(away, world.machines());
  for (int i = 0; i < 3; ++i) (void)pass_leadership(trial, world, away);
  world.run_for(500ms);
  const int leader = world.leader();
  const int64_t term = world.core(leader)->term();
  world.meddle = [&](const RaftWorld::Passing& passing) { return passing.to != away || as<jraft::AppendEntriesRequest>(passing) == nullptr; };
  world.network.heal();
  trial.must(world.core(away)->term() == old_term, "it has stayed in its term");
  trial.must(world.run_until([&] { return world.core(away)->term() >= term; }, 10s), "it learns of the higher term from answers");
  must_stay_led(trial, world, leader, 5s);
  world.meddle = nullptr;
  world.settle();
}

void timeout_now_comes_again(Trial& trial) {
  RaftWorld& world = trial.begin_led(idle(3));
  std::optional<jraft::TimeoutNowRequest> told;
  int target = -1;
  world.meddle = [&](const RaftWorld::Passing& passing) {
    const auto* one = as<jraft::TimeoutNowRequest>(passing);
    if (one == nullptr) return true;
    told = *one;
    target = passing.to;
    (void)world.deliver_request(passing.from, passing.to, *one);  // twice
    return true;
  };
  const int leader = pass_leadership(trial, world);
  trial.must(told.has_value() && leader == target, "it was told to campaign, and leads");
  world.run_for(1s);
  const int64_t term = world.core(leader)->term();
  trial.must(term == told->term + 1, "there was one election");
  for (const int i : world.machines()) (void)world.deliver_request(others(world, i)[0], i, *told);  // in a later term
  must_stay_led(trial, world, leader, 3s);
  world.meddle = nullptr;
  world.settle();
}

void wall_clocks_jump(Trial& trial) {
  RaftWorld& world = trial.begin_led(busy(3));
  const int leader = world.leader();
  for (const int i : world.machines()) {
    world.machine(i).clock.jump_wall(trial.chance(0.5) ? 1h : -1h);
    must_stay_led(trial, world, leader, 2s);
  }
  trial.reach("wall clocks have jumped");
  world.settle();
}

}  // namespace

std::vector<Scenario> election_scenarios() {
  return {
      {1, "leader_crashes_idle", "a new leader within three election timeouts", leader_crashes_idle},
      {2, "uncommitted_tail_of_a_leader", "entries that only a crashed leader has are gone as a whole", uncommitted_tail_of_a_leader, {"suffix cut"}},
      {3, "all_start_at_once", "nodes with nearly equal timeouts elect somebody within ten rounds", all_start_at_once},
      {4,
       "candidate_crashes_with_its_vote_saved",
       "a vote that was saved and not sent is not given again",
       candidate_crashes_with_its_vote_saved,
       {"crash with the vote written"}},
      {5,
       "votes_leave_when_they_are_saved",
       "nothing that rests on a term or a vote leaves before the disk has it",
       votes_leave_when_they_are_saved,
       {"started again", "votes are asked for"}},
      {6, "vote_cannot_be_saved", "a node whose vote cannot be saved grants nothing and fails", vote_cannot_be_saved, {"node in ERROR"}},
      {7, "isolated_node_with_pre_vote_rejoins", "who was away comes back without an election", isolated_node_rejoins},
      {8,
       "old_peer_without_pre_vote_rejoins",
       "a higher term from outside costs one step-down",
       old_peer_without_pre_vote_rejoins,
       {"higher term came from outside"}},
      {9, "longer_log_of_an_older_term_loses", "the newer last term wins, not the longer log", longer_log_of_an_older_term, {"suffix cut"}},
      {10, "leader_hears_nobody", "a leader that may only send steps down", leader_hears_nobody},
      {11, "leader_is_heard_by_nobody", "a leader that may only receive is replaced and learns it", leader_is_heard_by_nobody},
      {12, "bridge_partition", "two nodes that see a third one only do not take turns as leaders", bridge},
      {13, "majorities_ring", "five nodes that each see another majority go on", ring},
      {14, "priorities_decay", "the highest priority alive leads, 0 never", priorities, {"nobody may lead"}},
      {15, "priority_node_lags", "a priority wins no election against a longer log", priority_node_lags},
      {16, "removed_node_campaigns", "who was removed without learning it disturbs nobody", removed_node_campaigns},
      {17, "pre_vote_is_answered_by_a_higher_term", "the term is adopted, and nobody is elected for it", pre_vote_is_answered_by_a_higher_term},
      {18, "timeout_now_comes_again", "a repeated or late TimeoutNow is passed over", timeout_now_comes_again},
      {19, "wall_clocks_jump", "elections do not look at the wall clock", wall_clocks_jump, {"wall clocks have jumped"}},
  };
}

}  // namespace sofa::raft_sim
