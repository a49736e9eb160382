#pragma once
// The calls of an application's server as metrics: rpc_server_calls, rpc_server_duration, rpc_server_running, by service, method and protocol.

#include "sofa/admin/prometheus.h"
#include "sofa/boot/application.h"

namespace sofa::boot::detail {

class CallMetrics final : public admin::MetricSource {
 public:
  /// `application` outlives it, and belongs to the shard that makes this.
  explicit CallMetrics(RunningApplication& application) : application_(application), home_(io::Shard::current()) {}
  io::Task<Result<std::vector<MetricValue>>> read() override;

 private:
  RunningApplication& application_;
  io::Shard& home_;
};

}  // namespace sofa::boot::detail
