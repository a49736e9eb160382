#include "swarm.h"

#include <fmt/ranges.h>

#include <cmath>

#include "clients.h"
#include "replica.h"

namespace sofa::raft_sim {

using namespace std::chrono_literals;

namespace {
Random stream(uint64_t seed, std::string_view concern) { return Random(sim::World(seed).derive(concern)); }
template <class T>
T one_of(Random& random, std::initializer_list<T> values) {
  return values.begin()[random.uniform(values.size())];
}
}  // namespace

RaftOptions draw_options(uint64_t seed) {
  Random random = stream(seed, "options");
  RaftOptions options;
  const int voters = one_of(random, {1, 2, 3, 3, 3, 3, 3, 4, 5, 5, 5, 7});
  const int learners = random.chance(0.25) ? static_cast<int>(random.uniform(1, 2)) : 0;
  const int spares = random.chance(0.4) ? static_cast<int>(random.uniform(1, 2)) : 0;
  options.nodes = std::min(voters + learners + spares, 8);
  for (int i = 0; i < voters; ++i) options.voters.push_back(i);
  for (int i = voters; i < std::min(voters + learners, options.nodes); ++i) options.learners.push_back(i);
  if (random.chance(0.2)) {
    for (int i = 0; i < options.nodes; ++i) options.priorities.push_back(one_of(random, {10, 40, 100, 100}));
    // Who never leads must not be needed for a majority: the longest log may be there.
    if (voters >= 3 && random.chance(0.5)) options.priorities[static_cast<size_t>(voters - 1)] = PeerId::kNeverLeads;
  }
  options.groups = one_of(random, {1, 1, 1, 1, 2, 3});

  raft::CoreOptions& core = options.core;
  core.election_timeout = one_of<Duration>(random, {300ms, 1000ms, 1000ms, 2000ms});
  core.max_election_delay = core.election_timeout / one_of(random, {1, 1, 10});
  core.lease_reads = random.chance(0.4);
  core.checksum = random.chance(0.5);
  core.step_down_when_vote_times_out = random.chance(0.8);
  core.max_entries = one_of<size_t>(random, {1, 4, 64, 1024, 1024});
  core.max_body = one_of<size_t>(random, {64, 4096, 512 << 10});
  core.max_inflight = one_of<size_t>(random, {1, 2, 16, 256});
  core.max_waiting_answers = one_of<size_t>(random, {1, 8, 256, 256});
  core.cache_bytes = one_of<size_t>(random, {0, 2048, 16 << 10, 1 << 20});
  core.max_uncommitted = one_of<size_t>(random, {8, 1000, 65'536});
  core.catchup_margin = one_of<int64_t>(random, {0, 20, 1000});
  options.drift = core.lease_reads ? 0.04 : one_of(random, {0.0, 0.04, 0.1});
  options.snapshot_every = one_of<int64_t>(random, {0, 20, 100, 500, 500});
  options.snapshot_chunk = one_of<size_t>(random, {64, 1024, 65'536});
  options.snapshot_corrupted = random.chance(0.3) ? 0.02 : 0;
  options.mean_apply = one_of<Duration>(random, {50us, 100us, 10ms});
  options.log.max_batch_bytes = one_of<uint64_t>(random, {512, 8 << 10, 1 << 20});

  options.load.clients = static_cast<int>(random.uniform(2, 6)) * (options.groups > 1 ? 2 : 1);
  options.load.mean_pause = one_of<Duration>(random, {50ms, 150ms, 400ms});
  options.load.keys = one_of(random, {1, 5, 20});
  options.load.reads = one_of(random, {0.1, 0.4, 0.7});

  sim::NetworkShape& net = options.network;
  net.mean_delay = one_of<Duration>(random, {100us, 500us, 5ms, 30ms});
  if (random.chance(0.4)) net.broken = one_of(random, {0.001, 0.005, 0.02});
  if (random.chance(0.2)) net.black_hole = 0.001;
  if (random.chance(0.4)) net.clogged = one_of(random, {0.001, 0.005, 0.03});
  net.clogged_mean = one_of<Duration>(random, {50ms, 300ms, 1500ms});
  net.broken_at_heal = one_of(random, {0.0, 0.5, 1.0});
  if (random.chance(0.1)) net.capacity = 4096;

  sim::DiskShape& disk = options.disk;
  disk.mean_sync = one_of<Duration>(random, {100us, 500us, 5ms, 20ms, 60ms});
  if (random.chance(0.2)) disk.stalled = 0.002;
  options.buggify = one_of(random, {0.0, 0.0, 0.2, 0.6});
  if (random.chance(0.15)) {  // groups that fall quiet, since their clients are silent for long
    core.quiet_after = one_of<Duration>(random, {300ms, 1s, 3s});
    core.longest_quiet = one_of<Duration>(random, {2s, 10s, 60s});
    options.node_lost_after = one_of<Duration>(random, {300ms, 1s, 3s});
    options.load.mean_pause = one_of<Duration>(random, {1s, 3s, 8s});
  }
  core.install_timeout = 15s;  // a black hole is seen by nothing else here; a node closes connections over which nothing comes
  return options;
}

FaultRates draw_rates(uint64_t seed) {
  Random random = stream(seed, "rates");
  FaultRates rates;
  const auto draw = [&](double& rate, double on, double most) {
    if (random.chance(on)) rate = most * (0.1 + 0.9 * random.unit());
  };
  draw(rates.power_cut, 0.4, 10);
  draw(rates.power_cut_inside, 0.3, 10);
  draw(rates.kill, 0.4, 25);
  draw(rates.pause, 0.3, 10);
  draw(rates.partition, 0.5, 12);
  draw(rates.clog, 0.4, 60);
  draw(rates.reset, 0.3, 60);
  draw(rates.full_disk, 0.15, 4);
  draw(rates.disk_error, 0.15, 4);
  draw(rates.slow_disk, 0.3, 10);
  draw(rates.damage, 0.2, 4);
  draw(rates.snapshot, 0.4, 20);
  draw(rates.transfer, 0.4, 30);
  draw(rates.members, 0.5, 30);
  draw(rates.wipe_outsider, 0.3, 4);
  draw(rates.clock, 0.2, 6);
  draw(rates.power_of_all, 0.3, 6);
  return rates;
}

std::vector<std::string> required_marks() {
  return {"started again",
          "torn tail cut",
          "started from a snapshot",
          "power cut before a write is acknowledged",
          "power cut inside of a call of the disk",
          "suffix cut while a write is under way",
          "log reset",
          "snapshot installed",
          "fetch failed",
          "snapshot within a change of members",
          "joint members committed",
          "change of members failed",
          "transfer",
          "read while it has a lease",
          "quiet",
          "quiet node told that another one is lost",
          "paused",
          "partition",
          "request sent again",
          "disk full",
          "slow disk",
          "node in ERROR",
          "ruined disk refused",
          "wiped",
          "proposals lost"};
}

Nemesis::Nemesis(RaftWorld& world) : world_(world), random_(world.world.random("nemesis")) {}

void Nemesis::every(double a_minute, std::function<void()> strike) {
  if (a_minute > 0) schedule(a_minute, std::make_shared<std::function<void()>>(std::move(strike)));
}

void Nemesis::schedule(double a_minute, std::shared_ptr<std::function<void()>> strike) {
  later(Duration(static_cast<int64_t>(-std::log(1 - random_.unit()) * 60e9 / a_minute)), [this, a_minute, strike, round = round_] {
    if (round != round_) return;
    (*strike)();
    schedule(a_minute, strike);
  });
}

void Nemesis::later(Duration wait, sim::Action act) {
  world_.world.after(wait, [alive = std::weak_ptr<bool>(alive_), act = std::move(act)]() mutable {
    if (!alive.expired()) act();
  });
}

int Nemesis::any_machine() { return static_cast<int>(random_.uniform(static_cast<uint64_t>(world_.options.nodes))); }

/// A machine that is up, the leader of some group as often as not; -1: there is none.
int Nemesis::any_up() {
  if (random_.chance(0.4)) return world_.leader(static_cast<int>(random_.uniform(static_cast<uint64_t>(world_.options.groups))));
  const int i = any_machine();
  return world_.is_up(i) ? i : -1;
}

void Nemesis::start(const FaultRates& rates) {
  ++round_;
  const auto with_machine = [this](std::string what, std::function<void(int)> strike) {
    return [this, what, strike] {
      const int i = any_up();
      if (i >= 0 && world_.inject(fmt::format("{} {}", what, i))) strike(i);
    };
  };
  every(rates.power_cut, with_machine("cut the power of", [this](int i) { once_writing({i}, [this, i] { world_.cut_power(i); }); }));
  every(rates.power_cut_inside,
        with_machine("cut the power inside of a call of the disk of", [this](int i) { world_.cut_power_in(i, 1 + random_.uniform(12)); }));
  every(rates.kill, with_machine("kill", [this](int i) { world_.kill(i); }));
  every(rates.pause, with_machine("pause", [this](int i) {
          world_.marks.reach("paused");
          world_.pause(i, Duration(random_.uniform(1, 4 * world_.options.core.election_timeout.count())));
        }));
  every(rates.power_of_all, [this] { cut_power_of_all(); });
  every(rates.partition, [this] { partition(); });
  every(rates.clog, [this] {
    const int from = any_machine(), to = any_machine();
    const Duration length(random_.uniform(1, 2 * world_.options.core.election_timeout.count()));
    if (from != to && world_.inject(fmt::format("the link from {} to {} is clogged", from, to))) world_.network.clog(from, to, length);
  });
  every(rates.reset, [this] {
    const int from = any_machine(), to = any_machine();
    const uint64_t connection = from == to ? 0 : world_.network.connect(from, to, RaftWorld::kRaft);
    if (connection != 0 && world_.inject(fmt::format("break the connection of {} to {}", from, to))) world_.network.reset(connection);
  });
  every(rates.full_disk, [this] { full_disk(); });
  every(rates.disk_error, [this] { disk_error(); });
  every(rates.slow_disk, [this] { slow_disk(); });
  every(rates.damage, [this] { damage(); });
  every(rates.snapshot, [this] {
    const int i = any_machine(), group = static_cast<int>(random_.uniform(static_cast<uint64_t>(world_.options.groups)));
    if (world_.inject(fmt::format("snapshot of {}.{}", i, group))) world_.snapshot(i, group);
  });
  every(rates.transfer, [this] {
    const int group = static_cast<int>(random_.uniform(static_cast<uint64_t>(world_.options.groups)));
    const int from = world_.leader(group), to = static_cast<int>(random_.uniform(-1, world_.options.nodes - 1));
    if (from < 0 || world_.machine(from).is_paused() || !world_.inject(fmt::format("transfer of group {} from {} to {}", group, from, to))) return;
    if (world_.transfer(from, group, to).ok()) world_.marks.reach("transfer");
  });
  every(rates.members, [this] { change_members(); });
  every(rates.wipe_outsider, [this] { wipe_outsider(); });
  every(rates.clock, [this] {
    const int i = any_machine();
    const double rate = 1 - world_.options.drift + 2 * world_.options.drift * random_.unit();
    if (!world_.inject(fmt::format("the clocks of {} go another way", i))) return;
    world_.machine(i).clock.set_rate(world_.world.now(), rate);
    world_.machine(i).clock.jump_wall(std::chrono::seconds(random_.uniform(-3600, 3600)));
  });
}

/// As when the power of a building goes: most of them at once, which is where it shows that what was acknowledged is on disks.
void Nemesis::cut_power_of_all() {
  std::vector<int> all = world_.machines();
  std::erase_if(all, [&](int) { return random_.chance(0.2); });
  if (!world_.inject(fmt::format("cut the power of all of {}", fmt::join(all, ", ")))) return;
  once_writing(all, [this, all] {
    for (const int i : all) world_.cut_power(i);
  });
}

/// What is lost with the power is what is just being written: waits a little for one of the machines to write.
void Nemesis::once_writing(const std::vector<int>& machines, std::function<void()> strike, int tries) {
  const bool writes = std::ranges::any_of(machines, [&](int i) { return world_.is_up(i) && world_.machine(i).log->is_writing(); });
  if (writes || tries == 0) return strike();
  later(200us, [this, machines, strike = std::move(strike), tries]() mutable { once_writing(machines, std::move(strike), tries - 1); });
}

void Nemesis::partition() {
  sim::Network& network = world_.network;
  const std::vector<int> all = world_.machines();
  const int up = any_up();
  const int one = up >= 0 ? up : any_machine();
  const uint64_t kind = random_.uniform(6);
  constexpr std::string_view kKinds[] = {"two halves", "a bridge", "a ring", "isolated", "hears nobody", "is heard by nobody"};
  const Duration length(random_.uniform(1, 6 * world_.options.core.election_timeout.count()));
  if (!world_.inject(fmt::format("partition: {} ({})", kKinds[kind], one))) return;
  world_.marks.reach("partition");
  if (kind == 0) network.split(all);
  if (kind == 1) network.bridge(all);
  if (kind == 2) network.ring(all);
  if (kind == 3) network.isolate(one, all);
  if (kind >= 4) network.one_way(one, all, kind == 5);
  later(length, [this] { world_.network.heal(); });
}

void Nemesis::full_disk() {
  const int i = any_machine();
  if (!world_.inject(fmt::format("the disk of {} is full", i))) return;
  world_.disk(i).fill_up();
  later(Duration(random_.uniform(1, 8'000'000'000)), [this, i] { world_.disk(i).free_space(); });
}

void Nemesis::disk_error() {
  const int i = any_up();
  if (i < 0) return;
  const uint64_t kind = random_.uniform(3);
  if (!world_.inject(fmt::format("the disk of {} has errors ({})", i, kind))) return;
  sim::DiskShape& shape = world_.disk(i).shape;
  (kind == 0 ? shape.sync_error : kind == 1 ? shape.write_error : shape.read_error) = 0.5;
  later(100ms, [this, i] {
    sim::DiskShape& same = world_.disk(i).shape;
    same.sync_error = same.write_error = same.read_error = 0;
  });
}

void Nemesis::slow_disk() {
  const int i = any_machine();
  if (!world_.inject(fmt::format("the disk of {} is slow", i))) return;
  world_.marks.reach("slow disk");
  world_.disk(i).shape.mean_sync = std::chrono::milliseconds(random_.uniform(20, 800));
  later(Duration(random_.uniform(1, 8'000'000'000)), [this, i] { world_.disk(i).shape.mean_sync = world_.options.disk.mean_sync; });
}

/// Whether a majority of each configuration in which a node of the group lives would be sound if this machine were not.
bool Nemesis::tolerates_damage(int machine, int group) const {
  const auto sound = [&](const std::vector<PeerId>& peers) {
    const auto bad = std::ranges::count_if(peers, [&](const PeerId& peer) {
      const int i = RaftWorld::machine_of(peer);
      return i == machine || world_.atlas.is_damaged(i);
    });
    return peers.empty() || peers.size() - static_cast<size_t>(bad) >= peers.size() / 2 + 1;
  };
  return std::ranges::all_of(world_.machines(), [&](int i) {
    const auto all = world_.replica(i, group)->lives_in();
    return std::ranges::all_of(all, [&](const auto& one) { return sound(one->current.peers) && sound(one->old.peers); });
  });
}

/// Only of first voters, and never more than the others can make good.
void Nemesis::damage() {
  const int i = any_machine();
  const uint64_t kind = random_.uniform(3);
  if (std::ranges::find(world_.options.priorities, PeerId::kNeverLeads) != world_.options.priorities.end()) return;
  for (int group = 0; group < world_.options.groups; ++group) {
    if (!tolerates_damage(i, group)) return;
  }
  if (!world_.first_members().has_peer(world_.peer(i)) || !world_.atlas.allow(i)) return;
  // Its next start tells.
  if (random_.chance(0.5)) {
    later(Duration(random_.uniform(1, 4'000'000'000)), [this, i] {
      if (world_.is_up(i)) world_.kill(i);
    });
  }
  if (!world_.inject(fmt::format("the disk of {} is damaged ({})", i, kind))) return;
  if (kind == 0) {
    world_.marks.reach("bits rot", world_.disk(i).rot("segment") ? 1 : 0);
    return;
  }
  sim::DiskShape& shape = world_.disk(i).shape;
  (kind == 1 ? shape.lost_write : shape.misdirected_write) = 0.5;
  later(100ms, [this, i] {
    sim::DiskShape& same = world_.disk(i).shape;
    same.lost_write = same.misdirected_write = 0;
  });
}

void Nemesis::change_members() {
  const int group = static_cast<int>(random_.uniform(static_cast<uint64_t>(world_.options.groups)));
  const int at = world_.leader(group);
  if (at < 0 || world_.machine(at).is_paused()) return;
  jraft::Configuration next = world_.core(at, group)->members().current;
  const uint64_t changes = random_.uniform(1, 3);
  for (uint64_t n = 0; n < changes; ++n) {
    const int i = any_machine();
    // Whoever has lost its disk is for the operator.
    if (world_.atlas.is_damaged(i) || world_.machine(i).state() == Machine::State::ruined) continue;
    const PeerId id = world_.peer_of(i);
    if (std::erase(next.peers, id) != 0) {
      if (random_.chance(0.2)) next.learners.push_back(id);
    } else if (std::erase(next.learners, id) != 0) {
      if (random_.chance(0.5)) next.peers.push_back(id);
    } else if (random_.chance(0.2)) {
      next.learners.push_back(id);
    } else {
      next.peers.push_back(id);
    }
  }
  std::ranges::sort(next.learners);
  const auto never = static_cast<size_t>(std::ranges::count(next.peers, PeerId::kNeverLeads, &PeerId::priority));
  const auto damaged = static_cast<size_t>(
      std::ranges::count_if(next.peers, [&](const PeerId& peer) { return world_.atlas.is_damaged(RaftWorld::machine_of(peer)); }));
  if (!next.is_valid() || next.peers.size() - std::max(never, damaged) < next.quorum()) return;
  if (!world_.inject(fmt::format("members of group {} at {}: {}", group, at, next.to_string()))) return;
  if (world_.change_members(at, group, next).ok()) world_.marks.reach("change of members begun");
}

/// A machine that is in no group any more, whoever one asks, loses its disk.
void Nemesis::wipe_outsider() {
  const int i = any_machine();
  for (int group = 0; group < world_.options.groups; ++group) {
    const int at = world_.leader(group);
    if (at < 0 || at == i) return;
    for (const int other : world_.machines()) {
      if (other != i && world_.replica(other, group)->counts_on(world_.peer(i))) return;
    }
  }
  if (!world_.inject(fmt::format("wipe {}", i))) return;
  world_.kill(i);
  world_.wipe(i);
}

void run_swarm(RaftWorld& world, uint64_t seed, Duration length) {
  Nemesis nemesis(world);
  world.start();
  nemesis.start(draw_rates(seed));
  world.run_for(length);
  nemesis.stop();
  world.settle();
}

// Many groups, for hours.

RaftOptions draw_many_groups(uint64_t seed, int groups) {
  Random random = stream(seed, "many groups");
  RaftOptions options;
  options.nodes = 5;
  options.voters = {0, 1, 2};
  options.groups = groups;
  raft::CoreOptions& core = options.core;
  core.lease_reads = random.chance(0.5);
  core.checksum = random.chance(0.5);
  core.max_entries = one_of<size_t>(random, {4, 64, 1024});
  core.quiet_after = one_of<Duration>(random, {1s, 3s, 10s});
  core.longest_quiet = one_of<Duration>(random, {10s, 60s, 300s});
  core.install_timeout = 15s;  // as of the swarm
  options.snapshot_every = one_of<int64_t>(random, {50, 200, 500});
  options.snapshot_chunk = one_of<size_t>(random, {1024, 65'536});
  options.mean_apply = 100us;
  options.buggify = random.chance(0.5) ? 0.2 : 0;
  options.load.clients = 2 * groups;
  options.load.mean_pause = one_of<Duration>(random, {5s, 15s, 40s});
  sim::NetworkShape& net = options.network;
  if (random.chance(0.5)) net.broken = 0.0001;
  if (random.chance(0.5)) net.clogged = 0.0003;
  return options;
}

namespace {

/// What strikes one group of many strikes as often as there are more of them.
FaultRates rates_of_chapter(uint64_t seed, uint64_t chapter, int groups) {
  FaultRates rates = draw_rates(seed ^ (chapter + 1) * 0x9e3779b97f4a7c15);
  for (double* rate : {&rates.snapshot, &rates.transfer, &rates.members}) *rate *= std::min(groups, 10);
  return rates;
}

size_t resident_mebibytes() {
  size_t pages = 0;
  if (std::FILE* const file = std::fopen("/proc/self/statm", "r")) {
    if (std::fscanf(file, "%*u %zu", &pages) != 1) pages = 0;
    std::fclose(file);
  }
  return pages * 4096 >> 20;
}

}  // namespace

void run_many_groups(RaftWorld& world, uint64_t seed, Duration length, const std::function<void(const std::string&)>& told) {
  Nemesis nemesis(world);
  Random random = stream(seed, "chapters");
  world.start();
  for (uint64_t chapter = 0, hour = 1; world.world.elapsed() < length; ++chapter) {
    world.run_for(Duration(random.uniform(60'000'000'000, 480'000'000'000)));
    nemesis.start(rates_of_chapter(seed, chapter, world.options.groups));
    world.run_for(60s);
    nemesis.stop();
    world.settle();
    for (; told && world.world.elapsed() >= hour * 1h; ++hour) {
      told(fmt::format("seed {}: hour {} of {}, {} calls answered, {} M events, {} things remembered, {} MiB", seed, hour, length / 1h,
                       world.clients().counts().done, world.world.events() / 1'000'000, world.remembered(), resident_mebibytes()));
    }
    if (world.world.elapsed() < length) world.go_on();
  }
}

}  // namespace sofa::raft_sim
