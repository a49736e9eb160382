#pragma once
// GroupLog: what a core asks of its disk, carried out on two streams of the shard's log: its entries, and its newest Kept record.
//
// Operations are durable in their order. A full disk is no failure: what was refused is kept, in order, and tried again until there is space;
// meanwhile is_full() holds. Any other failure is final, and told once.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sofa/base/queue.h"
#include "sofa/io/task.h"
#include "sofa/io/timer.h"
#include "sofa/state/log/log.h"
#include "sofa/state/raft_core/records.h"

namespace sofa::raft::detail {

/// Which streams a group has in a log.
struct GroupStreams {
  uint64_t entries = 0;
  uint64_t kept = 0;
};

class GroupLog {
 public:
  /// Told on the shard, from the loop.
  struct Owner {
    virtual ~Owner() = default;
    virtual void entries_saved(LogId up_to) = 0;
    virtual void disk_failed(const Error& error) = 0;
    virtual void disk_full(bool full) = 0;
  };

  GroupLog(log::Log& log, GroupStreams streams, Owner& owner);
  ~GroupLog();
  GroupLog(const GroupLog&) = delete;

  /// The newest Kept record; empty for a group that is new here. Errors: data_loss.
  io::Task<Result<Kept>> read_kept();
  /// Behind `snapshot`. Errors: data_loss.
  io::Task<Result<FoundLog>> find(KeptSnapshot snapshot);

  void append(const std::vector<Entry>& entries);
  void truncate_suffix(int64_t last_kept);
  void truncate_prefix(int64_t first_kept);
  void reset(LogId behind);
  /// `done` when it is durable.
  void save(const Kept& kept, std::function<void()> done);

  /// At least one entry from `from` on; none where they are not durable or not there any more. Errors: data_loss, and those of the disk.
  io::Task<Result<std::vector<Entry>>> read(int64_t from, size_t max_entries, size_t max_bytes);

  bool is_full() const { return full_; }
  /// Of a queue that is empty.
  void give_memory_back();
  /// Something is in the hands of the log: the group's log must not end yet.
  bool is_writing() const { return staged_ > 0; }

 private:
  struct Operation;
  void push(std::unique_ptr<Operation> operation);
  void stage_next();
  bool stage(Operation& operation);
  void ended(Operation& operation, std::optional<Error> error);
  void refused(const Error& error);

  static constexpr Duration kRetry = std::chrono::milliseconds(200);
  static constexpr size_t kMostBytes = size_t{4} << 20;  // of one append
  static constexpr uint64_t kKeptRecords = 16;           // that may stand before the newest one

  log::Log& log_;
  const GroupStreams streams_;
  Owner& owner_;
  Queue<std::unique_ptr<Operation>> operations_;  // not durable yet, in order
  size_t staged_ = 0;                             // of them, in the hands of the log: the first ones
  uint64_t first_staged_ = 0;                     // where the entries begin once all that is staged is durable; 0: nothing is cut
  bool stalled_ = false;                          // something was refused: nothing is staged before the next try
  bool full_ = false;
  bool failed_ = false;
  io::TimerNode retry_;
};

}  // namespace sofa::raft::detail
