#include "sofa/admin/metrics_part.h"

#include <cmath>
#include <optional>

#include "sofa/base/unix_time.h"
#include "sofa/io/shard.h"

namespace sofa::admin {

void describe(EnumDescription<MetricFunction>& d) {
  d.java_type("sofa.MetricFunction").value("value", MetricFunction::value).value("rate", MetricFunction::rate, "a second");
  d.value("p50", MetricFunction::p50).value("p90", MetricFunction::p90).value("p99", MetricFunction::p99);
}

namespace {

constexpr std::string_view kRead = "metrics:read";

struct MetricRow {
  std::string name{}, kind{}, unit{}, doc{};
  std::vector<std::string> labels{};
  int64_t series = 0;
  static void describe(Description<MetricRow>& d) {
    d.java_type("sofa.Metric");
    d.field("name", &MetricRow::name).doc("as /metrics has it");
    d.field("kind", &MetricRow::kind).doc("counter, gauge, histogram");
    d.field("unit", &MetricRow::unit);
    d.field("doc", &MetricRow::doc);
    d.field("labels", &MetricRow::labels);
    d.field("series", &MetricRow::series);
  }
};

struct MetricRows {
  std::vector<MetricRow> metrics{};
  int64_t left_off = 0;
  static void describe(Description<MetricRows>& d) {
    d.field("metrics", &MetricRows::metrics);
    d.field("left_off", &MetricRows::left_off).doc("series without a history, over admin.metric_history_series; /metrics has them");
  }
};

struct SeriesQuery {
  std::string name{};
  std::optional<MetricFunction> function{};
  std::vector<std::string> where{};
  std::string by{};
  uint32_t seconds = 900;
  static void describe(Description<SeriesQuery>& d) {
    d.field("name", &SeriesQuery::name).required();
    d.field("function", &SeriesQuery::function).doc("rate of a counter, value of a gauge, p99 of a histogram when it is missing");
    d.field("where", &SeriesQuery::where).doc("label=value, each of them");
    d.field("by", &SeriesQuery::by).doc("a label: one line for each of its values");
    d.field("seconds", &SeriesQuery::seconds).unit("s").range(1, 86'400).doc("how far back; no further than the history reaches");
  }
};

struct SeriesRow {
  std::map<std::string, std::string> labels{};
  std::vector<std::optional<double>> values{};
  static void describe(Description<SeriesRow>& d) {
    d.java_type("sofa.Series");
    d.field("labels", &SeriesRow::labels);
    d.field("values", &SeriesRow::values).doc("one for each time; null where there is nothing to tell");
  }
};

struct SeriesRows {
  std::vector<int64_t> times_ms{};
  std::vector<SeriesRow> series{};
  int64_t left_off = 0;
  std::string unit{};
  static void describe(Description<SeriesRows>& d) {
    d.field("times_ms", &SeriesRows::times_ms).unit("ms since 1970");
    d.field("series", &SeriesRows::series);
    d.field("left_off", &SeriesRows::left_off).doc("series over the limit of 50");
    d.field("unit", &SeriesRows::unit);
  }
};

std::string_view word_of(MetricKind kind) { return kind == MetricKind::counter ? "counter" : kind == MetricKind::gauge ? "gauge" : "histogram"; }

MetricFunction usual_function(MetricKind kind) {
  return kind == MetricKind::counter ? MetricFunction::rate : kind == MetricKind::gauge ? MetricFunction::value : MetricFunction::p99;
}

MetricRows families_of(const MetricHistory& history) {
  MetricRows rows{.metrics = {}, .left_off = static_cast<int64_t>(history.left_off())};
  for (const MetricFamily& family : history.families()) {
    rows.metrics.push_back({.name = family.name,
                            .kind = std::string(word_of(family.kind)),
                            .unit = family.unit,
                            .doc = family.doc,
                            .labels = family.labels,
                            .series = static_cast<int64_t>(family.series)});
  }
  return rows;
}

Result<MetricQuery> read_query(const MetricHistory& history, const SeriesQuery& asked) {
  MetricQuery query{.name = asked.name, .where = {}, .by = asked.by, .back = std::chrono::seconds(asked.seconds)};
  for (const std::string& condition : asked.where) {
    const size_t equals = condition.find('=');
    if (equals == std::string::npos) return fail(Code::invalid_argument, "where is '{}'; a condition is label=value", condition);
    query.where.emplace_back(condition.substr(0, equals), condition.substr(equals + 1));
  }
  if (asked.function) {
    query.function = *asked.function;
    return query;
  }
  const auto families = history.families();
  const auto family = std::ranges::find(families, asked.name, &MetricFamily::name);
  if (family != families.end()) query.function = usual_function(family->kind);
  return query;
}

SeriesRow series_row(const MetricLine& line) {
  SeriesRow row{.labels = {line.labels.begin(), line.labels.end()}, .values = {}};
  for (const double value : line.values) row.values.push_back(std::isnan(value) ? std::nullopt : std::optional(value));
  return row;
}

Result<SeriesRows> series_of(const MetricHistory& history, const SeriesQuery& asked) {
  auto query = read_query(history, asked);
  if (!query) return forward_error(query);
  auto found = history.query(*query);
  if (!found) return forward_error(found);
  SeriesRows rows{.times_ms = {}, .series = {}, .left_off = static_cast<int64_t>(found->left_off), .unit = found->unit};
  const Clock& clock = io::Shard::current().clock();
  for (const Instant at : found->times) rows.times_ms.push_back(unix_ms(clock, at));
  for (const MetricLine& line : found->lines) rows.series.push_back(series_row(line));
  return rows;
}

}  // namespace

void MetricsPart::add_to(Routes& routes) {
  routes
      .get("ListMetrics", "/v1/metrics", kRead,
           [this]() -> io::Task<Result<MetricRows>> {
             return io::on(home_, [this]() -> io::Task<Result<MetricRows>> { co_return families_of(history_); });
           })
      .doc("The metrics that have a history, by name.");
  routes
      .get("QueryMetric", "/v1/metrics/query", kRead,
           [this](SeriesQuery asked) -> io::Task<Result<SeriesRows>> {
             return io::on(home_, [this, asked]() -> io::Task<Result<SeriesRows>> { co_return series_of(history_, asked); });
           })
      .doc("The values of a metric over time.");
}

}  // namespace sofa::admin
