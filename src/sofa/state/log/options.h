#pragma once
// Every bound of a log, with its default.

#include <cstdint>
#include <string>

#include "sofa/base/clock.h"
#include "sofa/base/error.h"

namespace sofa::log {

struct LogOptions {
  std::string folder;                            // made if missing; one process at a time
  uint64_t segment_bytes = 64ull << 20;          // of a new segment file; 64 KiB to 1 GiB; may differ from run to run
  uint64_t max_record_bytes = 16ull << 20;       // payload of one record
  uint64_t max_batch_bytes = 8ull << 20;         // of one write + fdatasync (a single larger append still goes alone)
  uint64_t max_pending_bytes = 64ull << 20;      // appends that wait for the disk; past it an append gets resource_exhausted
  uint64_t max_pending_records = 100'000;        // the same by count
  uint64_t cache_bytes = 16ull << 20;            // payloads of the newest entries kept in memory for readers
  uint64_t max_read_bytes = 8ull << 20;          // cap of what one read returns (one larger record still comes alone)
  Duration hurry = std::chrono::seconds(1);      // a segment that fills within it is followed by one that is not zeroed before; zero: all are
  uint64_t control_reserve_bytes = 64ull << 10;  // of a segment, kept free for truncations when a full disk gives no next segment
};

/// Opening a log reads each segment as a whole, so this bounds the memory that it takes.
inline constexpr uint64_t kMostSegmentBytes = 1ull << 30;

/// A sentence about the first option that makes no sense.
Result<void> check_options(const LogOptions& options);

}  // namespace sofa::log
