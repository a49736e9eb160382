#pragma once
// The swarm: a seed draws the group, the options and which faults come how often; then a minute of faults under load, then everything heals and must
// come to rest. Each seed has few kinds of faults, and those often: more is reached than by a little of everything.
//
// Beside it a world of many groups on the same machines, sharing logs and connections, that lives for hours: minutes in which little happens, a
// minute of faults, rest, and so on.

#include "raft_world.h"

namespace sofa::raft_sim {

/// What a seed draws.
RaftOptions draw_options(uint64_t seed);

/// Faults, each with its own pace; 0: never.
struct FaultRates {
  // Each is how often a minute.
  double power_cut = 0, power_cut_inside = 0, kill = 0, pause = 0, partition = 0, clog = 0, reset = 0;
  double full_disk = 0, disk_error = 0, slow_disk = 0, damage = 0;
  double snapshot = 0, transfer = 0, members = 0, wipe_outsider = 0, clock = 0, power_of_all = 0;
};
FaultRates draw_rates(uint64_t seed);

/// What some seeds of many must reach, or they have shown too little.
std::vector<std::string> required_marks();

class Nemesis {
 public:
  explicit Nemesis(RaftWorld& world);
  /// From now on; also again. What has not ended when this goes is ended by RaftWorld::settle().
  void start(const FaultRates& rates);
  /// No new faults.
  void stop() { ++round_; }

 private:
  void every(double a_minute, std::function<void()> strike);
  void schedule(double a_minute, std::shared_ptr<std::function<void()>> strike);
  /// Unless this has gone by then.
  void later(Duration wait, sim::Action act);
  int any_machine();
  int any_up();
  void cut_power_of_all();
  void once_writing(const std::vector<int>& machines, std::function<void()> strike, int tries = 100);
  void partition();
  bool tolerates_damage(int machine, int group) const;
  void full_disk();
  void disk_error();
  void slow_disk();
  void damage();
  void change_members();
  void wipe_outsider();

  RaftWorld& world_;
  Random& random_;
  uint64_t round_ = 0;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>();
};

/// A minute of it, and the end. Throws sim::Broken.
void run_swarm(RaftWorld& world, uint64_t seed, Duration length);

/// Many groups on five machines, three of them members of each at the beginning.
RaftOptions draw_many_groups(uint64_t seed, int groups);
/// Hours of them, and the end; a line for each hour through `told`, where there is one. Throws sim::Broken.
void run_many_groups(RaftWorld& world, uint64_t seed, Duration length, const std::function<void(const std::string&)>& told);

}  // namespace sofa::raft_sim
