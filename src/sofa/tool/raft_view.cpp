#include "sofa/tool/raft_view.h"

#include <algorithm>

namespace sofa::tool {

namespace {

/// What the leader tells, when it is of C++.
const raft::DescribeResponse* leader_of(const RaftGroupView& group) {
  if (!group.leader) return nullptr;
  const auto at = group.told.find(group.leader->address());
  return at == group.told.end() || !at->second || at->second->role != "LEADER" ? nullptr : &*at->second;
}

std::string role_of(const RaftGroupView& group, const jraft::PeerId& peer, const raft::DescribeResponse* told) {
  if (group.members.has_learner(peer)) return "learner";
  if (told == nullptr) return group.leader == peer ? "leader" : "follower";
  std::string role = told->role;
  std::ranges::transform(role, role.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return role;
}

std::string note_of(const raft::DescribeResponse& told) {
  if (!told.error.empty()) return told.error;
  if (told.disk_full) return "its disk is full";
  if (told.installing) return "fetches a snapshot";
  if (told.saving_snapshot) return "saves a snapshot";
  return told.old_members.empty() ? "" : "the members are being changed from " + told.old_members;
}

RaftMemberRow row_of(const RaftGroupView& group, const jraft::PeerId& peer, const raft::DescribeResponse* leader) {
  RaftMemberRow row{.peer = peer.to_string()};
  const auto answer = group.told.find(peer.address());
  const raft::DescribeResponse* const told = answer == group.told.end() || !answer->second ? nullptr : &*answer->second;
  const bool answered = has_answered(group, peer);
  row.role = role_of(group, peer, told);
  row.alive = answered || (answer == group.told.end() && group.alive && group.alive->has(peer));
  if (told != nullptr) {
    row.term = told->term;
    row.log = told->last_log;
    row.committed = told->committed;
    row.applied = told->applied;
    row.snapshot = told->snapshot;
    row.note = note_of(*told);
  } else if (answer != group.told.end() && !answered) {
    row.note = answer->second.error().message();
  }
  if (leader == nullptr) return row;
  const auto follower = std::ranges::find(leader->followers, row.peer, &raft::DescribedFollower::peer);
  if (told == nullptr && follower != leader->followers.end()) row.log = follower->match;
  if (row.log) row.lag = std::max<int64_t>(0, leader->last_log - *row.log);
  return row;
}

}  // namespace

bool has_answered(const RaftGroupView& group, const jraft::PeerId& peer) {
  const auto answer = group.told.find(peer.address());
  return answer != group.told.end() && (answer->second || answer->second.error().code() == Code::unimplemented);
}

std::vector<RaftMemberRow> raft_rows(const RaftGroupView& group) {
  const raft::DescribeResponse* const leader = leader_of(group);
  std::vector<RaftMemberRow> rows;
  for (const auto* some : {&group.members.peers, &group.members.learners}) {
    for (const jraft::PeerId& peer : *some) rows.push_back(row_of(group, peer, leader));
  }
  return rows;
}

}  // namespace sofa::tool
