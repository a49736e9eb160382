#include "sofa/state/raft_core/core.h"

#include <algorithm>
#include <cassert>

#include "sofa/state/raft_core/buggify.h"
#include "sofa/state/raft_core/detail/addressed.h"
#include "sofa/state/raft_core/detail/leader_state.h"
#include "sofa/state/raft_core/plant.h"

namespace sofa::raft {

using jraft::RaftError;
using jraft::Status;

std::string_view to_string(Role role) {
  constexpr std::string_view kNames[] = {"LEADER", "TRANSFERRING", "CANDIDATE", "FOLLOWER", "ERROR", "UNINITIALIZED", "SHUTTING", "SHUTDOWN"};
  return kNames[static_cast<size_t>(role)];
}

Core::Core(CoreOptions options, HardState state, FoundLog log, jraft::Configuration initial, uint64_t seed)
    : options_(std::move(options)),
      initial_(std::move(initial)),
      random_(seed),
      log_(std::move(log), options_.cache_bytes),
      term_(std::max(state.term, log_.last_id().term)),
      voted_for_(state.term < log_.last_id().term ? PeerId() : std::move(state.voted_for)),
      must_reach_(state.must_reach),
      members_(log_.members_at(log_.last())),
      members_from_(log_.members_from(log_.last())),
      commit_(log_.snapshot().index),
      applied_(log_.snapshot().index),
      saved_(log_.last_id()) {
  if (log_.last() == 0) members_ = std::make_shared<const Membership>(Membership{.current = initial_});
}

Core::~Core() = default;

void Core::start(Instant now) {
  assert(role_ == Role::uninitialized);
  role_ = Role::follower;
  if (!planted(Plant::lease_forgotten_at_start)) last_leader_contact_ = now;
  if (log_.must_reset()) emit(effect::ResetLog{.behind = log_.snapshot()});
  set_members(members_);
  // Who was alone need not wait. Who has become so by an entry of another leader, which perhaps counts on its lease until it knows, must.
  const bool alone = members_->current.peers.size() == 1 && members_->old.empty() && members_->current.has_peer(options_.self);
  const bool led_last = term_ == 0 || voted_for_ == options_.self;
  if (alone && led_last && may_lead()) {
    elect_self(now);
  } else {
    arm_election(now);
  }
}

std::vector<Effect> Core::take() { return std::exchange(effects_, {}); }

Duration Core::heartbeat_interval() const {
  return std::max<Duration>(options_.election_timeout / options_.heartbeats, std::chrono::milliseconds(10));
}
Duration Core::lease() const { return planted(Plant::lease_longer_than_timeout) ? 2 * options_.election_timeout : options_.lease(); }

std::vector<PeerId> Core::other_voters() const {
  std::vector<PeerId> voters;
  for (const auto* peers : {&members_->current.peers, &members_->old.peers}) {
    for (const PeerId& peer : *peers) {
      if (peer != options_.self && std::ranges::find(voters, peer) == voters.end()) voters.push_back(peer);
    }
  }
  return voters;
}

Instant Core::due() const {
  Instant next = std::min({election_at_, vote_at_, step_down_at_, transfer_at_, quiet_until_});
  for (const auto& [peer, one] : replicators_) {
    if (one->heartbeat == 0) next = std::min(next, one->heartbeat_at);
    next = std::min(next, one->blocked_until);
    if (one->catching_up) next = std::min(next, one->catch_up_at);
  }
  return next;
}

void Core::tick(Instant now) {
  if (!is_active()) return;
  if (now >= quiet_until_) end_quiet(now);
  if (now >= election_at_) election_timed_out(now);
  if (now >= vote_at_) vote_timed_out(now);
  if (now >= step_down_at_) check_dead_peers(now);
  if (now >= transfer_at_) tick_transfer(now);
  if (is_leader()) tick_replicators(now);
}

// What leaves the node.

void Core::leave(Effect effect) {
  if (saved_number_ == state_number_ || planted(Plant::vote_leaves_before_saved)) {
    emit(std::move(effect));
  } else {
    held_.push_back(std::move(effect));
  }
}

void Core::refuse(uint64_t token, RaftError code, std::string message) { answer(token, jraft::error_response({code, std::move(message)})); }

uint64_t Core::send(Instant now, CallKind kind, const PeerId& to, jraft::Message request, Duration timeout) {
  const uint64_t number = next_call_++;
  calls_.emplace(number, Call{.kind = kind, .peer = to, .term = term_, .sent = now});
  leave(effect::Send{.call = number, .to = to, .request = std::move(request), .timeout = timeout});
  return number;
}

std::optional<PeerId> Core::parse_peer(uint64_t token, const std::string& text) {
  auto peer = PeerId::parse(text);
  if (!peer) refuse(token, RaftError::einval, fmt::format("Fail to parse peerId: {}", text));
  return peer;
}

namespace {

/// No group comes to a term above it; what is near the largest number could not be counted on.
constexpr int64_t kMostTerm = int64_t{1} << 62;

/// The sentence about a message whose term can be none.
std::optional<std::string> wrong_term(const jraft::Message& message) {
  const auto look = [](const auto& one) -> std::optional<std::string> {
    if constexpr (requires { one.term < kMostTerm; }) {
      if (one.term < 0 || one.term > kMostTerm) return fmt::format("the term {} can be none, it must be from 0 to {}", one.term, kMostTerm);
    }
    return std::nullopt;
  };
  return std::visit(look, message);
}

}  // namespace

void Core::receive(Instant now, uint64_t token, uint64_t lane, const jraft::Message& request) {
  if (!is_active()) {
    return refuse(token, RaftError::einval,
                  fmt::format("Node <{}/{}> is not in active state, state {}.", options_.group, options_.self.to_string(), to_string(role_)));
  }
  if (held_.size() >= options_.max_held) {  // a disk that is full, or hangs: this answer rests on nothing that is not saved
    return emit(effect::Answer{token, jraft::error_response({RaftError::ebusy, "term and vote are not saved yet, and too much waits for that"})});
  }
  if (auto wrong = wrong_term(request)) return refuse(token, RaftError::einval, std::move(*wrong));
  if (quiet_) end_quiet(now);
  if (const auto* append = std::get_if<jraft::AppendEntriesRequest>(&request)) return on_append(now, token, lane, *append);
  if (const auto* vote = std::get_if<jraft::RequestVoteRequest>(&request)) return on_vote_request(now, token, *vote);
  if (const auto* read_index = std::get_if<jraft::ReadIndexRequest>(&request)) return on_read_request(now, token, *read_index);
  if (const auto* install = std::get_if<jraft::InstallSnapshotRequest>(&request)) return on_install(now, token, *install);
  if (const auto* timeout = std::get_if<jraft::TimeoutNowRequest>(&request)) return on_timeout_now(now, token, *timeout);
  refuse(token, RaftError::erequest, "this request is none of a Raft node");
}

void Core::answered(Instant now, uint64_t number, jraft::Message response) {
  const auto found = calls_.find(number);
  if (found == calls_.end()) return;
  if (const auto* error = std::get_if<jraft::ErrorResponse>(&response)) {
    return failed(now, number, {.code = static_cast<RaftError>(error->code), .message = error->message.value_or("")});
  }
  if (auto wrong = wrong_term(response)) return failed(now, number, {.code = RaftError::einval, .message = std::move(*wrong)});
  const Call call = found->second;
  calls_.erase(found);
  if (call.kind == CallKind::read_index) {
    const auto* const index = std::get_if<jraft::ReadIndexResponse>(&response);
    if (!is_active()) return emit(effect::ReadAt{.token = call.token, .status = {RaftError::einval, "the node has failed or ends"}});
    if (index == nullptr || !index->success) {
      return emit(effect::ReadAt{.token = call.token, .status = {RaftError::unknown, "the leader could not confirm that it leads"}});
    }
    return emit(effect::ReadAt{.token = call.token, .index = planted(Plant::read_not_awaited) ? 0 : index->index});
  }
  if (!is_active()) return;
  if (auto* append = std::get_if<jraft::AppendEntriesResponse>(&response)) {
    return call.kind == CallKind::heartbeat ? on_heartbeat_answer(now, call, *append) : on_append_answer(now, number, call, *append);
  }
  if (auto* vote = std::get_if<jraft::RequestVoteResponse>(&response)) return on_vote_answer(now, call, *vote);
  if (auto* install = std::get_if<jraft::InstallSnapshotResponse>(&response)) return on_install_answer(now, number, call, *install);
  if (auto* timeout = std::get_if<jraft::TimeoutNowResponse>(&response); timeout != nullptr && timeout->term > term_) {
    step_down(now, timeout->term, {RaftError::ehighertermresponse, fmt::format("{} campaigns in the term {}", call.peer.to_string(), timeout->term)});
  }
}

void Core::failed(Instant now, uint64_t number, const Status& status) {
  const auto found = calls_.find(number);
  if (found == calls_.end()) return;
  const Call call = found->second;
  calls_.erase(found);
  if (call.kind == CallKind::read_index) return emit(effect::ReadAt{.token = call.token, .index = 0, .status = status});
  if (call.kind == CallKind::vote) return vote_refused(now, call);
  if (!is_leader() || call.term != term_) return;
  if (call.round != 0) on_round_answer(now, call, false);
  Replicator* const of = find(call.peer);
  if (of == nullptr) return;
  ++of->errors;
  if (call.kind == CallKind::heartbeat) {
    if (of->heartbeat == number) {
      of->heartbeat = 0;
      of->heartbeat_at = now + heartbeat_interval();
    }
    return;
  }
  if (call.kind == CallKind::install) {
    if (of->install != number) return;
    // It may still fetch what it was offered: that stays open for it, or a large snapshot would begin anew each time, and never arrive.
    if (status.code == RaftError::etimedout) return send_install(now, *of);
    forget_install(*of);
    return block(now, *of);
  }
  append_failed(now, *of, number);
}

void Core::connected(Instant now, const PeerId& peer) {
  Replicator* const of = is_leader() ? find(peer) : nullptr;
  if (of == nullptr || !of->is_blocked()) return;
  of->blocked_until = kNoDeadline;
  probe(now, *of);
}

// Term and vote.

void Core::save_state(int64_t term, PeerId voted_for) {
  assert(term >= term_);
  assert(term > term_ || voted_for_.is_nobody() || voted_for_ == voted_for || planted(Plant::vote_twice));
  term_ = term;
  voted_for_ = std::move(voted_for);
  if (planted(Plant::term_saved_with_vote_only) && voted_for_.is_nobody()) return;
  emit(effect::SaveState{
      .number = ++state_number_, .term = term_, .voted_for = planted(Plant::vote_not_persisted) ? PeerId() : voted_for_, .must_reach = must_reach_});
}

void Core::state_saved(Instant now, uint64_t number) {
  saved_number_ = std::max(saved_number_, number);
  if (!is_saved()) return;
  while (!held_.empty()) {
    emit(std::move(held_.front()));
    held_.pop_front();
  }
  if (role_ != Role::candidate || !self_vote_waits_) return;
  self_vote_waits_ = false;
  ballot_.grant(options_.self);
  if (ballot_.is_won()) become_leader(now);
}

void Core::set_leader(PeerId leader, const Status& why) {
  if (leader == leader_) return;
  if (!leader_.is_nobody() && leader_ != options_.self) emit(effect::FollowingStopped{.leader = leader_, .term = term_, .why = why});
  leader_ = std::move(leader);
  if (!leader_.is_nobody() && leader_ != options_.self) emit(effect::FollowingStarted{.leader = leader_, .term = term_});
}

void Core::set_members(std::shared_ptr<const Membership> members) {
  members_ = std::move(members);
  if (planted(Plant::joint_quorum_of_new_only)) members_ = std::make_shared<const Membership>(Membership{.current = members_->current});
  target_priority_ = PeerId::kNoPriority;
  for (const PeerId& peer : members_->current.peers) target_priority_ = std::max(target_priority_, peer.priority);
  timeouts_below_priority_ = 0;
}

void Core::step_down(Instant now, int64_t term, const Status& why, bool wake_candidate) {
  if (!is_active()) return;
  const bool led = is_leader();
  if (quiet_) {
    for (auto& [peer, one] : replicators_) {
      if (led) send_heartbeat(now, *one);  // a last one, so that nobody waits quietly for a leader that is none
    }
    quiet_ = false;
    quiet_until_ = kNoDeadline;
  }
  vote_at_ = step_down_at_ = transfer_at_ = kNoDeadline;
  self_vote_waits_ = false;
  if (led) {
    if (role_ == Role::leader && leads_) emit(effect::LeaderStopped{.why = why});
    fail_reads(why);
    end_change(why);
    if (wake_candidate) {
      PeerId best;
      int64_t most = 0;
      for (const auto& [peer, one] : replicators_) {
        if (one->learner || !members_->current.has_peer(peer) || one->match < most || peer.priority == PeerId::kNeverLeads) continue;
        best = peer;
        most = one->match;
      }
      if (!best.is_nobody()) {
        auto request = addressed<jraft::TimeoutNowRequest>(best);
        (void)send(now, CallKind::timeout_now, best, std::move(request), options_.election_timeout);
      }
    }
    for (auto& [peer, one] : replicators_) forget_install(*one);
    replicators_.clear();
    leads_ = false;
    emit(effect::ProposalsLost{.committed = commit_, .why = why});
  }
  set_leader(PeerId(), why);
  role_ = Role::follower;
  if (led) last_leader_contact_ = now - options_.election_timeout;  // nobody rests on it any more
  if (term > term_) save_state(term, PeerId());
  if (install_ && led) end_install(why);
  arm_election(now);
}

void Core::fail(Instant now, Status status) {
  if (role_ >= Role::error || planted(Plant::goes_on_after_failure)) return;
  if (is_leader()) step_down(now, term_, status, true);
  set_leader(PeerId(), status);
  end_install(status);
  role_ = Role::error;
  error_ = std::move(status);
  election_at_ = vote_at_ = step_down_at_ = transfer_at_ = quiet_until_ = kNoDeadline;
  quiet_ = false;
  const auto answer_failed = [&](uint64_t token) { refuse(token, RaftError::einval, fmt::format("the node has failed: {}", error_.to_string())); };
  // What has waited for term and vote to be saved does not leave any more.
  saved_number_ = state_number_;
  for (const Effect& held : std::exchange(held_, {})) {
    if (const auto* one = std::get_if<effect::Answer>(&held)) answer_failed(one->token);
    if (const auto* one = std::get_if<effect::Send>(&held)) failed(now, one->call, error_);
  }
  for (auto& [lane, waiting] : waiting_) {
    for (const WaitingAnswer& one : waiting) answer_failed(one.token);
  }
  waiting_.clear();
  emit(effect::Failed{.why = error_});
}

void Core::shut_down(Instant now) {
  if (role_ >= Role::shutting) return;
  const Status why{RaftError::eshutdown, "Raft node is going to quit."};
  if (is_active()) step_down(now, term_, why, true);
  end_install(why);
  role_ = Role::shutting;
  election_at_ = quiet_until_ = kNoDeadline;
  quiet_ = false;
  for (auto& [lane, waiting] : waiting_) {
    for (const WaitingAnswer& one : waiting) refuse(one.token, RaftError::enodeshutdown, why.message);
  }
  waiting_.clear();
}

// The state machine.

void Core::applied(Instant, int64_t index) {
  assert(index <= commit_);
  applied_ = std::max(applied_, index);
}

void Core::snapshot_saved(Instant, LogId id, std::shared_ptr<const Membership> members) {
  if (id.index <= log_.snapshot().index) return;
  const int64_t before = log_.snapshot().index;
  log_.set_snapshot(id, std::move(members));
  // One snapshot behind, so that those who lag a little are still fed from the log (jraft.md 2.10).
  const int64_t first_kept = (buggify("core: a snapshot compacts everything") ? id.index : before) + 1;
  log_.truncate_prefix(first_kept);
  emit(effect::TruncatePrefix{.first_kept = first_kept});
}

Core::Memory Core::memory() const {
  Memory memory{.held = held_.size(), .unsaved_bytes = unsaved_bytes_, .reads = waiting_reads_.size(), .cached_bytes = log_.cached_bytes()};
  if (round_ != nullptr) memory.reads += round_->readers.size();
  for (const auto& [lane, waiting] : waiting_) memory.waiting_answers = std::max(memory.waiting_answers, waiting.size());
  for (const auto& [peer, one] : replicators_) {
    memory.inflight = std::max(memory.inflight, one->inflights.size());
    memory.inflight_bytes = std::max(memory.inflight_bytes, one->inflight_bytes);
  }
  if (is_leader()) memory.uncommitted = log_.last() - std::max(commit_, first_of_term_);
  return memory;
}

}  // namespace sofa::raft
