#include "sofa/admin/prometheus.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sofa::admin {
namespace {

using ::testing::HasSubstr;

TEST(Prometheus, WritesAHistogramOfTimesInSeconds) {
  MetricRegistry registry;
  Histogram& took = registry.histogram({.name = "call_duration", .labels = {{"method", "a"}}, .doc = "of calls", .unit = "ns"});
  took.record(20'000);     // 20 us
  took.record(3'000'000);  // 3 ms
  took.record(90'000'000'000);
  const std::string text = metrics_text(registry.read(), MetricsFormat::prometheus);
  EXPECT_THAT(text, HasSubstr("# TYPE call_duration_seconds histogram\n"));
  EXPECT_THAT(text, HasSubstr("call_duration_seconds_bucket{method=\"a\",le=\"1e-05\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("call_duration_seconds_bucket{method=\"a\",le=\"2.5e-05\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("call_duration_seconds_bucket{method=\"a\",le=\"60\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("call_duration_seconds_bucket{method=\"a\",le=\"+Inf\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("call_duration_seconds_count{method=\"a\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("call_duration_seconds_sum{method=\"a\"} 90.00302\n"));
  EXPECT_THAT(metrics_text(registry.read(), MetricsFormat::openmetrics), HasSubstr("# UNIT call_duration_seconds seconds\n"));
}

TEST(Prometheus, MakesNamesLegal) {
  MetricRegistry registry;
  registry.gauge({.name = "9 lives.left", .labels = {{"a-b", "x\ny\\"}}, .doc = "line\nbreak", .unit = "bytes"}).set(-4);
  const std::string text = metrics_text(registry.read(), MetricsFormat::prometheus);
  EXPECT_EQ(text, "# HELP __lives_left_bytes line\\nbreak\n# TYPE __lives_left_bytes gauge\n__lives_left_bytes{a_b=\"x\\ny\\\\\"} -4\n");
}

TEST(Prometheus, DoesNotSayTotalOrAUnitTwice) {
  MetricRegistry registry;
  registry.counter({.name = "sent_bytes_total", .unit = "bytes"}).add(1);
  EXPECT_THAT(metrics_text(registry.read(), MetricsFormat::prometheus), HasSubstr("\nsent_bytes_total 1\n"));
}

TEST(Prometheus, ChoosesTheFormThatIsAskedFor) {
  EXPECT_EQ(metrics_format_of("application/openmetrics-text;version=1.0.0,text/plain;q=0.5"), MetricsFormat::openmetrics);
  EXPECT_EQ(metrics_format_of("text/plain"), MetricsFormat::prometheus);
  EXPECT_EQ(metrics_format_of(""), MetricsFormat::prometheus);
}

TEST(Prometheus, KnowsItsOwnProcess) {
  for (const MetricValue& value : process_metrics()) EXPECT_GT(value.number, 0) << value.id.name;
}

}  // namespace
}  // namespace sofa::admin
