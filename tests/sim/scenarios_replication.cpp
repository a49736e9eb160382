// Scenarios 20 to 37: replication.
#include <map>

#include "scenario.h"
#include "sofa/state/raft_core/buggify.h"

namespace sofa::raft_sim {

namespace {

using jraft::AppendEntriesRequest;
using jraft::AppendEntriesResponse;

void break_soon(RaftWorld& world, uint64_t connection) {
  world.world.after(Duration(1), [&world, connection] { world.network.reset(connection); });
}

/// The answer to a request that somebody makes up.
jraft::Message ask_as(Trial& trial, RaftWorld& world, int from, int to, jraft::Message request) {
  std::optional<jraft::Message> answer;
  uint64_t call = 0;
  world.meddle = [&](const RaftWorld::Passing& passing) {
    if (passing.is_answer && passing.to == from && passing.call == call) answer = passing.message;
    return true;
  };
  call = world.deliver_request(from, to, std::move(request));
  trial.must(world.run_until([&] { return answer.has_value(); }, 10s), "{} answers", to);
  world.meddle = nullptr;
  return *answer;
}

/// A follower has said that it has no more than it has.
void matches_are_true(Trial& trial, const RaftWorld& world) {
  const int leader = world.leader();
  if (leader < 0) return;
  for (const Core::Follower& one : world.core(leader)->followers()) {
    const Core* const of = world.core(RaftWorld::machine_of(one.peer));
    if (of == nullptr || of->term() != world.core(leader)->term()) continue;
    trial.must(one.match <= of->saved_id().index, "{} is thought to have {}, and has {}", one.peer.to_string(), one.match, of->saved_id().index);
  }
}

void lossy_follower(Trial& trial) {
  RaftWorld& world = trial.begin_led(busy(3));
  const int lossy = follower(world, world.leader());
  world.meddle = [&](const RaftWorld::Passing& passing) {
    if (passing.is_answer || passing.to != lossy || !trial.chance(0.3)) return true;
    trial.reach("request lost with its connection");
    break_soon(world, passing.connection);
    return false;
  };
  const int64_t before = world.applied(lossy);
  world.run_for(8s);
  trial.must(world.applied(lossy) > before + 50, "it goes on, however slowly");
  world.meddle = nullptr;
  world.settle();
}

void stale_pipeline_answers(Trial& trial) {
  RaftOptions options = busy(3);
  options.load.mean_pause = 10ms;
  options.core.max_entries = 1;
  RaftWorld& world = trial.begin_led(options);
  const int leader = world.leader(), slow = follower(world, leader);
  world.meddle = [&](const RaftWorld::Passing& passing) {
    if (const auto* request = as<AppendEntriesRequest>(passing);
        request != nullptr && passing.to == slow && !request->entries.empty() && trial.chance(0.1)) {
      // Refused at once, so that all that is behind it is of an epoch that is over.
      world.deliver_answer(passing.from, passing.call, jraft::ErrorResponse{.code = static_cast<int32_t>(jraft::RaftError::ebusy)});
      return false;
    }
    if (as<AppendEntriesResponse>(passing) == nullptr || passing.from != slow || !trial.chance(0.2)) return true;
    trial.reach("answer of an old epoch");
    world.world.after(Duration(trial.random.uniform(1, 400'000'000)),
                      [&world, to = passing.to, call = passing.call, message = passing.message] { world.deliver_answer(to, call, message); });
    return false;
  };
  (void)world.run_until(
      [&] {
        matches_are_true(trial, world);
        return false;
      },
      4s);
  world.meddle = nullptr;
  world.settle();
}

void reset_inside_of_a_frame(Trial& trial) {
  RaftOptions options = idle(3);
  options.core.cache_bytes = 4 << 20;
  options.network.bytes_per_second = 5e6;
  RaftWorld& world = trial.begin_led(options);
  const int leader = world.leader(), to = follower(world, leader);
  world.network.isolate(to, world.machines());
  world.network.reset(world.network.connect(leader, to, RaftWorld::kRaft));
  world.run_for(300ms);  // it is probed, and gets nothing one by one
  const int64_t last = write(trial, world, leader, 120, 16'000);
  world.meddle = [&](const RaftWorld::Passing& passing) {
    const auto* request = as<AppendEntriesRequest>(passing);
    if (request != nullptr && request->data && request->data->size() > 400'000) trial.reach("large frame");
    return true;
  };
  world.network.heal();
  for (int i = 0; i < 12; ++i) {
    world.run_for(std::chrono::milliseconds(trial.random.uniform(10, 150)));
    for (const Core::Follower& one : world.core(leader)->followers()) {
      if (RaftWorld::machine_of(one.peer) == to && one.inflight > 0) trial.reach("reset inside of a frame");
    }
    world.network.reset(world.network.connect(leader, to, RaftWorld::kRaft));
  }
  trial.must(world.run_until([&] { return all_have(world, last); }, 20s), "what was under way is sent again, as a whole");
  world.meddle = nullptr;
  world.settle();
}

void slow_follower(Trial& trial) {
  RaftOptions options = busy(3);
  options.core.max_inflight = 1;
  options.core.max_entries = 1;
  options.snapshot_every = 50;
  RaftWorld& world = trial.begin_led(options);
  const int slow = follower(world, world.leader());
  world.disk(slow).shape.mean_sync = 300ms;
  const auto small = [&] {
    const int leader = world.leader();
    if (leader < 0 || leader == slow) return false;
    const size_t cached = world.core(leader)->log().cached_bytes();
    trial.must(cached <= 2 * options.core.cache_bytes, "the leader keeps {} bytes for a slow follower", cached);
    return false;
  };
  (void)world.run_until(small, 12s);
  world.disk(slow).shape = {};
  world.settle();
}

void figure_7(Trial& trial) {
  RaftWorld& world = trial.prepare(idle(7));
  const std::vector<std::vector<int64_t>> logs{{1, 1, 1, 4, 4, 5, 5, 6, 6, 6},    {1, 1, 1, 4, 4, 5, 5, 6, 6},          {1, 1, 1, 4},
                                               {1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6}, {1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7}, {1, 1, 1, 4, 4, 4, 4},
                                               {1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3}};
  for (int i = 0; i < 7; ++i) seed_log(world, i, logs[static_cast<size_t>(i)], 7);
  world.start();
  const int leader = world.wait_for_leader();
  const int64_t last = world.core(leader)->log().last();
  trial.must(world.run_until([&] { return all_have(world, last); }, 20s), "six different tails become one log");
  for (const int i : world.machines()) {
    const auto& mine = world.core(i)->log();
    trial.must(mine.term_of(9) == 6 && mine.last() >= last, "{} has what a majority had", i);
  }
  world.settle();
}

void truncation_during_a_flush(Trial& trial) {
  RaftWorld& world = trial.begin_led(idle(5));
  const int old = world.leader(), slow = follower(world, old);
  const int64_t term = world.core(old)->term();
  for (const int i : others(world, old)) {
    if (i != slow) world.network.block(old, i);
  }
  world.machine(slow).hold_disk_until(world.world.now() + 12s);
  const int64_t first = world.core(old)->log().last() + 1;
  const int64_t last = write(trial, world, old, static_cast<int>(trial.random.uniform(1, 5)));
  const auto flushes = [&] { return world.core(slow)->log().last() == last && world.machine(slow).log->is_writing(); };
  trial.must(world.run_until(flushes, 1s), "the follower writes entries that nobody else has");
  world.meddle = [&](const RaftWorld::Passing& passing) {
    const auto* answer = as<AppendEntriesResponse>(passing);
    trial.must(passing.from != slow || answer == nullptr || answer->term != term || !answer->success, "no entry that was cut is acknowledged");
    return true;
  };
  world.cut_power(old);
  world.network.heal();
  trial.must(world.run_until([&] { return world.leader() >= 0; }, 10s), "the others elect a leader");
  (void)world.deliver_request(world.leader(), slow, entries_from(world, world.leader(), slow, first));
  const auto cut = [&] { return world.core(slow)->log().term_of(last) != term; };
  trial.must(world.run_until(cut, 1s), "the follower cuts them");
  if (world.machine(slow).log->is_writing()) trial.reach("cut while they are being written");
  world.run_for(12s);
  trial.must(world.core(slow)->log().term_of(world.core(slow)->saved_id().index) == world.core(slow)->saved_id().term, "what is saved is in the log");
  world.meddle = nullptr;
  world.settle();
}

void leader_changes_during_a_flush(Trial& trial) {
  RaftWorld& world = trial.begin_led(idle(3));
  const int old = world.leader();
  const int64_t term = world.core(old)->term();
  world.network.isolate(old, world.machines());
  world.machine(old).hold_disk_until(world.world.now() + 12s);
  const int64_t first = world.core(old)->log().last() + 1, last = write(trial, world, old, 3);
  const auto another = [&] { return world.leader() >= 0 && world.leader() != old; };
  trial.must(world.run_until(another, 10s), "the others elect a leader");
  (void)write(trial, world, world.leader(), 3);
  world.network.heal();
  (void)world.deliver_request(world.leader(), old, entries_from(world, world.leader(), old, first));
  trial.must(world.run_until([&] { return world.core(old)->log().term_of(last) != term; }, 10s), "the old leader takes the new one's entries");
  trial.must(world.core(old)->saved_id().index < last, "the old flush has not ended");
  trial.reach("leader changed during a flush");
  (void)world.run_until(
      [&] {
        const Core& core = *world.core(old);
        trial.must(core.log().term_of(core.saved_id().index) == core.saved_id().term, "the old flush does not count for the new term's entries");
        return core.saved_id().index >= last;
      },
      20s);
  world.settle();
}

void acknowledged_is_durable(Trial& trial) {
  RaftWorld& world = trial.begin_led(busy(3));
  std::map<std::pair<int, uint64_t>, LogId> asked;
  world.meddle = [&](const RaftWorld::Passing& passing) {
    if (const auto* request = as<AppendEntriesRequest>(passing); request != nullptr && !request->entries.empty()) {
      const auto count = static_cast<int64_t>(request->entries.size());
      asked[{passing.from, passing.call}] = {.index = request->prev_log_index + count, .term = request->entries.back().term};
    }
    const auto* answer = as<AppendEntriesResponse>(passing);
    const auto found = asked.find({passing.to, passing.call});
    if (answer == nullptr || !answer->success || found == asked.end() || !world.is_up(passing.from)) return true;
    const Durable& durable = world.replica(passing.from)->durable();
    trial.must(durable.last.index >= found->second.index, "{} has acknowledged {}, and has saved {}", passing.from, found->second.index,
               durable.last.index);
    return true;
  };
  for (int i = 0; i < 6; ++i) {
    const int one = follower(world, world.wait_for_leader());
    world.machine(one).hold_disk_until(world.world.now() + std::chrono::milliseconds(trial.random.uniform(50, 400)));
    (void)world.run_until([&] { return world.machine(one).log != nullptr && world.machine(one).log->is_writing(); }, 1s);
    world.run_for(std::chrono::milliseconds(trial.random.uniform(0, 40)));
    world.cut_power(one);
    world.run_for(200ms);
    (void)world.start_machine(one);
    asked.clear();
    world.run_for(1s);
  }
  world.meddle = nullptr;
  world.settle();
}

void probe_is_lost(Trial& trial) {
  RaftOptions options = idle(3);
  options.resend = 0;
  RaftWorld& world = trial.begin(options);
  std::optional<Instant> lost, again;
  int peer = -1;
  world.meddle = [&](const RaftWorld::Passing& passing) {
    const auto* request = as<AppendEntriesRequest>(passing);
    if (request == nullptr || !request->is_probe() || again || (peer >= 0 && passing.to != peer)) return true;
    if (lost) {
      again = world.world.now();
      return true;
    }
    lost = world.world.now();
    peer = passing.to;
    break_soon(world, passing.connection);
    return false;
  };
  trial.must(world.run_until([&] { return again.has_value(); }, 20s), "a probe that is lost is sent again");
  trial.must(*again - *lost <= timeout(world) / options.core.heartbeats + 50ms, "within a heartbeat");
  trial.reach("probe lost");
  world.meddle = nullptr;
  world.settle();
}

void entry_over_all_limits(Trial& trial) {
  RaftOptions options = idle(3);
  options.core.max_body = 1;
  options.core.max_inflight_bytes = 1;
  options.core.max_inflight = 2;
  options.log.max_batch_bytes = 512;
  RaftWorld& world = trial.begin_led(options);
  world.meddle = [&](const RaftWorld::Passing& passing) {
    const auto* request = as<AppendEntriesRequest>(passing);
    if (request == nullptr || !request->data || request->data->size() < 16'000) return true;
    trial.reach("large entry");
    trial.must(request->entries.size() == 1, "it travels alone, not with {} others", request->entries.size() - 1);
    return true;
  };
  for (int i = 0; i < 5; ++i) {
    (void)write(trial, world, world.leader(), 1, trial.chance(0.5) ? 20 : 16'000);
    (void)write(trial, world, world.leader(), 1, 16'000);
  }
  write_and_wait(trial, world, 1);
  world.meddle = nullptr;
  world.settle();
}

void odd_entries(Trial& trial) {
  RaftOptions options = idle(4);
  options.voters = {0, 1, 2};
  options.log.max_record_bytes = 2 << 20;
  options.log.segment_bytes = 4 << 20;
  RaftWorld& world = trial.begin_led(options);
  const int leader = world.leader();
  trial.must(world.propose(leader, 0, Bytes()).ok(), "an empty entry is taken");
  (void)write(trial, world, leader, 1, 1 << 20);
  for (int i = 0; i < 1000; ++i) {
    std::optional<jraft::Status> done;
    const auto next = world.members({0, 1, 2}, i % 2 == 0 ? std::vector<int>{3} : std::vector<int>{});
    trial.must(world.change_members(leader, 0, next, [&](const jraft::Status& status) { done = status; }).ok(), "a change begins");
    trial.must(world.run_until([&] { return done.has_value(); }, 5s) && done->ok(), "a change ends");
  }
  trial.must(world.propose(leader, 0, Bytes()).ok(), "an empty entry is taken");
  write_and_wait(trial, world, 1);
  for (const int i : world.machines()) {
    world.cut_power(i);
    (void)world.start_machine(i);
  }
  world.settle();
  trial.must(world.applied(world.leader()) > 1000, "a thousand entries with members are read again");
}

void commit_index_ahead(Trial& trial) {
  RaftWorld& world = trial.begin_led(idle(3));
  write_and_wait(trial, world, 5);
  const int leader = world.leader(), to = follower(world, leader);
  auto request = std::get<AppendEntriesRequest>(heartbeat_from(world, leader, to));
  request.committed_index += static_cast<int64_t>(trial.random.uniform(1, 1000));
  const int64_t last = world.core(to)->log().last();
  if (trial.chance(0.5)) request.data = Bytes();
  const auto answer = ask_as(trial, world, leader, to, request);
  trial.must(std::get<AppendEntriesResponse>(answer).success, "it is taken");
  trial.must(world.core(to)->commit_index() <= last, "no more is committed than is there");
  write_and_wait(trial, world, 3);
  world.settle();
}

void figure_8(Trial& trial) {
  RaftOptions options = idle(5);
  options.core.max_entries = 1;
  RaftWorld& world = trial.prepare(options);
  seed_log(world, 0, {1, 2}, 3);
  seed_log(world, 1, {1, 2}, 3);
  seed_log(world, 2, {1}, 3);
  seed_log(world, 3, {1}, 3);
  seed_log(world, 4, {1, 3}, 3);
  // Nobody gets an entry of the new term.
  world.meddle = [&](const RaftWorld::Passing& passing) {
    const auto* request = as<AppendEntriesRequest>(passing);
    return request == nullptr || request->entries.empty() || request->entries.back().term <= 3;
  };
  world.start();
  world.kill(4);
  const int leader = world.wait_for_leader();
  const auto on_majority = [&] {
    if (!world.core(leader)->is_leader()) return false;
    const auto followers = world.core(leader)->followers();
    return std::ranges::count_if(followers, [](const auto& one) { return one.match >= 2; }) >= 2;
  };
  trial.must(world.run_until(on_majority, 5s), "an entry of an old term is on a majority");
  world.run_for(300ms);
  trial.must(world.core(leader)->commit_index() == 0, "it is not committed by being there");
  trial.reach("old entry on a majority");
  world.kill(leader);
  world.meddle = nullptr;
  (void)world.start_machine(4);
  world.settle();
}

void append_with_a_gap(Trial& trial) {
  RaftWorld& world = trial.begin_led(idle(3));
  write_and_wait(trial, world, 4);
  const int leader = world.leader(), to = follower(world, leader);
  auto request = std::get<AppendEntriesRequest>(heartbeat_from(world, leader, to));
  const int64_t last = world.core(to)->log().last();
  request.prev_log_index = last + static_cast<int64_t>(trial.random.uniform(1, 20));
  request.prev_log_term = request.term;
  request.entries.push_back({.term = request.term, .type = static_cast<int32_t>(raft::EntryType::data), .data_len = 4});
  request.data = Bytes::copy_of("gap!");
  const auto answer = std::get<AppendEntriesResponse>(ask_as(trial, world, leader, to, request));
  trial.must(!answer.success && answer.last_log_index == last, "it is refused, with the last index that is there");
  trial.must(world.core(to)->log().last() == last, "nothing is appended behind a hole");
  write_and_wait(trial, world, 3);
  world.settle();
}

void wiped_follower(Trial& trial) {
  RaftWorld& world = trial.begin_led(idle(3));
  const int leader = world.leader(), wiped = follower(world, leader);
  write_and_wait(trial, world, 30);
  if (trial.chance(0.5)) {
    for (int i = 0; i < 2; ++i) {
      world.snapshot(leader);
      world.run_for(200ms);
      write_and_wait(trial, world, 10);
    }
  }
  world.cut_power(wiped);
  world.wipe(wiped);
  (void)world.start_machine(wiped);
  const int64_t last = write(trial, world, leader, 5);
  trial.must(world.run_until([&] { return world.applied(wiped) >= last; }, 20s), "who comes back empty at its old address is fed again");
  trial.must(world.leader() == leader, "the leader is the same");
  world.settle();
}

void two_with_one_identity(Trial& trial) {
  RaftWorld& world = trial.begin_led(idle(3));
  const int leader = world.leader(), to = follower(world, leader), liar = 3 - leader - to;
  const int64_t term = world.core(to)->term();
  const auto answer = std::get<AppendEntriesResponse>(ask_as(trial, world, liar, to, heartbeat_from(world, liar, to)));
  trial.must(!answer.success && answer.term == term + 1, "a second leader of a term ends the term");
  trial.reach("two leaders of a term");
  trial.must(world.run_until([&] { return world.leader() >= 0 && world.core(world.leader())->term() > term; }, 20s), "a leader of a later term");
  write_and_wait(trial, world, 3);
  world.settle();
}

void heartbeats_pass_slow_disks(Trial& trial) {
  RaftOptions options = idle(3);
  options.core.lease_reads = true;
  RaftWorld& world = trial.begin_led(options);
  const int leader = world.leader();
  const int64_t term = world.core(leader)->term(), committed = world.core(leader)->commit_index();
  for (const int i : others(world, leader)) world.machine(i).hold_disk_until(world.world.now() + 6s);
  const int64_t last = write(trial, world, leader, 10);
  for (int i = 0; i < 50; ++i) {
    world.run_for(100ms);
    trial.must(world.core(leader)->has_lease(world.machine(leader).now()), "the leader keeps its lease while its followers' disks stand still");
  }
  trial.must(world.core(leader)->commit_index() == committed, "nothing is committed meanwhile");
  trial.must(world.run_until([&] { return all_have(world, last); }, 10s), "then all is");
  trial.must(world.core(leader)->term() == term && world.leader() == leader, "nobody was elected");
  world.settle();
}

void rejections_everywhere(Trial& trial) {
  RaftWorld& world = trial.begin_led(busy(3));
  raft::the_buggify = [&](std::string_view point) {
    if (point == "core: the leader gives up" || !trial.chance(0.3)) return false;
    trial.reach("a hand-over point refuses");
    return true;
  };
  world.run_for(4s);
  raft::the_buggify = {};
  const int leader = world.wait_for_leader();
  const int64_t last = world.core(leader)->log().last();
  trial.must(world.run_until([&] { return all_have(world, last); }, 2 * timeout(world) + 500ms),
             "replication goes on by itself within two election timeouts");
  world.settle();
}

}  // namespace

std::vector<Scenario> replication_scenarios() {
  return {
      {20, "lossy_follower", "a follower that loses a third of what it is sent goes on", lossy_follower, {"request lost with its connection"}},
      {21, "stale_pipeline_answers", "answers of an epoch that is over count for nothing", stale_pipeline_answers, {"answer of an old epoch"}},
      {22,
       "reset_inside_of_a_frame",
       "half a frame is nothing, and is sent again",
       reset_inside_of_a_frame,
       {"large frame", "reset inside of a frame"}},
      {23,
       "slow_follower",
       "a follower that is slower for ever costs bounded memory and ends with a snapshot",
       slow_follower,
       {"snapshot installed"}},
      {24, "figure_7", "six tails of different terms become one log", figure_7, {"suffix cut"}},
      {25,
       "truncation_during_a_flush",
       "entries that are cut while they are written are never acknowledged",
       truncation_during_a_flush,
       {"suffix cut while a write is under way", "cut while they are being written"}},
      {26,
       "leader_changes_during_a_flush",
       "the end of an old flush says nothing of the new term's entries",
       leader_changes_during_a_flush,
       {"suffix cut while a write is under way", "leader changed during a flush"}},
      {27,
       "acknowledged_is_durable",
       "a follower acknowledges nothing before its disk has it",
       acknowledged_is_durable,
       {"power cut before a write is acknowledged"}},
      {28, "probe_is_lost", "a lost probe is sent again within a heartbeat", probe_is_lost, {"probe lost"}},
      {29, "entry_over_all_limits", "an entry that is larger than every limit travels alone", entry_over_all_limits, {"large entry"}},
      {30, "odd_entries", "empty entries, one of 1 MiB, a thousand with members", odd_entries, {"members changed"}},
      {31, "commit_index_ahead", "a follower commits no more than it has", commit_index_ahead},
      {32, "figure_8", "an entry of an old term on a majority is not committed by that", figure_8, {"old entry on a majority"}},
      {33, "append_with_a_gap", "entries behind a hole are refused", append_with_a_gap},
      {34, "wiped_follower", "who comes back empty is fed again", wiped_follower, {"wiped"}},
      {35, "two_with_one_identity", "two leaders of one term end it", two_with_one_identity, {"two leaders of a term"}},
      {36, "heartbeats_pass_slow_disks", "a lease does not hang on the disks of followers", heartbeats_pass_slow_disks},
      {37,
       "rejections_everywhere",
       "after refusals at every hand-over replication goes on by itself",
       rejections_everywhere,
       {"a hand-over point refuses"}},
  };
}

}  // namespace sofa::raft_sim
