#pragma once
// GroupMetrics: what is counted of one member of a group in detail, under JRaft's names (docs/raft/running.md). It is there for groups that are busy,
// or were asked for, while somebody reads metrics (ServerMetrics): a group without it pays for a comparison with null.

#include <array>
#include <memory>
#include <string_view>
#include <vector>

#include "sofa/base/clock.h"
#include "sofa/base/metrics.h"
#include "sofa/base/queue.h"
#include "sofa/state/raft_core/core.h"

namespace sofa::raft::detail {

/// What takes time.
enum class Timed : uint8_t {
  pre_vote,
  request_vote,
  append_logs,
  replicate_entries,
  install_snapshot,
  handle_append_entries,
  handle_heartbeat_requests,
  handle_read_index,
  read_index,
  save_raft_meta,
  fsm_commit,
  fsm_apply_tasks,
  fsm_snapshot_save,
  fsm_snapshot_load,
  fsm_leader_start,
  fsm_leader_stop,
  fsm_start_following,
  fsm_stop_following,
  fsm_error,
};
/// What has a size.
enum class Sized : uint8_t {
  append_logs_count,
  append_logs_bytes,
  replicate_entries_count,
  replicate_entries_bytes,
  handle_append_entries_count,
  handle_read_index_entries,
  fsm_apply_tasks_count,
};
/// What is refused, since too much waits.
enum class Refused : uint8_t { apply_task_overload_times, read_index_overload_times };
/// What is done for one peer.
enum class ForPeer : uint8_t { heartbeat_times, probe_times, append_entries_times, install_snapshot_times, block_times };

class GroupMetrics {
 public:
  /// A request that is under way. Without `timed` nothing is counted when it ends.
  struct Call {
    std::optional<Timed> timed{};
    uint32_t peer = 0;
    bool blocks = false;  // the peer is left in peace when it fails
    Instant begun{};
  };

  void record(Timed what, Duration took) {
    histogram(times_[static_cast<size_t>(what)]).record(static_cast<uint64_t>(std::max<int64_t>(0, took.count())));
  }
  void record(Sized what, uint64_t size) { histogram(sizes_[static_cast<size_t>(what)]).record(size); }
  void count(Refused what) { ++refused_[static_cast<size_t>(what)]; }

  Call sent(Instant now, const PeerId& to, const jraft::Message& request);
  void ended(Instant now, const Call& call, bool answered);
  /// A request of a peer: how its answer is counted; nothing for what JRaft does not count.
  std::optional<Timed> received(const jraft::Message& request);

  // Entries on their way to the disk.
  void appending(Instant now, const std::vector<Entry>& entries);
  void appended(Instant now, int64_t up_to);
  void cut(int64_t last_kept);

  /// Adds its values, and those of the group's state, with labels `group` and `node`.
  void read_into(std::vector<MetricValue>& values, const Core& core, const std::string& node, int64_t applied) const;

  Instant used{};  ///< when something was last written, or asked

 private:
  static Histogram& histogram(std::unique_ptr<Histogram>& of) {
    if (of == nullptr) of = std::make_unique<Histogram>();  // 10 KiB: only of what happens
    return *of;
  }
  struct Appending {
    int64_t last = 0;
    Instant begun{};
  };
  struct Peer {
    PeerId id{};
    std::array<uint64_t, 5> times{};
  };
  uint32_t peer_index(const PeerId& peer);
  void count(uint32_t peer, ForPeer what) { ++peers_[peer].times[static_cast<size_t>(what)]; }

  std::array<std::unique_ptr<Histogram>, 19> times_{};
  std::array<std::unique_ptr<Histogram>, 7> sizes_{};
  std::array<uint64_t, 2> refused_{};
  std::vector<Peer> peers_{};  // that something was sent to; at most as many as the group has had members meanwhile
  Queue<Appending> appending_{};
};

}  // namespace sofa::raft::detail
