// Elections (jraft.md 2.2, 2.3).
#include <algorithm>
#include <cassert>

#include "sofa/state/raft_core/core.h"
#include "sofa/state/raft_core/detail/addressed.h"
#include "sofa/state/raft_core/detail/leader_state.h"
#include "sofa/state/raft_core/plant.h"

namespace sofa::raft {

using jraft::RaftError;
using jraft::Status;

/// A member may campaign, and so may who is none any more until it knows that the others have agreed to that: perhaps nobody else has the entry that
/// says so, and then nobody else can lead, since its log is the longest.
bool Core::votes() const {
  const auto has = [&](const Membership& members) { return members.current.has_peer(options_.self) || members.old.has_peer(options_.self); };
  if (has(*members_)) return true;
  for (int64_t from = members_from_; from > commit_; from = log_.members_from(from - 1)) {
    if (has(*log_.members_at(from - 1))) return true;
  }
  return false;
}

void Core::arm_election(Instant from) {
  const auto most = std::max<int64_t>(options_.max_election_delay.count() - 1, 0);
  election_at_ = votes() ? from + options_.election_timeout + Duration(random_.uniform(0, most)) : kNoDeadline;
}

void Core::election_timed_out(Instant now) {
  const bool is_led = now - last_leader_contact_ < options_.election_timeout;
  arm_election(is_led ? last_leader_contact_ : now);  // JRaft counts from the last look: a leader's death may stand for a timeout longer
  if (role_ != Role::follower || is_led) return;
  set_leader(PeerId(), {RaftError::erafttimedout, fmt::format("Lost connection from leader {}.", leader_.to_string())});
  if (may_campaign()) pre_vote(now);
}

/// By priority: who has less than the highest waits one timeout longer, then the highest that is waited for falls.
bool Core::may_campaign() {
  const int own = options_.self.priority;
  if (own == PeerId::kNoPriority) return true;
  if (own == PeerId::kNeverLeads) return false;
  if (own < target_priority_) {
    if (++timeouts_below_priority_ == 1) return false;
    const int gap = std::max(options_.priority_gap, target_priority_ / 5);
    target_priority_ = std::max(1, target_priority_ - gap);
    if (own < target_priority_) return false;
  }
  timeouts_below_priority_ = 0;
  return true;
}

void Core::pre_vote(Instant now) {
  // Whose disk is full, or hangs, cannot vote for itself: it does not go from term to term meanwhile.
  if (install_ || !votes() || !may_lead() || !is_saved()) return;
  ballot_.begin(members_);
  ask_for_votes(now, true);
  ballot_.grant(options_.self);
  if (ballot_.is_won()) elect_self(now);
}

void Core::elect_self(Instant now, bool was_told) {
  if (!votes() || !may_lead()) return;
  election_at_ = kNoDeadline;
  set_leader(PeerId(), {RaftError::erafttimedout, "A follower's leader_id is reset to NULL as it begins to request_vote."});
  role_ = Role::candidate;
  save_state(term_ + 1, options_.self);
  const auto most = std::max<int64_t>(options_.max_election_delay.count() - 1, 0);
  vote_at_ = now + options_.election_timeout + Duration(random_.uniform(0, most));
  if (!planted(Plant::pre_votes_elect)) ballot_.begin(members_);
  ask_for_votes(now, false, was_told);
  self_vote_waits_ = true;  // it counts when it is saved
}

void Core::ask_for_votes(Instant now, bool pre, bool was_told) {
  const LogId last = log_.last_id();
  for (const PeerId& peer : other_voters()) {
    auto request = addressed<jraft::RequestVoteRequest>(peer);
    request.term = pre ? term_ + 1 : term_;
    request.last_log_term = last.term;
    request.last_log_index = last.index;
    request.pre_vote = pre;
    if (!pre) request.was_told = was_told;
    (void)send(now, pre ? CallKind::pre_vote : CallKind::vote, peer, std::move(request), options_.election_timeout);
  }
}

void Core::vote_timed_out(Instant now) {
  vote_at_ = kNoDeadline;
  if (role_ != Role::candidate) return;
  if (!options_.step_down_when_vote_times_out && is_saved()) return elect_self(now);
  step_down(now, term_, {RaftError::etimedout, "Vote timeout: fail to get quorum vote-granted."});
  pre_vote(now);
}

void Core::become_leader(Instant now) {
  assert(role_ == Role::candidate);
  role_ = Role::leader;
  vote_at_ = kNoDeadline;
  set_leader(options_.self, {});
  leads_ = false;
  lease_void_ = false;
  transfer_to_ = PeerId();
  last_leader_contact_ = active_at_ = now;
  step_down_at_ = now + options_.election_timeout / 2;
  replicators_.clear();
  refresh_replicators(now);
  change_ = std::make_unique<Change>();
  change_->stage = members_->is_joint() ? Change::Stage::joint : Change::Stage::stable;
  change_->old = members_->old;
  change_->next = members_->current;
  // The first entry of a term tells who is a member; with it everything before it is committed, too.
  append_own(now, EntryType::configuration, {}, members_);
  first_of_term_ = change_->index = log_.last();
  for (auto& [peer, one] : replicators_) probe(now, *one);
}

/// Whether a leader may serve reads by a lease that rests on this node: it has confirmed one within an election timeout, perhaps before it started.
bool Core::may_be_led(Instant now) const { return term_ > 0 && now - last_leader_contact_ < options_.election_timeout; }

/// Whether the candidate has all that this node knows to be there. Who began with nothing, and has heard of no leader yet, knows nothing: it may have
/// confirmed entries before, which no vote of its must lose.
bool Core::is_up_to_date(const jraft::RequestVoteRequest& request) const {
  if (planted(Plant::vote_without_log_check)) return true;
  if (members_->current.peers.empty() && must_reach_ == LogId()) return false;
  return request.last_log_index >= must_reach_.index && LogId{.index = request.last_log_index, .term = request.last_log_term} >= saved_;
}

bool Core::grants_pre_vote(Instant now, const jraft::RequestVoteRequest& request, const PeerId& candidate) const {
  // Who is no member may be one by an entry that this node lacks: perhaps nobody can be elected without its vote.
  const bool is_member = members_->current.has_peer(candidate) || members_->old.has_peer(candidate);
  if (!is_member && LogId{.index = request.last_log_index, .term = request.last_log_term} <= log_.last_id()) return false;
  if (may_be_led(now) && !planted(Plant::pre_vote_ignores_leader)) return false;
  return !is_leader() && request.term >= term_ && is_up_to_date(request);
}

void Core::on_vote_request(Instant now, uint64_t token, const jraft::RequestVoteRequest& request) {
  const auto candidate = parse_peer(token, request.server_id);
  if (!candidate) return;
  if (request.pre_vote) {
    const bool granted = grants_pre_vote(now, request, *candidate);
    return answer(token, jraft::RequestVoteResponse{.term = term_, .granted = granted});
  }
  // A request that was long on its way, or whose pre-votes were: the leader has been heard again, and may count on its lease. A leader that has told
  // somebody to campaign does so no more. Java's nodes do not say whether they were told: they are heard, as JRaft's nodes hear each other.
  const bool by_itself = !request.was_told.value_or(true) && !planted(Plant::vote_ignores_leader);
  const bool repeated = request.term == term_ && voted_for_ == *candidate;
  if (by_itself && !repeated && may_be_led(now)) return answer(token, jraft::RequestVoteResponse{.term = term_, .granted = false});
  if (request.term > term_) {
    // Only a vote that is given puts this node's own election off: a candidate that cannot win, and tries again and again, must not keep from it who
    // can.
    const Instant own = role_ == Role::follower ? election_at_ : kNoDeadline;
    step_down(now, request.term,
              {RaftError::ehighertermrequest, fmt::format("Raft node receives higher term RequestVoteRequest from {}.", candidate->to_string())});
    election_at_ = std::min(election_at_, own);
  }
  const bool may_vote = voted_for_.is_nobody() || planted(Plant::vote_twice);
  if (request.term == term_ && is_up_to_date(request) && may_vote && role_ == Role::follower) {
    step_down(now, term_, {RaftError::evoteforcandidate, "Raft node votes for some candidate, step down to restart election_timer."});
    save_state(term_, *candidate);
  }
  answer(token, jraft::RequestVoteResponse{.term = term_, .granted = request.term == term_ && voted_for_ == *candidate});
}

void Core::on_vote_answer(Instant now, const Call& call, const jraft::RequestVoteResponse& response) {
  const bool pre = call.kind == CallKind::pre_vote;
  if (call.term != term_ || role_ != (pre ? Role::follower : Role::candidate)) return;
  if (response.term > term_) {
    return step_down(now, response.term, {RaftError::ehighertermresponse, fmt::format("{} is in the term {}", call.peer.to_string(), response.term)});
  }
  if (!response.granted) return vote_refused(now, call);
  if (pre && may_be_led(now) && !planted(Plant::vote_ignores_leader)) return;
  ballot_.grant(call.peer);
  if (!ballot_.is_won()) return;
  if (pre) {
    elect_self(now);
  } else {
    become_leader(now);
  }
}

/// When nobody can win, two have campaigned at once: the next election need not wait for a timeout, only not be at once again.
void Core::vote_refused(Instant now, const Call& call) {
  if (role_ != Role::candidate || call.kind != CallKind::vote || call.term != term_) return;
  ballot_.refuse(call.peer);
  if (ballot_.is_lost()) vote_at_ = std::min(vote_at_, now + Duration(random_.uniform(0, options_.election_timeout.count() / 2)));
}

void Core::on_timeout_now(Instant now, uint64_t token, const jraft::TimeoutNowRequest& request) {
  if (request.term > term_) {
    step_down(now, request.term, {RaftError::ehighertermrequest, fmt::format("Raft node receives higher term request from {}.", request.server_id)});
    return answer(token, jraft::TimeoutNowResponse{.term = term_, .success = false});
  }
  if (request.term != term_ || role_ != Role::follower || !votes() || !may_lead())
    return answer(token, jraft::TimeoutNowResponse{.term = term_, .success = false});
  elect_self(now, true);
  answer(token, jraft::TimeoutNowResponse{.term = term_, .success = true});
}

}  // namespace sofa::raft
