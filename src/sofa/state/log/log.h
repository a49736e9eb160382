#pragma once
// Log: the durable ground of a ledger, a Raft group, a store. Many streams of numbered records share one folder, one write and one fdatasync.
//
//   auto log = co_await io::or_return(log::Log::open({.folder = "data/log"}));
//   const uint64_t index = co_await io::or_return(log->append(kLedger, term, payload));    // durable when it returns
//   auto records = co_await io::or_return(log->read(kLedger, 1));
//
// A Log belongs to the shard that opened it: every call is made there. All that arrives while one batch is being written becomes the next batch
// (group commit). Blocking work runs on a writer thread and a housekeeping thread of the log, and reads on the runtime's file pool.
//
// After a failed write or sync the log has failed for good: every append, also a waiting one, ends with the same error, and a restart verifies what
// the disk has. A full disk is not such a failure: appends get resource_exhausted until there is space again.

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sofa/base/error.h"
#include "sofa/io/task.h"
#include "sofa/io/wait.h"
#include "sofa/state/log/file.h"
#include "sofa/state/log/options.h"
#include "sofa/state/log/record.h"
#include "sofa/state/log/stats.h"

namespace sofa::log {

class Log;

namespace detail {
class LogRuntime;

struct AppendWaiter {
  io::Wait wait;
  uint64_t index = 0;
  bool done = false;
  bool abandoned = false;  // its Ticket is gone: the log frees it
  std::optional<Error> error;
  void (*on_done)(AppendWaiter& self) = nullptr;  // instead of waking the wait
};
}  // namespace detail

/// For those who go on without a coroutine: told once when what was staged with it is durable, or why it is not; on the log's shard, never inside of
/// the call that staged it. Kept by its user until then; it may be destroyed, or used again, in completed().
class Completion : private detail::AppendWaiter {
 public:
  Completion() {
    on_done = [](AppendWaiter& self) { static_cast<Completion&>(self).completed(std::move(self.error)); };
  }
  virtual ~Completion() = default;
  virtual void completed(std::optional<Error> error) = 0;

 private:
  friend class Log;
};

/// Awaited once: the index of the (first) record, once it is durable. Cancelling the scope does not end the wait: an append that has begun is seen to
/// its end, so that its outcome is never in doubt.
class [[nodiscard]] Durable {
 public:
  explicit Durable(detail::AppendWaiter& waiter) : waiter_(waiter) {}
  bool await_ready() const { return waiter_.done; }
  template <io::detail::ScopedPromise P>
  bool await_suspend(std::coroutine_handle<P> self) {
    waiter_.wait.begin_uncancellable(self);
    return true;
  }
  Result<uint64_t> await_resume() {
    if (waiter_.error) return std::unexpected<Error>(std::move(*waiter_.error));
    return waiter_.index;
  }
  io::Wait& wait() { return waiter_.wait; }

 private:
  detail::AppendWaiter& waiter_;
};

/// `Result<uint64_t> index = co_await log.append(...)`: as Durable; staged when awaited.
class [[nodiscard]] Append : public Durable {
 public:
  bool await_ready() {
    stage();
    return Durable::await_ready();
  }

 private:
  friend class Log;
  Append(detail::LogRuntime& log, NewRecord record) : Durable(own_), log_(log), one_(std::move(record)) {}
  Append(detail::LogRuntime& log, std::vector<NewRecord> records) : Durable(own_), log_(log), many_(std::move(records)), group_(true) {}
  Append(const Append&) = delete;
  void stage();

  detail::LogRuntime& log_;
  NewRecord one_;
  std::vector<NewRecord> many_;
  bool group_ = false;
  detail::AppendWaiter own_;
};

/// An append that is under way; `co_await ticket.durable()` once, or never. Dropping it does not undo the append.
class Ticket {
 public:
  Ticket(Ticket&& other) noexcept : waiter_(std::exchange(other.waiter_, nullptr)) {}
  Ticket& operator=(Ticket&& other) noexcept {
    std::swap(waiter_, other.waiter_);
    return *this;
  }
  ~Ticket();
  /// The index that the record gets if it becomes durable.
  uint64_t index() const { return waiter_->index; }
  bool done() const { return waiter_->done; }
  Durable durable() { return Durable(*waiter_); }

