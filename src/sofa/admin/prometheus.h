#pragma once
// Metrics as Prometheus reads them: its text format 0.0.4, and OpenMetrics 1.0.
//
// Names: what is no letter, digit, '_' or ':' becomes '_'. A unit stands at the end of the name in its base form, as both formats want it: "ns",
// "us" and "ms" become seconds, "bytes" stays. A counter ends with "_total". Times are converted.

#include <string>
#include <string_view>
#include <vector>

#include "sofa/base/clock.h"
#include "sofa/base/metrics.h"
#include "sofa/io/task.h"

namespace sofa::admin {

enum class MetricsFormat : uint8_t { prometheus, openmetrics };

/// The better of the two that an Accept header takes; Prometheus' own text for none.
MetricsFormat metrics_format_of(std::string_view accept);
std::string_view content_type_of(MetricsFormat format);

/// All values as one document; `values` of one name stand together, as MetricRegistry::read gives them. A name with values of several kinds keeps
/// the first kind.
std::string metrics_text(const std::vector<MetricValue>& values, MetricsFormat format);

/// How a value is written: the name of its samples in Prometheus' text, its unit, and what a number of it is multiplied by.
struct WrittenMetric {
  std::string name;
  std::string unit;
  double factor = 1;
};
WrittenMetric written_as(const MetricId& id, MetricKind kind);

/// Where metrics come from. Asked on the shard of the connection that asks.
class MetricSource {
 public:
  virtual ~MetricSource() = default;
  virtual io::Task<Result<std::vector<MetricValue>>> read() = 0;
};

/// What this process has used of processors since it began, and the main memory that it has now.
struct ProcessUse {
  Duration cpu{};
  int64_t resident_bytes = 0;
};
ProcessUse process_use();

/// CPU time, memory, threads, open files and the start of this process, by the names that Prometheus' own clients use.
std::vector<MetricValue> process_metrics();

}  // namespace sofa::admin
