#pragma once
// The log without threads: appends are staged, taken as a batch, written, completed. Log runs it with a writer thread; the crash tests run it with
// none, so that every system call has its number.

#include "sofa/state/log/detail/batch.h"
#include "sofa/state/log/record.h"

namespace sofa::log::detail {

class LogCore {
 public:
  LogCore(LogOptions options, RecoveredLog recovered);

  /// Stages the records as one group: all of them in one batch. The index of the first. Errors: invalid_argument, failed_precondition (index would
  /// leave a hole), resource_exhausted (too much pending, or disk full), and the log's own failure.
  Result<uint64_t> stage(std::span<NewRecord> records, void* waiter);
  Result<void> stage_truncate(Kind kind, uint64_t stream, uint64_t index, void* waiter);
  /// Stages a copy of a live entry whose payload was read from `segment`; false when it is no longer there (nothing is staged then).
  bool stage_moved(uint64_t stream, uint64_t index, uint64_t segment, Bytes payload, bool ends_group, void* waiter);

  enum class Next { nothing, batch, need_segment };
  /// The next batch when none is being written. need_segment: give one to `segment_ready`, or fail with `refuse_staged`.
  Next take(Batch& out);
  void complete(const Batch& batch, const WriteOutcome& outcome);
  /// Drops all that is staged; the waiters of the groups, for the error.
  std::vector<void*> refuse_staged();

  bool wants_segment() const { return prepared_.file == nullptr && !failed_; }
  uint64_t next_sequence() const { return active_ + 1; }
  void segment_ready(SegmentFile segment) {
    prepared_ = std::move(segment);
    no_segment_.reset();
  }
  /// No next segment for now: what needs it is refused with the error that this gives back, a sentence over `why`.
  const Error& segment_refused(Error why);
  /// The oldest segment when nothing in it is alive: it leaves the log; delete its file, then sync the folder.
  std::optional<std::string> take_deletable();

  const StreamTable& table() const { return table_; }
  const std::map<uint64_t, SegmentFile>& segments() const { return segments_; }
  uint64_t active() const { return active_; }
  const std::optional<Error>& failed() const { return failed_; }
  void fail_forever(Error error) { failed_ = std::move(error); }
  uint64_t pending_bytes() const { return pending_bytes_; }
  uint64_t pending_records() const { return pending_records_; }
  bool idle() const { return staged_.empty() && !in_flight_; }
  /// Lets the next process in; nothing may be written any more.
  void unlock() { lock_.reset(); }
  bool in_flight() const { return in_flight_; }
  /// There was no room for a next segment, or another bound of the machine was met, when one was last asked for.
  bool no_segment() const { return no_segment_.has_value(); }
  /// Something is staged, nothing is being written, and only a new segment could take it.
  bool blocked_on_segment() const;
  const LogOptions& options() const { return options_; }

 private:
  Result<void> admit(uint64_t bytes, uint64_t records, bool control);
  Result<Stream*> stream_for(uint64_t stream);
  uint64_t room_end(bool control) const;
  void push(Op op);
  uint64_t group_bytes(size_t begin, size_t& end, bool& control) const;
  void fill(Batch& out);

  LogOptions options_;
  std::unique_ptr<FolderLock> lock_;
  StreamTable table_;
  std::map<uint64_t, SegmentFile> segments_;
  uint64_t active_;
  uint64_t end_;
  bool sealed_;
  SegmentFile prepared_;
  std::deque<Op> staged_;
  uint64_t pending_bytes_ = 0;  // staged and in flight
  uint64_t pending_records_ = 0;
  bool in_flight_ = false;
  std::optional<Error> no_segment_;
  std::optional<Error> failed_;
};

/// The payload of a live entry from its segment, checked. Blocking; any thread.
Result<Bytes> read_entry(const SegmentFile& segment, uint64_t stream, uint64_t index, const Location& at);

}  // namespace sofa::log::detail