 private:
  friend class Log;
  explicit Ticket(detail::AppendWaiter* waiter) : waiter_(waiter) {}
  detail::AppendWaiter* waiter_;
};

class Log {
 public:
  /// Opens or makes the folder and verifies every record in it (recovery.h has the errors). `files` outlives the log.
  static io::Task<Result<std::unique_ptr<Log>>> open(LogOptions options, FileSystem& files = posix_file_system());
  /// Best after close(). Otherwise waits for the write under way; what is still waiting ends with Code::cancelled.
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  /// Errors: invalid_argument (too large), failed_precondition (`index` is not the next one), resource_exhausted (too much waits, or the disk is
  /// full: nothing was appended), else the failure of the log.
  Append append(uint64_t stream, uint64_t term, Bytes payload, uint64_t index = 0);
  /// All of them or, after a crash, none; in this order, with nothing between. The index of the first.
  Append append(std::vector<NewRecord> records);
  /// Staged at once, in the order of the calls.
  Result<Ticket> append_nowait(NewRecord record);
  /// As append() of several, staged at once. On an error `completion` is not told.
  Result<uint64_t> append_nowait(std::span<NewRecord> records, Completion& completion);

  /// Drops the stream's records from `from_index` on; the next append gets that index. Durable when it returns.
  io::Task<Result<void>> truncate_suffix(uint64_t stream, uint64_t from_index);
  /// Drops the stream's records up to and with `upto_index`; past its end the stream is empty and goes on at upto_index + 1.
  io::Task<Result<void>> truncate_prefix(uint64_t stream, uint64_t upto_index);
  /// The same, staged at once. On an error `completion` is not told.
  Result<void> truncate_suffix_nowait(uint64_t stream, uint64_t from_index, Completion& completion);
  Result<void> truncate_prefix_nowait(uint64_t stream, uint64_t upto_index, Completion& completion);

  /// Durable records from `from_index` on, in order, until `max_bytes` of payload are reached (one record comes in any case); empty at the end of
  /// the stream. out_of_range when they were truncated away; data_loss when the disk gives back other bytes than were written.
  io::Task<Result<std::vector<ReadRecord>>> read(uint64_t stream, uint64_t from_index, uint64_t max_bytes = 1 << 20);

  /// Bounds of what is durable: first_index > last_index when the stream is empty. An unknown stream begins at 1 and is empty.
  uint64_t first_index(uint64_t stream) const;
  uint64_t last_index(uint64_t stream) const;
  /// The index of the next append: it counts what still waits for the disk.
  uint64_t next_index(uint64_t stream) const;
  /// The term of a durable record; none outside the bounds.
  std::optional<uint64_t> term_at(uint64_t stream, uint64_t index) const;
  /// All streams that the log knows.
  std::vector<uint64_t> streams() const;

  /// When at most `max_live_fraction` of the oldest full segment is alive, writes its live records again at the end, after which the file goes. The
  /// number of records moved. One call at a time.
  io::Task<Result<uint64_t>> compact_oldest(double max_live_fraction = 0.25);

  LogStats stats() const;
  /// The error that ended the log, or null.
  const Error* failure() const;
  /// What recovery had to say (a torn tail that was cut).
  const std::vector<std::string>& recovery_notes() const;

  /// Ends after what was staged before; later appends are refused with failed_precondition. May be called again, also while it is under way.
  io::Task<Result<void>> close();

 private:
  explicit Log(std::shared_ptr<detail::LogRuntime> runtime) : runtime_(std::move(runtime)) {}
  std::shared_ptr<detail::LogRuntime> runtime_;
};

/// Walks a stream from an index on, a bounded piece at a time.
class LogReader {
 public:
  LogReader(Log& log, uint64_t stream, uint64_t from_index, uint64_t max_bytes = 1 << 20)
      : log_(log), stream_(stream), next_(from_index), max_bytes_(max_bytes) {}
  /// The next records; empty when there are no more yet.
  io::Task<Result<std::vector<ReadRecord>>> next();
  uint64_t next_index() const { return next_; }

 private:
  Log& log_;
  uint64_t stream_;
  uint64_t next_;
  uint64_t max_bytes_;
};

}  // namespace sofa::log
