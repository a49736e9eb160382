#include <cmath>

#include "replica.h"

namespace sofa::raft_sim {

Machine::Machine(RaftWorld& of, int i) : world(of), number(i), disk(of.world, std::to_string(i)), log_options(of.options.log) {
  Random& random = of.world.random("clocks");
  const double drift = of.options.drift;
  clock = sim::NodeClock(Duration(random.uniform(0, int64_t{1'000'000'000} * 3600)), 1 - drift + 2 * drift * random.unit());
  disk.shape = of.options.disk;
  for (int group = 0; group < of.options.groups; ++group) replicas_.push_back(std::make_unique<Replica>(*this, group));
}

Machine::~Machine() = default;

bool Machine::start() {
  if (state_ == State::up) return false;
  ++life_;
  paused_ = kicked_ = false;
  inbox_.clear();
  world.marks.reach("started again", life_ > 1 ? 1 : 0);
  const uint64_t errors = disk.errors();
  auto opened = SteppedLog::open(disk.files(), log_options, world.world.derive(fmt::format("log {} {}", number, life_)));
  Result<void> done;
  if (!opened) {
    done = forward_error(opened);
  } else {
    log = std::move(*opened);
    for (const std::string& note : log->notes()) {
      world.world.trace("{} {}", number, note);
      world.marks.reach("torn tail cut");
    }
    state_ = State::up;
    world.network.set_up(number);
    for (auto& replica : replicas_) {
      if (done = replica->start(); !done) break;
    }
  }
  if (done && !disk.died()) {
    world.world.trace("{} starts", number);
    kick_log();
    return true;
  }
  // An error of the disk, or no power, is no verdict on what it holds: it is tried again.
  const bool refused = !done && (done.error().code() == Code::data_loss || world.atlas.is_damaged(number));
  const bool ruined = refused && disk.errors() == errors && !disk.died();
  world.world.trace("{} does not start: {}", number, done ? "the power has gone" : done.error().to_string());
  state_ = State::up;
  stop(disk.died());
  if (!ruined) return false;
  state_ = State::ruined;
  world.marks.reach("ruined disk refused");
  if (!world.atlas.is_damaged(number)) {
    throw sim::Broken("D1_nothing_durable_is_lost",
                      fmt::format("{} does not start, and its disk was not damaged: {}", number, done.error().to_string()));
  }
  return false;
}

void Machine::stop(bool power_lost) {
  if (state_ == State::off) return;
  ++life_;
  state_ = State::off;
  off_since_ = world.world.now();
  paused_ = kicked_ = false;
  inbox_.clear();
  for (auto& replica : replicas_) replica->stop();
  log = nullptr;
  world.network.set_down(number, power_lost);
  if (power_lost) disk.cut_power();
  (void)disk.take_latency();
}

void Machine::wipe() {
  stop(true);
  state_ = State::off;
  disk.wipe();
  knows_first_members = false;
  for (int group = 0; group < world.options.groups; ++group) replicas_[static_cast<size_t>(group)] = std::make_unique<Replica>(*this, group);
}

void Machine::pause(Duration length) {
  if (!is_up() || paused_) return;
  paused_ = true;
  world.world.after(length, [this, life = life_] {
    if (life != life_) return;
    paused_ = false;
    world.world.trace("{} goes on", number);
    // In their order, but each as an event of its own: it may be paused again meanwhile.
    std::deque<sim::Action> inbox = std::exchange(inbox_, {});
    Duration wait{1};
    for (sim::Action& action : inbox) later(wait++, std::move(action));
  });
}

void Machine::enter(sim::Action action) {
  if (paused_) {
    inbox_.push_back(std::move(action));
  } else {
    action();
  }
}

void Machine::later(Duration wait, sim::Action action) {
  world.world.after(wait, [this, life = life_, action = std::move(action)]() mutable {
    if (life == life_) enter(std::move(action));
  });
}

void Machine::kick_log() {
  if (kicked_ || log == nullptr || log->is_writing() || !log->has_work()) return;
  kicked_ = true;
  later(std::chrono::microseconds(5), [this] {
    kicked_ = false;
    write_log();
  });
}

bool Machine::died() {
  if (!disk.died()) return false;
  world.machine_died(number);
  return true;
}

void Machine::write_log() {
  if (log->is_writing()) return;
  const bool written = log->write();
  if (died()) return;
  write_began_ = world.world.now();
  if (!written) {
    if (!log->has_work() || log->failed()) return;
    world.marks.reach("disk full");
    kicked_ = true;
    later(std::chrono::milliseconds(50), [this] {  // until there is room again
      kicked_ = false;
      write_log();
    });
    return;
  }
  later(std::max(disk.take_latency(), disk_held_until_ - world.world.now()), [this] {
    ++writes_;
    log->complete();
    if (!is_up()) return;
    (void)log->keep_house(true);
    if (died()) return;
    (void)disk.take_latency();
    kick_log();
  });
}

void Machine::look_for_trouble() {
  const Instant now = world.world.now();
  const bool writes_long =
      log != nullptr && log->is_writing() && now - write_began_ > 10 * world.options.disk.mean_sync + std::chrono::milliseconds(50);
  const bool runs = is_up() && !paused_ && !log->is_full() && !log->failed();
  if (!runs || writes_long || disk_held_until_ > now || disk.shape != world.options.disk || world.meddle) troubled_ = now;
}

}  // namespace sofa::raft_sim
