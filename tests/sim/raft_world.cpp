#include "raft_world.h"

#include <algorithm>
#include <limits>

#include "clients.h"
#include "replica.h"
#include "sofa/state/raft_core/buggify.h"

namespace sofa::raft_sim {

RaftOptions::RaftOptions() {
  log.folder = "/log";
  log.segment_bytes = 64 << 10;
  log.max_record_bytes = 32 << 10;
  log.control_reserve_bytes = 4096;
  log.cache_bytes = 4096;
  core.cache_bytes = 16 << 10;
  core.catchup_margin = 20;
}

RaftWorld::RaftWorld(RaftOptions given, uint64_t seed)
    : world(seed),
      options(std::move(given)),
      network(world, options.nodes + 1, kChannels),
      buggify(world, options.buggify, 0.1),
      atlas((options.voters.empty() ? static_cast<size_t>(options.nodes) : options.voters.size()) / 2 -
            ((options.voters.empty() ? static_cast<size_t>(options.nodes) : options.voters.size()) % 2 == 0 ? 1 : 0)) {
  network.shape = options.network;
  network.on_broken = [this](const sim::Network::End& end) { on_broken(end); };
  std::vector<int> voters = options.voters;
  if (voters.empty()) voters = machines();
  first_members_ = members(voters, options.learners);
  for (int group = 0; group < options.groups; ++group) truths_.push_back(std::make_unique<Truth>(group));
  for (int i = 0; i < options.nodes; ++i) {
    machines_.push_back(std::make_unique<Machine>(*this, i));
    machines_.back()->knows_first_members = first_members_.has(peer(i));
  }
  clients_ = std::make_unique<Clients>(*this);
  watched_.resize(machines_.size() * machines_.size());
  if (options.buggify > 0) raft::the_buggify = [this](std::string_view point) { return buggify.fires(point); };
}

RaftWorld::~RaftWorld() { raft::the_buggify = {}; }

std::vector<int> RaftWorld::machines() const {
  std::vector<int> all(static_cast<size_t>(options.nodes));
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<int>(i);
  return all;
}

sim::Disk& RaftWorld::disk(int i) { return machine(i).disk; }

PeerId RaftWorld::peer(int machine) { return {.ip = "127.0.0.1", .port = kFirstPort + machine}; }
PeerId RaftWorld::peer_of(int machine) const {
  PeerId id = peer(machine);
  if (static_cast<size_t>(machine) < options.priorities.size()) id.priority = options.priorities[static_cast<size_t>(machine)];
  return id;
}

jraft::Configuration RaftWorld::members(const std::vector<int>& voters, const std::vector<int>& learners) const {
  jraft::Configuration all;
  for (const int i : voters) all.peers.push_back(peer_of(i));
  for (const int i : learners) all.learners.push_back(peer_of(i));
  std::ranges::sort(all.learners);
  return all;
}

void RaftWorld::start() {
  network.set_up(clients_machine());
  for (const int i : machines()) (void)start_machine(i);
  clients_->start();
  world.after(std::chrono::milliseconds(200), [this] { check_now_and_then(); });
}

bool RaftWorld::run_until(const std::function<bool()>& done, Duration most) { return world.run_until(world.now() + most, done); }

int RaftWorld::wait_for_leader(int group, Duration most) {
  if (!run_until([&] { return leader(group) >= 0; }, most)) truth(group).broken("L1_a_leader_is_found", "there is no leader:\n" + describe());
  return leader(group);
}

// Looking.

const Core* RaftWorld::core(int machine, int group) const { return replica(machine, group)->core(); }
Replica* RaftWorld::replica(int machine, int group) const { return &machines_[static_cast<size_t>(machine)]->replica(group); }
bool RaftWorld::is_up(int machine) const { return machines_[static_cast<size_t>(machine)]->is_up(); }
int64_t RaftWorld::applied(int machine, int group) const { return replica(machine, group)->applied(); }

int RaftWorld::leader(int group) const {
  int found = -1;
  for (const int i : machines()) {
    const Core* one = core(i, group);
    if (one != nullptr && one->role() == raft::Role::leader && (found < 0 || one->term() > core(found, group)->term())) found = i;
  }
  return found;
}

std::string RaftWorld::describe() const {
  std::string text;
  for (const auto& one : machines_) {
    constexpr std::string_view kStates[] = {"off", "up", "ruined"};
    text += fmt::format("machine {}: {}{}{}\n", one->number, kStates[static_cast<size_t>(one->state())], one->is_paused() ? ", paused" : "",
                        one->log != nullptr && one->log->is_full() ? ", its disk is full" : "");
    for (int group = 0; group < options.groups; ++group) text += one->replica(group).describe();
  }
  return text;
}

// Machines.

bool RaftWorld::start_machine(int i) { return machine(i).start(); }
void RaftWorld::kill(int i) { machine(i).stop(false); }
void RaftWorld::cut_power(int i) {
  if (machine(i).log != nullptr && machine(i).log->is_writing()) marks.reach("power cut before a write is acknowledged");
  machine(i).stop(true);
}
void RaftWorld::cut_power_in(int i, uint64_t disk_calls) {
  if (is_up(i)) disk(i).cut_power_in(disk_calls);
}
void RaftWorld::machine_died(int i) {
  world.trace("{} loses its power inside of a call of its disk", i);
  marks.reach("power cut inside of a call of the disk");
  machine(i).stop(true);
}
void RaftWorld::pause(int i, Duration length) { machine(i).pause(length); }
void RaftWorld::wipe(int i) {
  if (machine(i).is_up()) return;
  world.trace("{} is wiped", i);
  marks.reach("wiped");
  machine(i).wipe();
  atlas.repaired(i);
}

// Groups.

jraft::Status RaftWorld::change_members(int i, int group, const jraft::Configuration& next, Ended ended) {
  if (core(i, group) == nullptr) return {jraft::RaftError::ehostdown, "the machine is down"};
  return replica(i, group)->change_members(next, std::move(ended));
}
jraft::Status RaftWorld::transfer(int i, int group, int to) {
  if (core(i, group) == nullptr) return {jraft::RaftError::ehostdown, "the machine is down"};
  return replica(i, group)->transfer(to < 0 ? PeerId() : peer_of(to));
}
jraft::Status RaftWorld::reset_peers(int i, int group, const jraft::Configuration& next) {
  if (core(i, group) == nullptr) return {jraft::RaftError::ehostdown, "the machine is down"};
  return replica(i, group)->reset_peers(next);
}
void RaftWorld::snapshot(int i, int group) { replica(i, group)->take_snapshot(); }
jraft::Status RaftWorld::propose(int i, int group, Bytes data) {
  if (core(i, group) == nullptr) return {jraft::RaftError::ehostdown, "the machine is down"};
  return replica(i, group)->propose(std::move(data));
}
void RaftWorld::stop(int i, int group) { replica(i, group)->shut_down(); }

// Messages.

uint64_t RaftWorld::deliver_request(int from, int to, jraft::Message request, int group) {
  const uint64_t call = next_made_up_call_++;
  machine(to).later(Duration(1), [this, from, to, group, call, request = std::move(request)]() mutable {
    replica(to, group)->take_request(network.connect(from, to, kRaft), from, call, std::move(request));
  });
  return call;
}

void RaftWorld::deliver_answer(int to, uint64_t call, jraft::Message answer, int group) {
  machine(to).later(Duration(1),
                    [this, to, group, call, answer = std::move(answer)]() mutable { replica(to, group)->take_answer(call, std::move(answer)); });
}

// For the parts.

bool RaftWorld::inject(const std::string& what) { return world.fault(what.substr(0, what.find_first_of("0123456789(:")), "{}", what); }

void RaftWorld::on_broken(const sim::Network::End& end) {
  if (end.from == clients_machine()) return clients_->connection_broke(end);
  for (const int i : {end.from, end.to}) {
    if (i >= options.nodes || !is_up(i)) continue;
    machine(i).later(Duration(1), [this, i, end] {
      for (int group = 0; group < options.groups; ++group) replica(i, group)->connection_broke(end);
    });
  }
}

void RaftWorld::check_lease(int i, int group) {
  if (!options.core.lease_reads) return;
  const auto has_lease = [&](int one) {
    const Core* of = core(one, group);
    return of != nullptr && !machine(one).is_paused() && of->is_leader() && of->log().term_of(of->commit_index()) == of->term() &&
           of->has_lease(machine(one).now());
  };
  if (!has_lease(i)) return;
  marks.reach("read while it has a lease");
  for (const int other : machines()) {
    if (other != i && has_lease(other)) {
      truth(group).broken("I16_one_lease", fmt::format("{} serves a read in the term {}, and {} has the lease of the term {}", i,
                                                       core(i, group)->term(), other, core(other, group)->term()));
    }
  }
}

/// What is not worth a look at each event.
void RaftWorld::check_now_and_then() {
  for (const int i : machines()) machine(i).look_for_trouble();
  for (int group = 0; group < options.groups; ++group) {
    for (const int i : machines()) replica(i, group)->check_progress();
    check_leaders(group);
  }
  operate();
  if (options.core.quiet_after != Duration()) watch_nodes();
  if (++looks_ % 300 == 0) forget_the_past();  // each minute
  world.after(std::chrono::milliseconds(200), [this] { check_now_and_then(); });
}

Duration RaftWorld::patience(bool fetching) const {
  const Duration often = 2 * options.core.election_timeout + 2 * std::chrono::milliseconds(200);
  const Duration seldom = 40 * (options.network.mean_delay + options.disk.mean_sync + options.mean_apply);
  const bool stalls = options.disk.stalled > 0 || options.network.clogged > 0 || options.buggify > 0;
  return often + seldom + options.core.rpc_timeout + (stalls ? std::chrono::seconds(5) : Duration()) +
         (fetching ? std::chrono::seconds(4) : Duration());
}

/// Of nodes that think that they lead, only the one of the newest term may find a majority (I10).
void RaftWorld::check_leaders(int group) {
  std::vector<Truth::Leader> leaders;
  for (const int i : machines()) {
    if (const Core* const one = core(i, group); one != nullptr && one->is_leader()) leaders.push_back({i, one->term(), &one->members()});
  }
  if (leaders.size() > 1) truth(group).check_leaders(leaders, [](const PeerId& id) { return machine_of(id); });
}

/// What a member may still go by it can also send, read and find again. What is on its way, or was not durable yet when it was asked for, is so for
/// minutes at most.
void RaftWorld::forget_the_past() {
  constexpr size_t kMinutes = 10;
  std::vector<raft::LogId>& horizons = horizons_.emplace_back();
  for (int group = 0; group < options.groups; ++group) horizons.push_back(oldest(group));
  if (horizons_.size() <= kMinutes) return;
  for (int group = 0; group < options.groups; ++group) truth(group).forget_before(horizons_.front()[static_cast<size_t>(group)]);
  horizons_.pop_front();
}

raft::LogId RaftWorld::oldest(int group) {
  const int at = leader(group);
  if (at < 0) return {};
  const Membership& members = core(at, group)->members();
  raft::LogId oldest{.index = truth(group).most_applied(), .term = core(at, group)->term()};
  for (const int i : machines()) {
    if (!members.current.has(peer(i)) && !members.old.has(peer(i))) continue;
    const raft::LogId one = replica(i, group)->oldest();
    oldest = {.index = std::min(oldest.index, one.index), .term = std::min(oldest.term, one.term)};
  }
  return oldest;
}

size_t RaftWorld::remembered() const {
  size_t all = 0;
  for (const auto& one : truths_) all += one->remembered();
  return all;
}

// Watching nodes, for members that are quiet (raft_core/quiet.cpp).

void RaftWorld::watch_nodes() {
  for (const int from : machines()) {
    if (!is_up(from) || machine(from).is_paused()) continue;
    for (const int to : machines()) {
      if (to != from) watch(from, to);
    }
  }
}

/// A node is lost when it has not answered for long, or when the connection over which it was asked has ended, as with a new start.
void RaftWorld::watch(int from, int to) {
  const size_t at = static_cast<size_t>(from) * machines_.size() + static_cast<size_t>(to);
  Watched& one = watched_[at];
  if (one.life != machine(from).life()) one = {.life = machine(from).life(), .answered = world.now()};
  const uint64_t connection = network.connect(from, to, kWatch);
  const bool ended = one.connection != 0 && connection != one.connection;
  if (ended || world.now() - one.answered > options.node_lost_after) {
    one = {.life = one.life, .answered = world.now()};
    return node_lost(from, to);
  }
  if (one.asked || connection == 0) return;
  one.connection = connection;
  const auto answer = [this, from, at, connection] {
    machine(from).enter([this, at, connection] {
      if (watched_[at].connection != connection) return;
      watched_[at].asked = false;
      watched_[at].answered = world.now();
    });
  };
  one.asked = network.send(connection, sim::Way::there, 50, [this, to, connection, answer] {
    machine(to).enter([this, connection, answer] { (void)network.send(connection, sim::Way::back, 50, answer); });
  });
}

void RaftWorld::node_lost(int from, int to) {
  for (int group = 0; group < options.groups; ++group) {
    if (core(from, group) != nullptr && core(from, group)->is_quiet()) marks.reach("quiet node told that another one is lost");
    replica(from, group)->node_lost(peer(to).address());
  }
}

// Who runs the machines.

Duration RaftWorld::restart_wait(const Machine& of) const {
  constexpr int kPercents[] = {0, 0, 10, 25, 100, 100, 100, 300};
  const auto since = static_cast<uint64_t>(of.off_since().time_since_epoch().count());
  return restart_after * kPercents[Random(world.seed() ^ since).uniform(std::size(kPercents))] / 100;
}

void RaftWorld::operate() {
  for (const int i : machines()) {
    Machine& one = machine(i);
    bool failed = false;
    for (int group = 0; one.is_up() && group < options.groups; ++group) failed = failed || one.replica(group).has_failed();
    if (failed && restart_after != Duration() && !one.is_paused()) {
      world.trace("{} has failed, and is started again", i);
      kill(i);
    }
    if (one.state() == Machine::State::off && restart_after != Duration() && world.now() - one.off_since() >= restart_wait(one)) {
      (void)start_machine(i);
    }
    if (has_operator && (one.state() == Machine::State::ruined || !one.knows_first_members)) repair(i);
  }
}

void RaftWorld::want_members(int group, int at, const std::function<void(jraft::Configuration&)>& change) {
  const Membership& now = core(at, group)->members();
  if (now.is_joint()) return;
  jraft::Configuration next = now.current;
  change(next);
  if (next == now.current || !next.is_valid()) return;
  (void)change_members(at, group, next);
}

/// Whether nobody counts on this machine any more, who was taken out of the group: what it will have forgotten must not elect anybody. Whoever lives
/// in a configuration of old hears of the newer ones: as a member, or as a learner.
bool RaftWorld::is_forgotten(int i, int group, int at) {
  bool forgotten = true;
  for (const int other : machines()) {
    if (other == i || !replica(other, group)->counts_on(peer(i))) continue;
    forgotten = false;
    want_members(group, at, [&](jraft::Configuration& next) {
      if (next.has(peer(other))) return;
      next.learners.push_back(peer_of(other));
      std::ranges::sort(next.learners);
    });
  }
  return forgotten;
}

/// A ruined machine leaves its groups, is emptied, and comes back; one that has lost its place comes back, too.
void RaftWorld::repair(int i) {
  Machine& one = machine(i);
  const PeerId id = peer(i);
  const bool wanted = first_members_.has(id);
  bool gone = true;
  for (int group = 0; group < options.groups; ++group) {
    const int at = leader(group);
    if (at < 0 || machine(at).is_paused()) {
      gone = false;
      continue;
    }
    const Core& leads = *core(at, group);
    const bool member = leads.members().current.has(id) || leads.members().old.has(id);
    if (one.state() == Machine::State::ruined) {
      // Committed, and not only there: an entry of this term behind it is committed.
      const int64_t from = leads.log().members_from(leads.log().last());
      if (member || leads.commit_index() < from) gone = false;
      if (member) want_members(group, at, [&](jraft::Configuration& next) { std::erase(next.peers, id), std::erase(next.learners, id); });
      gone = gone && is_forgotten(i, group, at);
    } else if (one.is_up() && wanted && !member && settling_) {
      want_members(group, at, [&](jraft::Configuration& next) { next.peers.push_back(peer_of(i)); });
    }
  }
  if (one.state() == Machine::State::ruined && gone) wipe(i);
}

void RaftWorld::settle() {
  settling_ = true;
  buggify.stop();
  clients_->stop();
  network.shape = sim::NetworkShape();
  network.heal();
  restart_after_settled_ = std::exchange(restart_after, std::chrono::milliseconds(500));
  for (const int i : machines()) {
    disk(i).shape = sim::DiskShape();
    disk(i).free_space();
  }
  // Whoever stands still goes on by itself; whoever is down starts.
  const Duration timeout = options.core.election_timeout + options.core.max_election_delay;
  const auto paused = [&](int i) { return machine(i).is_paused(); };
  const bool up = run_until([&] { return std::ranges::none_of(machines(), paused); }, std::chrono::minutes(2));
  if (!up) truth().broken("L0_machines_start", describe());
  for (int group = 0; group < options.groups; ++group) {
    const auto led = [&] { return leader(group) >= 0; };
    // A link that was clogged last carries nothing for a while yet.
    const Duration clogged = options.network.clogged > 0 ? 15 * options.network.clogged_mean : Duration();
    if (!run_until(led, 10 * timeout + std::chrono::seconds(5) + clogged))
      truth(group).broken("L1_a_leader_is_found", "there is no leader in time:\n" + describe());
  }
  if (!run_until([&] { return clients_->idle(); }, std::chrono::seconds(60)))
    truth().broken("I13_each_call_ends", "a call of a client does not end\n" + describe());
  const auto same = [&] {
    for (int group = 0; group < options.groups; ++group) {
      const int at = leader(group);
      if (at < 0 || core(at, group)->members().is_joint() || core(at, group)->log().last() != applied(at, group)) return false;
      for (const int i : machines()) {
        if (machine(i).state() == Machine::State::ruined || !is_up(i)) return false;
        const Core* one = core(i, group);
        if (first_members_.has(peer(i)) && !core(at, group)->members().current.has(peer(i)) && !machine(i).knows_first_members) return false;
        if (!core(at, group)->members().current.has(peer(i))) continue;
        if (applied(i, group) != applied(at, group) || !one->is_active() || replica(i, group)->waiting() != 0) return false;
      }
    }
    return true;
  };
  if (!run_until(same, std::chrono::minutes(3)))
    truth().broken("L2_all_come_to_the_same", "the replicas do not come to the same state:\n" + describe());
}

void RaftWorld::go_on() {
  settling_ = false;
  buggify.go_on();
  network.shape = options.network;
  restart_after = restart_after_settled_;
  for (const int i : machines()) disk(i).shape = options.disk;
  clients_->start();
}

}  // namespace sofa::raft_sim
