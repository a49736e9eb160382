#include "sofa/state/raft/detail/group_metrics.h"

#include <algorithm>

#include "sofa/state/raft/detail/metric_writer.h"

namespace sofa::raft::detail {

namespace {

// In the order of the enums.
constexpr std::string_view kTimes[] = {"pre-vote",
                                       "request-vote",
                                       "append-logs",
                                       "replicate-entries",
                                       "install-snapshot",
                                       "handle-append-entries",
                                       "handle-heartbeat-requests",
                                       "handle-read-index",
                                       "read-index",
                                       "save-raft-meta",
                                       "fsm-commit",
                                       "fsm-apply-tasks",
                                       "fsm-snapshot-save",
                                       "fsm-snapshot-load",
                                       "fsm-leader-start",
                                       "fsm-leader-stop",
                                       "fsm-start-following",
                                       "fsm-stop-following",
                                       "fsm-error"};
constexpr std::string_view kSizes[] = {"append-logs-count",       "append-logs-bytes",           "replicate-entries-count",
                                       "replicate-entries-bytes", "handle-append-entries-count", "handle-read-index-entries",
                                       "fsm-apply-tasks-count"};
constexpr std::string_view kRefused[] = {"apply-task-overload-times", "read-index-overload-times"};
constexpr std::string_view kForPeer[] = {"heartbeat-times", "probe-times", "append-entries-times", "install-snapshot-times", "block-times"};

/// As JRaft numbers them.
int64_t number_of(Core::Following state) {
  switch (state) {
    case Core::Following::probing:
      return 1;
    case Core::Following::snapshot:
      return 2;
    case Core::Following::replicating:
      return 3;
  }
  return 0;
}

/// JRaft's RunningState: idle, blocked, appends, installs a snapshot.
int64_t running_of(const Core::Follower& one) {
  if (one.blocked) return 1;
  if (one.state == Core::Following::snapshot) return 3;
  return one.inflight > 0 ? 2 : 0;
}

}  // namespace

uint32_t GroupMetrics::peer_index(const PeerId& peer) {
  const auto index = static_cast<uint32_t>(std::ranges::find(peers_, peer, &Peer::id) - peers_.begin());
  if (index == peers_.size()) peers_.push_back({.id = peer});
  return index;
}

GroupMetrics::Call GroupMetrics::sent(Instant now, const PeerId& to, const jraft::Message& request) {
  Call call{.peer = peer_index(to), .begun = now};
  if (const auto* append = std::get_if<jraft::AppendEntriesRequest>(&request)) {
    count(call.peer, append->is_heartbeat() ? ForPeer::heartbeat_times : append->is_probe() ? ForPeer::probe_times : ForPeer::append_entries_times);
    call.blocks = !append->is_heartbeat();
    if (append->entries.empty()) return call;
    call.timed = Timed::replicate_entries;
    record(Sized::replicate_entries_count, append->entries.size());
    record(Sized::replicate_entries_bytes, append->data ? append->data->size() : 0);
  } else if (const auto* vote = std::get_if<jraft::RequestVoteRequest>(&request)) {
    call.timed = vote->pre_vote ? Timed::pre_vote : Timed::request_vote;
  } else if (std::holds_alternative<jraft::InstallSnapshotRequest>(request)) {
    count(call.peer, ForPeer::install_snapshot_times);
    call.timed = Timed::install_snapshot;
    call.blocks = true;
  }
  return call;
}

void GroupMetrics::ended(Instant now, const Call& call, bool answered) {
  if (call.begun == Instant()) return;  // it was sent before there was this
  if (call.timed) record(*call.timed, now - call.begun);
  if (call.blocks && !answered && call.peer < peers_.size()) count(call.peer, ForPeer::block_times);
}

std::optional<Timed> GroupMetrics::received(const jraft::Message& request) {
  if (const auto* append = std::get_if<jraft::AppendEntriesRequest>(&request)) {
    if (append->is_heartbeat()) return Timed::handle_heartbeat_requests;
    record(Sized::handle_append_entries_count, append->entries.size());
    return Timed::handle_append_entries;
  }
  if (const auto* read = std::get_if<jraft::ReadIndexRequest>(&request)) {
    record(Sized::handle_read_index_entries, read->entries.size());
    return Timed::handle_read_index;
  }
  return std::nullopt;
}

void GroupMetrics::appending(Instant now, const std::vector<Entry>& entries) {
  if (entries.empty()) return;
  used = now;
  uint64_t bytes = 0;
  for (const Entry& entry : entries) bytes += entry.data.size();
  record(Sized::append_logs_count, entries.size());
  record(Sized::append_logs_bytes, bytes);
  appending_.push_back({.last = entries.back().id.index, .begun = now});
}

void GroupMetrics::appended(Instant now, int64_t up_to) {
  while (!appending_.empty() && appending_.front().last <= up_to) {
    record(Timed::append_logs, now - appending_.front().begun);
    appending_.pop_front();
  }
}

void GroupMetrics::cut(int64_t last_kept) {
  while (!appending_.empty() && appending_.back().last > last_kept) appending_.pop_back();
}

void GroupMetrics::read_into(std::vector<MetricValue>& values, const Core& core, const std::string& node, int64_t applied) const {
  const std::string& group = core.options().group;
  MetricWriter of_group(values, {{"group", group}, {"node", node}});
  of_group.gauge("raft_leader", core.is_leader() ? 1 : 0, "Whether this member leads.");
  of_group.gauge("raft_term", core.term(), "The term of this member.");
  of_group.gauge("raft_last_log_index", core.log().last(), "The last entry of its log.");
  of_group.gauge("raft_committed_index", core.commit_index(), "The last entry that it knows to be committed.");
  of_group.gauge("raft_applied_index", applied, "The last entry that the state machine has taken.");
  of_group.gauge("raft_snapshot_index", core.log().snapshot().index, "The last entry in its snapshot.");
  for (size_t i = 0; i < times_.size(); ++i) {
    if (times_[i] != nullptr) of_group.histogram("raft_latency", *times_[i], "How long things take, by JRaft's names.", "ns", kTimes[i]);
  }
  for (size_t i = 0; i < sizes_.size(); ++i) {
    if (sizes_[i] != nullptr) of_group.histogram("raft_size", *sizes_[i], "How large things are, by JRaft's names.", "", kSizes[i]);
  }
  for (size_t i = 0; i < refused_.size(); ++i) {
    of_group.counter("raft_overload", refused_[i], "What was refused since too much waited, by JRaft's names.", {{"name", std::string(kRefused[i])}});
  }
  for (const Peer& peer : peers_) {
    MetricWriter of_peer(values, {{"group", group}, {"node", node}, {"peer", peer.id.to_string()}});
    for (size_t i = 0; i < peer.times.size(); ++i) {
      of_peer.counter("raft_replicator_times", peer.times[i], "What was done for a peer, by JRaft's names.", {{"name", std::string(kForPeer[i])}});
    }
  }
  for (const Core::Follower& one : core.followers()) {
    MetricWriter of_peer(values, {{"group", group}, {"node", node}, {"peer", one.peer.to_string()}});
    const auto gauge = [&](std::string_view name, int64_t number) {
      of_peer.gauge("raft_replicator", number, "How a leader's peer is, by JRaft's names.", {{"name", std::string(name)}});
    };
    gauge("log-lags", core.log().last() - one.match);
    gauge("next-index", one.next);
    gauge("replicate-inflights-count", static_cast<int64_t>(one.inflight));
    gauge("consecutive-error-times", one.errors);
    gauge("state", number_of(one.state));
    gauge("running-state", running_of(one));
  }
}

}  // namespace sofa::raft::detail
