#pragma once
// SteppedLog: a log without threads, for simulations. It stages, writes, recovers and compacts as Log does, with the same code; when each step
// happens is the caller's matter, so that a machine may stop between any two, or inside of one.
//
//   log->append(stream, term, index, payload);
//   log->then([&](const Error* failure) { ... });   // all that was asked for before is durable, or the log has failed
//   if (log->write()) later: log->complete();        // the bytes are on the disk; then, a latency later, whoever waits learns it
//   log->keep_house();                               // next segment, old segments, live records of old segments
//
// A full disk is waited out: what it has refused is tried again by the next write().

#include <deque>
#include <functional>
#include <memory>
#include <optional>

#include "sofa/base/random.h"
#include "sofa/state/log/detail/log_core.h"

namespace sofa::log::testing {

class SteppedLog {
 public:
  using Done = std::move_only_function<void(const Error*)>;

  /// As Log::open. `files` outlives the log.
  static Result<std::unique_ptr<SteppedLog>> open(FileSystem& files, LogOptions options, uint64_t seed);
  SteppedLog(const SteppedLog&) = delete;

  // What is to become durable, in this order. `index` must be the next one of the stream.
  void append(uint64_t stream, uint64_t term, uint64_t index, Bytes payload);
  void truncate_suffix(uint64_t stream, uint64_t from_index);
  void truncate_prefix(uint64_t stream, uint64_t upto_index);
  /// Runs inside of a later complete(), or of write() when that finds that the log has failed.
  void then(Done done);

  /// Writes and syncs the next batch. False: there is nothing to write, or no room for it (is_full()), or one is not completed yet, or the log has
  /// failed.
  bool write();
  bool is_writing() const { return writing_; }
  void complete();
  /// Something waits to be written.
  bool has_work() const { return !waiting_.empty() || !staged_.empty(); }
  bool is_full() const { return full_; }
  /// One piece of housekeeping; whether there was any. With `compact`, also moves the live records of the oldest segment when they are few.
  bool keep_house(bool compact);

  // What is durable.
  uint64_t first_index(uint64_t stream) const;
  uint64_t last_index(uint64_t stream) const;  ///< first_index - 1: nothing
  std::optional<uint64_t> term_at(uint64_t stream, uint64_t index) const;
  Result<Bytes> read(uint64_t stream, uint64_t index) const;
  size_t segments() const { return core_.segments().size(); }
  uint64_t moved() const { return moved_; }
  uint64_t pending_bytes() const { return core_.pending_bytes(); }

  const std::optional<Error>& failed() const { return core_.failed(); }
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  struct Wanted {
    Kind kind{};
    uint64_t stream = 0, term = 0, index = 0;
    Bytes payload{};
    std::vector<Done> done{};
  };
  SteppedLog(FileSystem& files, LogOptions options, RecoveredLog recovered, uint64_t seed);
  void stage_waiting();
  bool prepare();
  void take_back();
  void fail_all(const Error& error);
  bool compact_oldest();

  FileSystem& files_;
  Random salts_;
  std::vector<std::string> notes_;
  detail::BatchWriter writer_;
  detail::LogCore core_;
  std::deque<Wanted> waiting_, staged_;  // not in the core yet; in the core, in the order of its own
  detail::Batch batch_;
  detail::WriteOutcome outcome_;
  bool writing_ = false, full_ = false;
  uint64_t moved_ = 0;
};

}  // namespace sofa::log::testing
