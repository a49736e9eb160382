// Scenarios 38 to 52: disks.
#include "scenario.h"

namespace sofa::raft_sim {

namespace {

using State = Machine::State;

/// Until it is off, or has had its time; then it is started again, if it can be.
void wait_for_death_and_start(RaftWorld& world, int machine, Duration most) {
  (void)world.run_until([&] { return !world.is_up(machine); }, most);
  world.run_for(50ms);
  start_all(world);
}

void sync_fails_on_the_leader(Trial& trial) {
  RaftWorld& world = trial.begin_led(idle(3));
  write_and_wait(trial, world, 3);
  const int leader = world.leader();
  // Nobody else gets what the leader cannot save.
  world.meddle = [&](const RaftWorld::Passing& passing) {
    const auto* request = as<jraft::AppendEntriesRequest>(passing);
    return request == nullptr || request->entries.empty() || passing.from != leader;
  };
  world.disk(leader).shape.sync_error = 1;
  const Answer answer = put(world, leader, "k", "lost");
  trial.must(world.run_until([&] { return world.replica(leader)->has_failed(); }, 2s), "a failed fsync is final");
  const auto led = [&] { return world.leader() >= 0; };
  trial.must(world.run_until(led, timeout(world)), "it has handed leadership over");
  trial.must(!answer->has_value() || (*answer)->kind != Reply::Kind::done, "what could not be saved is not acknowledged");
  write_and_wait(trial, world, 0);
  world.meddle = nullptr;
  world.disk(leader).shape = {};
  (void)write(trial, world, world.leader(), 3);
  world.run_for(1s);
  trial.must(world.replica(leader)->has_failed(), "it stays in ERROR");
  world.kill(leader);
  world.settle();
}

void sync_fails_on_a_follower(Trial& trial) {
  RaftWorld& world = trial.begin_led(busy(3));
  const int leader = world.leader(), bad = follower(world, leader);
  world.disk(bad).shape.sync_error = 1;
  trial.must(world.run_until([&] { return world.replica(bad)->has_failed(); }, 5s), "a failed fsync is final");
  const uint64_t before = world.truth().data_applied();
  world.run_for(2s);
  trial.must(world.leader() == leader && world.truth().data_applied() > before + 10, "the others go on");
  trial.must(world.replica(bad)->has_failed(), "it stays in ERROR");
  world.settle();
}

void sync_succeeds_after_an_error(Trial& trial) {
  RaftWorld& world = trial.begin_led(busy(3));
  const int bad = trial.chance(0.5) ? world.leader() : follower(world, world.leader());
  world.disk(bad).shape.sync_error = 1;
  trial.must(world.run_until([&] { return world.disk(bad).errors() > 0; }, 5s), "a sync fails");
  world.disk(bad).shape.sync_error = 0;
  trial.must(world.run_until([&] { return world.replica(bad)->has_failed(); }, 2s), "a failed fsync is final");
  const LogId durable = world.replica(bad)->durable().last;
  world.run_for(3s);
  trial.must(world.replica(bad)->has_failed() && world.replica(bad)->durable().last == durable, "a later success is not trusted");
  world.cut_power(bad);
  (void)world.start_machine(bad);
  world.run_for(2s);
  world.settle();
}

void torn_tail(Trial& trial) {
  RaftOptions options = busy(3);
  options.load.mean_pause = 20ms;
  RaftWorld& world = trial.begin_led(options);
  for (int i = 0; i < 12; ++i) {
    const int one = static_cast<int>(trial.random.uniform(3));
    world.cut_power_in(one, 1 + trial.random.uniform(3));
    wait_for_death_and_start(world, one, 1s);
    world.run_for(300ms);
  }
  world.settle();
}

/// Bits flip on a machine that is off, one after the other, until it refuses to start.
void rot(Trial& trial, RaftWorld& world, int machine, std::string_view part) {
  trial.must(world.atlas.allow(machine), "it may be damaged");
  for (int i = 0; i < 25 && world.machine(machine).state() != State::ruined; ++i) {
    world.kill(machine);
    trial.reach("a bit has flipped");
    for (int bit = 0; bit < 4; ++bit) (void)world.disk(machine).rot(part);
    (void)world.start_machine(machine);
    world.run_for(200ms);
  }
  world.has_operator = true;
}

void rot_in_the_middle(Trial& trial) {
  RaftOptions options = busy(3);
  options.load.mean_pause = 20ms;
  options.load.value_bytes = 300;
  RaftWorld& world = trial.begin_led(options);
  world.run_for(3s);
  rot(trial, world, static_cast<int>(trial.random.uniform(3)), "segment");
  world.settle();
}

void rot_anywhere(Trial& trial) {
  RaftOptions options = busy(3);
  options.load.value_bytes = 200;
  options.snapshot_every = 100;
  RaftWorld& world = trial.begin_led(options);
  world.run_for(4s);
  rot(trial, world, static_cast<int>(trial.random.uniform(3)), trial.chance(0.5) ? "/g0" : "/");
  world.settle();
}

void full_disk(Trial& trial) {
  RaftOptions options = busy(3);
  options.load.value_bytes = 300;
  options.load.mean_pause = 20ms;
  options.load.reads = 0.1;
  RaftWorld& world = trial.begin_led(options);
  std::vector<int> full{world.leader()};
  if (trial.chance(0.5)) full = {follower(world, world.leader())};
  if (trial.chance(0.3)) full = world.machines();
  for (const int i : full) world.disk(i).fill_up();
  trial.must(world.run_until([&] { return std::ranges::all_of(full, [&](int i) { return world.machine(i).log->is_full(); }); }, 20s),
             "there is no room any more");
  const uint64_t before = world.truth().data_applied();
  world.run_for(4s);
  if (full.size() == 3) trial.must(world.truth().data_applied() <= before + 20, "nothing is acknowledged that has no room");
  for (const int i : world.machines()) trial.must(!world.replica(i)->has_failed(), "a full disk is waited out, no error of {}", i);
  for (const int i : full) world.disk(i).free_space();
  const uint64_t then = world.truth().data_applied();
  trial.must(world.run_until([&] { return world.truth().data_applied() > then + 20; }, 10s), "it goes on by itself");
  world.settle();
}

void crash_while_segments_are_made(Trial& trial) {
  RaftWorld& world = trial.begin_led(idle(3));
  for (int i = 0; i < 10; ++i) {
    const int leader = world.wait_for_leader(), one = follower(world, leader);
    const size_t segments = world.machine(one).log->segments();
    for (int n = 0; n < 6 && world.leader() == leader; ++n) (void)write(trial, world, leader, 1, 6000);
    world.cut_power_in(one, 1 + trial.random.uniform(14));
    wait_for_death_and_start(world, one, 500ms);
    if (world.is_up(one) && world.machine(one).log->segments() > segments) trial.reach("segment begun");
    (void)world.run_until([&] { return all_have(world, world.core(leader)->commit_index()); }, 5s);
  }
  world.settle();
}

void crash_during_truncation(Trial& trial) {
  RaftWorld& world = trial.begin_led(idle(3));
  for (int i = 0; i < 5; ++i) {
    const int old = world.wait_for_leader();
    world.network.isolate(old, world.machines());
    (void)write(trial, world, old, 5, 400);
    const auto another = [&] {
      start_all(world);
      return world.leader() >= 0 && world.leader() != old;
    };
    trial.must(world.run_until(another, 12s), "the others elect a leader");
    (void)write(trial, world, world.leader(), 4, 400);
    world.cut_power_in(old, 1 + trial.random.uniform(8));  // its tail is cut, or its snapshot written, when this strikes
    world.network.heal();
    wait_for_death_and_start(world, old, 500ms);
    (void)write(trial, world, world.wait_for_leader(), 2);
    world.run_for(500ms);
    start_all(world);
    const int one = static_cast<int>(trial.random.uniform(3));
    world.cut_power_in(one, 1 + trial.random.uniform(16));
    world.snapshot(one);
    wait_for_death_and_start(world, one, 500ms);
    (void)world.wait_for_leader();
  }
  world.settle();
}

void crash_while_the_term_is_saved(Trial& trial) {
  RaftWorld& world = trial.begin_led(idle(3));
  const auto candidate = [&] {
    for (const int i : world.machines()) {
      if (world.core(i) != nullptr && world.core(i)->role() == raft::Role::candidate) return i;
    }
    return -1;
  };
  for (int i = 0; i < 5; ++i) {
    const int leader = world.wait_for_leader();
    world.kill(leader);
    if (world.run_until([&] { return candidate() >= 0; }, 6s)) {
      const int one = candidate();
      const int64_t before = world.replica(one)->durable().term, next = world.core(one)->term();
      world.cut_power_in(one, 1 + trial.random.uniform(2));
      (void)world.run_until([&] { return !world.is_up(one); }, 1s);
      if (!world.is_up(one)) {
        trial.reach("power cut while a term is saved");
        (void)world.start_machine(one);
        const int64_t now = world.core(one)->term();
        trial.must(now >= before && now <= next, "the term is the old one or the new one, not {}", now);
      }
    }
    (void)world.start_machine(leader);
  }
  world.settle();
}

void disk_stalls(Trial& trial) {
  RaftWorld& world = trial.begin_led(busy(3));
  const int stalled = trial.chance(0.5) ? world.leader() : follower(world, world.leader());
  const uint64_t elections = world.marks.times("leader started"), before = world.truth().data_applied();
  world.machine(stalled).hold_disk_until(world.world.now() + 10s);
  world.run_for(9s);
  trial.must(world.marks.times("leader started") - elections <= 1, "one disk that stands still causes no storm of elections");
  trial.must(world.truth().data_applied() > before + 50, "the others' disks are enough");
  trial.reach("a disk stood still");
  world.run_for(2s);
  world.settle();
}

/// A write of a follower does not come to where it should; then more are written.
void damaged_write(Trial& trial, bool misdirected) {
  RaftWorld& world = trial.begin_led(idle(3));
  write_and_wait(trial, world, 5);
  const int leader = world.leader(), bad = follower(world, leader);
  trial.must(world.atlas.allow(bad), "it may be damaged");
  auto& shape = world.disk(bad).shape;
  (misdirected ? shape.misdirected_write : shape.lost_write) = 1;
  (void)write(trial, world, leader, 1, 9000);
  trial.must(world.run_until([&] { return world.disk(bad).damage() > 0; }, 5s), "a write goes wrong");
  shape.misdirected_write = shape.lost_write = 0;
  for (int i = 0; i < 5; ++i) {
    (void)write(trial, world, leader, 1, 5000);
    world.run_for(100ms);
  }
  world.cut_power(bad);
  (void)world.start_machine(bad);
  trial.must(world.machine(bad).state() == State::ruined, "it is noticed at the next start");
  world.has_operator = true;
  world.run_for(1s);
  world.settle();
}
void misdirected_write(Trial& trial) { damaged_write(trial, true); }
void lost_write(Trial& trial) { damaged_write(trial, false); }

void file_times(Trial& trial) {
  RaftWorld& world = trial.begin_led(busy(3));
  for (int i = 0; i < 3; ++i) {
    world.machine(i).clock.jump_wall(std::chrono::seconds(trial.random.uniform(-3600, 3600)));
    world.kill(i);
    (void)world.start_machine(i);
    world.run_for(1500ms);
  }
  world.settle();
}

void restart_with_other_options(Trial& trial) {
  RaftOptions options = busy(3);
  options.load.value_bytes = 300;
  options.load.mean_pause = 20ms;
  RaftWorld& world = trial.begin_led(options);
  for (const uint64_t kib : {1024, 64, 256}) {
    world.run_for(1500ms);
    for (const int i : world.machines()) {
      world.machine(i).log_options.segment_bytes = kib << 10;
      world.machine(i).log_options.max_batch_bytes = trial.chance(0.5) ? 512 : 1 << 20;
      trial.chance(0.5) ? world.kill(i) : world.cut_power(i);
      trial.must(world.start_machine(i), "it starts with segments of {} KiB", kib);
      trial.reach("started with other options");
    }
  }
  world.settle();
}

}  // namespace

std::vector<Scenario> disk_scenarios() {
  return {
      {38, "sync_fails_on_the_leader", "it acknowledges nothing, hands over and stops", sync_fails_on_the_leader, {"disk has failed"}},
      {39, "sync_fails_on_a_follower", "it stops, and the others go on", sync_fails_on_a_follower, {"disk has failed"}},
      {40, "sync_succeeds_after_an_error", "a success after a failed fsync is not trusted", sync_succeeds_after_an_error, {"node in ERROR"}},
      {41, "torn_tail", "half a record at the end is cut at the start, and nothing else", torn_tail, {"torn tail cut"}},
      {42, "rot_in_the_middle", "a damaged record with good ones behind it is no torn tail", rot_in_the_middle, {"ruined disk refused"}},
      {43, "rot_anywhere", "a flipped bit in any file is noticed, or harmless", rot_anywhere, {"ruined disk refused", "a bit has flipped"}},
      {44, "full_disk", "a full disk acknowledges nothing, is no error, and goes on by itself", full_disk, {"disk full"}},
      {45,
       "crash_while_segments_are_made",
       "a power cut at any call around a new segment",
       crash_while_segments_are_made,
       {"power cut inside of a call of the disk", "segment begun"}},
      {46,
       "crash_during_truncation",
       "a power cut at any call of a truncation or a snapshot",
       crash_during_truncation,
       {"power cut inside of a call of the disk", "suffix cut"}},
      {47,
       "crash_while_the_term_is_saved",
       "term and vote are the old or the new ones",
       crash_while_the_term_is_saved,
       {"power cut while a term is saved"}},
      {48, "disk_stalls", "one disk that stands still for ten seconds", disk_stalls, {"a disk stood still"}},
      {49, "misdirected_write", "a write that went elsewhere is noticed", misdirected_write, {"ruined disk refused"}},
      {50, "lost_write", "a write that went nowhere is noticed", lost_write, {"ruined disk refused"}},
      {51, "file_times", "the times of files do not matter", file_times, {"started again"}},
      {52,
       "restart_with_other_options",
       "other sizes of segments and batches after a restart",
       restart_with_other_options,
       {"started with other options"}},
  };
}

}  // namespace sofa::raft_sim
