#pragma once
// Sampler: looks at an application once a second while its admin port is open, and at its metrics every five seconds, so that the console has rates
// and a past to show. At rest a look costs some tens of microseconds.

#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "sofa/admin/metric_history.h"
#include "sofa/boot/application.h"
#include "sofa/boot/call_history.h"
#include "sofa/io/task_group.h"

namespace sofa::boot {

using ReadMetrics = std::function<io::Task<Result<std::vector<MetricValue>>>()>;

/// Belongs to the shard that makes it, whose clock it lives by.
class Sampler {
 public:
  /// `application` outlives it.
  /// `read_metrics`: all values that there are.
  Sampler(RunningApplication& application, const AdminSection& section, ReadMetrics read_metrics);
  void start();
  io::Task<void> stop();

  const CallHistory& calls() const { return calls_; }
  const admin::MetricHistory& metrics() const { return metrics_; }
  /// Processors in use over the last 10 seconds: 0.5 is half of one.
  double cpu_cores() const;
  int64_t resident_bytes() const { return resident_bytes_; }
  /// Of the services' ports.
  size_t connections() const { return connections_; }

 private:
  struct Use {
    Instant at{};
    Duration cpu{};
  };
  io::Task<void> look_every_second();
  io::Task<void> look();
  io::Task<void> look_at_metrics();

  RunningApplication& application_;
  const ReadMetrics read_metrics_;
  CallHistory calls_;
  admin::MetricHistory metrics_;
  std::deque<Use> uses_;  // the last ones
  int64_t resident_bytes_ = 0;
  size_t connections_ = 0;
  std::unique_ptr<io::TaskGroup> looking_;  // null: not started, or stopped
};

}  // namespace sofa::boot
