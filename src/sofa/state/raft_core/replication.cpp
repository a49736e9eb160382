// What a leader does for its peers (jraft.md 2.5).
#include <algorithm>
#include <cassert>

#include "sofa/state/raft_core/buggify.h"
#include "sofa/state/raft_core/core.h"
#include "sofa/state/raft_core/detail/addressed.h"
#include "sofa/state/raft_core/detail/entries_of.h"
#include "sofa/state/raft_core/detail/leader_state.h"
#include "sofa/state/raft_core/plant.h"

namespace sofa::raft {

using jraft::RaftError;
using jraft::Status;

Core::Replicator* Core::find(const PeerId& peer) {
  const auto found = replicators_.find(peer);
  return found == replicators_.end() ? nullptr : found->second.get();
}

void Core::add_replicator(Instant now, const PeerId& peer, bool learner) {
  auto& one = replicators_[peer];
  if (one != nullptr) {
    one->learner = learner;
    return;
  }
  one = std::make_unique<Replicator>();
  one->peer = peer;
  one->learner = learner;
  one->next = log_.last() + 1;
  one->last_answer = now;
  one->heartbeat_at = now + heartbeat_interval();
}

void Core::refresh_replicators(Instant now) {
  const auto wanted = [&](const PeerId& peer) {
    return members_->current.has(peer) || members_->old.has(peer) ||
           (change_ != nullptr && (change_->next.has(peer) || change_->adding.contains(peer)));
  };
  for (auto one = replicators_.begin(); one != replicators_.end();) {
    if (wanted(one->first)) {
      ++one;
    } else {
      forget_install(*one->second);
      one = replicators_.erase(one);
    }
  }
  for (const PeerId& peer : other_voters()) add_replicator(now, peer, false);
  for (const PeerId& peer : members_->current.learners) {
    if (peer != options_.self && !members_->old.has_peer(peer)) add_replicator(now, peer, true);
  }
}

void Core::tick_replicators(Instant now) {
  std::vector<PeerId> peers;
  for (const auto& [peer, one] : replicators_) peers.push_back(peer);
  for (const PeerId& peer : peers) {
    Replicator* one = find(peer);
    if (one == nullptr) continue;
    if (one->heartbeat == 0 && now >= one->heartbeat_at) send_heartbeat(now, *one);
    if (now >= one->blocked_until) {
      one->blocked_until = kNoDeadline;
      probe(now, *one);
    }
    if (one->catching_up && now >= one->catch_up_at) check_catch_up(now, *one);
    if (!is_leader()) return;
  }
}

void Core::send_heartbeat(Instant now, Replicator& to, uint64_t round) {
  auto request = addressed<jraft::AppendEntriesRequest>(to.peer);
  const int64_t prev = to.next - 1;
  const int64_t term = log_.term_of(prev);
  const bool anywhere = term == 0 || buggify("core: a heartbeat names no place");
  request.prev_log_index = anywhere ? 0 : prev;  // compacted: a place that every log has
  request.prev_log_term = anywhere ? 0 : term;
  request.committed_index = commit_;
  if (round == 0 && may_be_quiet(now)) request.quiet = true;
  const uint64_t number = send(now, CallKind::heartbeat, to.peer, std::move(request), options_.election_timeout / 2);
  if (round != 0) {
    calls_[number].round = round;
  } else {
    to.heartbeat = number;
  }
}

void Core::on_heartbeat_answer(Instant now, const Call& call, const jraft::AppendEntriesResponse& response) {
  if (!is_leader() || call.term != term_) return;
  Replicator* const of = find(call.peer);
  if (of != nullptr && call.round == 0) {
    of->heartbeat = 0;
    of->heartbeat_at = std::max(call.sent + heartbeat_interval(), now);
  }
  if (response.term > term_) {
    return step_down(now, response.term,
                     {RaftError::ehighertermresponse,
                      fmt::format("Leader receives higher term heartbeat_response from peer:{}, group:{}", call.peer.to_string(), options_.group)},
                     true);
  }
  if (call.round != 0) on_round_answer(now, call, response.success);
  if (of == nullptr || !is_leader()) return;
  of->last_answer = std::max(of->last_answer, planted(Plant::lease_from_answers_time) ? now : call.sent);
  of->errors = 0;
  if (response.success && response.quiet.value_or(false) && call.sent > active_at_) return quiet_answer(now, *of);
  // It lacks what it was thought to have, as after a wipe: look for the place again.
  if (!response.success && response.last_log_index && of->state != Following::snapshot && of->inflights.empty() && !of->is_blocked()) {
    of->state = Following::probing;
    probe(now, *of);
  }
}

/// A request whose entries begin at `first`; nothing when what is before them is known no more: then the peer gets a snapshot.
std::optional<jraft::AppendEntriesRequest> Core::request_before(Replicator& to, int64_t first) {
  const int64_t prev = first - 1;
  const int64_t term = log_.term_of(prev);
  if ((prev != 0 && term == 0) || first < log_.first()) return std::nullopt;
  auto request = addressed<jraft::AppendEntriesRequest>(to.peer);
  request.prev_log_index = prev;
  request.prev_log_term = term;
  request.committed_index = commit_;
  return request;
}

void Core::probe(Instant now, Replicator& to) {
  if (to.state == Following::snapshot || to.is_blocked() || !to.inflights.empty()) return;
  to.state = Following::probing;
  to.next = std::clamp<int64_t>(to.next, 1, log_.last() + 1);
  auto request = request_before(to, to.next);
  if (!request) return begin_install(now, to);
  request->data = Bytes();  // there, and empty: a probe (jraft.md 2.4)
  const int64_t first = to.next;
  const uint64_t number = send(now, CallKind::append, to.peer, std::move(*request), options_.rpc_timeout);
  to.inflights.push_back({.call = number, .first = first, .count = 0, .bytes = 0, .sent = now});
}

void Core::replicate(Instant now, Replicator& to) {
  while (to.state == Following::replicating && !to.is_blocked() && to.reading == 0 && to.next <= log_.last() &&
         ((to.inflights.size() < options_.max_inflight && to.inflight_bytes < options_.max_inflight_bytes) || planted(Plant::window_ignored))) {
    if (to.next < log_.first()) return begin_install(now, to);
    if (to.next < log_.cached_from()) {
      to.reading = next_number_++;
      return emit(effect::ReadEntries{.number = to.reading, .from = to.next, .max_entries = options_.max_entries, .max_bytes = options_.max_body});
    }
    std::vector<Entry> entries;
    size_t bytes = 0;
    for (int64_t index = to.next; index <= log_.last() && entries.size() < options_.max_entries && bytes < options_.max_body; ++index) {
      entries.push_back(log_.entry(index));
      bytes += entries.back().data.size();
    }
    if (!send_entries(now, to, std::move(entries))) return;
  }
}

bool Core::send_entries(Instant now, Replicator& to, std::vector<Entry> entries) {
  assert(!entries.empty() && entries.front().id.index == to.next);
  auto request = request_before(to, to.next);
  if (!request) return begin_install(now, to), false;
  detail::put_entries(entries, *request);
  const size_t bytes = request->data ? request->data->size() : 0;
  const int64_t first = to.next;
  const auto count = static_cast<int64_t>(entries.size());
  const uint64_t number = send(now, CallKind::append, to.peer, std::move(*request), options_.rpc_timeout);
  to.inflights.push_back({.call = number, .first = first, .count = count, .bytes = bytes, .sent = now});
  to.inflight_bytes += bytes;
  to.next += count;
  return true;
}

void Core::entries_read(Instant now, uint64_t number, std::vector<Entry> entries) {
  if (!is_leader()) return;
  for (auto& [peer, one] : replicators_) {
    if (one->reading != number) continue;
    one->reading = 0;
    if (one->state != Following::replicating || one->is_blocked()) return;
    if (entries.empty() || entries.front().id.index != one->next || log_.term_of(entries.back().id.index) != entries.back().id.term) {
      return block(now, *one);  // it was cut away meanwhile, or cannot be read: look again
    }
    if (send_entries(now, *one, std::move(entries))) replicate(now, *one);
    return;
  }
}

void Core::replicate_all(Instant now) {
  for (auto& [peer, one] : replicators_) replicate(now, *one);
}

/// After an error: what is under way is not counted on any more, and the peer is left in peace for a moment.
void Core::block(Instant now, Replicator& of) {
  of.drop_inflights();
  if (of.state != Following::snapshot) of.state = Following::probing;
  of.next = of.match + 1;
  if (!of.is_blocked()) of.blocked_until = now + heartbeat_interval();
}

/// What went before the failed request is counted on: its answers tell how far the peer is, and where to go on. Whoever dropped that, too, would
/// begin anew for ever with a connection that has room for one request and never for two.
void Core::append_failed(Instant now, Replicator& of, uint64_t call) {
  const auto failed = std::ranges::find(of.inflights, call, &Replicator::Inflight::call);
  if (failed == of.inflights.end() || planted(Plant::lost_probe_not_retried)) return;
  if (failed == of.inflights.begin()) return block(now, of);
  of.next = failed->first;
  of.drop_inflights(failed);
  if (!of.is_blocked()) of.blocked_until = now + heartbeat_interval();
}

void Core::on_append_answer(Instant now, uint64_t number, const Call& call, const jraft::AppendEntriesResponse& response) {
  if (!is_leader() || call.term != term_) return;
  Replicator* const of = find(call.peer);
  if (of == nullptr) return;
  auto inflight = std::ranges::find(of->inflights, number, &Replicator::Inflight::call);
  if (planted(Plant::stale_pipeline_epoch) && inflight == of->inflights.end()) inflight = of->inflights.begin();
  if (inflight == of->inflights.end()) return;  // of before an error
  inflight->answer = response;
  take_append_answers(now, *of);
}

void Core::take_append_answers(Instant now, Replicator& of) {
  const PeerId peer = of.peer;
  while (!of.inflights.empty() && of.inflights.front().answer) {
    if (!take_append_answer(now, of)) return;
    if (find(peer) != &of) return;  // a change of members has ended
    if (buggify("core: the pipeline is forgotten")) return block(now, of);
  }
  replicate(now, of);
}

/// Of the request in front; false when nothing behind it counts any more.
bool Core::take_append_answer(Instant now, Replicator& of) {
  const Replicator::Inflight front = std::move(of.inflights.front());
  of.inflights.pop_front();
  of.inflight_bytes -= front.bytes;
  of.last_answer = std::max(of.last_answer, front.sent);
  of.errors = 0;
  const jraft::AppendEntriesResponse& response = *front.answer;
  if (response.term > term_) {
    step_down(now, response.term,
              {RaftError::ehighertermresponse, fmt::format("Leader receives higher term append_entries_response from peer:{}", of.peer.to_string())},
              true);
    return false;
  }
  if (!response.success) {
    if (response.term != term_) return block(now, of), false;
    return on_mismatch(now, of, front.first - 1, response), false;
  }
  of.mismatches = 0;
  of.installed = false;
  of.state = Following::replicating;
  int64_t reached = front.first + front.count - 1;
  if (planted(Plant::match_is_what_was_sent)) reached = of.next - 1;
  if (planted(Plant::probe_answer_is_match) && front.count == 0) reached = std::min(response.last_log_index.value_or(0), log_.last());
  if (reached > of.match) {
    of.match = reached;
    if (!of.learner || of.catching_up) advance_commit(now);
  }
  if (!is_leader()) return false;
  if (of.catching_up && of.match + options_.catchup_margin >= log_.last()) on_caught_up(now, of.peer);
  if (role_ == Role::transferring && transfer_to_ == of.peer) try_transfer(now);
  return true;
}

/// The logs differ there: further back, by more each time, but no further than is known to be the same.
void Core::on_mismatch(Instant now, Replicator& of, int64_t prev, const jraft::AppendEntriesResponse& response) {
  of.drop_inflights();
  of.state = Following::probing;
  // Who does not say how far its log goes (a Java node whose term has moved while it wrote) is asked a little further back.
  const int64_t theirs = response.last_log_index.value_or(prev);
  if (theirs + 1 < prev + 1) {
    of.next = theirs + 1;
  } else if (of.installed && of.mismatches == 0) {
    // Its snapshot is newer than the one that it was offered: the place is between that and its end, and must not be jumped over.
    of.next = theirs;
    ++of.mismatches;
  } else {
    of.next = prev + 1 - (of.installed ? 1 : int64_t{1} << std::min<int64_t>(of.mismatches, 20));
    ++of.mismatches;
  }
  if (buggify("core: a mismatch goes far back")) of.next = std::max<int64_t>(1, of.next - 50);
  // No further than where this log still tells: behind that there is only a snapshot, which need not be.
  const int64_t oldest = log_.first() == 1 || log_.term_of(log_.first() - 1) != 0 ? log_.first() : log_.first() + 1;
  if (theirs + 1 >= oldest && prev + 1 > oldest) of.next = std::max(of.next, oldest);
  if (of.match >= of.next) of.match = 0;  // it has lost what it had said to have: a wiped disk
  of.next = std::max<int64_t>(of.next, of.match + 1);
  probe(now, of);
}

void Core::advance_commit(Instant now) {
  if (!is_leader() || members_->current.peers.empty()) return;
  const auto match_of = [&](const PeerId& peer) {
    if (peer == options_.self) return planted(Plant::leader_counts_itself_before_fsync) ? log_.last() : saved_.index;
    const Replicator* const of = find(peer);
    return of == nullptr ? int64_t{0} : of->match;
  };
  int64_t reached = reached_by_quorum(*members_, match_of);
  if (planted(Plant::learner_counts_for_quorum)) {
    Membership counted = *members_;
    counted.current.peers.insert(counted.current.peers.end(), members_->current.learners.begin(), members_->current.learners.end());
    reached = reached_by_quorum(counted, match_of);
  }
  // Entries of older terms are committed by one of this term alone (jraft.md 2.2).
  const bool own_term = log_.term_of(reached) == term_ || planted(Plant::commit_by_counting_old_terms);
  if (reached > commit_ && own_term) commit_up_to(now, reached);
}

void Core::check_dead_peers(Instant now) {
  step_down_at_ = now + options_.election_timeout / 2;
  size_t alive = 1;
  const auto is_alive = [&](const PeerId& peer) {
    if (peer == options_.self) return true;
    const Replicator* const of = find(peer);
    return of != nullptr && now - of->last_answer <= lease();
  };
  for (const PeerId& peer : other_voters()) alive += is_alive(peer) ? 1 : 0;
  if (is_quorum(*members_, is_alive) && !buggify("core: the leader gives up")) {
    last_leader_contact_ = now;
    return;
  }
  const size_t all = other_voters().size() + 1;
  step_down(now, term_, {RaftError::erafttimedout, fmt::format("Majority of the group dies: {}/{}", all - alive, all)});
}

bool Core::has_lease(Instant now) const {
  if ((role_ != Role::leader || lease_void_) && !planted(Plant::lease_while_transferring)) return false;
  if (!is_leader() || members_->current.peers.empty()) return false;
  if (planted(Plant::lease_by_an_old_clock)) now = last_leader_contact_;
  const Instant confirmed = reached_by_quorum(*members_, [&](const PeerId& peer) {
    if (peer == options_.self) return now;
    const auto of = replicators_.find(peer);
    return of == replicators_.end() ? Instant() : of->second->last_answer;
  });
  return now - confirmed < lease();
}

// Snapshots for those who lag too far.

void Core::begin_install(Instant, Replicator& to) {
  if (to.snapshot != 0) return;
  to.drop_inflights();
  to.state = Following::snapshot;
  to.snapshot = next_number_++;
  emit(effect::OfferSnapshot{.number = to.snapshot, .to = to.peer});
}

void Core::forget_install(Replicator& of) {
  if (of.snapshot == 0) return;
  emit(effect::CloseSnapshot{.number = std::exchange(of.snapshot, 0)});
  of.install = 0;
  of.state = Following::probing;
}

void Core::snapshot_opened(Instant now, uint64_t number, jraft::SnapshotMeta meta, std::string uri) {
  for (auto& [peer, one] : replicators_) {
    if (one->snapshot != number) continue;
    one->installing = std::move(meta);
    one->install_uri = std::move(uri);
    return send_install(now, *one);
  }
  emit(effect::CloseSnapshot{.number = number});  // nobody wants it any more
}

void Core::send_install(Instant now, Replicator& to) {
  auto request = addressed<jraft::InstallSnapshotRequest>(to.peer);
  request.meta = to.installing;
  request.uri = to.install_uri;
  to.install = send(now, CallKind::install, to.peer, std::move(request), options_.install_timeout);
}

void Core::snapshot_not_opened(Instant now, uint64_t number, const Status&) {
  for (auto& [peer, one] : replicators_) {
    if (one->snapshot != number) continue;
    one->snapshot = 0;
    one->state = Following::probing;
    return block(now, *one);
  }
}

void Core::on_install_answer(Instant now, uint64_t number, const Call& call, const jraft::InstallSnapshotResponse& response) {
  if (!is_leader() || call.term != term_) return;
  Replicator* const of = find(call.peer);
  if (of == nullptr || of->install != number) return;
  forget_install(*of);
  of->last_answer = std::max(of->last_answer, call.sent);
  if (response.term > term_) {
    return step_down(now, response.term, {RaftError::ehighertermresponse, fmt::format("{} is in the term {}", call.peer.to_string(), response.term)},
                     true);
  }
  if (!response.success) return block(now, *of);
  of->match = std::max(of->match, planted(Plant::installed_is_match) ? log_.last() : of->installing.last_included_index);
  of->next = of->match + 1;
  of->mismatches = 0;
  of->installed = true;
  advance_commit(now);
  if (Replicator* const still = find(call.peer); is_leader() && still != nullptr) probe(now, *still);
}

// Entries of this node's own.

void Core::append_own(Instant now, EntryType type, std::vector<Bytes> data, std::shared_ptr<const Membership> members) {
  active(now);
  std::vector<Entry> entries;
  int64_t index = log_.last();
  if (type == EntryType::configuration) data.emplace_back();
  for (Bytes& bytes : data) {
    Entry entry{.id = {.index = ++index, .term = term_}, .type = type, .data = std::move(bytes), .membership = members};
    if (options_.checksum) entry.checksum = jraft::checksum_of(entry);
    entries.push_back(std::move(entry));
  }
  take_in(now, std::move(entries));
  if (type == EntryType::configuration) refresh_replicators(now);
  replicate_all(now);
}

Core::Proposed Core::propose(Instant now, std::vector<Bytes> data, int64_t expected_term) {
  if (role_ == Role::transferring) return {.status = {RaftError::ebusy, "Is transferring leadership."}};
  if (role_ != Role::leader) return {.status = {RaftError::eperm, "Is not leader."}};
  if (expected_term != -1 && expected_term != term_) {
    return {.status = {RaftError::eperm, fmt::format("expected_term={} doesn't match current_term={}", expected_term, term_)}};
  }
  if (data.empty()) return {.status = {RaftError::einval, "nothing is proposed"}};
  if (static_cast<size_t>(log_.last() - commit_) >= options_.max_uncommitted || unsaved_bytes_ > options_.max_unsaved_bytes) {
    return {.status = {RaftError::ebusy,
                       fmt::format("Node is busy, has too many tasks: {} entries are not committed, {} bytes not saved; try again later",
                                   log_.last() - commit_, unsaved_bytes_)}};
  }
  const LogId first{.index = log_.last() + 1, .term = term_};
  append_own(now, EntryType::data, std::move(data), nullptr);
  return {.first = first};
}

std::vector<Core::Follower> Core::followers() const {
  std::vector<Follower> all;
  for (const auto& [peer, one] : replicators_) {
    all.push_back({.peer = peer,
                   .learner = one->learner,
                   .state = one->state,
                   .match = one->match,
                   .next = one->next,
                   .inflight = one->inflights.size(),
                   .blocked = one->is_blocked(),
                   .last_answer = one->last_answer,
                   .errors = one->errors});
  }
  return all;
}

int64_t Core::largest_lag() const {
  int64_t largest = 0;
  for (const auto& [peer, one] : replicators_) largest = std::max(largest, log_.last() - one->match);
  return largest;
}

/// What waits: an answer, a block timer, a read of the disk, a snapshot.
bool Core::is_stalled(const Replicator& one) const {
  const bool waits =
      one.is_blocked() || one.reading != 0 || one.snapshot != 0 || (!one.inflights.empty() && calls_.contains(one.inflights.front().call));
  return one.match < log_.last() && !waits;
}

std::vector<PeerId> Core::stalled() const {
  std::vector<PeerId> all;
  for (const auto& [peer, one] : replicators_) {
    if (is_stalled(*one)) all.push_back(peer);
  }
  return all;
}

std::vector<PeerId> Core::revive_stalled(Instant now) {
  std::vector<PeerId> all = stalled();
  for (const PeerId& peer : all) block(now, *find(peer));
  return all;
}

}  // namespace sofa::raft
