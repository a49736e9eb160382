#pragma once
// Truth: what is known of a group by watching all of its nodes, and the invariants that are judged by it (README.md has the table). A breach throws
// sim::Broken. Every check is a comparison or two, so that all of them are made at every event.

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
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
  void on_term(int node, int64_t term) { newest_term_[node] = std::max(newest_term_[node], term); }
  struct Leader {
    int node = 0;
    int64_t term = 0;
    const Membership* members = nullptr;
  };
  /// Who leads without knowing that somebody else does: it must find no majority any more among nodes that have not gone on to a newer term.
  void check_leaders(std::span<const Leader> leaders, const std::function<int(const PeerId&)>& node_of) const;

  // The state machine.
  void on_commit(int node, int64_t term, int64_t index);
  /// A node applies an entry; `chain` is the log's, `state` the hash of the state machine behind it.
  void on_apply(int node, const Entry& entry, uint64_t chain, uint64_t state);
  /// A node goes on from a snapshot.
  void on_state(int node, int64_t index, uint64_t state);
  /// The members that a snapshot names.
  void on_snapshot_members(int node, int64_t index, const Membership& members) const;
  int64_t most_applied() const { return first_ + static_cast<int64_t>(applied_.size()) - 1; }
  /// The value of a key behind an index.
  std::optional<std::string> value_at(const std::string& key, int64_t index) const;
  /// The result that the newest command of a client has had; nothing: it is not applied.
  std::optional<std::pair<int64_t, std::string>> result_of(uint64_t client, uint64_t number) const;
  uint64_t data_applied() const { return data_; }

  /// No member and no message goes back before this entry and this term any more: what is known of older ones is forgotten, and is judged no more.
  /// A world that lives for hours has to.
  void forget_before(LogId horizon);
  bool is_forgotten(int64_t index) const { return index < first_; }
  size_t remembered() const { return chains_.size() + applied_.size() + votes_.size() + leaders_.size() + committed_.size() + values_kept_; }

  sim::Linear linear{};
  bool members_forced = false;  ///< someone has set them without asking (Core::reset_peers): quorums need not meet any more

 private:
  struct Applied {
    uint64_t chain = 0, state = 0;
  };
  struct Done {
    uint64_t number = 0;
    int64_t index = 0;
    std::string result{};
  };
  size_t at(int64_t index) const { return static_cast<size_t>(index - first_); }

  const int group_;
  int64_t first_ = 0;  // index from which on chains_ and applied_ go
  std::map<int64_t, int> leaders_;
  std::unordered_map<int, int64_t> newest_term_;                  // of each node, whatever it has lost
  std::map<std::pair<int64_t, int>, PeerId> votes_;               // by term and node
  std::deque<std::vector<std::pair<int64_t, uint64_t>>> chains_;  // by index: term, hash
  std::vector<std::pair<int64_t, int64_t>> committed_;            // term of who knew it first, index; both grow
  std::deque<Applied> applied_{Applied()};                        // by index
  Kv kv_;
  std::map<int64_t, std::shared_ptr<const Membership>> members_;  // that were applied
  std::unordered_map<std::string, std::vector<std::pair<int64_t, std::optional<std::string>>>> values_;
  size_t values_kept_ = 0;
  std::unordered_map<uint64_t, Done> results_;  // of each client the newest command
  uint64_t data_ = 0;
};

/// Whether a quorum of the one and a quorum of the other always have a member in common.
bool quorums_meet(const Membership& one, const Membership& other);

}  // namespace sofa::raft_sim
