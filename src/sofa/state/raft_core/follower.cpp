// What a follower does with a leader's requests (jraft.md 2.4, 2.10).
#include <algorithm>
#include <cassert>

#include "sofa/state/raft_core/buggify.h"
#include "sofa/state/raft_core/core.h"
#include "sofa/state/raft_core/detail/entries_of.h"
#include "sofa/state/raft_core/detail/leader_state.h"
#include "sofa/state/raft_core/members.h"
#include "sofa/state/raft_core/plant.h"

namespace sofa::raft {

using jraft::RaftError;
using jraft::Status;

namespace {
/// No log comes to an index above it.
constexpr int64_t kMostIndex = int64_t{1} << 62;
}  // namespace

/// Whether the sender is the leader of this node's term; else the request is answered.
bool Core::accepts_leader(Instant now, uint64_t token, int64_t term, const PeerId& sender, bool install) {
  const auto answer_no = [&](int64_t with) {
    if (install) return answer(token, jraft::InstallSnapshotResponse{.term = with, .success = false});
    answer(token, jraft::AppendEntriesResponse{.term = with, .success = false});
  };
  if (term < term_ && !planted(Plant::old_leader_accepted)) return answer_no(term_), false;
  if (term > term_) {
    step_down(now, term, {RaftError::enewleader, "Raft node receives message from new leader with higher term."});
  } else if (role_ != Role::follower) {
    step_down(now, term, {RaftError::enewleader, "Candidate receives message from new leader with the same term."});
  }
  if (leader_.is_nobody()) set_leader(sender, {});
  if (leader_ != sender && !planted(Plant::old_leader_accepted)) {
    // Two leaders of one term: two processes with one identity, or a lost vote. Nobody may go on in this term.
    const int64_t next = term_ + 1;
    step_down(now, next, {RaftError::eleaderconflict, "More than one leader in the same term."});
    return answer_no(next), false;
  }
  last_leader_contact_ = now;
  return true;
}

void Core::on_append(Instant now, uint64_t token, uint64_t lane, const jraft::AppendEntriesRequest& request) {
  const auto sender = parse_peer(token, request.server_id);
  if (!sender || !accepts_leader(now, token, request.term, *sender, false)) return;
  const bool heartbeat = request.is_heartbeat();
  note_what_is_committed(request, heartbeat);
  if (!request.entries.empty() && install_)
    return refuse(token, RaftError::ebusy, fmt::format("Node {} is installing snapshot.", options_.self.to_string()));
  // A disk that hangs: probes wait behind entries, too.
  const auto waiting = waiting_.find(lane);
  const bool too_many_wait = waiting != waiting_.end() && waiting->second.size() >= options_.max_waiting_answers;
  if (!heartbeat &&
      (too_many_wait || (!request.entries.empty() && unsaved_bytes_ > options_.max_unsaved_bytes) || buggify("core: the log is busy"))) {
    return refuse(token, RaftError::ebusy, fmt::format("Node {} log manager is busy.", options_.self.to_string()));
  }

  // Whatever a snapshot holds is committed, and every leader has it. Behind the last entry there is no place, whatever term it is said to have.
  const int64_t prev = request.prev_log_index;
  const bool fits =
      prev < log_.snapshot().index || (prev <= log_.last() && (log_.term_of(prev) == request.prev_log_term || planted(Plant::prev_term_not_checked)));
  if (!fits) {
    jraft::AppendEntriesResponse response{.term = term_, .success = false, .last_log_index = log_.last()};
    if (heartbeat) return answer(token, std::move(response));
    return answer_in_order(lane, {.token = token, .response = std::move(response)});
  }
  if (!request.entries.empty()) return take_entries(now, token, lane, request);

  const int64_t vouched_for = planted(Plant::commit_beyond_request) ? log_.last() : prev;
  leaders_commit_ = std::max(leaders_commit_, std::min(request.committed_index, vouched_for));
  commit_up_to(now, std::min(leaders_commit_, saved_.index));
  jraft::AppendEntriesResponse response{.term = term_, .success = true, .last_log_index = log_.last()};
  if (heartbeat && follows_quietly(now, request)) response.quiet = true;
  if (heartbeat) return answer(token, std::move(response));
  answer_in_order(lane, {.token = token, .response = std::move(response)});
}

/// Of a node that begins with nothing, perhaps after a loss: on its way through the log it passes by members of old, and may be the only one among
/// them. Whoever lacks what is committed must lead nobody. All that was committed before a leader's term is before that term's first entry; of what
/// is since then the leader tells, also on the way.
void Core::note_what_is_committed(const jraft::AppendEntriesRequest& request, bool heartbeat) {
  const bool begins = log_.last() == 0 && (request.committed_index > 0 || members_->current.peers.empty());
  if (!begins && may_lead()) return;
  LogId must{.index = must_reach_.index, .term = request.term};
  if (begins || heartbeat) must.index = std::max(must.index, request.committed_index);
  if (must == must_reach_) return;
  must_reach_ = must;
  save_state(term_, voted_for_);
}

void Core::take_entries(Instant now, uint64_t token, uint64_t lane, const jraft::AppendEntriesRequest& request) {
  auto entries = detail::entries_of(request, options_.checksum);
  if (!entries) return refuse(token, RaftError::einval, std::string(entries.error().message()));
  for (const Entry& entry : *entries) {
    if (entry.data.size() <= options_.max_entry_bytes) continue;
    return refuse(token, RaftError::einval,
                  fmt::format("the entry {} has {} bytes, this node stores at most {} in one: raise max_record_bytes of its log", entry.id.index,
                              entry.data.size(), options_.max_entry_bytes));
  }
  const LogId last = entries->back().id;

  // What is there already stays; what another leader has put there goes.
  auto fresh = entries->begin();
  while (fresh != entries->end() && fresh->id.index <= log_.snapshot().index) ++fresh;  // older than the snapshot: committed
  const bool compares = !planted(Plant::truncation_below_applied);
  while (compares && fresh != entries->end() && fresh->id.index <= log_.last() && log_.term_of(fresh->id.index) == fresh->id.term) ++fresh;
  if (fresh != entries->end() && fresh->id.index <= log_.last()) {
    if (fresh->id.index <= commit_ && compares) {
      return refuse(token, RaftError::einval,
                    fmt::format("the entry {} of the term {} would take the place of a committed one of the term {}", fresh->id.index, fresh->id.term,
                                log_.term_of(fresh->id.index)));
    }
    cut_suffix(now, fresh->id.index - 1);
  }
  std::vector<Entry> appended(std::make_move_iterator(fresh), std::make_move_iterator(entries->end()));
  take_in(now, std::move(appended));
  answer_in_order(
      lane, {.token = token, .until = last, .commit = std::min(request.committed_index, last.index), .response = {.term = term_, .success = true}});
  release_answers(now);
}

void Core::cut_suffix(Instant, int64_t last_kept) {
  log_.truncate_suffix(last_kept);
  emit(effect::TruncateSuffix{.last_kept = last_kept});
  if (saved_.index > last_kept) saved_ = log_.last_id();
  while (!unsaved_.empty() && unsaved_.back().first.index > last_kept) {
    unsaved_bytes_ -= unsaved_.back().second;
    unsaved_.pop_back();
  }
  if (members_from_ <= last_kept || planted(Plant::members_not_rolled_back)) return;
  set_members(last_kept == 0 ? std::make_shared<const Membership>(Membership{.current = initial_}) : log_.members_at(last_kept));
  members_from_ = log_.members_from(last_kept);
}

/// Entries that are appended here, of whichever role.
void Core::take_in(Instant now, std::vector<Entry> entries) {
  if (entries.empty()) return;
  std::shared_ptr<const Membership> members;
  for (const Entry& entry : entries) {
    unsaved_.emplace_back(entry.id, entry.data.size());
    unsaved_bytes_ += entry.data.size();
    if (entry.type == EntryType::configuration) {
      members = entry.membership;
      members_from_ = entry.id.index;
    }
    log_.append(entry);
  }
  emit(effect::Append{.entries = std::move(entries)});
  if (members == nullptr || (planted(Plant::followers_keep_old_members) && role_ == Role::follower)) return;
  set_members(std::move(members));  // they count from here on, committed or not
  if (role_ == Role::follower && election_at_ == kNoDeadline) arm_election(now);
}

void Core::log_saved(Instant now, LogId up_to) {
  if (log_.term_of(up_to.index) != up_to.term) {  // it was cut away meanwhile
    if (!planted(Plant::flush_of_cut_entries_counts) || up_to.index > log_.last()) return;
    up_to.term = log_.term_of(up_to.index);
  }
  while (!unsaved_.empty() && unsaved_.front().first.index <= up_to.index) {
    unsaved_bytes_ -= unsaved_.front().second;
    unsaved_.pop_front();
  }
  if (up_to.index <= saved_.index) return;
  saved_ = up_to;
  log_.shrink(saved_.index + 1);
  if (!is_active()) return;
  if (is_leader()) return advance_commit(now);
  release_answers(now);
  commit_up_to(now, planted(Plant::apply_before_commit) ? saved_.index : std::min(leaders_commit_, saved_.index));
}

void Core::answer_in_order(uint64_t lane, WaitingAnswer waiting) {
  auto& queue = waiting_[lane];
  if (queue.empty() && waiting.until.index == 0) {
    waiting_.erase(lane);
    return answer(waiting.token, std::move(waiting.response));
  }
  queue.push_back(std::move(waiting));
}

/// Those in front whose entries are durable, or are none any more.
void Core::release_answers(Instant now) {
  std::vector<uint64_t> empty;
  for (auto& [lane, queue] : waiting_) {
    while (!queue.empty()) {
      WaitingAnswer& front = queue.front();
      const bool kept = front.until.index == 0 || front.until.index <= log_.snapshot().index || log_.term_of(front.until.index) == front.until.term ||
                        planted(Plant::aba_ack);
      if (kept && front.until.index > saved_.index && !planted(Plant::acknowledged_before_fsync)) break;
      if (!kept || (front.response.term != term_ && !planted(Plant::aba_ack))) {
        front.response = {.term = term_, .success = false};
      } else if (front.until.index != 0) {
        leaders_commit_ = std::max(leaders_commit_, front.commit);
        commit_up_to(now, std::min(leaders_commit_, saved_.index));
      }
      answer(front.token, std::move(front.response));
      queue.pop_front();
    }
    if (queue.empty()) empty.push_back(lane);
  }
  for (const uint64_t lane : empty) waiting_.erase(lane);
}

void Core::close_lane(uint64_t lane) { waiting_.erase(lane); }

void Core::commit_up_to(Instant now, int64_t index) {
  if (index <= commit_) return;
  const int64_t before = std::exchange(commit_, index);
  emit(effect::Apply{.up_to = index});
  for (int64_t from = log_.members_from(index); from > before; from = log_.members_from(from - 1)) {
    emit(effect::MembersCommitted{.index = from, .members = log_.members_at(from)});
  }
  if (!is_leader()) return;
  if (!leads_ && commit_ >= first_of_term_) {
    leads_ = true;
    emit(effect::LeaderStarted{.term = term_});
  }
  if (change_ != nullptr && change_->index != 0 && commit_ >= change_->index) on_change_committed(now);
}

// Snapshots of a leader.

void Core::on_install(Instant now, uint64_t token, const jraft::InstallSnapshotRequest& request) {
  const auto sender = parse_peer(token, request.server_id);
  if (!sender || !accepts_leader(now, token, request.term, *sender, true)) return;
  const jraft::SnapshotMeta& meta = request.meta;
  const bool has_it = meta.last_included_index <= log_.snapshot().index && !planted(Plant::install_over_newer_state);
  if (has_it) return answer(token, jraft::InstallSnapshotResponse{.term = term_, .success = true});
  if (install_) {
    const int64_t running = install_->meta.last_included_index;
    if (meta.last_included_index < running) return refuse(token, RaftError::einval, "A newer snapshot is under installing, this one is older.");
    if (meta.last_included_index > running) {
      end_install({RaftError::ecanceled, "A newer snapshot is offered."});
      return refuse(token, RaftError::ebusy, "A former snapshot is under installing, it was cancelled; try again.");
    }
    // The leader asks again: the new request takes the place of the old one.
    refuse(std::exchange(install_->token, token), RaftError::eintr, "Interrupted by the retry of the same snapshot.");
    return;
  }
  const LogId id{.index = meta.last_included_index, .term = meta.last_included_term};
  if (id.term < 1 || id.term > request.term || id.index > kMostIndex || (id.index <= commit_ && log_.term_of(id.index) != id.term)) {
    return refuse(token, RaftError::einval,
                  fmt::format("a snapshot up to the entry {} of the term {} can be none of this group: {} is committed here, the leader's term is {}",
                              id.index, id.term, commit_, request.term));
  }
  if (const auto members = members_of(meta); !members) return refuse(token, RaftError::einval, std::string(members.error().message()));
  install_ = Install{.number = next_number_++, .token = token, .meta = meta};
  emit(effect::FetchSnapshot{.number = install_->number, .meta = meta, .uri = request.uri});
}

void Core::end_install(const Status& why) {
  if (!install_) return;
  emit(effect::CancelFetch{.number = install_->number});
  refuse(install_->token, why.code == RaftError::success ? RaftError::ecanceled : why.code, why.message);
  install_.reset();
}

void Core::snapshot_loaded(Instant now, uint64_t number, const Status& status) {
  if (!install_ || install_->number != number) return;
  const Install done = std::move(*install_);
  install_.reset();
  if (!status.ok()) return refuse(done.token, status.code, status.message);
  const LogId id{.index = done.meta.last_included_index, .term = planted(Plant::snapshot_term_of_now) ? term_ : done.meta.last_included_term};
  auto members = std::make_shared<const Membership>(*members_of(done.meta));
  if (id.index <= log_.last() && (log_.term_of(id.index) == id.term || planted(Plant::install_keeps_log))) {
    log_.set_snapshot(id, std::move(members));
    log_.truncate_prefix(id.index + 1);
    emit(effect::TruncatePrefix{.first_kept = id.index + 1});
  } else {
    log_.reset(id, std::move(members));
    unsaved_.clear();
    unsaved_bytes_ = 0;
    saved_ = id;
    emit(effect::ResetLog{.behind = id});
  }
  if (saved_.index < id.index) saved_ = id;
  members_from_ = log_.members_from(log_.last());
  set_members(log_.members_at(log_.last()));
  commit_ = std::max(commit_, id.index);
  applied_ = std::max(applied_, id.index);
  if (election_at_ == kNoDeadline && role_ == Role::follower) arm_election(now);
  release_answers(now);
  answer(done.token, jraft::InstallSnapshotResponse{.term = term_, .success = true});
}

}  // namespace sofa::raft
