#pragma once
// What `sofa raft status` shows of the members of a group. Pure.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sofa/base/description.h"
#include "sofa/base/error.h"
#include "sofa/state/raft/describe.h"

namespace sofa::tool {

/// What has been learnt of a group: who leads, its members, and how each has answered.
struct RaftGroupView {
  std::optional<jraft::PeerId> leader{};  ///< nothing: nobody knows one
  jraft::Configuration members{};
  std::optional<jraft::Configuration> alive{};                   ///< as the leader says
  std::map<std::string, Result<raft::DescribeResponse>> told{};  ///< by peer; a node of Java's answers with Code::unimplemented
};

/// Also one of Java's, which does not know the question, has answered.
bool has_answered(const RaftGroupView& group, const jraft::PeerId& peer);

struct RaftMemberRow {
  std::string peer{}, role{};
  bool alive = false;
  std::optional<int64_t> term{}, log{}, committed{}, applied{}, lag{}, snapshot{};
  std::string note{};
  static void describe(Description<RaftMemberRow>& d) {
    d.field("peer", &RaftMemberRow::peer);
    d.field("role", &RaftMemberRow::role);
    d.field("alive", &RaftMemberRow::alive);
    d.field("term", &RaftMemberRow::term);
    d.field("log", &RaftMemberRow::log).doc("its last entry");
    d.field("committed", &RaftMemberRow::committed);
    d.field("applied", &RaftMemberRow::applied);
    d.field("lag", &RaftMemberRow::lag).doc("entries of the leader that it lacks");
    d.field("snapshot", &RaftMemberRow::snapshot).doc("the last entry in its snapshot");
    d.field("note", &RaftMemberRow::note);
  }
};

/// Peers, then learners. What only nodes of C++ tell is left out of those of Java; a leader of C++ knows the logs of all.
std::vector<RaftMemberRow> raft_rows(const RaftGroupView& group);

}  // namespace sofa::tool
