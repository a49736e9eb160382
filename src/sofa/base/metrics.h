#pragma once
// Counters, gauges and histograms that cost nanoseconds: each shard has its own instance and is its only writer; a reader merges them.
//
//   Counter& calls = registry.counter({.name = "rpc_calls", .labels = {{"service", name}}, .doc = "calls answered"});   // once a shard
//   calls.add();                                                                                                      // below 1 ns, no lock
//   for (const MetricValue& value : registry.read()) ...                                                              // any thread

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sofa {

namespace detail {
/// A cell with one writer and any readers: no read-modify-write instruction is needed.
template <class T>
void add_as_sole_writer(std::atomic<T>& cell, T n) {
  cell.store(cell.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
}
}  // namespace detail

/// Only grows. One thread adds, any thread reads.
class alignas(64) Counter {
 public:
  void add(uint64_t n = 1) { detail::add_as_sole_writer(value_, n); }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

/// Goes up and down; instances of one series are summed (connections open, bytes queued). One thread writes, any thread reads.
class alignas(64) Gauge {
 public:
  void set(int64_t value) { value_.store(value, std::memory_order_relaxed); }
  void add(int64_t n) { detail::add_as_sole_writer(value_, n); }
  int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> value_{0};
};

/// The buckets of every Histogram: values below 32 exactly, then 32 equal buckets for each power of two (log-linear, as in HdrHistogram).
struct HistogramBuckets {
  static constexpr int kSubBits = 5;
  static constexpr int kTopBit = 44;  // larger values count in the last bucket: 4.9 hours in nanoseconds
  static constexpr size_t kCount = static_cast<size_t>(kTopBit - kSubBits + 1) << kSubBits;
  static constexpr uint64_t kLargest = (uint64_t{1} << kTopBit) - 1;

  static constexpr size_t index_of(uint64_t value) {
    value = std::min(value, kLargest);
    const int shift = std::max(static_cast<int>(std::bit_width(value)) - kSubBits - 1, 0);
    return (static_cast<size_t>(shift) << kSubBits) + static_cast<size_t>(value >> shift);
  }
  /// The middle of a bucket: at most 1/64 (1.6 %) away from each of its values.
  static constexpr uint64_t middle_of(size_t index) {
    if (index < (size_t{2} << kSubBits)) return index;
    const size_t shift = (index >> kSubBits) - 1;
    const uint64_t low = static_cast<uint64_t>(index - (shift << kSubBits)) << shift;
    return low + ((uint64_t{1} << shift) - 1) / 2;
  }
};

/// A value that was counted, and the trace that it came from.
struct Exemplar {
  std::string trace_id;
  uint64_t value = 0;
  int64_t at_ms = 0;  ///< since 1970
};

/// What one or several histograms counted; a plain value.
class HistogramSnapshot {
 public:
  /// The latest value with a trace.
  const std::optional<Exemplar>& exemplar() const { return exemplar_; }
  uint64_t count() const { return count_; }
  uint64_t sum() const { return sum_; }
  uint64_t max() const { return max_; }
  double mean() const { return count_ == 0 ? 0 : static_cast<double>(sum_) / static_cast<double>(count_); }
  /// The value that `fraction` (0 to 1) of the values do not exceed, within 1.6 %; 1 gives the exact largest value, no values give 0.
  uint64_t percentile(double fraction) const;
  /// How many values lie at or below `value`, give or take those of its bucket.
  uint64_t count_up_to(uint64_t value) const;
  void merge(const HistogramSnapshot& other);
  /// What was counted since `earlier`, a snapshot of the same histograms. Its largest value is known within 1.6 % only.
  HistogramSnapshot since(const HistogramSnapshot& earlier) const;

 private:
  friend class Histogram;
  std::vector<uint64_t> buckets_;  // empty when nothing was counted
  uint64_t count_ = 0;
  uint64_t sum_ = 0;
  uint64_t max_ = 0;
  std::optional<Exemplar> exemplar_;
};

namespace detail {

/// The last exemplar of a histogram. One thread writes, any thread reads; a reader that meets a writer gets none.
class ExemplarSlot {
 public:
  static constexpr size_t kLongestId = 40;  // bytes; 32 of W3C's, and longer ones of SOFATracer are left out
  void write(std::string_view trace_id, uint64_t value, int64_t at_ms);
  std::optional<Exemplar> read() const;

 private:
  static constexpr size_t kWords = kLongestId / sizeof(uint64_t) + 2;
  std::atomic<uint64_t> version_{0};  // odd while it is written
  std::array<std::atomic<uint64_t>, kWords> words_{};
};

}  // namespace detail

/// Counts values (latencies, sizes) in 10 KiB of fixed memory. One thread records, any thread reads; a read beside a writer may miss its last values.
class alignas(64) Histogram {
 public:
  void record(uint64_t value) {
    detail::add_as_sole_writer(buckets_[HistogramBuckets::index_of(value)], uint64_t{1});
    detail::add_as_sole_writer(sum_, value);
    if (value > max_.load(std::memory_order_relaxed)) max_.store(value, std::memory_order_relaxed);
  }
  /// A value of a trace, that is shown as an exemplar beside the counts (OpenMetrics). `trace_id`: printable ASCII of at most 40 bytes, or it counts
  /// without. `at_ms`: since 1970.
  void record(uint64_t value, std::string_view trace_id, int64_t at_ms) {
    record(value);
    exemplar_.write(trace_id, value, at_ms);
  }
  HistogramSnapshot read() const;

 private:
  detail::ExemplarSlot exemplar_;
  std::atomic<uint64_t> sum_{0};
  std::atomic<uint64_t> max_{0};
  std::array<std::atomic<uint64_t>, HistogramBuckets::kCount> buckets_{};
};

using MetricLabels = std::vector<std::pair<std::string, std::string>>;

/// Names a series: the same name and labels are the same series.
struct MetricId {
  std::string name = {};
  MetricLabels labels = {};
  std::string doc = {};
  std::string unit = {};
};

enum class MetricKind : uint8_t { counter, gauge, histogram };

/// One series with its instances merged.
struct MetricValue {
  MetricId id;
  MetricKind kind = MetricKind::counter;
  int64_t number = 0;           // counter, gauge
  HistogramSnapshot histogram;  // histogram
};

/// Owns the instances. Passed to who needs it; must outlive every reference that it gave. Any thread.
class MetricRegistry {
 public:
  /// Past `max_instances` further ones are not shown: hostile label values (unknown service names) cannot fill the memory.
  explicit MetricRegistry(size_t max_instances = 20'000) : max_instances_(max_instances) {}
  MetricRegistry(const MetricRegistry&) = delete;
  MetricRegistry& operator=(const MetricRegistry&) = delete;

  /// A new instance for the thread that asks: ask once and keep the reference, not once an event.
  Counter& counter(MetricId id);
  Gauge& gauge(MetricId id);
  Histogram& histogram(MetricId id);

  /// All series, by name and labels.
  std::vector<MetricValue> read() const;
  /// How many instances were asked for past the bound.
  size_t refused() const;

 private:
  struct Series {
    MetricId id;
    std::vector<std::unique_ptr<Counter>> counters;
    std::vector<std::unique_ptr<Gauge>> gauges;
    std::vector<std::unique_ptr<Histogram>> histograms;
  };
  using Key = std::pair<std::string, MetricLabels>;
  template <class M>
  M& make(MetricId id, MetricKind kind, std::vector<std::unique_ptr<M>> Series::* instances, M& unseen);

  mutable std::mutex mutex_;
  const size_t max_instances_;
  size_t instances_ = 0;
  size_t refused_ = 0;
  std::map<std::pair<Key, MetricKind>, Series> series_;
  // Handed out past the bound: counted in, never read.
  Counter unseen_counter_;
  Gauge unseen_gauge_;
  Histogram unseen_histogram_;
};

}  // namespace sofa
