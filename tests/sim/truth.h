#pragma once
// Truth: what is known of a group by watching all of its nodes, and the invariants that are judged by it (README.md has the table). A breach throws
// sim::Broken. Every check is a comparison or two, so that all of them are made at every event.

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "kv.h"
#include "sofa/sim/linear.h"
#include "sofa/sim/world.h"
#include "sofa/state/raft_core/core.h"

namespace sofa::raft_sim {

using raft::Core;
using raft::Entry;
using raft::LogId;
using raft::Membership;
using raft::PeerId;

/// What a node has made durable, as it was told: it must find it again.
struct Durable {
  int64_t term = 0;
  PeerId voted_for{};
  LogId last{};
  int64_t snapshot = 0;
};

class Truth {
 public:
  explicit Truth(int group) : group_(group) {}

  /// Throws Broken.
  [[noreturn]] void broken(std::string invariant, const std::string& what) const;

  // Logs. The hash of an entry and of all before it: the same place and term have the same one on all nodes.
  uint64_t chain_after(uint64_t before, const Entry& entry) const;
  void check_chain(int node, LogId id, uint64_t chain);
  std::optional<uint64_t> chain_of(LogId id) const;

  // Elections.
  void on_leader(int node, const Core& core);
  /// A vote of a node leaves it.
  void on_vote(int node, int64_t term, const PeerId& candidate);
  void on_members(int node, const Membership& before, const Membership& after);

  // The state machine.
  void on_commit(int node, int64_t term, int64_t index);
  /// A node applies an entry; `chain` is the log's, `state` the hash of the state machine behind it.
  void on_apply(int node, const Entry& entry, uint64_t chain, uint64_t state);
  /// A node goes on from a snapshot.
  void on_state(int node, int64_t index, uint64_t state);
  /// The members that a snapshot names.
  void on_snapshot_members(int node, int64_t index, const Membership& members) const;
  int64_t most_applied() const { return static_cast<int64_t>(applied_.size()) - 1; }
  /// The value of a key behind an index.
  std::optional<std::string> value_at(const std::string& key, int64_t index) const;
  /// The result that a command has had; nothing: it is not applied.
  std::optional<std::pair<int64_t, std::string>> result_of(uint64_t client, uint64_t number) const;
  uint64_t data_applied() const { return data_; }

  sim::Linear linear{};
  bool members_forced = false;  ///< someone has set them without asking (Core::reset_peers): quorums need not meet any more

 private:
  struct Applied {
    uint64_t chain = 0, state = 0;
  };
  const int group_;
  std::unordered_map<int64_t, int> leaders_;
  std::map<std::pair<int, int64_t>, PeerId> votes_;
  std::deque<std::vector<std::pair<int64_t, uint64_t>>> chains_;  // by index: term, hash
  std::vector<std::pair<int64_t, int64_t>> committed_;            // term of who knew it first, index; both grow
  std::vector<Applied> applied_{Applied()};                       // by index
  Kv kv_;
  std::map<int64_t, std::shared_ptr<const Membership>> members_;  // that were applied
  std::unordered_map<std::string, std::vector<std::pair<int64_t, std::optional<std::string>>>> values_;
  std::unordered_map<uint64_t, std::unordered_map<uint64_t, std::pair<int64_t, std::string>>> results_;
  uint64_t data_ = 0;
};

/// Whether a quorum of the one and a quorum of the other always have a member in common.
bool quorums_meet(const Membership& one, const Membership& other);

}  // namespace sofa::raft_sim
