// What /metrics costs: reading a registry, and writing it in both forms. CPU time of this thread, the median of the rounds.

#include <algorithm>
#include <ctime>

#include "sofa/admin/prometheus.h"
#include "sofa/base/flags.h"

namespace {

using namespace sofa;

struct Flags {
  uint32_t series = 10'000;
  uint32_t rounds = 21;
  static auto describe(Description<Flags>& d) {
    d.doc("Measures what /metrics costs.");
    d.field("series", &Flags::series).doc("lines with a value, those of histograms counted each").at_least(100);
    d.field("rounds", &Flags::rounds).at_least(1);
  }
};

constexpr uint32_t kLinesOfHistogram = 24;  // 21 buckets of times, +Inf, sum, count

/// Nine tenths of the lines are counters and gauges, one tenth is of histograms.
void fill(MetricRegistry& registry, uint32_t series) {
  const uint32_t histograms = std::max(1U, series / 10 / kLinesOfHistogram), numbers = series - histograms * kLinesOfHistogram;
  const auto labels = [](uint32_t i) {
    return MetricLabels{{"service", fmt::format("com.acme.Service{}", i % 100)}, {"method", fmt::format("method{}", i / 100)}};
  };
  for (uint32_t i = 0; i < numbers; ++i) {
    const std::string doc = "What the service has done.";
    if (i % 2 == 0) {
      registry.counter({.name = fmt::format("bench_calls_{}", i % 10), .labels = labels(i), .doc = doc}).add(i * 7919);
    } else {
      registry.gauge({.name = fmt::format("bench_open_{}", i % 10), .labels = labels(i), .doc = doc}).set(i);
    }
  }
  for (uint32_t i = 0; i < histograms; ++i) {
    Histogram& took = registry.histogram({.name = "bench_duration", .labels = labels(i), .doc = "How long calls took.", .unit = "ns"});
    for (uint64_t value = 1'000; value < 10'000'000'000; value = value * 5 / 4) took.record(value);
  }
}

double cpu_ms() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

double median_ms(uint32_t rounds, const auto& work) {
  std::vector<double> all;
  for (uint32_t i = 0; i < rounds; ++i) {
    const double begin = cpu_ms();
    work();
    all.push_back(cpu_ms() - begin);
  }
  std::ranges::nth_element(all, all.begin() + static_cast<ptrdiff_t>(all.size() / 2));
  return all[all.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  Flags flags;
  const auto parsed = parse_flags(argc, argv, flags);
  if (const auto code = exit_code_of(parsed)) return *code;
  MetricRegistry registry(flags.series);
  fill(registry, flags.series);
  fmt::print("| form | lines | bytes | read and written, ms of CPU |\n|---|---|---|---|\n");
  for (const auto format : {admin::MetricsFormat::prometheus, admin::MetricsFormat::openmetrics}) {
    const std::string text = admin::metrics_text(registry.read(), format);
    const auto lines = std::ranges::count(text, '\n');
    const double ms = median_ms(flags.rounds, [&] { return admin::metrics_text(registry.read(), format).size(); });
    fmt::print("| {} | {} | {} | {:.2f} |\n", format == admin::MetricsFormat::prometheus ? "Prometheus" : "OpenMetrics", lines, text.size(), ms);
  }
  return 0;
}
