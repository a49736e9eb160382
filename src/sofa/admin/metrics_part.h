#pragma once
// The values of metrics over time: GET /v1/metrics, /v1/metrics/query, permission "metrics:read". Without a past /metrics tells them
// (admin_server.h).

#include "sofa/admin/metric_history.h"
#include "sofa/admin/part.h"

namespace sofa::admin {

/// The history outlives it, and belongs to the shard that makes this.
class MetricsPart final : public Part {
 public:
  explicit MetricsPart(const MetricHistory& history) : history_(history), home_(io::Shard::current()) {}
  std::string_view name() const override { return "Metrics"; }
  void add_to(Routes& routes) override;

 private:
  const MetricHistory& history_;
  io::Shard& home_;
};

}  // namespace sofa::admin
