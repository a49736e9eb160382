#include "sofa/base/metrics.h"

#include <cmath>
#include <cstring>
#include <numeric>

namespace sofa {

uint64_t HistogramSnapshot::percentile(double fraction) const {
  if (count_ == 0) return 0;
  if (fraction >= 1) return max_;
  const auto rank = std::max<uint64_t>(1, static_cast<uint64_t>(std::ceil(std::max(fraction, 0.0) * static_cast<double>(count_))));
  uint64_t seen = 0;
  for (size_t i = 0; i < buckets_.size(); ++i) {
    seen += buckets_[i];
    if (seen >= rank) return i + 1 == buckets_.size() ? max_ : std::min(HistogramBuckets::middle_of(i), max_);
  }
  return max_;
}

uint64_t HistogramSnapshot::count_up_to(uint64_t value) const {
  if (buckets_.empty()) return 0;
  return std::accumulate(buckets_.begin(), buckets_.begin() + static_cast<ptrdiff_t>(HistogramBuckets::index_of(value)) + 1, uint64_t{0});
}

void HistogramSnapshot::merge(const HistogramSnapshot& other) {
  if (other.buckets_.empty()) return;
  buckets_.resize(HistogramBuckets::kCount);
  for (size_t i = 0; i < buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  sum_ += other.sum_;
  max_ = std::max(max_, other.max_);
  if (other.exemplar_ && (!exemplar_ || exemplar_->at_ms <= other.exemplar_->at_ms)) exemplar_ = other.exemplar_;
}

HistogramSnapshot HistogramSnapshot::since(const HistogramSnapshot& earlier) const {
  if (earlier.count_ == 0) return *this;
  HistogramSnapshot later;
  later.buckets_.resize(HistogramBuckets::kCount);
  for (size_t i = 0; i < later.buckets_.size() && i < buckets_.size(); ++i) {
    later.buckets_[i] = buckets_[i] - earlier.buckets_[i];
    later.count_ += later.buckets_[i];
    if (later.buckets_[i] != 0) later.max_ = std::min(HistogramBuckets::middle_of(i), max_);
  }
  later.sum_ = sum_ - earlier.sum_;
  later.exemplar_ = exemplar_;
  return later;
}

namespace detail {

void ExemplarSlot::write(std::string_view trace_id, uint64_t value, int64_t at_ms) {
  const auto printable = [](char c) { return c > 0x20 && c < 0x7f; };
  if (trace_id.empty() || trace_id.size() > kLongestId || !std::ranges::all_of(trace_id, printable)) return;
  std::array<uint64_t, kWords> words{value, static_cast<uint64_t>(at_ms)};
  std::memcpy(&words[2], trace_id.data(), trace_id.size());
  const uint64_t version = version_.load(std::memory_order_relaxed);
  version_.store(version + 1, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_release);
  for (size_t i = 0; i < kWords; ++i) words_[i].store(words[i], std::memory_order_relaxed);
  version_.store(version + 2, std::memory_order_release);
}

std::optional<Exemplar> ExemplarSlot::read() const {
  const uint64_t version = version_.load(std::memory_order_acquire);
  if (version == 0 || version % 2 == 1) return std::nullopt;
  std::array<uint64_t, kWords> words{};
  for (size_t i = 0; i < kWords; ++i) words[i] = words_[i].load(std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_acquire);
  if (version_.load(std::memory_order_relaxed) != version) return std::nullopt;
  const auto* const id = reinterpret_cast<const char*>(&words[2]);
  return Exemplar{.trace_id = {id, ::strnlen(id, kLongestId)}, .value = words[0], .at_ms = static_cast<int64_t>(words[1])};
}

}  // namespace detail

HistogramSnapshot Histogram::read() const {
  HistogramSnapshot snapshot;
  snapshot.buckets_.resize(HistogramBuckets::kCount);
  for (size_t i = 0; i < buckets_.size(); ++i) {
    snapshot.buckets_[i] = buckets_[i].load(std::memory_order_relaxed);
    snapshot.count_ += snapshot.buckets_[i];
  }
  snapshot.sum_ = sum_.load(std::memory_order_relaxed);
  snapshot.max_ = max_.load(std::memory_order_relaxed);
  snapshot.exemplar_ = exemplar_.read();
  return snapshot;
}

template <class M>
M& MetricRegistry::make(MetricId id, MetricKind kind, std::vector<std::unique_ptr<M>> Series::* instances, M& unseen) {
  std::ranges::sort(id.labels);
  std::lock_guard lock(mutex_);
  if (instances_ == max_instances_) {
    ++refused_;
    return unseen;
  }
  ++instances_;
  Key key{id.name, id.labels};
  Series& series = series_.try_emplace({std::move(key), kind}, Series{std::move(id), {}, {}, {}}).first->second;
  return *(series.*instances).emplace_back(std::make_unique<M>());
}

Counter& MetricRegistry::counter(MetricId id) { return make(std::move(id), MetricKind::counter, &Series::counters, unseen_counter_); }
Gauge& MetricRegistry::gauge(MetricId id) { return make(std::move(id), MetricKind::gauge, &Series::gauges, unseen_gauge_); }
Histogram& MetricRegistry::histogram(MetricId id) { return make(std::move(id), MetricKind::histogram, &Series::histograms, unseen_histogram_); }

std::vector<MetricValue> MetricRegistry::read() const {
  std::lock_guard lock(mutex_);
  std::vector<MetricValue> values;
  for (const auto& [key, series] : series_) {
    MetricValue value{series.id, key.second, 0, {}};
    for (const auto& counter : series.counters) value.number += static_cast<int64_t>(counter->value());
    for (const auto& gauge : series.gauges) value.number += gauge->value();
    for (const auto& histogram : series.histograms) value.histogram.merge(histogram->read());
    values.push_back(std::move(value));
  }
  return values;
}

size_t MetricRegistry::refused() const {
  std::lock_guard lock(mutex_);
  return refused_;
}

}  // namespace sofa
