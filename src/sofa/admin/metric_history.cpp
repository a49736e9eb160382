#include "sofa/admin/metric_history.h"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "sofa/admin/prometheus.h"

namespace sofa::admin {

namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

double fraction_of(MetricFunction function) {
  switch (function) {
    case MetricFunction::p50:
      return 0.5;
    case MetricFunction::p90:
      return 0.9;
    case MetricFunction::p99:
      return 0.99;
    default:
      return 0;
  }
}

std::string_view label_of(const MetricLabels& labels, std::string_view name) {
  const auto found = std::ranges::find(labels, name, &MetricLabels::value_type::first);
  return found == labels.end() ? std::string_view() : std::string_view(found->second);
}

}  // namespace

void MetricHistory::add(Instant at, const std::vector<MetricValue>& values) {
  const uint64_t sample = samples_++;
  times_.push_back(at);
  if (times_.size() > options_.samples) times_.erase(times_.begin());
  const bool complete = sample > 0 && std::exchange(left_off_, 0) == 0;
  for (const MetricValue& value : values) add(value, sample, complete);
  const uint64_t first = samples_ - times_.size();
  std::erase_if(series_, [first](const auto& one) { return one.second.last < first; });
  for (auto& [key, series] : series_) forget_before(series, first);
}

/// `complete`: whether the sample before had all series that there were.
void MetricHistory::add(const MetricValue& value, uint64_t sample, bool complete) {
  const WrittenMetric written = written_as(value.id, value.kind);
  auto known = series_.find({written.name, value.id.labels});
  if (known == series_.end()) {
    if (series_.size() >= options_.series) {
      ++left_off_;
      return;
    }
    Series begun{.id = value.id, .kind = value.kind, .factor = written.factor};
    // What was there before the first look, or was left off, may have counted for long; what appears later has begun with nothing.
    if (!complete) begun.before = value.histogram;
    if (complete && value.kind != MetricKind::gauge) begun.numbers.push_back({sample - 1, 0});
    known = series_.emplace(Key(written.name, value.id.labels), std::move(begun)).first;
  }
  Series& series = known->second;
  series.last = sample;
  const int64_t number = value.kind == MetricKind::histogram ? static_cast<int64_t>(value.histogram.count()) : value.number;
  if (series.numbers.empty() || series.numbers.back().value != number) series.numbers.push_back({sample, number});
  if (value.kind != MetricKind::histogram || value.histogram.count() == series.before.count()) return;
  Grown& grown = series.grown.emplace_back(Grown{.sample = sample});
  grown.values.add(value.histogram.since(series.before));
  series.before = value.histogram;
}

/// The last number before the first sample stays: it is the value there.
void MetricHistory::forget_before(Series& series, uint64_t sample) const {
  const auto later = std::ranges::upper_bound(series.numbers, sample, {}, &Number::sample);
  if (later - series.numbers.begin() > 1) series.numbers.erase(series.numbers.begin(), later - 1);
  const auto kept = std::ranges::lower_bound(series.grown, sample, {}, &Grown::sample);
  series.grown.erase(series.grown.begin(), kept);
}

std::vector<MetricFamily> MetricHistory::families() const {
  std::vector<MetricFamily> families;
  std::set<std::string> labels;
  for (const auto& [key, series] : series_) {
    if (families.empty() || families.back().name != key.first) {
      labels.clear();
      families.push_back(
          {.name = key.first, .unit = written_as(series.id, series.kind).unit, .doc = series.id.doc, .kind = series.kind, .labels = {}});
    }
    for (const auto& [label, value] : key.second) labels.insert(label);
    families.back().labels.assign(labels.begin(), labels.end());
    ++families.back().series;
  }
  return families;
}

bool MetricHistory::fits(const Series& series, const MetricQuery& query) const {
  return std::ranges::all_of(query.where, [&](const auto& wanted) { return label_of(series.id.labels, wanted.first) == wanted.second; });
}

Result<MetricLines> MetricHistory::query(const MetricQuery& query) const {
  std::map<MetricLabels, std::vector<const Series*>> lines;
  const Series* any = nullptr;
  for (auto at = series_.lower_bound({query.name, {}}); at != series_.end() && at->first.first == query.name; ++at) {
    any = &at->second;
    if (!fits(at->second, query)) continue;
    const MetricLabels& all = at->first.second;
    lines[query.by.empty() ? all : MetricLabels{{query.by, std::string(label_of(all, query.by))}}].push_back(any);
  }
  if (any == nullptr) return fail(Code::not_found, "there is no metric '{}'; GET /v1/metrics lists them", query.name);
  if (fraction_of(query.function) > 0 && any->kind != MetricKind::histogram) {
    return fail(Code::invalid_argument, "{} is no histogram, and has no percentiles; ask for its value or its rate", query.name);
  }
  uint64_t first = samples_ - times_.size();
  while (first + 1 < samples_ && times_.back() - time_of(first) > query.back) ++first;
  MetricLines answer{.unit = written_as(any->id, any->kind).unit};
  for (uint64_t sample = first; sample < samples_; ++sample) answer.times.push_back(time_of(sample));
  for (const auto& [labels, series] : lines) {
    if (answer.lines.size() == kMostLines) {
      answer.left_off = lines.size() - kMostLines;
      break;
    }
    answer.lines.push_back({labels, values_of(series, query, first)});
  }
  return answer;
}

/// Numbers of several series are summed, and their histograms are one.
std::vector<double> MetricHistory::values_of(const std::vector<const Series*>& series, const MetricQuery& query, uint64_t first) const {
  std::vector<double> values;
  const double fraction = fraction_of(query.function);
  for (uint64_t sample = first; sample < samples_; ++sample) {
    if (fraction > 0) {
      values.push_back(percentile_at(series, fraction, sample));
      continue;
    }
    double sum = kNothing;
    for (const Series* one : series) {
      const double value = value_at(*one, query.function, sample);
      if (value == value) sum = sum == sum ? sum + value : value;
    }
    values.push_back(sum);
  }
  return values;
}

double MetricHistory::number_at(const Series& series, uint64_t sample) const {
  const auto later = std::ranges::upper_bound(series.numbers, sample, {}, &Number::sample);
  return later == series.numbers.begin() ? kNothing : static_cast<double>((later - 1)->value);
}

double MetricHistory::value_at(const Series& series, MetricFunction function, uint64_t sample) const {
  const double factor = series.kind == MetricKind::histogram ? 1 : series.factor;
  if (function == MetricFunction::value) return number_at(series, sample) * factor;
  if (sample == samples_ - times_.size()) return kNothing;  // nothing stands before the first
  const double seconds = std::chrono::duration<double>(time_of(sample) - time_of(sample - 1)).count();
  return (number_at(series, sample) - number_at(series, sample - 1)) * factor / seconds;
}

double MetricHistory::percentile_at(const std::vector<const Series*>& series, double fraction, uint64_t sample) const {
  SparseHistogram all;
  for (const Series* one : series) {
    const auto at = std::ranges::lower_bound(one->grown, sample, {}, &Grown::sample);
    if (at != one->grown.end() && at->sample == sample) all.merge(at->values);
  }
  return all.count() == 0 ? kNothing : static_cast<double>(all.percentile(fraction)) * series.front()->factor;
}

}  // namespace sofa::admin
