#include "sofa/boot/detail/call_metrics.h"

namespace sofa::boot::detail {

namespace {

MetricId named(std::string_view name, std::string_view doc, std::string_view unit, const rpc::MethodKey& key) {
  return {.name = std::string(name),
          .labels = {{"method", key.method}, {"protocol", std::string(to_string(key.protocol))}, {"service", key.service}},
          .doc = std::string(doc),
          .unit = std::string(unit)};
}

void add_counts(std::vector<MetricValue>& values, const rpc::MethodSnapshot& row) {
  for (size_t status = 0; status < row.statuses.size(); ++status) {
    if (row.statuses[status] == 0) continue;
    MetricId id = named("rpc_server_calls", "Calls that have ended, by how.", "", row.key);
    id.labels.insert(id.labels.begin(), {"code", status == 0 ? "ok" : std::string(to_string(static_cast<Code>(status)))});
    values.push_back({.id = std::move(id), .kind = MetricKind::counter, .number = static_cast<int64_t>(row.statuses[status]), .histogram = {}});
  }
}

io::Task<Result<std::vector<MetricValue>>> read_calls(const RunningApplication& application) {
  std::vector<MetricValue> values;
  if (application.server() == nullptr || application.server()->calls() == nullptr) co_return values;
  auto now = co_await io::or_return(co_await application.server()->calls()->read());
  for (rpc::MethodSnapshot& row : now.methods) {
    if (row.key.side != rpc::CallSide::server) continue;
    add_counts(values, row);
    values.push_back({.id = named("rpc_server_running", "Calls that run now.", "", row.key),
                      .kind = MetricKind::gauge,
                      .number = static_cast<int64_t>(row.running),
                      .histogram = {}});
    values.push_back({.id = named("rpc_server_duration", "From the read of a request to the end of its call.", "ns", row.key),
                      .kind = MetricKind::histogram,
                      .number = 0,
                      .histogram = std::move(row.latency)});
  }
  co_return values;
}

}  // namespace

io::Task<Result<std::vector<MetricValue>>> CallMetrics::read() {
  return io::on(home_, [this] { return read_calls(application_); });
}

}  // namespace sofa::boot::detail
