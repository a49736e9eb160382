#pragma once
// What drives a LogCore on a shard: the writer thread, the housekeeping thread, the end-of-turn hand-over.

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "sofa/base/log.h"
#include "sofa/io/shard.h"
#include "sofa/state/log/detail/log_core.h"
#include "sofa/state/log/log.h"

namespace sofa::log::detail {

/// A thread that runs what it is given, in order. `stop` (any thread, more than once; or the destructor) runs the rest and joins.
class Worker {
 public:
  explicit Worker(const char* name);
  ~Worker() { stop(); }
  void submit(std::function<void()> work);
  void stop();

 private:
  void run();
  std::mutex joining_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<std::function<void()>> queue_;  // bounded by its users: one batch; one segment to make and one to delete
  bool stopping_ = false;
  std::thread thread_;
};

class LogRuntime : public std::enable_shared_from_this<LogRuntime> {
 public:
  LogRuntime(FileSystem& files, LogOptions options, RecoveredLog recovered);

  Result<uint64_t> stage(std::span<NewRecord> records, AppendWaiter* waiter);
  Result<void> stage_truncate(Kind kind, uint64_t stream, uint64_t index, AppendWaiter* waiter);
  bool stage_moved(uint64_t stream, uint64_t index, uint64_t segment, Bytes payload, AppendWaiter* waiter);

  void refuse_new() { closed_ = true; }
  /// From now on nothing reaches the disk; what waits is refused.
  void refuse_hand_over() { closed_ = stopped_ = true; }
  /// Blocks until the threads have ended; touches nothing of the shard's, so that a pool thread may do it.
  void join_threads();
  /// All of it, and the folder is free.
  void stop();

  LogCore& core() { return core_; }
  LogStats& stats() { return stats_; }
  const std::vector<std::string>& notes() const { return notes_; }
  Worker& housekeeper() { return housekeeper_; }
  io::Shard& home() { return home_; }
  /// Begins the work that opening leaves over: the next segment, dead ones.
  void start() { keep_house(true); }
  /// Nothing is staged or being written, and no close is at work.
  bool quiet() const { return core_.idle() && !ending_; }
  void add_quiet_wait(io::Wait& wait) { quiet_waits_.push_back(wait); }
  /// Ends the threads, on one of them, so that neither a cancelled scope nor a full pool can keep a close from its end; ended() tells.
  void begin_end();
  bool ended() const { return ended_; }

 private:
  struct Done : io::PostNode {
    explicit Done(LogRuntime& log) : PostNode(&LogRuntime::on_written), owner(log) {}
    LogRuntime& owner;
    std::shared_ptr<LogRuntime> keep;  // while the message is under way
  };
  static void on_written(io::PostNode& node);
  static void on_turn_end(void* context);
  Result<void> check_open() const;
  void hand_over();
  void written();
  void refuse_staged(const Error& error);
  /// Makes the next segment and deletes what is dead; `retry`: also when the disk was full at the last try.
  void keep_house(bool retry);
  void tell_quiet();
  void finish_end();
  void prepare_next();
  void delete_oldest();
  static void finish(void* waiter, const std::optional<Error>& error);

  io::Shard& home_;
  FileSystem& files_;
  std::vector<std::string> notes_;
  BatchWriter writer_;
  LogCore core_;
  LogStats stats_;
  Batch batch_;
  WriteOutcome outcome_;
  Done done_{*this};
  io::TurnEndHook turn_end_{&LogRuntime::on_turn_end, this};
  io::WaitQueue quiet_waits_;
  LogRate complaints_{1};
  bool closed_ = false;
  bool stopped_ = false;
  bool ending_ = false;
  bool ended_ = false;
  bool preparing_ = false;
  Instant prepared_at_{};  // when the last segment began to be made
  bool deleting_ = false;
  Worker housekeeper_{"log-house"};
  Worker writer_thread_{"log-writer"};
};

}  // namespace sofa::log::detail
