#include "sofa/state/raft/detail/server_metrics.h"

#include <algorithm>

#include "sofa/state/raft/detail/metric_writer.h"
#include "sofa/state/raft/detail/node_impl.h"

namespace sofa::raft::detail {

namespace {

/// What all groups of a server come to.
struct Sums {
  std::array<int64_t, 8> roles{};  // by Role
  int64_t quiet = 0, leaderless = 0, disk_full = 0, left_off = 0, largest_lag = 0, silent = 0;

  void add(const NodeImpl& node, Instant now) {
    const Core& core = node.core();
    ++roles[static_cast<size_t>(core.role())];
    quiet += core.is_quiet() ? 1 : 0;
    leaderless += core.is_active() && core.leader().is_nobody() ? 1 : 0;
    disk_full += node.is_full() ? 1 : 0;
    if (core.is_quiet() || !core.is_leader()) return;
    largest_lag = std::max(largest_lag, core.largest_lag());
    for (const Core::Follower& one : core.followers()) silent += now - one.last_answer > core.options().election_timeout ? 1 : 0;
  }
};

}  // namespace

std::unique_ptr<GroupMetrics> ServerMetrics::make(Instant now) {
  ++detailed_;
  auto made = std::make_unique<GroupMetrics>();
  made->used = now;
  return made;
}

std::unique_ptr<GroupMetrics> ServerMetrics::begin_asked(Instant now) {
  wanted_ = true;
  read_at_ = now;
  return begin(now);
}

std::vector<MetricValue> ServerMetrics::read(std::span<NodeImpl* const> all, const std::string& address, const log::LogStats& log, Instant now) {
  wanted_ = true;
  read_at_ = now;
  std::vector<MetricValue> values;
  Sums sums;
  for (NodeImpl* const node : all) {
    sums.add(*node, now);
    if (node->metrics() != nullptr) node->metrics()->read_into(values, node->core(), node->self().to_string(), node->applied());
  }
  for (const NodeImpl* const node : awake) sums.left_off += node->metrics() == nullptr && detailed_ >= kMostDetailed ? 1 : 0;
  MetricWriter of_server(values, {{"node", address}});
  for (size_t i = 0; i < sums.roles.size(); ++i) {
    if (sums.roles[i] == 0 && static_cast<Role>(i) > Role::error) continue;
    of_server.gauge("raft_groups", sums.roles[i], "Members of groups on this server, by what they are.",
                    {{"role", std::string(to_string(static_cast<Role>(i)))}});
  }
  of_server.gauge("raft_groups_quiet", sums.quiet, "Members whose group is idle, and sends nothing.");
  of_server.gauge("raft_groups_without_leader", sums.leaderless, "Members that know no leader.");
  of_server.gauge("raft_groups_disk_full", sums.disk_full, "Members that take no entries since the disk is full.");
  of_server.gauge("raft_groups_detailed", static_cast<int64_t>(detailed_), "Members that are counted in detail.");
  of_server.gauge("raft_groups_left_off", sums.left_off, "Members that are awake, and not counted in detail since too many others are.");
  of_server.gauge("raft_largest_lag", sums.largest_lag, "Entries that some peer of a leader here lacks, the largest number.");
  of_server.gauge("raft_peers_silent", sums.silent, "Peers of leaders here that have not answered for an election timeout.");
  of_server.counter("raft_elections", elections, "Elections that members here have begun.");
  of_server.counter("raft_replicators_stalled", stalled,
                    "Times at which a peer lacked entries and nothing was under way to it: a fault of this program.");
  of_server.counter("raft_log_records", log.records, "Records that the server's log has written.");
  of_server.counter("raft_log_syncs", log.batches, "Writes of the server's log, each with its fdatasync.");
  of_server.counter("raft_log_refused", log.refused, "Writes that the server's log could not do.");
  of_server.gauge("raft_log_segments", static_cast<int64_t>(log.segments), "Files of the server's log.");
  std::ranges::sort(values, {}, [](const MetricValue& one) { return std::tie(one.id.name, one.id.labels); });
  return values;
}

void ServerMetrics::tidy(std::span<NodeImpl* const> all, Instant now) {
  wanted_ = wanted_ && now - read_at_ < kForgotten;
  if (detailed_ == 0) return;
  for (NodeImpl* const node : all) {
    if (node->metrics() != nullptr && (!wanted_ || now - node->metrics()->used > kIdle)) node->end_metrics();
  }
}

}  // namespace sofa::raft::detail
