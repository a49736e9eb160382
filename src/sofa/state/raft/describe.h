#pragma once
// How a member of a group is: asked over the wire by `sofa raft status` and `sofa raft describe` (a message of ours: Java's nodes do not know it),
// and as JSON by the admin API (raft_admin).

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sofa/base/description.h"
#include "sofa/state/raft/cli.h"

namespace sofa::raft {

struct DescribeRequest {
  static constexpr std::string_view kName = "sofa.raft.DescribeRequest";
  std::string group_id{};
  std::optional<std::string> peer_id{};  ///< needed where several members of the group share a server
  static void fields(auto& self, auto& visit) {
    visit(1, self.group_id);
    visit(2, self.peer_id);
  }
  bool operator==(const DescribeRequest&) const = default;
};

/// Of a leader: how far one of the others is.
struct DescribedFollower {
  std::string peer{};
  bool learner = false;
  std::string state{};  ///< "probing", "snapshot", "replicating"
  int64_t match = 0, next = 0;
  int64_t silent_ms = 0;  ///< since its last answer, or since this leader began
  int32_t errors = 0;     ///< in a row
  int64_t lag = 0;        ///< entries of the leader that it has not confirmed
  int64_t inflight = 0;   ///< requests that are under way to it, heartbeats not counted
  bool blocked = false;   ///< after an error it is left in peace for a moment
  static void fields(auto& self, auto& visit) {
    visit(1, self.peer);
    visit(2, self.learner);
    visit(3, self.state);
    visit(4, self.match);
    visit(5, self.next);
    visit(6, self.silent_ms);
    visit(7, self.errors);
    visit(8, self.lag);
    visit(9, self.inflight);
    visit(10, self.blocked);
  }
  static void describe(Description<DescribedFollower>& d);
  bool operator==(const DescribedFollower&) const = default;
};

/// NodeDescription, as it travels. Compared with what JRaft's Node.describe() writes it lacks its queues and timers, which are other ones here.
struct DescribeResponse {
  static constexpr std::string_view kName = "sofa.raft.DescribeResponse";
  std::string peer{}, leader{}, role{}, members{}, old_members{};  ///< role: as Role's to_string has it
  int64_t term = 0, first_log = 0, last_log = 0, saved = 0, committed = 0, applied = 0, snapshot = 0;
  int64_t elections = 0;
  std::string last_election{}, error{};
  bool disk_full = false, installing = false, saving_snapshot = false;
  std::vector<DescribedFollower> followers{};
  std::string group{}, voted_for{};
  int64_t last_log_term = 0, snapshot_term = 0;
  int32_t target_priority = -1;
  int64_t waiting = 0, reads = 0;
  int64_t last_election_at_ms = 0;  ///< since 1970
  int64_t next_timer_ms = -1;       ///< until it does something by itself; -1: nothing is due
  bool quiet = false;
  static void fields(auto& self, auto& visit) {
    visit(1, self.peer);
    visit(2, self.leader);
    visit(3, self.role);
    visit(4, self.members);
    visit(5, self.old_members);
    visit(6, self.term);
    visit(7, self.first_log);
    visit(8, self.last_log);
    visit(9, self.saved);
    visit(10, self.committed);
    visit(11, self.applied);
    visit(12, self.snapshot);
    visit(13, self.elections);
    visit(14, self.last_election);
    visit(15, self.error);
    visit(16, self.disk_full);
    visit(17, self.installing);
    visit(18, self.saving_snapshot);
    visit(19, self.followers);
    visit(20, self.group);
    visit(21, self.voted_for);
    visit(22, self.last_log_term);
    visit(23, self.snapshot_term);
    visit(24, self.target_priority);
    visit(25, self.waiting);
    visit(26, self.reads);
    visit(27, self.last_election_at_ms);
    visit(28, self.next_timer_ms);
    visit(29, self.quiet);
  }
  static void describe(Description<DescribeResponse>& d);
  bool operator==(const DescribeResponse&) const = default;
};

DescribeResponse described(const Node& node, Instant now);
/// Errors are those of the CLI: ENOENT, EINVAL, EACCES.
Result<DescribeResponse> answer_describe(NodeTable& nodes, const DescribeRequest& request, Instant now);

}  // namespace sofa::raft
