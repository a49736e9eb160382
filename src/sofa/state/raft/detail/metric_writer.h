#pragma once
// MetricWriter: adds values to a list, all with the same labels.

#include <algorithm>
#include <iterator>
#include <string_view>
#include <vector>

#include "sofa/base/metrics.h"

namespace sofa::raft::detail {

class MetricWriter {
 public:
  MetricWriter(std::vector<MetricValue>& values, MetricLabels labels) : values_(values), labels_(std::move(labels)) {}
  void gauge(std::string_view metric, int64_t number, std::string_view doc, MetricLabels more = {}) {
    add(metric, MetricKind::gauge, doc, std::move(more)).number = number;
  }
  void counter(std::string_view metric, uint64_t number, std::string_view doc, MetricLabels more = {}) {
    add(metric, MetricKind::counter, doc, std::move(more)).number = static_cast<int64_t>(number);
  }
  void histogram(std::string_view metric, const Histogram& one, std::string_view doc, std::string_view unit, std::string_view name) {
    MetricValue& value = add(metric, MetricKind::histogram, doc, {{"name", std::string(name)}});
    value.id.unit = unit;
    value.histogram = one.read();
  }

 private:
  MetricValue& add(std::string_view metric, MetricKind kind, std::string_view doc, MetricLabels more) {
    MetricLabels labels = labels_;
    labels.insert(labels.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
    std::ranges::sort(labels);
    MetricValue& value = values_.emplace_back();
    value.id = {.name = std::string(metric), .labels = std::move(labels), .doc = std::string(doc)};
    value.kind = kind;
    return value;
  }
  std::vector<MetricValue>& values_;
  const MetricLabels labels_;
};

}  // namespace sofa::raft::detail
