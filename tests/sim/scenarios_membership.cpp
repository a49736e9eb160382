// Scenarios 61 to 69: members, and handing leadership over.
#include "scenario.h"

namespace sofa::raft_sim {

namespace {

using jraft::RaftError;
using jraft::Status;
using Ended = std::shared_ptr<std::optional<Status>>;

/// Begins a change of members; its end comes later.
Ended change(Trial& trial, RaftWorld& world, int leader, const jraft::Configuration& next) {
  auto ended = std::make_shared<std::optional<Status>>();
  const Status status = world.change_members(leader, 0, next, [ended](const Status& end) { *ended = end; });
  trial.must(status.ok(), "a change of members begins: {}", status.to_string());
  return ended;
}

/// Asks again until the members are these.
void change_until(Trial& trial, RaftWorld& world, const jraft::Configuration& next, Duration most) {
  const auto done = [&] {
    const int leader = world.leader();
    if (leader < 0 || world.core(leader) == nullptr) return false;
    const auto& members = world.core(leader)->members();
    if (members.current == next && !members.is_joint()) return world.core(leader)->commit_index() >= world.core(leader)->log().last();
    (void)world.change_members(leader, 0, next);
    return false;
  };
  const Instant end = world.world.now() + most;
  while (world.world.now() < end && !done()) world.run_for(50ms);
  trial.must(done(), "the members become {}", next.to_string());
}

void new_voter_never_answers(Trial& trial) {
  RaftOptions options = idle(4);
  options.voters = {0, 1, 2};
  RaftWorld& world = trial.begin_led(options);
  const int leader = world.leader();
  world.kill(3);
  if (trial.chance(0.5)) {
    write_and_wait(trial, world, 30);
    (void)world.start_machine(3);
    world.network.isolate(3, world.machines());
  }
  const auto before = world.core(leader)->members();
  const Ended ended = change(trial, world, leader, world.members({0, 1, 2, 3}));
  trial.must(world.run_until([&] { return ended->has_value(); }, 4 * timeout(world)), "the change ends in bounded time");
  trial.must((*ended)->code == RaftError::ecatchup, "it could not catch up: {}", (*ended)->to_string());
  trial.must(world.core(leader)->members() == before && world.leader() == leader, "the members are as before");
  trial.reach("a new voter did not answer");
  write_and_wait(trial, world, 3);
  world.settle();
}

void leader_crashes_inside_of_a_change(Trial& trial) {
  RaftOptions options = idle(5);
  options.voters = {0, 1, 2};
  RaftWorld& world = trial.begin_led(options);
  const int leader = world.leader(), goes = follower(world, leader);
  std::vector<int> next{3, 4};
  for (const int i : {0, 1, 2}) {
    if (i != goes) next.push_back(i);
  }
  // The followers do not learn that the joint entry is committed.
  (void)change(trial, world, leader, world.members(next));
  const auto joint = [&] { return world.core(leader)->members().is_joint(); };
  trial.must(world.run_until(joint, 10s), "the joint entry is appended");
  const int64_t index = world.core(leader)->log().members_from(world.core(leader)->log().last());
  const bool committed = trial.chance(0.7);
  if (committed) {
    trial.must(world.run_until([&] { return world.core(leader)->commit_index() >= index; }, 5s), "the joint entry is committed");
    trial.reach("leader crashed behind a committed joint entry");
  }
  world.cut_power(leader);
  const auto over = [&] {
    const int now = world.leader();
    return now >= 0 && now != leader && !world.core(now)->members().is_joint() && world.core(now)->commit_index() == world.core(now)->log().last();
  };
  trial.must(world.run_until(over, 30s), "the next leader ends the change");
  const auto& members = world.core(world.leader())->members().current;
  if (committed) trial.must(members.has_peer(world.peer(3)) && members.has_peer(world.peer(4)), "it has taken place: {}", members.to_string());
  world.settle();
}

void leader_is_removed(Trial& trial) {
  RaftWorld& world = trial.begin_led(busy(4));
  const int leader = world.leader();
  const Ended ended = change(trial, world, leader, world.members(others(world, leader)));
  trial.must(world.run_until([&] { return ended->has_value(); }, 10s) && (*ended)->ok(), "the leader tells the end of its own removal");
  trial.must(world.run_until([&] { return !world.core(leader)->is_leader(); }, 1s), "it steps down");
  trial.must(world.run_until([&] { return world.leader() >= 0 && world.leader() != leader; }, 10s), "one of the others leads");
  trial.must(!world.core(world.leader())->members().current.has_peer(world.peer(leader)), "the removed one is no member");
  world.run_for(3s);
  trial.must(!world.core(leader)->is_leader(), "it leads no more");
  world.settle();
}

void disjoint_replacement(Trial& trial) {
  RaftOptions options = busy(6);
  options.voters = {0, 1, 2};
  options.load.mean_pause = 20ms;
  if (trial.chance(0.5)) options.snapshot_every = 50;
  RaftWorld& world = trial.begin_led(options);
  world.run_for(2s);
  const uint64_t before = world.truth().data_applied();
  change_until(trial, world, world.members({3, 4, 5}), 20s);
  trial.must(world.run_until([&] { return world.leader() >= 3; }, 10s), "one of the new ones leads");
  for (const int i : {0, 1, 2}) world.kill(i);
  trial.must(world.run_until([&] { return world.truth().data_applied() > before + 50; }, 20s), "writes go on without the old ones");
  world.settle();
}

void shrink_and_grow(Trial& trial) {
  RaftWorld& world = trial.begin_led(busy(5));
  world.restart_after = 500ms;
  for (int round = 0; round < 2; ++round) {
    for (const int size : {4, 3, 2, 1, 2, 3, 4, 5}) {
      std::vector<int> now = world.machines();
      const int keep = world.wait_for_leader();
      std::erase(now, keep);
      now.resize(static_cast<size_t>(size) - 1);
      now.push_back(keep);
      if (trial.chance(0.3)) world.cut_power(static_cast<int>(trial.random.uniform(5)));
      change_until(trial, world, world.members(now), 40s);
      if (size == 1) trial.reach("a group of one");
      if (trial.chance(0.3)) world.kill(static_cast<int>(trial.random.uniform(5)));
    }
  }
  world.settle();
}

void second_change(Trial& trial) {
  RaftOptions options = idle(5);
  options.voters = {0, 1, 2};
  RaftWorld& world = trial.begin_led(options);
  const int leader = world.leader();
  write_and_wait(trial, world, 40);
  const Ended first = change(trial, world, leader, world.members({0, 1, 2, 3}));
  do {
    const Status second = world.change_members(leader, 0, world.members({0, 1, 2, 4}));
    if (first->has_value()) break;
    trial.must(second.code == RaftError::ebusy, "a second change is refused: {}", second.to_string());
    trial.must(world.transfer(leader, 0, -1).code == RaftError::ebusy, "so is a transfer");
    trial.reach("a second change was refused");
    world.run_for(200us);
  } while (!first->has_value());
  trial.must((*first)->ok(), "the first one ends");
  const auto invalid = world.change_members(leader, 0, jraft::Configuration());
  trial.must(invalid.code == RaftError::einval || invalid.code == RaftError::ebusy, "nobody is no group");
  world.settle();
}

void learner_is_promoted(Trial& trial) {
  RaftOptions options = busy(4);
  options.voters = {0, 1, 2};
  options.learners = {3};
  RaftWorld& world = trial.begin_led(options);
  int leader = world.leader();
  world.network.isolate(3, world.machines());
  world.run_for(3s);
  const int64_t lag = world.core(leader)->log().last() - world.core(3)->log().last();
  trial.must(lag > options.core.catchup_margin, "the learner lags");
  trial.reach("a lagging learner is promoted");
  const int demoted = follower(world, leader);
  std::vector<int> next = others(world, demoted);
  (void)world.change_members(leader, 0, world.members(next, {demoted}));
  world.run_for(300ms);
  world.network.heal();
  change_until(trial, world, world.members(next, {demoted}), 20s);
  leader = world.wait_for_leader();
  trial.must(!world.core(demoted)->is_leader(), "who learns only does not lead");
  world.kill(leader);
  trial.must(world.run_until([&] { return world.leader() >= 0 && world.leader() != demoted; }, 10s), "a voter leads");
  (void)world.start_machine(leader);
  world.settle();
  trial.must(!world.core(demoted)->is_leader(), "who learns only does not lead");
}

void members_entry_is_cut(Trial& trial) {
  RaftOptions options = idle(5);
  options.voters = {0, 1, 2};
  RaftWorld& world = trial.begin_led(options);
  const int old = world.leader();
  const auto before = world.core(old)->members();
  // It takes entries that nobody else gets, the last one with members.
  world.network.isolate(old, {0, 1, 2});
  (void)write(trial, world, old, 2);
  const auto next = trial.chance(0.5) ? world.members({0, 1, 2, 3}) : world.members({0, 1, 2}, {4});
  (void)world.change_members(old, 0, next);
  (void)world.run_until([&] { return world.core(old)->members() != before; }, 1s);
  trial.must(world.core(old)->members() != before, "it goes by members that are not committed");
  world.run_for(100ms);
  world.cut_power(old);
  for (const int i : {3, 4}) world.kill(i);  // they may have been told
  world.network.heal();
  world.run_for(100ms);
  trial.must(world.run_until([&] { return world.leader() >= 0; }, 10s), "the others go on");
  write_and_wait(trial, world, 3);
  (void)world.start_machine(old);
  trial.must(world.core(old)->members() != before, "it still goes by them after a restart");
  trial.must(world.run_until([&] { return world.core(old)->members() == before; }, 10s), "when its tail is cut, the old members are back");
  world.settle();
}

void transfers_to_nobody(Trial& trial) {
  RaftOptions options = idle(5);
  options.voters = {0, 1, 2, 3};
  RaftWorld& world = trial.begin_led(options);
  const int leader = world.leader(), gone = follower(world, leader);
  int lagging = 0;
  while (lagging == leader || lagging == gone) ++lagging;
  trial.must(world.transfer(leader, 0, 4).code == RaftError::einval, "who is no member takes nothing over");
  const Ended ended = change(trial, world, leader, world.members({leader, lagging, 6 - leader - lagging - gone}));
  trial.must(world.run_until([&] { return ended->has_value(); }, 5s) && (*ended)->ok(), "a member is removed");
  trial.must(world.transfer(leader, 0, gone).code == RaftError::einval, "nor does who was removed");
  trial.must(world.transfer(leader, 0, leader).ok() && world.core(leader)->role() == raft::Role::leader, "to itself is nothing to do");
  if (trial.chance(0.5)) {
    world.kill(lagging);
  } else {
    world.network.isolate(lagging, world.machines());
    (void)write(trial, world, leader, 10);
  }
  const int64_t term = world.core(leader)->term();
  const Instant begun = world.world.now();
  trial.must(world.transfer(leader, 0, lagging).ok(), "a transfer to a dead one begins");
  const auto busy = world.propose(leader, 0, Bytes());
  trial.must(busy.code == RaftError::ebusy, "meanwhile it takes nothing: {}", busy.to_string());
  trial.must(world.transfer(leader, 0, lagging).code == RaftError::ebusy, "nor a second transfer");
  trial.must(world.run_until([&] { return world.core(leader)->role() == raft::Role::leader; }, 2 * timeout(world)), "it leads again");
  trial.must(world.world.now() - begun <= timeout(world) * 106 / 100 + 10ms, "after one election timeout");
  trial.must(world.core(leader)->term() == term, "in the same term");
  trial.reach("a transfer has come to nothing");
  (void)write(trial, world, leader, 2);
  world.network.heal();
  world.settle();
}

}  // namespace

std::vector<Scenario> membership_scenarios() {
  return {
      {61,
       "new_voter_never_answers",
       "ECATCHUP in bounded time, and nothing has changed",
       new_voter_never_answers,
       {"a new voter did not answer", "change of members failed"}},
      {62,
       "leader_crashes_inside_of_a_change",
       "the next leader ends the change",
       leader_crashes_inside_of_a_change,
       {"leader crashed behind a committed joint entry", "joint members committed"}},
      {63, "leader_is_removed", "it answers, steps down, and one of the others leads", leader_is_removed, {"members changed"}},
      {64, "disjoint_replacement", "three members become three others under load", disjoint_replacement, {"joint members committed"}},
      {65, "shrink_and_grow", "from five members to one and back, with crashes", shrink_and_grow, {"a group of one", "members changed"}},
      {66, "second_change", "one change at a time", second_change, {"a second change was refused"}},
      {67, "learner_is_promoted", "a lagging learner becomes a voter, a voter a learner", learner_is_promoted, {"a lagging learner is promoted"}},
      {68, "members_entry_is_cut", "members of an entry that is cut are forgotten", members_entry_is_cut, {"suffix cut"}},
      {69, "transfers_to_nobody", "a transfer to who cannot take over ends in time", transfers_to_nobody, {"a transfer has come to nothing"}},
  };
}

}  // namespace sofa::raft_sim
