#pragma once
// Node: one member of one Raft group on this machine, with its state machine. Made by Server::start; belongs to the server's shard.
//
//   raft::Node& node = *co_await io::or_return(server.start({.group = "counter", .initial = *Configuration::parse("10.0.0.1:8700,...")}, counter));
//   Bytes result = co_await io::or_return(node.apply(encode(5)));     // replicated, applied here: the state machine's reply
//   co_await io::or_return(node.read());                             // from here on the state machine shows all that was written before
//
// Errors carry a RaftStatus with JRaft's code: `error.detail<RaftStatus>()->status.code`.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sofa/base/error.h"
#include "sofa/io/task.h"
#include "sofa/state/raft/session.h"
#include "sofa/state/raft/state_machine.h"
#include "sofa/state/raft_core/core.h"

namespace sofa::raft {

/// Attached to every Error of a node.
struct RaftStatus : ErrorDetail {
  explicit RaftStatus(jraft::Status s) : status(std::move(s)) {}
  const jraft::Status status;
};
Error error_of(jraft::Status status);
/// Of an error without one: the code that is nearest, with its text.
jraft::Status status_of(const Error& error);

struct NodeOptions {
  std::string group{};
  int idx = 0;                         ///< several members of one group on one server have different ones
  int priority = PeerId::kNoPriority;  ///< see Core
  jraft::Configuration initial{};      ///< counts only while log and snapshot are empty; empty: waits until others make it a member
  Duration election_timeout = std::chrono::seconds(1);
  Duration max_election_delay = std::chrono::seconds(1);
  Duration snapshot_interval{};                     ///< zero: no snapshots by time
  int64_t snapshot_log_margin = 0;                  ///< a snapshot by time needs so many new entries, at least
  bool checksum = false;                            ///< entries carry their checksum
  bool lease_reads = false;                         ///< reads go by the leader's lease
  Duration quiet_after = std::chrono::seconds(10);  ///< idle for so long, a group of C++ nodes sends no heartbeats; zero: it always does
  bool sessions = false;  ///< writes may be of a session (session.h): the same on all members, from the group's first entry on; C++ nodes alone
  bool cli = true;        ///< takes commands of the CLI
  size_t max_entry_bytes = size_t{16} << 20;  ///< of data; over it EINVAL
  size_t apply_batch = 256;                   ///< entries that the state machine is given at once, at most
  size_t max_waiting = 65'536;                ///< proposals and reads that wait; over it EBUSY
  CoreOptions core{};                         ///< further bounds; what stands above takes its place
};

/// How a node is, for a person or a page.
struct NodeDescription {
  std::string group{}, self{}, leader{}, members{}, old_members{}, role{}, error{};
  int64_t term = 0, first_log = 0, last_log = 0, saved = 0, committed = 0, applied = 0, snapshot = 0;
  std::string voted_for{};  ///< in this term; empty: nobody
  int64_t last_log_term = 0, snapshot_term = 0;
  int target_priority = PeerId::kNoPriority;  ///< that elections wait for
  size_t waiting = 0, reads = 0;              ///< proposals and reads of users that are under way
  uint64_t elections = 0;                     ///< that this node has begun
  std::string last_election{};                ///< why, in words: why it has left its last leader, or that it has never had one
  WallTime last_election_at{};                ///< when that was, or when this node has campaigned since
  bool quiet = false, disk_full = false, installing = false, saving_snapshot = false;
  std::vector<Core::Follower> followers{};
};

class Node {
 public:
  virtual ~Node() = default;

  virtual const std::string& group() const = 0;
  virtual const PeerId& self() const = 0;
  virtual StateMachine& machine() = 0;
  /// How it is, without waiting.
  virtual const Core& core() const = 0;
  virtual NodeDescription describe() const = 0;
  /// Its disk is full: it takes no entries.
  virtual bool is_full() const { return false; }
  /// NodeOptions::cli.
  virtual bool takes_cli() const { return true; }

  /// Replicates `data` and gives the state machine's reply. An error with EPERM or EBUSY: nothing was begun. Any other: it may be applied, now or
  /// later.
  virtual io::Task<Result<Bytes>> apply(Bytes data) = 0;
  /// The same without a coroutine: `done` is called once, on the shard, possibly before this returns.
  using Done = std::function<void(Result<Bytes>)>;
  virtual void apply(Bytes data, Done done) = 0;
  /// The same exactly once: a write that has been applied before gets the reply of then. Of a group with sessions.
  virtual void apply_once(SessionWrite write, Bytes data, Done done) = 0;
  /// After it the state machine has applied all that was acknowledged anywhere before the call. On any member, learners too.
  virtual io::Task<Result<void>> read() = 0;
  virtual void read(std::function<void(Result<void>)> done) = 0;

  /// Changes of members: end when the change is committed. Errors: EBUSY (another is under way), ECATCHUP, EPERM (no leader), EINVAL.
  virtual io::Task<Result<void>> change_members(jraft::Configuration next) = 0;
  virtual Result<void> reset_peers(jraft::Configuration next) = 0;
  /// Accepted, not finished. Nobody: the peer that lags least.
  virtual Result<void> transfer(PeerId to) = 0;
  /// Saves a snapshot; ends when it is durable. EBUSY while one is saved or installed. Well at once when nothing is new.
  virtual io::Task<Result<void>> snapshot() = 0;
};

}  // namespace sofa::raft
