#pragma once
// How a member of a group is, asked over the wire by `sofa raft status`. A message of ours: Java's nodes do not know it.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

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
  static void fields(auto& self, auto& visit) {
    visit(1, self.peer);
    visit(2, self.learner);
    visit(3, self.state);
    visit(4, self.match);
    visit(5, self.next);
    visit(6, self.silent_ms);
    visit(7, self.errors);
  }
  bool operator==(const DescribedFollower&) const = default;
};

/// NodeDescription, as it travels.
struct DescribeResponse {
  static constexpr std::string_view kName = "sofa.raft.DescribeResponse";
  std::string peer{}, leader{}, role{}, members{}, old_members{};  ///< role: as Role's to_string has it
  int64_t term = 0, first_log = 0, last_log = 0, saved = 0, committed = 0, applied = 0, snapshot = 0;
  int64_t elections = 0;
  std::string last_election{}, error{};
  bool disk_full = false, installing = false, saving_snapshot = false;
  std::vector<DescribedFollower> followers{};
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
  }
  bool operator==(const DescribeResponse&) const = default;
};

/// Errors are those of the CLI: ENOENT, EINVAL, EACCES.
Result<DescribeResponse> answer_describe(NodeTable& nodes, const DescribeRequest& request, Instant now);

}  // namespace sofa::raft
