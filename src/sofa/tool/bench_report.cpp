#include "sofa/tool/bench_report.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "sofa/base/json.h"

namespace sofa::tool {

namespace {

constexpr struct {
  std::string_view name, key;
  double fraction;
} kPercentiles[] = {{"p50", "p50_us", 0.5}, {"p90", "p90_us", 0.9}, {"p99", "p99_us", 0.99}, {"p99.9", "p999_us", 0.999}, {"max", "max_us", 1}};

double micros(uint64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1000; }

std::string number_text(double number) { return number < 100 ? fmt::format("{:.1f}", number) : fmt::format("{:.0f}", number); }

double ratio(double second, double first) { return first == 0 ? 0 : second / first; }

std::vector<std::string> row_of(const BenchFigures& figures) {
  const load::LoadReport& report = figures.report;
  std::vector<std::string> row{figures.target, number_text(report.rate())};
  for (const auto& percentile : kPercentiles) row.push_back(duration_text(micros(report.latency.percentile(percentile.fraction))));
  row.push_back(std::to_string(report.failed()));
  return row;
}

std::vector<std::string> ratio_row(const BenchFigures& first, const BenchFigures& second) {
  std::vector<std::string> row{"second / first", fmt::format("{:.2f}x", ratio(second.report.rate(), first.report.rate()))};
  for (const auto& [name, key, fraction] : kPercentiles) {
    const auto of = [fraction](const BenchFigures& figures) { return static_cast<double>(figures.report.latency.percentile(fraction)); };
    row.push_back(fmt::format("{:.2f}x", ratio(of(second), of(first))));
  }
  row.emplace_back();
  return row;
}

std::string problems_text(const BenchFigures& figures) {
  std::string text;
  for (const auto& [kind, count] : figures.report.errors) text += fmt::format("\n  {} {}", count, kind);
  if (!text.empty())
    text = fmt::format("{}: {} {} failed:{}\n  the first: {}\n", figures.target, figures.report.failed(), figures.unit, text,
                       figures.report.first_error);
  if (figures.report.unsent > 0) {
    text += fmt::format("{}: {} {} were due and not sent, since no caller was free: lower --rate or raise --callers.\n", figures.target,
                        figures.report.unsent, figures.unit);
  }
  return text;
}

std::string run_json(const BenchFigures& figures) {
  const load::LoadReport& report = figures.report;
  std::string json = fmt::format(R"({{"target":{},"unit":"{}","calls":{},"seconds":{:.3f},"rate":{:.1f},"mean_us":{:.1f})",
                                 json_quoted(figures.target), figures.unit, report.latency.count(),
                                 std::chrono::duration<double>(report.time).count(), report.rate(), report.latency.mean() / 1000);
  for (const auto& [name, key, fraction] : kPercentiles) json += fmt::format(R"(,"{}":{:.1f})", key, micros(report.latency.percentile(fraction)));
  return json + fmt::format(R"(,"errors":{},"first_error":{},"unsent":{}}})", to_json(report.errors).value_or("{}"), json_quoted(report.first_error),
                            report.unsent);
}

std::string ratios_json(const BenchFigures& first, const BenchFigures& second) {
  std::string json = fmt::format(R"("rate":{:.3f})", ratio(second.report.rate(), first.report.rate()));
  for (const auto& [name, key, fraction] : kPercentiles) {
    const auto of = [fraction](const BenchFigures& figures) { return static_cast<double>(figures.report.latency.percentile(fraction)); };
    json += fmt::format(R"(,"{}":{:.3f})", key, ratio(of(second), of(first)));
  }
  return json;
}

/// Bars of equal steps of the logarithm.
std::string bars(const HistogramSnapshot& latency) {
  static constexpr std::array<std::string_view, 9> kBars{" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  constexpr double kLeast = 10'000, kStep = 3.1622776601683795;  // nanoseconds; two steps are a factor of ten
  std::array<uint64_t, 12> counts{};
  uint64_t below = 0;
  double bound = kLeast;
  for (uint64_t& count : counts) {
    bound *= kStep;
    const uint64_t up_to = latency.count_up_to(static_cast<uint64_t>(bound));
    count = up_to - below;
    below = up_to;
  }
  const uint64_t most = std::max<uint64_t>(1, std::ranges::max(counts));
  std::string text;
  for (const uint64_t count : counts) text += kBars[(count * 8 + most - 1) / most];
  return text;
}

}  // namespace

std::string figures_text(std::span<const BenchFigures> all, const Terminal& terminal) {
  std::vector<std::vector<std::string>> rows{{"target", fmt::format("{}/s", all[0].unit)}};
  for (const auto& percentile : kPercentiles) rows[0].emplace_back(percentile.name);
  rows[0].emplace_back("errors");
  for (const BenchFigures& figures : all) rows.push_back(row_of(figures));
  if (all.size() == 2) rows.push_back(ratio_row(all[0], all[1]));
  std::string text = table_text(terminal, rows);
  for (const BenchFigures& figures : all) text += problems_text(figures);
  return text;
}

std::string figures_json(std::span<const BenchFigures> all) {
  std::string runs;
  for (const BenchFigures& figures : all) runs += fmt::format("{}{}", runs.empty() ? "" : ",", run_json(figures));
  const std::string ratios = all.size() == 2 ? fmt::format(R"(,"ratios":{{{}}})", ratios_json(all[0], all[1])) : "";
  return fmt::format(R"({{"runs":[{}]{}}})", runs, ratios);
}

std::string progress_line(const BenchFigures& figures) {
  const load::LoadReport& report = figures.report;
  return fmt::format("{:5.1f} s  {}/s  p50 {}  p99 {}  max {}  {} errors |{}|", std::chrono::duration<double>(report.time).count(),
                     number_text(report.rate()), duration_text(micros(report.latency.percentile(0.5))),
                     duration_text(micros(report.latency.percentile(0.99))), duration_text(micros(report.latency.max())), report.failed(),
                     bars(report.latency));
}

}  // namespace sofa::tool
