#pragma once
// What a log tells about itself. Plain numbers since the log was opened; read on the log's shard.

#include <array>
#include <bit>
#include <cstdint>

namespace sofa::log {

/// Counts by power of two: bucket i holds values from 2^(i-1) to 2^i - 1.
class PowerHistogram {
 public:
  void add(uint64_t value) {
    ++buckets_[static_cast<size_t>(std::bit_width(value))];
    ++count_;
    sum_ += value;
    if (value > max_) max_ = value;
  }
  uint64_t count() const { return count_; }
  uint64_t sum() const { return sum_; }
  uint64_t max() const { return max_; }
  /// A value that at least `fraction` of the values do not exceed (the upper edge of its bucket); 0 when empty.
  uint64_t at_most(double fraction) const {
    uint64_t seen = 0;
    for (size_t i = 0; i < buckets_.size(); ++i) {
      seen += buckets_[i];
      if (seen > 0 && static_cast<double>(seen) >= fraction * static_cast<double>(count_))
        return i == 0 ? 0 : (i >= 64 ? UINT64_MAX : (uint64_t{1} << i) - 1);
    }
    return 0;
  }

 private:
  std::array<uint64_t, 65> buckets_{};
  uint64_t count_ = 0;
  uint64_t sum_ = 0;
  uint64_t max_ = 0;
};

struct LogStats {
  uint64_t records = 0;  // durable since open, truncations among them
  uint64_t bytes = 0;    // written to segments
  uint64_t batches = 0;
  uint64_t refused = 0;   // appends that got an error
  uint64_t segments = 0;  // in the folder now, the prepared one not counted
  uint64_t segments_made = 0;
  uint64_t segments_deleted = 0;
  uint64_t records_moved = 0;
  uint64_t reads_from_disk = 0;  // records
  uint64_t pending_bytes = 0;
  uint64_t pending_records = 0;
  uint64_t cached_bytes = 0;
  PowerHistogram sync_nanoseconds;  // each fdatasync of a batch
  PowerHistogram batch_records;
};

}  // namespace sofa::log
