#pragma once
// LogView: what the core knows of its log without reading it: bounds, the term of every index, who was a member from where on, and the newest entries
// themselves. Pure.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "sofa/base/queue.h"
#include "sofa/wire/jraft/entry.h"

namespace sofa::raft {

using jraft::Entry;
using jraft::EntryType;
using jraft::LogId;
using jraft::Membership;

/// A log as it was found at a start: the entry that the snapshot ends with (all zero: there is none), and behind it the entries first..last.
struct FoundLog {
  LogId snapshot{};
  std::shared_ptr<const Membership> snapshot_members{};  ///< null: nobody
  int64_t first = 1;                                     ///< at most snapshot.index + 1, or nothing could be replayed
  /// Where each term begins, in order; the last entry. Of an empty log both are empty.
  std::vector<LogId> term_begins{};
  int64_t last = 0;                                                ///< first - 1: there are none
  std::map<int64_t, std::shared_ptr<const Membership>> members{};  ///< of the configuration entries
};

class LogView {
 public:
  explicit LogView(FoundLog found, size_t cache_bytes);
  /// The entries that were found end before the snapshot, or are not those that it was made of: a crash has come between a snapshot of another node
  /// and the end of the log that it replaces. They are not counted on, and must go before anything is appended.
  bool must_reset() const { return must_reset_; }

  int64_t first() const { return first_; }  ///< of what can be read; last() + 1 when there is nothing
  int64_t last() const { return last_; }
  LogId last_id() const { return {.index = last_, .term = term_of(last_)}; }
  const LogId& snapshot() const { return snapshot_; }
  /// 0 for an index that is not known any more, or not yet; the snapshot's last entry is known.
  int64_t term_of(int64_t index) const;

  /// Behind the last entry.
  void append(Entry entry);
  /// Takes away everything behind `last_kept`.
  void truncate_suffix(int64_t last_kept);
  /// Entries before `first_kept` are gone; a snapshot holds them.
  void truncate_prefix(int64_t first_kept);
  /// A snapshot of this node now ends here.
  void set_snapshot(LogId id, std::shared_ptr<const Membership> members);
  /// A snapshot of another node takes the place of everything.
  void reset(LogId id, std::shared_ptr<const Membership> members);

  /// The members at an index: those of the last configuration entry at or below it, or of the snapshot. Never null.
  std::shared_ptr<const Membership> members_at(int64_t index) const;
  /// The index that they are from: 0 for the snapshot's and for none.
  int64_t members_from(int64_t index) const;

  /// The newest entries, from the returned index on, are here; older ones must be read.
  int64_t cached_from() const { return last_ + 1 - static_cast<int64_t>(cache_.size()); }
  /// Of an index from cached_from() to last().
  const Entry& entry(int64_t index) const { return cache_[static_cast<size_t>(index - cached_from())]; }
  size_t cached_bytes() const { return cached_bytes_; }
  /// Lets old entries go while the cache is over its bound, none of them above `keep_from`.
  void shrink(int64_t keep_from);
  /// Lets all of them go: they are applied and durable, and nobody needs them soon.
  void forget_cache();

 private:
  static size_t bytes_of(const Entry& entry) { return entry.data.size() + sizeof(Entry); }

  static bool fits(const FoundLog& found);

  const size_t cache_bytes_;
  const bool must_reset_;
  LogId snapshot_;
  std::shared_ptr<const Membership> snapshot_members_;
  int64_t first_, last_;
  Queue<LogId> term_begins_;  // of first_..last_
  std::map<int64_t, std::shared_ptr<const Membership>> members_;
  Queue<Entry> cache_;
  size_t cached_bytes_ = 0;
};

}  // namespace sofa::raft
