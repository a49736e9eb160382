#include "sofa/platform/figures.h"

#include <algorithm>

namespace sofa::platform {

void ProcessFigures::describe(Description<ProcessFigures>& d) {
  d.java_type("sofa.ProcessFigures").doc("How a process does.");
  d.field("id", &ProcessFigures::id);
  d.field("name", &ProcessFigures::name);
  d.field("admin", &ProcessFigures::admin);
  d.field("started_at_ms", &ProcessFigures::started_at_ms).unit("ms since 1970");
  d.inherit<Figures>();
}

void Rates::add(const Figures& process) {
  calls_per_second += process.calls_per_second;
  errors_per_second += process.errors_per_second;
  p50_us = std::max(p50_us, process.p50_us);
  p99_us = std::max(p99_us, process.p99_us);
  connections += process.connections;
  memory_bytes += process.memory_bytes;
  cpu_cores += process.cpu_cores;
}

void Rates::describe(Description<Rates>& d) {
  d.java_type("sofa.Rates").doc("What goes on now, over all processes.");
  d.field("calls_per_second", &Rates::calls_per_second);
  d.field("errors_per_second", &Rates::errors_per_second);
  d.field("p50_us", &Rates::p50_us).unit("us").doc("of the process where it is highest");
  d.field("p99_us", &Rates::p99_us).unit("us").doc("of the process where it is highest");
  d.field("connections", &Rates::connections);
  d.field("memory_bytes", &Rates::memory_bytes).unit("bytes");
  d.field("cpu_cores", &Rates::cpu_cores);
}

void RateColumns::describe(Description<RateColumns>& d) {
  d.java_type("sofa.History").doc("Columns of one length, oldest first.");
  d.field("times_ms", &RateColumns::times_ms).unit("ms since 1970");
  d.field("calls_per_second", &RateColumns::calls_per_second);
  d.field("errors_per_second", &RateColumns::errors_per_second);
  d.field("p50_us", &RateColumns::p50_us);
  d.field("p99_us", &RateColumns::p99_us);
  d.field("connections", &RateColumns::connections);
  d.field("memory_bytes", &RateColumns::memory_bytes);
  d.field("cpu_cores", &RateColumns::cpu_cores);
}

void RateHistory::add(WallTime at, const Rates& rates) {
  const auto step = std::chrono::duration_cast<std::chrono::milliseconds>(step_).count();
  const int64_t at_ms = std::chrono::duration_cast<std::chrono::milliseconds>(at.time_since_epoch()).count() / step * step;
  if (!points_.empty() && points_.back().at_ms >= at_ms) return;
  points_.push_back({at_ms, rates});
  if (points_.size() > most_) points_.pop_front();
}

RateColumns RateHistory::columns() const {
  RateColumns all;
  for (const auto& [at_ms, rates] : points_) {
    all.times_ms.push_back(at_ms);
    all.calls_per_second.push_back(rates.calls_per_second);
    all.errors_per_second.push_back(rates.errors_per_second);
    all.p50_us.push_back(static_cast<double>(rates.p50_us));
    all.p99_us.push_back(static_cast<double>(rates.p99_us));
    all.connections.push_back(static_cast<double>(rates.connections));
    all.memory_bytes.push_back(static_cast<double>(rates.memory_bytes));
    all.cpu_cores.push_back(rates.cpu_cores);
  }
  return all;
}

}  // namespace sofa::platform
