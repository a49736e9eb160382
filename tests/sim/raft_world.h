#pragma once
// RaftWorld: machines with disks and clocks, each with replicas of some Raft groups, and clients, in the simulated world (sofa/sim). The cores, their
// records, the log's bytes and its recovery are the real ones.
//
//   RaftWorld world({.nodes = 3}, seed);
//   world.start();
//   const int leader = world.wait_for_leader();
//   world.cut_power(leader);
//   world.run_for(3s);
//   world.start_machine(leader);
//   world.settle();                      // everything heals; all that must happen in the end does, or Broken is thrown
//
// Machines are 0 .. nodes-1; the clients are on machine `nodes`. Groups are 0 .. groups-1. Times are the world's.

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sofa/sim/buggify.h"
#include "sofa/sim/clock.h"
#include "sofa/sim/disk.h"
#include "sofa/sim/marks.h"
#include "sofa/sim/network.h"
#include "sofa/state/log/options.h"
#include "sofa/state/raft_core/core.h"
#include "truth.h"

namespace sofa::raft_sim {

class Machine;
class Replica;
class Clients;

/// What clients do.
struct LoadOptions {
  int clients = 4;
  Duration mean_pause = std::chrono::milliseconds(100);  ///< of a client between two calls, exponential
  int keys = 5;
  double reads = 0.4;                          ///< of all calls; the others are put, add, cas, remove, append
  double local_reads = 0.1;                    ///< of the reads: of whatever a node has
  size_t value_bytes = 16;                     ///< and now and then a hundred times as many
  Duration attempt = std::chrono::seconds(1);  ///< until a call is tried at another node
  Duration patience = std::chrono::seconds(8);
};

struct RaftOptions {
  int nodes = 3;
  int groups = 1;
  std::vector<int> voters{};      ///< of the first configuration; none: all
  std::vector<int> learners{};    ///< of the first configuration
  std::vector<int> priorities{};  ///< by machine; none: without
  raft::CoreOptions core{};
  log::LogOptions log{};
  LoadOptions load{};
  double drift = 0.04;            ///< clocks run at 1 - drift to 1 + drift
  int64_t snapshot_every = 500;   ///< entries; 0: only when asked for
  size_t snapshot_chunk = 4096;   ///< bytes of one GetFile
  double snapshot_corrupted = 0;  ///< of the chunks
  double resend = 0.3;            ///< of the requests on a connection that breaks: sent again on the next one
  Duration mean_apply = std::chrono::microseconds(100);
  double buggify = 0;                                  ///< of the points: on
  Duration node_lost_after = std::chrono::seconds(1);  ///< without an answer, a node counts as lost; where groups may be quiet
  sim::NetworkShape network{};
  sim::DiskShape disk{};

  RaftOptions();
};

class RaftWorld {
 public:
  RaftWorld(RaftOptions options, uint64_t seed);
  ~RaftWorld();

  // The parts.
  sim::World world;
  const RaftOptions options;
  sim::Network network;
  sim::Buggify buggify;
  sim::Marks marks;
  /// Who may be damaged (sofa/sim/disk.h): a minority of the first voters.
  sim::FaultAtlas atlas;
  enum Channel { kRaft, kFiles, kClient, kWatch, kChannels };
  int clients_machine() const { return options.nodes; }
  /// 0 .. nodes-1
  std::vector<int> machines() const;
  Machine& machine(int i) { return *machines_[static_cast<size_t>(i)]; }
  sim::Disk& disk(int i);
  Truth& truth(int group = 0) { return *truths_[static_cast<size_t>(group)]; }
  Clients& clients() { return *clients_; }

  static PeerId peer(int machine);
  /// With its priority.
  PeerId peer_of(int machine) const;
  static int machine_of(const PeerId& peer) { return peer.port - kFirstPort; }
  std::string group_name(int group) const { return "g" + std::to_string(group); }
  jraft::Configuration members(const std::vector<int>& voters, const std::vector<int>& learners = {}) const;
  const jraft::Configuration& first_members() const { return first_members_; }

  // Running. Each of these runs events.
  void start();
  void run_for(Duration length) { world.run_for(length); }
  /// Until `done()`, or the time is over; whether it holds.
  bool run_until(const std::function<bool()>& done, Duration most);
  /// Broken where there is none in time. The machine.
  int wait_for_leader(int group = 0, Duration most = std::chrono::seconds(30));
  /// The liveness phase: faults end, everything is started, what is damaged is replaced; then every group gets a leader within 10 election timeouts,
  /// every call of a client ends, and all replicas come to the same index. Else Broken (L1, L2, L3, I13).
  void settle();
  /// After settle(): disks and links are as bad again as the options say, and the clients make calls.
  void go_on();

