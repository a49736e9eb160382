#include "sofa/state/raft/describe.h"

#include <algorithm>

#include "sofa/base/unix_time.h"
#include "sofa/state/raft/detail/find_node.h"

namespace sofa::raft {

namespace {

std::string_view name_of(Core::Following state) {
  switch (state) {
    case Core::Following::probing:
      return "probing";
    case Core::Following::snapshot:
      return "snapshot";
    case Core::Following::replicating:
      return "replicating";
  }
  return "";
}

int64_t milliseconds(Duration duration) { return duration / std::chrono::milliseconds(1); }

DescribedFollower described(const Core::Follower& one, int64_t last_log, Instant now) {
  return {.peer = one.peer.to_string(),
          .learner = one.learner,
          .state = std::string(name_of(one.state)),
          .match = one.match,
          .next = one.next,
          .silent_ms = milliseconds(now - one.last_answer),
          .errors = one.errors,
          .lag = std::max<int64_t>(0, last_log - one.match),
          .inflight = static_cast<int64_t>(one.inflight),
          .blocked = one.blocked};
}

}  // namespace

void DescribedFollower::describe(Description<DescribedFollower>& d) {
  d.java_type("sofa.RaftFollower").doc("How far one of the others is, as its leader knows it.");
  d.field("peer", &DescribedFollower::peer);
  d.field("learner", &DescribedFollower::learner);
  d.field("state", &DescribedFollower::state).doc("probing: its place in the log is looked for; replicating; snapshot: it gets one");
  d.field("match", &DescribedFollower::match).doc("the last entry that it has confirmed");
  d.field("next", &DescribedFollower::next).doc("the entry that is sent next");
  d.field("lag", &DescribedFollower::lag).doc("entries of the leader that it has not confirmed");
  d.field("inflight", &DescribedFollower::inflight).doc("requests with entries that are under way to it");
  d.field("blocked", &DescribedFollower::blocked).doc("after an error it is left in peace for a moment");
  d.field("silent_ms", &DescribedFollower::silent_ms).unit("ms").doc("since its last answer");
  d.field("errors", &DescribedFollower::errors).doc("in a row");
}

void DescribeResponse::describe(Description<DescribeResponse>& d) {
  d.java_type("sofa.RaftMember").doc("How a member of a Raft group is.");
  d.field("group", &DescribeResponse::group);
  d.field("node", &DescribeResponse::peer).doc("the member, IP:PORT[:IDX[:PRIORITY]]");
  d.field("role", &DescribeResponse::role).doc("LEADER, TRANSFERRING, CANDIDATE, FOLLOWER, ERROR, UNINITIALIZED, SHUTTING, SHUTDOWN");
  d.field("leader", &DescribeResponse::leader).doc("that it knows; empty: none");
  d.field("members", &DescribeResponse::members).doc("by the newest entry of its log that says so");
  d.field("old_members", &DescribeResponse::old_members).doc("while the members are being changed");
  d.field("term", &DescribeResponse::term);
  d.field("voted_for", &DescribeResponse::voted_for).doc("in this term");
  d.field("first_log", &DescribeResponse::first_log).doc("the first entry of its log");
  d.field("last_log", &DescribeResponse::last_log).doc("the last one");
  d.field("last_log_term", &DescribeResponse::last_log_term);
  d.field("saved", &DescribeResponse::saved).doc("the last entry that is durable here");
  d.field("committed", &DescribeResponse::committed).doc("the last entry that it knows to be committed");
  d.field("applied", &DescribeResponse::applied).doc("the last entry that the state machine has taken");
  d.field("snapshot", &DescribeResponse::snapshot).doc("the last entry in its snapshot; 0: there is none");
  d.field("snapshot_term", &DescribeResponse::snapshot_term);
  d.field("target_priority", &DescribeResponse::target_priority).doc("that elections wait for; -1: they go by the log alone");
  d.field("waiting", &DescribeResponse::waiting).doc("writes of users that are under way here");
  d.field("reads", &DescribeResponse::reads).doc("reads of users that are under way here");
  d.field("elections", &DescribeResponse::elections).doc("that it has begun since its start");
  d.field("last_election", &DescribeResponse::last_election).doc("why it has left its last leader");
  d.field("last_election_at_ms", &DescribeResponse::last_election_at_ms).unit("ms since 1970").doc("when that was, or when it has campaigned since");
  d.field("next_timer_ms", &DescribeResponse::next_timer_ms).unit("ms").doc("until it does something by itself; -1: nothing is due");
  d.field("quiet", &DescribeResponse::quiet).doc("the group is idle, and sends nothing");
  d.field("disk_full", &DescribeResponse::disk_full);
  d.field("installing", &DescribeResponse::installing).doc("it fetches a snapshot of its leader");
  d.field("saving_snapshot", &DescribeResponse::saving_snapshot);
  d.field("error", &DescribeResponse::error).doc("why it is in the state ERROR");
  d.field("followers", &DescribeResponse::followers).doc("of a leader");
}

DescribeResponse described(const Node& node, Instant now) {
  NodeDescription is = node.describe();
  const Instant due = node.core().due();
  DescribeResponse told{.peer = std::move(is.self),
                        .leader = std::move(is.leader),
                        .role = std::move(is.role),
                        .members = std::move(is.members),
                        .old_members = std::move(is.old_members),
                        .term = is.term,
                        .first_log = is.first_log,
                        .last_log = is.last_log,
                        .saved = is.saved,
                        .committed = is.committed,
                        .applied = is.applied,
                        .snapshot = is.snapshot,
                        .elections = static_cast<int64_t>(is.elections),
                        .last_election = std::move(is.last_election),
                        .error = std::move(is.error),
                        .disk_full = is.disk_full,
                        .installing = is.installing,
                        .saving_snapshot = is.saving_snapshot,
                        .group = std::move(is.group),
                        .voted_for = std::move(is.voted_for),
                        .last_log_term = is.last_log_term,
                        .snapshot_term = is.snapshot_term,
                        .target_priority = is.target_priority,
                        .waiting = static_cast<int64_t>(is.waiting),
                        .reads = static_cast<int64_t>(is.reads),
                        .last_election_at_ms = unix_ms(is.last_election_at),
                        .next_timer_ms = due == kNoDeadline ? -1 : std::max<int64_t>(0, milliseconds(due - now)),
                        .quiet = is.quiet};
  for (const Core::Follower& one : is.followers) told.followers.push_back(described(one, is.last_log, now));
  return told;
}

Result<DescribeResponse> answer_describe(NodeTable& nodes, const DescribeRequest& request, Instant now) {
  const auto node = detail::find_node(nodes, request.group_id, request.peer_id.value_or(""));
  if (!node) return std::unexpected(node.error());
  return described(**node, now);
}

}  // namespace sofa::raft
