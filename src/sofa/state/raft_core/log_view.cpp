#include "sofa/state/raft_core/log_view.h"
#include "sofa/state/raft_core/plant.h"

#include <algorithm>
#include <cassert>

namespace sofa::raft {

namespace {
const std::shared_ptr<const Membership>& nobody() {
  static const auto kNobody = std::make_shared<const Membership>();
  return kNobody;
}
}  // namespace

/// Whether the entries go on from the snapshot, or hold its last entry.
bool LogView::fits(const FoundLog& found) {
  if (planted(Plant::reset_forgotten_at_start)) return true;
  if (found.term_begins.empty()) return found.last >= found.snapshot.index;
  if (found.last < found.snapshot.index) return false;
  if (found.first > found.snapshot.index) return true;
  const auto after = std::ranges::upper_bound(found.term_begins, found.snapshot.index, {}, &LogId::index);
  return after != found.term_begins.begin() && std::prev(after)->term == found.snapshot.term;
}

LogView::LogView(FoundLog found, size_t cache_bytes)
    : cache_bytes_(cache_bytes),
      must_reset_(!fits(found)),
      snapshot_(found.snapshot),
      snapshot_members_(found.snapshot_members == nullptr ? nobody() : std::move(found.snapshot_members)),
      first_(found.first),
      last_(found.last) {
  if (must_reset_ || found.term_begins.empty()) {
    last_ = snapshot_.index;
    first_ = last_ + 1;
    return;
  }
  assert(first_ <= snapshot_.index + 1 && "entries between the snapshot and the log are missing");
  term_begins_.assign(found.term_begins.begin(), found.term_begins.end());
  members_ = std::move(found.members);
}

int64_t LogView::term_of(int64_t index) const {
  if (index == snapshot_.index) return snapshot_.term;
  if (index < first_ || index > last_) return 0;
  const auto after = std::ranges::upper_bound(term_begins_, index, {}, &LogId::index);
  return after == term_begins_.begin() ? 0 : std::prev(after)->term;
}

void LogView::append(Entry entry) {
  assert(entry.id.index == last_ + 1);
  assert(term_begins_.empty() || entry.id.term >= term_begins_.back().term);
  last_ = entry.id.index;
  if (term_begins_.empty() || term_begins_.back().term != entry.id.term) term_begins_.push_back(entry.id);
  if (entry.type == EntryType::configuration) members_.emplace(entry.id.index, entry.membership);
  cached_bytes_ += bytes_of(entry);
  cache_.push_back(std::move(entry));
}

void LogView::truncate_suffix(int64_t last_kept) {
  assert(last_kept >= first_ - 1 && last_kept >= snapshot_.index);
  while (last_ > last_kept) {
    if (!cache_.empty()) {
      cached_bytes_ -= bytes_of(cache_.back());
      cache_.pop_back();
    }
    --last_;
  }
  while (!term_begins_.empty() && term_begins_.back().index > last_) term_begins_.pop_back();
  members_.erase(members_.upper_bound(last_), members_.end());
}

void LogView::truncate_prefix(int64_t first_kept) {
  if (first_kept <= first_) return;
  assert(first_kept <= snapshot_.index + 1);
  const int64_t term = term_of(first_kept);
  while (!term_begins_.empty() && term_begins_.front().index < first_kept) term_begins_.pop_front();
  const bool keeps_term = first_kept <= last_ && !planted(Plant::term_lost_at_compaction);
  if (keeps_term && (term_begins_.empty() || term_begins_.front().index > first_kept)) {
    term_begins_.push_front({.index = first_kept, .term = term});
  }
  while (!cache_.empty() && cache_.front().id.index < first_kept) {
    cached_bytes_ -= bytes_of(cache_.front());
    cache_.pop_front();
  }
  members_.erase(members_.begin(), members_.lower_bound(first_kept));
  first_ = std::min(first_kept, last_ + 1);
}

void LogView::set_snapshot(LogId id, std::shared_ptr<const Membership> members) {
  assert(id.index >= snapshot_.index && id.index <= last_);
  snapshot_ = id;
  snapshot_members_ = members == nullptr ? nobody() : std::move(members);
}

void LogView::reset(LogId id, std::shared_ptr<const Membership> members) {
  cache_.clear();
  cached_bytes_ = 0;
  term_begins_.clear();
  members_.clear();
  snapshot_ = id;
  snapshot_members_ = members == nullptr ? nobody() : std::move(members);
  last_ = id.index;
  first_ = last_ + 1;
}

std::shared_ptr<const Membership> LogView::members_at(int64_t index) const {
  const auto after = members_.upper_bound(index);
  if (after == members_.begin()) return snapshot_members_;
  const auto& [from, members] = *std::prev(after);
  return from > snapshot_.index || index < snapshot_.index ? members : snapshot_members_;
}

int64_t LogView::members_from(int64_t index) const {
  const auto after = members_.upper_bound(index);
  return after == members_.begin() ? 0 : std::prev(after)->first;
}

void LogView::forget_cache() {
  cache_.clear();
  give_memory_back(cache_);
  cached_bytes_ = 0;
}

void LogView::shrink(int64_t keep_from) {
  if (planted(Plant::cache_without_bound)) return;
  while (cached_bytes_ > cache_bytes_ && !cache_.empty() && cache_.front().id.index < keep_from) {
    cached_bytes_ -= bytes_of(cache_.front());
    cache_.pop_front();
  }
}

}  // namespace sofa::raft
