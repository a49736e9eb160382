// Groups in which nothing happens send no heartbeats: nodes are watched instead, once for all of their groups. Ours, between nodes that know it: a
// leader of an idle group says `quiet` in its heartbeats, and when all of its peers have agreed it sends none any more. Java's nodes do not agree, so
// a group with one of them is never quiet.
//
// Nothing of safety rests on it. A quiet leader has no lease; a quiet follower is woken by any request, by the loss of the leader's node, and after
// `longest_quiet` in any case, since the leader may have ended while its node lives on.
#include "sofa/state/raft_core/core.h"
#include "sofa/state/raft_core/detail/leader_state.h"

namespace sofa::raft {

/// Something happens: it is no time to be quiet.
void Core::active(Instant now) {
  active_at_ = now;
  if (quiet_) end_quiet(now);
  for (auto& [peer, one] : replicators_) one->quiet = false;
}

bool Core::may_be_quiet(Instant now) const {
  if (options_.quiet_after <= Duration() || role_ != Role::leader || !leads_ || now - active_at_ < options_.quiet_after) return false;
  if (change_ != nullptr || round_ != nullptr || !waiting_reads_.empty() || members_->is_joint()) return false;
  const int64_t last = log_.last();
  if (commit_ != last || saved_.index != last || applied_ != last) return false;
  return std::ranges::all_of(replicators_, [&](const auto& item) {
    const Replicator& one = *item.second;
    return one.state == Following::replicating && one.match == last && one.inflights.empty() && !one.is_blocked() && one.errors == 0 &&
           !one.catching_up;
  });
}

/// Of a follower that is asked: whether it has all that there is.
bool Core::follows_quietly(Instant now, const jraft::AppendEntriesRequest& heartbeat) {
  const int64_t last = log_.last();
  const bool complete = heartbeat.prev_log_index == last && heartbeat.committed_index == last && commit_ == last && saved_.index == last && !install_;
  if (!heartbeat.quiet.value_or(false) || !complete || options_.quiet_after <= Duration()) return false;
  quiet_ = true;
  quiet_until_ = now + options_.longest_quiet + Duration(random_.uniform(0, options_.longest_quiet.count()));
  election_at_ = kNoDeadline;
  give_memory_back();
  return true;
}

/// There may be tens of thousands of quiet groups. Queues keep a block of memory when they are empty, maps their buckets.
void Core::give_memory_back() {
  if (applied_ == log_.last()) log_.forget_cache();
  sofa::give_memory_back(unsaved_);
  sofa::give_memory_back(held_);
  sofa::give_memory_back(waiting_reads_);
  sofa::give_memory_back(calls_);
  for (auto& [peer, one] : replicators_) sofa::give_memory_back(one->inflights);
}

/// Of a leader, when a peer has agreed.
void Core::quiet_answer(Instant now, Replicator& of) {
  of.quiet = true;
  if (!may_be_quiet(now) || !std::ranges::all_of(replicators_, [](const auto& item) { return item.second->quiet; })) return;
  quiet_ = true;
  quiet_until_ = now + options_.longest_quiet + Duration(random_.uniform(0, options_.longest_quiet.count()));
  step_down_at_ = kNoDeadline;
  for (auto& [peer, one] : replicators_) one->heartbeat_at = kNoDeadline;
  give_memory_back();
}

void Core::end_quiet(Instant now) {
  quiet_ = false;
  quiet_until_ = kNoDeadline;
  if (is_leader()) {
    active_at_ = now;
    step_down_at_ = now + options_.election_timeout;  // until then the first answers are here
    for (auto& [peer, one] : replicators_) {
      one->quiet = false;
      if (one->heartbeat == 0) one->heartbeat_at = now;
    }
  } else if (role_ == Role::follower) {
    last_leader_contact_ = now;  // its node was watched until now
    if (election_at_ == kNoDeadline) arm_election(now);
  }
}

void Core::node_lost(Instant now, const std::string& address) {
  if (!quiet_ || !is_active()) return;
  const bool concerned = is_leader() ? std::ranges::any_of(replicators_, [&](const auto& item) { return item.first.address() == address; })
                                     : leader_.address() == address;
  if (concerned) end_quiet(now);
}

}  // namespace sofa::raft
