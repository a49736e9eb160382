#pragma once
// SparseHistogram: what a Histogram counted, in little memory: for histories. Values within 6 %.

#include <cstdint>
#include <utility>
#include <vector>

#include "sofa/base/metrics.h"

namespace sofa {

/// Eight buckets for each power of two; only those that counted something are kept. A plain value.
class SparseHistogram {
 public:
  void add(const HistogramSnapshot& values);
  void merge(const SparseHistogram& other);
  uint64_t count() const;
  /// The value that this share (0 to 1) of the values did not exceed; 0 for none.
  uint64_t percentile(double fraction) const;
  /// Calls `visit(value, count)` for each bucket with its middle, ascending.
  template <class F>
  void each(F&& visit) const {
    for (const auto& [bucket, count] : counts_) visit(middle_of(bucket), uint64_t{count});
  }

 private:
  static constexpr size_t kJoined = 4;  // buckets of a Histogram in one
  static size_t bucket_of(uint64_t value) { return HistogramBuckets::index_of(value) / kJoined; }
  static uint64_t middle_of(size_t bucket) { return HistogramBuckets::middle_of(bucket * kJoined + kJoined / 2); }
  static uint64_t last_of(size_t bucket) { return HistogramBuckets::middle_of(bucket * kJoined + kJoined - 1); }

  std::vector<std::pair<uint16_t, uint32_t>> counts_;  // ascending, none of them 0
};

}  // namespace sofa
