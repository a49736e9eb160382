#pragma once
// What a Core asks to be done. Effects come in order; those of the disk and of the state machine are carried out in that order, each kind for itself.

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "sofa/base/clock.h"
#include "sofa/state/raft_core/log_view.h"
#include "sofa/wire/jraft/messages.h"
#include "sofa/wire/jraft/peer.h"
#include "sofa/wire/jraft/status.h"

namespace sofa::raft {

using jraft::PeerId;

namespace effect {

// The disk.

/// Save term and vote durably; then Core::state_saved(number).
struct SaveState {
  uint64_t number = 0;
  int64_t term = 0;
  PeerId voted_for{};
  LogId must_reach{};  // see HardState
};
/// Append durably; then Core::log_saved of the last entry. Later ones may be saved together with it.
struct Append {
  std::vector<Entry> entries{};
};
/// Entries behind `last_kept` are no more: before what is appended next.
struct TruncateSuffix {
  int64_t last_kept = 0;
};
/// Entries before `first_kept` are not needed any more; when it suits.
struct TruncatePrefix {
  int64_t first_kept = 0;
};
/// The log is empty and goes on behind this entry.
struct ResetLog {
  LogId behind{};
};
/// Read entries from here on, at least one; then Core::entries_read(number), with none where they cannot be read any more.
struct ReadEntries {
  uint64_t number = 0;
  int64_t from = 0;
  size_t max_entries = 0, max_bytes = 0;
};

// The network.

/// Send a request; then Core::answered or Core::failed, within the timeout. Requests to one peer leave in this order, on one connection.
struct Send {
  uint64_t call = 0;
  PeerId to{};
  jraft::Message request{};
  Duration timeout{};
};
/// Of Core::receive.
struct Answer {
  uint64_t token = 0;
  jraft::Message response{};
};

// The state machine, in this order.

/// Entries up to this one are committed: apply them.
struct Apply {
  int64_t up_to = 0;
};
/// This node leads, and everything that was committed before is applied.
struct LeaderStarted {
  int64_t term = 0;
};
struct LeaderStopped {
  jraft::Status why{};
};
struct FollowingStarted {
  PeerId leader{};
  int64_t term = 0;
};
struct FollowingStopped {
  PeerId leader{};
  int64_t term = 0;
  jraft::Status why{};
};
/// These members are committed.
struct MembersCommitted {
  int64_t index = 0;
  std::shared_ptr<const Membership> members{};
};
/// What this node has proposed behind `committed` has an end that it does not know: tell who waits.
struct ProposalsLost {
  int64_t committed = 0;
  jraft::Status why{};
};
/// Final: the node takes part in nothing any more.
struct Failed {
  jraft::Status why{};
};

// Snapshots.

/// Open the newest snapshot for a peer; then Core::snapshot_opened or snapshot_not_opened. It stays open until CloseSnapshot.
struct OfferSnapshot {
  uint64_t number = 0;
  PeerId to{};
};
struct CloseSnapshot {
  uint64_t number = 0;
};
/// Fetch a snapshot and load it in place of the state machine's state; then Core::snapshot_loaded.
struct FetchSnapshot {
  uint64_t number = 0;
  jraft::SnapshotMeta meta{};
  std::string uri{};
};
/// It is not wanted any more.
struct CancelFetch {
  uint64_t number = 0;
};

// Users.

/// Of Core::read: when the index is applied, the state machine may be read; else why not.
struct ReadAt {
  uint64_t token = 0;
  int64_t index = 0;
  jraft::Status status{};
};
/// Of Core::change_members.
struct Changed {
  uint64_t token = 0;
  jraft::Status status{};
};

}  // namespace effect

using Effect = std::variant<effect::SaveState, effect::Append, effect::TruncateSuffix, effect::TruncatePrefix, effect::ResetLog, effect::ReadEntries,
                            effect::Send, effect::Answer, effect::Apply, effect::LeaderStarted, effect::LeaderStopped, effect::FollowingStarted,
                            effect::FollowingStopped, effect::MembersCommitted, effect::ProposalsLost, effect::Failed, effect::OfferSnapshot,
                            effect::CloseSnapshot, effect::FetchSnapshot, effect::CancelFetch, effect::ReadAt, effect::Changed>;

}  // namespace sofa::raft
