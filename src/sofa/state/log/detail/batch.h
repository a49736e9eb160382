#pragma once
// A batch: what one write and one fdatasync make durable. Planned by LogCore (one thread), written by BatchWriter (another).

#include <chrono>
#include <memory>
#include <optional>
#include <vector>

#include "sofa/state/log/detail/stream_table.h"
#include "sofa/state/log/recovery.h"

namespace sofa::log::detail {

/// One record to be written; the last one of an append call carries who waits for it.
struct Op {
  Kind kind = Kind::entry;
  uint64_t stream = 0;
  uint64_t term = 0;
  uint64_t index = 0;
  Bytes payload;
  bool ends_group = true;
  void* waiter = nullptr;
};

struct Batch {
  SegmentId segment;
  std::shared_ptr<File> file;
  uint64_t begin = 0;  // offset of the first record
  uint64_t end = 0;    // behind the last one
  bool roll = false;   // the segment is new: its first record is the table of streams, and the old one is sealed before
  Bytes table;
  std::shared_ptr<File> old_file;
  SegmentId old_segment;
  uint64_t old_end = 0;
  bool old_sealed = false;
  std::vector<Op> ops;
  std::vector<uint32_t> offsets8;  // of each op, in units of 8 bytes
};

struct WriteOutcome {
  std::optional<Error> error;
  bool fatal = false;  // nothing written from now on may be believed
  bool old_sealed = false;
  std::chrono::nanoseconds sync_time{0};
};

/// Owns the end of the chain; used by one thread at a time.
class BatchWriter {
 public:
  explicit BatchWriter(const RecoveredLog& log) : hint_file_(log.hint), hint_(log.last_hint), chain_(log.chain), attempt_(log.attempt) {}

  /// Writes and syncs. On a non-fatal error (a full disk) the chain stands where it stood, and the next batch goes over the same place.
  WriteOutcome write(const Batch& batch);
  /// Makes the hint itself durable (at a clean end).
  void sync_hint();

 private:
  bool seal_old(const Batch& batch, WriteOutcome& outcome);
  uint32_t encode(const Batch& batch);
  void note_durable(const Batch& batch);

  std::shared_ptr<File> hint_file_;
  DurableHint hint_;
  uint32_t chain_;
  uint32_t attempt_;
  Buffer buffer_;
};

/// How the space of a segment is got. Zeroed: all of it is written once before, so that a sync of a little has nothing to tell the file system.
/// Reserved: it is written once only, and syncs cost a little more: for a log that takes as much as the disk can.
enum class Space : uint8_t { zeroed, reserved };

/// Makes an empty segment of full size, durable, under its final name; `id.salt` is random. Blocking.
Result<SegmentFile> prepare_segment(FileSystem& files, const std::string& folder, const SegmentId& id, uint64_t bytes, Space space = Space::zeroed);

}  // namespace sofa::log::detail
