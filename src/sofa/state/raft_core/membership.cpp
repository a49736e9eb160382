// Changes of members, and handing leadership over (jraft.md 2.7, 2.8).
#include <algorithm>

#include "sofa/state/raft_core/core.h"
#include "sofa/state/raft_core/detail/addressed.h"
#include "sofa/state/raft_core/detail/leader_state.h"
#include "sofa/state/raft_core/plant.h"

namespace sofa::raft {

using jraft::Configuration;
using jraft::RaftError;
using jraft::Status;

Status Core::change_members(Instant now, uint64_t token, Configuration next) {
  if (role_ != Role::leader) return {role_ == Role::transferring ? RaftError::ebusy : RaftError::eperm, "Not leader"};
  if (change_ != nullptr && !planted(Plant::second_change_accepted)) return {RaftError::ebusy, "Doing another configuration change."};
  if (!next.is_valid())
    return {RaftError::einval,
            fmt::format("the members '{}' are no group: somebody must vote, and nobody be a peer and a learner", next.to_string())};
  if (next == members_->current) {
    emit(effect::Changed{.token = token});
    return {};
  }
  active(now);
  change_ = std::make_unique<Change>();
  change_->token = token;
  change_->old = members_->current;
  change_->next = std::move(next);
  for (const PeerId& peer : change_->next.peers) {
    if (!change_->old.has_peer(peer)) change_->adding.insert(peer);
  }
  change_->voters_changed = change_->adding.size() + static_cast<size_t>(std::ranges::count_if(
                                                         change_->old.peers, [&](const PeerId& peer) { return !change_->next.has_peer(peer); }));
  std::erase_if(change_->adding, [&](const PeerId& peer) { return peer == options_.self; });
  for (const PeerId& learner : change_->next.learners) {
    if (find(learner) == nullptr && learner != options_.self) {
      add_replicator(now, learner, true);
      probe(now, *find(learner));
    }
  }
  if (planted(Plant::catch_up_skipped)) change_->adding.clear();
  if (change_->adding.empty()) {
    change_->voters_changed > 0 ? enter_joint(now) : enter_stable(now);
    return {};
  }
  for (const PeerId& peer : change_->adding) {
    add_replicator(now, peer, false);
    Replicator& one = *find(peer);
    one.catching_up = true;
    one.catch_up_at = now + options_.election_timeout;
    probe(now, one);
  }
  return {};
}

/// A new peer that answers is waited for; one that does not is not.
void Core::check_catch_up(Instant now, Replicator& of) {
  of.catch_up_at = now + options_.election_timeout;
  if (of.match + options_.catchup_margin >= log_.last() && of.state == Following::replicating) return on_caught_up(now, of.peer);
  if (now - of.last_answer <= options_.election_timeout) return;
  end_change({RaftError::ecatchup, fmt::format("Peer {} failed to catch up.", of.peer.to_string())});
  refresh_replicators(now);
}

void Core::on_caught_up(Instant now, const PeerId& peer) {
  if (Replicator* const of = find(peer); of != nullptr) of->catching_up = false;
  if (change_ == nullptr || change_->stage != Change::Stage::catching_up) return;
  change_->adding.erase(peer);
  if (change_->adding.empty()) enter_joint(now);
}

void Core::enter_joint(Instant now) {
  if (planted(Plant::single_step_change)) return enter_stable(now);
  change_->stage = Change::Stage::joint;
  // The old learners do not travel in a joint entry (jraft.md 2.7).
  auto members = std::make_shared<const Membership>(Membership{.current = change_->next, .old = {.peers = change_->old.peers}});
  append_own(now, EntryType::configuration, {}, std::move(members));
  if (planted(Plant::stable_before_joint_committed)) return enter_stable(now);
  if (change_ != nullptr) change_->index = log_.last();
}

void Core::enter_stable(Instant now) {
  change_->stage = Change::Stage::stable;
  append_own(now, EntryType::configuration, {}, std::make_shared<const Membership>(Membership{.current = change_->next}));
  if (change_ != nullptr) change_->index = log_.last();
}

void Core::on_change_committed(Instant now) {
  change_->index = 0;
  if (change_->stage == Change::Stage::joint) return enter_stable(now);
  const bool removed = !members_->current.has_peer(options_.self);
  end_change({});
  refresh_replicators(now);
  if (removed) step_down(now, term_, {RaftError::eleaderremoved, "This node was removed."}, true);
}

void Core::end_change(const Status& status) {
  if (change_ == nullptr) return;
  const std::unique_ptr<Change> done = std::move(change_);
  for (auto& [peer, one] : replicators_) one->catching_up = false;
  if (done->token != 0) emit(effect::Changed{.token = done->token, .status = status});
}

Status Core::reset_peers(Instant now, Configuration next) {
  if (!is_active()) return {RaftError::eperm, fmt::format("the node is in the state {}", to_string(role_))};
  if (!next.is_valid()) return {RaftError::einval, fmt::format("the members '{}' are no group", next.to_string())};
  if (members_->current == next && !members_->is_joint()) return {};
  set_members(std::make_shared<const Membership>(Membership{.current = std::move(next)}));
  must_reach_ = {};  // what is not here is lost
  step_down(now, term_ + 1, {RaftError::esetpeer, "Raft node set peer normally."});
  return {};
}

// Handing over.

Status Core::transfer(Instant now, const PeerId& to) {
  if (role_ != Role::leader)
    return {role_ == Role::transferring ? RaftError::ebusy : RaftError::eperm,
            role_ == Role::transferring ? "Is transferring leadership." : "Not a leader"};
  if (change_ != nullptr) return {RaftError::ebusy, "Changing the configuration."};
  PeerId target = to;
  if (target.is_nobody()) {
    for (const auto& [peer, one] : replicators_) {
      if (one->learner || !members_->current.has_peer(peer) || peer.priority == PeerId::kNeverLeads) continue;
      if (target.is_nobody() || one->match > find(target)->match) target = peer;
    }
    if (target.is_nobody()) return {RaftError::unknown, "there is no peer to hand over to"};
  }
  if (target == options_.self) return {};
  if (!members_->current.has_peer(target)) return {RaftError::einval, "Not in current configuration"};
  active(now);
  role_ = Role::transferring;
  transfer_to_ = target;
  transfer_index_ = log_.last();
  transfer_at_ = now + options_.election_timeout;
  fail_reads({RaftError::ebusy, "Is transferring leadership."});
  if (leads_)
    emit(effect::LeaderStopped{
        .why = {RaftError::etransferleadership, fmt::format("Raft leader is transferring leadership to {}", target.to_string())}});
  try_transfer(now);
  return {};
}

void Core::try_transfer(Instant now) {
  const Replicator* const of = find(transfer_to_);
  if (of == nullptr || of->match < transfer_index_ || lease_void_) return;
  lease_void_ = !planted(Plant::lease_after_timeout_now);
  auto request = addressed<jraft::TimeoutNowRequest>(transfer_to_);
  (void)send(now, CallKind::timeout_now, transfer_to_, std::move(request), options_.election_timeout);
}

/// It has not become the leader in time: this node goes on.
void Core::tick_transfer(Instant) {
  transfer_at_ = kNoDeadline;
  if (role_ != Role::transferring) return;
  role_ = Role::leader;
  transfer_to_ = PeerId();
  if (leads_) emit(effect::LeaderStarted{.term = term_});
}

}  // namespace sofa::raft
