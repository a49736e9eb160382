#pragma once
// What a leader keeps of its peers, of a change of members, and of a round of reads.

#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "sofa/base/queue.h"
#include "sofa/state/raft_core/core.h"

namespace sofa::raft {

/// One peer that a leader feeds. Probing: one request at a time, until a place is found where the logs meet; replicating: requests one behind
/// another; snapshot: it gets a snapshot, since what it lacks is no entry any more.
struct Core::Replicator {
  PeerId peer{};
  bool learner = false;
  Following state = Following::probing;
  int64_t match = 0;  // known to be durable there
  int64_t next = 1;   // sent next

  /// A request with entries, or a probe; their answers are taken in order.
  struct Inflight {
    uint64_t call = 0;
    int64_t first = 0, count = 0;
    size_t bytes = 0;
    Instant sent{};
    std::optional<jraft::AppendEntriesResponse> answer{};
  };
  Queue<Inflight> inflights{};
  size_t inflight_bytes = 0;
  int64_t mismatches = 0;  // in a row
  bool installed = false;  // it has just taken a snapshot

  uint64_t heartbeat = 0;  // the call that is under way; 0: none
  Instant heartbeat_at{};
  uint64_t round = 0;                   // of reads: the one for which it is asked; 0: for none
  Instant blocked_until = kNoDeadline;  // after an error; kNoDeadline: it is not
  uint64_t reading = 0;                 // of ReadEntries; 0: nothing is read
  uint64_t snapshot = 0;                // of OfferSnapshot; 0: none
  jraft::SnapshotMeta installing{};
  std::string install_uri{};
  uint64_t install = 0;   // the call that offers it
  Instant last_answer{};  // when the last request that was answered had been sent
  int errors = 0;         // in a row
  bool quiet = false;     // it has agreed to hear nothing until something happens
  bool catching_up = false;
  Instant catch_up_at{};  // looked at then

  bool is_blocked() const { return blocked_until != kNoDeadline; }
  /// Forgets what is under way from this place on: its answers come too late.
  void drop_inflights(Queue<Inflight>::iterator from) {
    for (auto one = from; one != inflights.end(); ++one) inflight_bytes -= one->bytes;
    inflights.erase(from, inflights.end());
    reading = 0;
  }
  void drop_inflights() { drop_inflights(inflights.begin()); }
};

/// A change of members: new ones are brought up to date, then both configurations decide together, then the new one alone (jraft.md 2.7).
struct Core::Change {
  enum class Stage : uint8_t { catching_up, joint, stable };
  Stage stage{};
  uint64_t token = 0;  // who waits; 0: nobody
  jraft::Configuration old{}, next{};
  std::set<PeerId> adding{};
  size_t voters_changed = 0;
  int64_t index = 0;  // of the entry that this stage waits for
};

/// Heartbeats that prove that this node still leads, for the reads that came before them.
struct Core::Round {
  uint64_t number = 0;
  int64_t index = 0;
  std::vector<Reader> readers{};
  std::shared_ptr<const Membership> members{};  // when it began: they were asked, whoever is a member now
  Ballot good{};
  std::set<PeerId> bad{};
};

}  // namespace sofa::raft
