#pragma once
// Scenarios: states of a Raft group that are known to go wrong, each brought about on purpose on the simulated world. What must hold beyond the
// invariants is checked by `Trial::must`; the state that a scenario is there for must have been reached (`Scenario::marks`), or it has shown nothing.
// `./dev sim raft --scenarios` lists them by number.
//
//   void leader_crashes_idle(Trial& trial) {
//     RaftWorld& world = trial.begin(idle(3));
//     ...
//   }

#include <fmt/format.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "clients.h"
#include "raft_world.h"
#include "replica.h"

namespace sofa::raft_sim {

using namespace std::chrono_literals;

/// One run of a scenario with a seed.
class Trial {
 public:
  Trial(uint64_t seed, size_t trace) : random(sim::World(seed).derive("scenario")), seed_(seed), trace_(trace) {}

  Random random;
  /// A world that has been started; one a trial, unless the last one is finished.
  RaftWorld& begin(RaftOptions options);
  /// The same, with a leader who has told it to all.
  RaftWorld& begin_led(RaftOptions options);
  /// The same, not started.
  RaftWorld& prepare(RaftOptions options);
  /// Else the trial has failed: `what` says what should have been.
  template <class... Args>
  void must(bool holds, fmt::format_string<Args...> format, Args&&... args) const {
    if (!holds) throw sim::Broken("scenario", fmt::format(format, std::forward<Args>(args)...));
  }
  void reach(std::string_view mark) { own_marks_.reach(mark); }
  bool chance(double probability) { return random.chance(probability); }

  // For the runner.
  RaftWorld* world() { return world_.get(); }
  sim::Marks marks() const;

 private:
  const uint64_t seed_;
  const size_t trace_;
  std::unique_ptr<RaftWorld> world_;
  sim::Marks own_marks_{};
};

struct Scenario {
  int number = 0;
  std::string_view name{};
  std::string_view shows{};
  void (*run)(Trial&) = nullptr;
  std::vector<std::string> marks{};  ///< of all trials together
  std::string full_name() const { return fmt::format("{:02}_{}", number, name); }
};

// By subject.
std::vector<Scenario> election_scenarios();
std::vector<Scenario> replication_scenarios();
std::vector<Scenario> disk_scenarios();
std::vector<Scenario> snapshot_scenarios();
std::vector<Scenario> membership_scenarios();
std::vector<Scenario> read_scenarios();
std::vector<Scenario> quiet_scenarios();

/// All of them, by number.
std::vector<Scenario> scenarios();
/// "all", or full names, each with as many seeds; prints what fails and how to repeat it. How many have failed.
int run_scenarios(const std::vector<std::string>& names, uint64_t first_seed, uint64_t seeds, bool verbose);
void list_scenarios();

// What scenarios are made of.

/// Machines without clients, snapshots only when asked for, nobody who restarts or repairs anything.
RaftOptions idle(int nodes);
/// The same, with four clients.
RaftOptions busy(int nodes);
/// Of the core's options: the longest that an election waits for the leader's silence.
Duration timeout(const RaftWorld& world);
std::vector<int> others(const RaftWorld& world, int machine);
/// One that is up and does not lead.
int follower(const RaftWorld& world, int leader);
jraft::Message heartbeat_from(const RaftWorld& world, int leader, int to);
/// All that a leader has in its memory from `first` on, without the probe that goes before it.
jraft::Message entries_from(const RaftWorld& world, int leader, int to, int64_t first);
/// Whoever is off and not ruined, or has failed.
void start_all(RaftWorld& world);
/// So many commands at a node that takes them; the index of the last one.
int64_t write(Trial& trial, RaftWorld& world, int machine, int entries, size_t bytes = 20);
/// Writes, and waits until all who are up have applied them.
void write_and_wait(Trial& trial, RaftWorld& world, int entries);
/// Every member that is up and has not failed has applied this entry.
bool all_have(const RaftWorld& world, int64_t index);
/// The answer to a request that was made at a node: nothing until it comes.
using Answer = std::shared_ptr<std::optional<Reply>>;
Answer put(RaftWorld& world, int machine, const std::string& key, const std::string& value);
Answer read(RaftWorld& world, int machine, const std::string& key);
/// Of a machine that has never run: its log holds entries of these terms, the first one with the members, and it is in the newest of them or in
/// `term`.
void seed_log(RaftWorld& world, int machine, const std::vector<int64_t>& terms, int64_t term = 0);
/// A word of what a message is.
template <class Message>
const Message* as(const RaftWorld::Passing& passing) {
  return std::get_if<Message>(&passing.message);
}

}  // namespace sofa::raft_sim
