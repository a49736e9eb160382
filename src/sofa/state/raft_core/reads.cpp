// Linearizable reads without a log entry (jraft.md 2.9).
#include "sofa/state/raft_core/core.h"
#include "sofa/state/raft_core/detail/addressed.h"
#include "sofa/state/raft_core/detail/leader_state.h"
#include "sofa/state/raft_core/plant.h"

namespace sofa::raft {

using jraft::RaftError;
using jraft::Status;

Status Core::read(Instant now, uint64_t token) {
  if (role_ == Role::leader || (role_ == Role::transferring && planted(Plant::lease_while_transferring))) {
    lead_read(now, {.token = token}, options_.lease_reads);
    return {};
  }
  if (role_ == Role::transferring) return {RaftError::ebusy, "Is transferring leadership."};
  if (role_ != Role::follower) return {RaftError::eperm, fmt::format("Invalid state for readIndex: {}.", to_string(role_))};
  if (leader_.is_nobody()) return {RaftError::eperm, fmt::format("No leader at term {}.", term_)};
  auto request = addressed<jraft::ReadIndexRequest>(leader_);
  request.entries.emplace_back();
  request.read_only = options_.lease_reads ? jraft::ReadOnlyType::lease_based : jraft::ReadOnlyType::safe;
  calls_[send(now, CallKind::read_index, leader_, std::move(request), options_.rpc_timeout)].token = token;
  return {};
}

void Core::on_read_request(Instant now, uint64_t token, const jraft::ReadIndexRequest& request) {
  if (role_ == Role::transferring) return refuse(token, RaftError::ebusy, "Is transferring leadership.");
  if (role_ != Role::leader) return refuse(token, RaftError::eperm, fmt::format("Invalid state for readIndex: {}.", to_string(role_)));
  const auto asking = parse_peer(token, request.server_id);
  if (!asking) return;
  if (!members_->current.has(*asking) && !members_->old.has(*asking)) {
    return refuse(token, RaftError::eperm,
                  fmt::format("Peer {} is not in current configuration: {}.", asking->to_string(), members_->current.to_string()));
  }
  lead_read(now, {.token = token, .is_peer = true}, request.read_only.value_or(jraft::ReadOnlyType::safe) == jraft::ReadOnlyType::lease_based);
}

void Core::end_read(const Reader& reader, int64_t index, const Status& status) {
  if (!reader.is_peer) return emit(effect::ReadAt{.token = reader.token, .index = index, .status = status});
  if (!status.ok()) return refuse(reader.token, status.code, status.message);
  answer(reader.token, jraft::ReadIndexResponse{.index = index, .success = true});
}

void Core::lead_read(Instant now, Reader reader, bool by_lease) {
  // A new leader does not know what was committed before it until an entry of its own term is.
  if (log_.term_of(commit_) != term_ && !planted(Plant::read_without_own_term_entry)) {
    return end_read(reader, 0,
                    {RaftError::eagain,
                     fmt::format("ReadIndex request rejected because leader has not committed any log entry at its term, logIndex={}, currTerm={}.",
                                 commit_, term_)});
  }
  if (planted(Plant::read_context_reused) && round_ != nullptr) return round_->readers.push_back(reader);
  if (other_voters().empty() || (by_lease && has_lease(now)) || planted(Plant::read_without_round)) return end_read(reader, commit_, {});
  if (waiting_reads_.size() >= options_.max_reads) return end_read(reader, 0, {RaftError::ebusy, "too many reads wait; try again later"});
  active(now);
  waiting_reads_.push_back(reader);
  if (round_ == nullptr) begin_round(now);
}

/// One round of heartbeats answers for all reads that came before it.
void Core::begin_round(Instant now) {
  round_ = std::make_unique<Round>();
  round_->number = next_round_++;
  round_->index = commit_;
  round_->readers.assign(waiting_reads_.begin(), waiting_reads_.end());
  waiting_reads_.clear();
  round_->members = members_;
  round_->good.begin(members_);
  round_->good.grant(options_.self);
  for (const PeerId& peer : other_voters()) {
    if (Replicator* const of = find(peer); of != nullptr) ask_in_round(now, *of);
  }
  decide_round(now);  // perhaps there is nobody to ask any more
}

/// One heartbeat at a time: rounds follow each other as fast as the others answer, and who takes nothing would have one of each waiting.
void Core::ask_in_round(Instant now, Replicator& peer) {
  if (peer.round != 0) return;
  peer.round = round_->number;
  send_heartbeat(now, peer, peer.round);
}

void Core::on_round_answer(Instant now, const Call& call, bool good) {
  if (round_ != nullptr && round_->number == call.round) {
    if (good) {
      round_->good.grant(call.peer);
    } else {
      round_->bad.insert(call.peer);
    }
    decide_round(now);
  }
  Replicator* const of = find(call.peer);
  if (of == nullptr || of->round != call.round) return;
  of->round = 0;
  if (round_ != nullptr && round_->number != call.round) ask_in_round(now, *of);
}

/// Ends the round when it is won, or can be won no more.
void Core::decide_round(Instant now) {
  const auto may_still = [&](const PeerId& one) { return !round_->bad.contains(one); };
  const bool won = round_->good.is_won();
  if (!won && is_quorum(*round_->members, may_still)) return;
  const std::unique_ptr<Round> done = std::move(round_);
  for (const Reader& reader : done->readers) {
    end_read(reader, done->index, won ? Status() : Status{RaftError::unknown, "a majority could not confirm that this node leads"});
  }
  if (!waiting_reads_.empty()) begin_round(now);
}

void Core::fail_reads(const Status& why) {
  std::vector<Reader> readers(waiting_reads_.begin(), waiting_reads_.end());
  if (round_ != nullptr) readers.insert(readers.end(), round_->readers.begin(), round_->readers.end());
  round_ = nullptr;
  waiting_reads_.clear();
  if (planted(Plant::reads_dropped)) return;
  for (const Reader& reader : readers) end_read(reader, 0, why.ok() ? Status{RaftError::eperm, "Is not leader."} : why);
}

}  // namespace sofa::raft
