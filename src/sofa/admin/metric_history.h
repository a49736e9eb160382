#pragma once
// MetricHistory: the values of metrics over the last minutes, for charts. Made of what a MetricSource gives, again and again. Pure.
//
//   history.add(now, co_await or_return(server.read_metrics()));
//   const auto lines = history.query({.name = "rpc_server_calls_total", .function = MetricFunction::rate, .by = "service"});
//
// Names, units and values are those of Prometheus' text (prometheus.h). What does not change costs nothing; a change 16 bytes, of a histogram about
// 0.3 KiB.

#include <map>
#include <string>
#include <vector>

#include "sofa/base/clock.h"
#include "sofa/base/description.h"
#include "sofa/base/error.h"
#include "sofa/base/metrics.h"
#include "sofa/base/sparse_histogram.h"

namespace sofa::admin {

struct MetricHistoryOptions {
  size_t samples = 180;  ///< that are kept of each series
  size_t series = 500;   ///< of them all; further ones are counted in left_off() until one goes that had no value in all samples that are kept
};

/// Series of one name.
struct MetricFamily {
  std::string name, unit, doc;
  MetricKind kind{};
  std::vector<std::string> labels;  ///< their names
  size_t series = 0;
};

/// What is told of a series at each moment. Of a histogram `value` and `rate` count its values.
enum class MetricFunction : uint8_t { value, rate, p50, p90, p99 };
void describe(EnumDescription<MetricFunction>& d);

struct MetricQuery {
  std::string name{};
  MetricFunction function{};
  MetricLabels where{};  ///< labels with the values that they must have
  std::string by{};      ///< series with one value of this label are one line; empty: each series is a line
  Duration back = Duration::max();
};

/// Values of one length, one for each time; a moment at which there is nothing to tell is not a number.
struct MetricLine {
  MetricLabels labels{};
  std::vector<double> values{};
};
struct MetricLines {
  std::vector<Instant> times{};
  std::vector<MetricLine> lines{};  ///< at most kMostLines
  size_t left_off = 0;              ///< further ones
  std::string unit{};
};

class MetricHistory {
 public:
  static constexpr size_t kMostLines = 50;
  explicit MetricHistory(MetricHistoryOptions options = {}) : options_(options) {}
  void add(Instant at, const std::vector<MetricValue>& values);
  /// By name.
  std::vector<MetricFamily> families() const;
  /// not_found for an unknown name; invalid_argument for a percentile of what is no histogram.
  Result<MetricLines> query(const MetricQuery& query) const;
  /// How many series of the last values have no history.
  size_t left_off() const { return left_off_; }

 private:
  struct Number {
    uint64_t sample = 0;
    int64_t value = 0;  // from this sample on
  };
  struct Grown {
    uint64_t sample = 0;
    SparseHistogram values{};
  };
  struct Series {
    MetricId id;
    MetricKind kind{};
    double factor = 1;
    std::vector<Number> numbers{};  // where it changes; of a histogram the count of its values
    std::vector<Grown> grown{};     // of a histogram
    HistogramSnapshot before{};
    uint64_t last = 0;  // the sample that had it last
  };
  using Key = std::pair<std::string, MetricLabels>;

  void add(const MetricValue& value, uint64_t sample, bool complete);
  void forget_before(Series& series, uint64_t sample) const;
  bool fits(const Series& series, const MetricQuery& query) const;
  std::vector<double> values_of(const std::vector<const Series*>& series, const MetricQuery& query, uint64_t first) const;
  double number_at(const Series& series, uint64_t sample) const;
  double value_at(const Series& series, MetricFunction function, uint64_t sample) const;
  double percentile_at(const std::vector<const Series*>& series, double fraction, uint64_t sample) const;
  Instant time_of(uint64_t sample) const { return times_[sample - (samples_ - times_.size())]; }

  const MetricHistoryOptions options_;
  uint64_t samples_ = 0;
  std::vector<Instant> times_;  // of the last ones
  std::map<Key, Series> series_;
  size_t left_off_ = 0;
};

}  // namespace sofa::admin
