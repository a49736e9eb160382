// Scenarios 53 to 60: snapshots.
#include <map>

#include "scenario.h"
#include "sofa/state/raft_core/buggify.h"
#include "sofa/state/raft_core/members.h"

namespace sofa::raft_sim {

namespace {

using jraft::InstallSnapshotRequest;

/// A follower that must have a snapshot: the leader's log begins behind what it has. It is still cut off.
int lagging_follower(Trial& trial, RaftWorld& world, int entries, size_t bytes = 100) {
  const int leader = world.leader(), away = follower(world, leader);
  world.network.isolate(away, world.machines());
  for (int i = 0; i < 2; ++i) {
    const int64_t last = write(trial, world, leader, entries, bytes);
    const auto applied = [&] { return world.applied(leader) >= last; };
    trial.must(world.run_until(applied, 20s), "the others go on");
    world.snapshot(leader);
    trial.must(world.run_until([&] { return world.core(leader)->log().snapshot().index >= last; }, 5s), "the leader saves a snapshot");
  }
  world.network.reset(world.network.connect(leader, away, RaftWorld::kRaft));  // nothing waits for it on its way
  world.run_for(300ms);
  trial.must(world.core(leader)->log().first() > world.core(away)->log().last() + 1, "what it lacks is no entry any more");
  return away;
}

/// The state is large, so that its files are many chunks.
void fill(Trial& trial, RaftWorld& world, int keys) {
  const int leader = world.leader();
  for (int i = 0; i < keys; ++i) {
    const Command command{.op = Op::put, .key = fmt::format("key {}", i), .value = std::string(200, 'v')};
    trial.must(world.propose(leader, 0, encode(command)).ok(), "the leader takes entries");
  }
  write_and_wait(trial, world, 1);
}

/// Only files that a record names are there.
void no_leftovers(Trial& trial, RaftWorld& world, int machine) {
  const auto names = world.disk(machine).files().list("/g0").value();
  const auto& files = world.replica(machine)->kept().snapshot.files;
  for (const std::string& name : names) {
    trial.must(std::ranges::find(files, name, &raft::KeptFile::name) != files.end(), "{} keeps the file {} of a snapshot that is none", machine,
               name);
  }
}

void crash_at_every_step_of_an_install(Trial& trial) {
  RaftOptions options = idle(3);
  options.snapshot_chunk = 1024;
  RaftWorld& world = trial.begin_led(options);
  fill(trial, world, 20);
  const int away = lagging_follower(trial, world, 10);
  world.network.heal();
  for (int n = 0; n < 3; ++n) {
    (void)world.run_until([&] { return world.is_up(away) && world.replica(away)->is_fetching(); }, 2s);
    if (!world.replica(away)->is_fetching()) break;
    world.cut_power_in(away, 1 + trial.random.uniform(14));
    (void)world.run_until([&] { return !world.is_up(away) || !world.replica(away)->is_fetching(); }, 4s);
    if (!world.is_up(away)) trial.reach("power cut during an install");
    world.run_for(50ms);
    start_all(world);
    no_leftovers(trial, world, away);
  }
  start_all(world);
  world.run_for(500ms);
  world.settle();
  no_leftovers(trial, world, away);
}

void second_install(Trial& trial) {
  RaftOptions options = idle(3);
  options.snapshot_chunk = 64;
  RaftWorld& world = trial.begin_led(options);
  fill(trial, world, 20);
  const int leader = world.leader(), away = lagging_follower(trial, world, 10);
  std::optional<InstallSnapshotRequest> real;
  std::map<uint64_t, int> answers;
  std::map<uint64_t, jraft::Message> last;
  world.meddle = [&](const RaftWorld::Passing& passing) {
    if (const auto* request = as<InstallSnapshotRequest>(passing); request != nullptr && passing.to == away && !real) real = *request;
    if (passing.is_answer && passing.from == away) ++answers[passing.call], last.insert_or_assign(passing.call, passing.message);
    return true;
  };
  world.network.heal();
  trial.must(world.run_until([&] { return real.has_value() && world.replica(away)->is_fetching(); }, 10s), "a snapshot is offered");
  const auto offer = [&](int64_t by) {
    InstallSnapshotRequest again = *real;
    again.meta.last_included_index += by;
    return world.deliver_request(leader, away, again);
  };
  const auto code_of = [&](uint64_t call) {
    trial.must(world.run_until([&] { return answers[call] != 0; }, 20s), "it answers");
    const auto* error = std::get_if<jraft::ErrorResponse>(&last.at(call));
    return error == nullptr ? 0 : error->code;
  };
  trial.must(code_of(offer(-1)) == static_cast<int32_t>(jraft::RaftError::einval), "an older one is refused");
  const uint64_t same = offer(0), once_more = offer(0);
  trial.must(code_of(std::min(same, once_more)) != 0 || code_of(std::max(same, once_more)) != 0, "of two that are the same one is interrupted");
  const bool newer = world.replica(away)->is_fetching() && trial.chance(0.5);
  if (newer) {
    trial.must(code_of(offer(1)) == static_cast<int32_t>(jraft::RaftError::ebusy), "a newer one ends the older, and is to be offered again");
    trial.must(!world.replica(away)->is_fetching(), "nothing is fetched");
    trial.reach("a newer snapshot was offered");
  }
  trial.must(world.run_until([&] { return world.applied(away) >= world.core(leader)->commit_index(); }, 20s), "it gets its snapshot in the end");
  for (const auto& [call, times] : answers) trial.must(times <= 1, "each request has one answer");
  world.meddle = nullptr;
  world.settle();
}

void leader_changes_during_an_install(Trial& trial) {
  RaftOptions options = idle(3);
  options.snapshot_chunk = 64;
  options.network.mean_delay = 2ms;
  RaftWorld& world = trial.begin_led(options);
  fill(trial, world, 40);
  const int leader = world.leader(), away = lagging_follower(trial, world, 10);
  world.network.heal();
  trial.must(world.run_until([&] { return world.replica(away)->is_fetching(); }, 10s), "a snapshot is fetched");
  trial.reach("leader changed during an install");
  if (trial.chance(0.5)) {
    world.kill(leader);
    world.run_for(4s);
    (void)world.start_machine(leader);
  } else {
    (void)world.transfer(leader, 0, 3 - leader - away);
    world.run_for(3s);
  }
  write_and_wait(trial, world, 3);
  world.settle();
}

void corrupted_chunks(Trial& trial) {
  RaftOptions options = idle(3);
  options.snapshot_chunk = 512;
  options.snapshot_corrupted = 0.08;
  RaftWorld& world = trial.begin_led(options);
  fill(trial, world, 20);
  (void)lagging_follower(trial, world, 10);
  world.network.heal();
  world.run_for(2s);
  world.settle();
}

void throttled_install(Trial& trial) {
  RaftOptions options = busy(3);
  options.snapshot_chunk = 16;
  options.network.mean_delay = 5ms;
  RaftWorld& world = trial.begin_led(options);
  fill(trial, world, 20);
  const int leader = world.leader();
  const int64_t term = world.core(leader)->term();
  const int away = lagging_follower(trial, world, 10);
  world.network.heal();
  trial.must(world.run_until([&] { return world.replica(away)->is_fetching(); }, 10s), "a snapshot is fetched");
  const uint64_t before = world.truth().data_applied();
  (void)world.run_until([&] { return !world.replica(away)->is_fetching(); }, 10s);
  trial.must(world.core(leader)->term() == term && world.leader() == leader, "an endless fetch disturbs no leader");
  trial.must(world.truth().data_applied() > before, "writes go on meanwhile");
  world.settle();
}

void compacted_while_a_peer_is_fed(Trial& trial) {
  RaftOptions options = idle(3);
  options.core.max_entries = 1;
  options.core.max_inflight = 1;
  options.core.cache_bytes = 0;
  RaftWorld& world = trial.begin_led(options);
  const int leader = world.leader(), slow = follower(world, leader);
  raft::the_buggify = [](std::string_view point) { return point == "core: a snapshot compacts everything"; };
  world.disk(slow).shape.mean_sync = 100ms;
  const int64_t last = write(trial, world, leader, 60);
  trial.must(world.run_until([&] { return world.applied(leader) >= last; }, 10s), "the others have it");
  const int64_t has = world.core(slow)->log().last();
  trial.must(has < last, "the slow one is still fed");
  world.snapshot(leader);
  trial.must(world.run_until([&] { return world.core(leader)->log().first() > last; }, 5s), "the leader drops what it is fed");
  trial.reach("compacted while a peer was fed");
  trial.must(world.run_until([&] { return world.applied(slow) >= last; }, 20s), "it gets a snapshot, and no gap");
  world.settle();
}

void snapshot_inside_of_a_change(Trial& trial) {
  RaftOptions options = idle(4);
  options.voters = {0, 1, 2};
  RaftWorld& world = trial.begin_led(options);
  raft::the_buggify = [](std::string_view point) { return point == "core: a snapshot compacts everything"; };
  const int leader = world.leader(), away = follower(world, leader);
  world.network.isolate(away, world.machines());
  (void)write(trial, world, leader, 5);
  const auto next = world.members({leader, away, 3});
  trial.must(world.change_members(leader, 0, next).ok(), "a change of members begins");
  const auto within = [&] { return world.core(leader)->log().members_at(world.applied(leader))->is_joint(); };
  trial.must(world.run_until(within, 10s), "the joint members are applied, and the new ones not yet");
  world.snapshot(leader);
  const int64_t index = world.applied(leader);
  trial.must(world.run_until([&] { return world.core(leader)->log().snapshot().index == index; }, 5s), "the leader saves a snapshot");
  bool joint = false;
  world.meddle = [&](const RaftWorld::Passing& passing) {
    if (const auto* install = as<InstallSnapshotRequest>(passing)) joint = joint || !install->meta.old_peers.empty();
    const auto* append = as<jraft::AppendEntriesRequest>(passing);
    return append == nullptr || passing.to != away || append->entries.empty();  // nothing but the snapshot
  };
  world.network.heal();
  trial.must(world.run_until([&] { return world.core(away)->log().snapshot().index == index; }, 20s), "the one that was away gets it");
  trial.must(joint && world.core(away)->members().is_joint(), "it goes by the joint members");
  trial.reach("joint members from a snapshot");
  world.kill(away);
  trial.must(world.start_machine(away) && world.core(away)->members().is_joint(), "also after a restart");
  world.meddle = nullptr;
  world.settle();
}

void snapshot_cannot_be_saved(Trial& trial) {
  RaftWorld& world = trial.begin_led(idle(3));
  write_and_wait(trial, world, 10);
  const int one = static_cast<int>(trial.random.uniform(3));
  auto& shape = world.disk(one).shape;
  const bool full = trial.chance(0.5);
  full ? world.disk(one).fill_up() : void(shape.write_error = 1);
  world.snapshot(one);
  world.run_for(100ms);
  world.disk(one).free_space();
  shape.write_error = 0;
  trial.must(world.core(one)->log().snapshot().index == 0 && world.core(one)->is_active(), "it has no snapshot, and goes on");
  write_and_wait(trial, world, 2);
  world.snapshot(one);
  trial.must(world.run_until([&] { return world.core(one)->log().snapshot().index > 0; }, 5s), "the next one is saved");
  no_leftovers(trial, world, one);
  world.settle();
}

}  // namespace

std::vector<Scenario> snapshot_scenarios() {
  return {
      {53,
       "crash_at_every_step_of_an_install",
       "a follower that crashes inside of an install has the old or the new state",
       crash_at_every_step_of_an_install,
       {"power cut during an install", "snapshot installed"}},
      {54,
       "second_install",
       "older, same and newer offers during an install: one answer each",
       second_install,
       {"a newer snapshot was offered", "fetch cancelled", "snapshot installed"}},
      {55,
       "leader_changes_during_an_install",
       "the fetch ends, and nothing stale is loaded",
       leader_changes_during_an_install,
       {"leader changed during an install"}},
      {56,
       "corrupted_chunks",
       "a snapshot that was damaged on its way is not loaded",
       corrupted_chunks,
       {"snapshot corrupted on its way", "snapshot installed"}},
      {57, "throttled_install", "a fetch that hardly moves disturbs nobody", throttled_install, {"snapshot fetched"}},
      {58,
       "compacted_while_a_peer_is_fed",
       "a peer whose next entry is gone gets a snapshot",
       compacted_while_a_peer_is_fed,
       {"compacted while a peer was fed", "snapshot installed"}},
      {59,
       "snapshot_inside_of_a_change",
       "the members that a snapshot gives back are the joint ones",
       snapshot_inside_of_a_change,
       {"snapshot within a change of members", "joint members from a snapshot"}},
      {60,
       "snapshot_cannot_be_saved",
       "a snapshot that fails does not stop the next one",
       snapshot_cannot_be_saved,
       {"snapshot not saved", "snapshot saved"}},
  };
}

}  // namespace sofa::raft_sim