  // Looking.
  /// The leader of the highest term among machines that are up; -1: none.
  int leader(int group = 0) const;
  /// Null while the machine is down.
  const Core* core(int machine, int group = 0) const;
  Replica* replica(int machine, int group = 0) const;
  bool is_up(int machine) const;  ///< runs, paused or not
  int64_t applied(int machine, int group = 0) const;
  std::string describe() const;
  /// What the judges of all groups keep, in things.
  size_t remembered() const;

  // Machines.
  /// Reads what its disk has; false: that is damaged, or the machine runs.
  bool start_machine(int machine);
  void kill(int machine);       ///< the process: what it has written stays
  void cut_power(int machine);  ///< what is not synced is lost, kept or torn
  void cut_power_in(int machine, uint64_t disk_calls);
  void pause(int machine, Duration length);
  /// Of a machine that is down. It comes back as one that nobody has told its members.
  void wipe(int machine);

  // Groups. The status of asking; the end is for the callback.
  using Ended = std::function<void(const jraft::Status&)>;
  jraft::Status change_members(int machine, int group, const jraft::Configuration& next, Ended ended = {});
  jraft::Status transfer(int machine, int group, int to);  ///< -1: to whoever lags least
  jraft::Status reset_peers(int machine, int group, const jraft::Configuration& next);
  void snapshot(int machine, int group = 0);
  /// A command outside of all clients' sessions.
  jraft::Status propose(int machine, int group, Bytes data);
  void stop(int machine, int group);  ///< Core::shut_down

  /// A machine whose disk is damaged, or whose power comes back, is no fault that the nodes must mend: someone takes it out of its groups, empties it
  /// and takes it in again. On by default while it runs.
  bool has_operator = true;
  /// Restarts machines that are down or have failed after so long, half of them much sooner, some later; zero: not at all.
  Duration restart_after = std::chrono::seconds(2);

  // Messages, for scenarios that meddle with them.
  /// A message that has come to a machine of which nobody need run: a scenario may answer in its name.
  struct Passing {
    int from = 0, to = 0, group = 0;
    bool is_answer = false;
    uint64_t call = 0;        ///< of the one that asks
    uint64_t connection = 0;  ///< of a request
    const jraft::Message& message;
  };
  /// Asked for every message; false: it goes no further, and who waits for it waits in vain.
  std::function<bool(const Passing&)> meddle{};
  /// A request comes as if from `from`; nobody meddles with it. Its answer passes by `meddle` with the number that is returned.
  uint64_t deliver_request(int from, int to, jraft::Message request, int group = 0);
  /// An answer comes to the core, wanted or not.
  void deliver_answer(int to, uint64_t call, jraft::Message answer, int group = 0);

  // For the parts.
  /// Whether a fault strikes (sim::World::fault); its kind are the words before the first number.
  bool inject(const std::string& what);
  void machine_died(int machine);  ///< its disk has stopped inside of a call
  /// A leader serves a read, perhaps by its lease: nobody else may think that it has one (I16).
  void check_lease(int machine, int group);
  /// How long a peer that is heard may get nothing of what it lacks: two election timeouts, and what links and disks of this run may take.
  Duration patience(bool fetching) const;
  size_t largest_entry = 0;  ///< bytes of data, of all that were appended

 private:
  static constexpr int kFirstPort = 9000;
  void on_broken(const sim::Network::End& end);
  void check_now_and_then();
  void check_leaders(int group);
  void forget_the_past();
  raft::LogId oldest(int group);
  void watch_nodes();
  void watch(int from, int to);
  void node_lost(int from, int to);
  void operate();
  Duration restart_wait(const Machine& of) const;
  void repair(int machine);
  bool is_forgotten(int machine, int group, int leader);
  void want_members(int group, int leader, const std::function<void(jraft::Configuration&)>& change);

  jraft::Configuration first_members_{};
  std::vector<std::unique_ptr<Truth>> truths_;
  std::vector<std::unique_ptr<Machine>> machines_;
  std::unique_ptr<Clients> clients_;
  /// What a machine knows of another one that it asks now and then, once for all groups.
  struct Watched {
    uint64_t life = 0;        // of the machine that asks
    uint64_t connection = 0;  // over which it was last asked
    bool asked = false;
    Instant answered{};
  };
  std::vector<Watched> watched_;  // by both
  bool settling_ = false;
  uint64_t looks_ = 0;
  Duration restart_after_settled_{};
  /// By group, each minute: what no node goes back before.
  std::deque<std::vector<raft::LogId>> horizons_;
  uint64_t next_made_up_call_ = uint64_t{1} << 60;
};

}  // namespace sofa::raft_sim
