#include "sofa/base/sparse_histogram.h"

#include <algorithm>
#include <cmath>

namespace sofa {

void SparseHistogram::add(const HistogramSnapshot& values) {
  if (values.count() == 0) return;
  SparseHistogram counts;
  uint64_t before = 0;
  const size_t last = bucket_of(values.max());
  for (size_t bucket = bucket_of(values.percentile(0)); bucket <= last; ++bucket) {
    const uint64_t up_to = values.count_up_to(last_of(bucket));
    if (up_to != before) counts.counts_.emplace_back(static_cast<uint16_t>(bucket), static_cast<uint32_t>(up_to - before));
    before = up_to;
  }
  merge(counts);
}

void SparseHistogram::merge(const SparseHistogram& other) {
  if (counts_.empty()) {
    counts_ = other.counts_;
    return;
  }
  for (const auto& [bucket, count] : other.counts_) {
    auto at = std::ranges::lower_bound(counts_, bucket, {}, &std::pair<uint16_t, uint32_t>::first);
    if (at == counts_.end() || at->first != bucket) at = counts_.emplace(at, bucket, 0);
    at->second += count;
  }
}

uint64_t SparseHistogram::count() const {
  uint64_t all = 0;
  for (const auto& [bucket, count] : counts_) all += count;
  return all;
}

uint64_t SparseHistogram::percentile(double fraction) const {
  const auto rank = std::max<uint64_t>(1, static_cast<uint64_t>(std::ceil(fraction * static_cast<double>(count()))));
  uint64_t seen = 0;
  for (const auto& [bucket, count] : counts_) {
    seen += count;
    if (seen >= rank) return middle_of(bucket);
  }
  return 0;
}

}  // namespace sofa
