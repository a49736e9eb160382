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

TEST(Prometheus, ShowsTheTraceOfAValueAtItsBucketInOpenMetricsAlone) {
  MetricRegistry registry;
  Histogram& took = registry.histogram({.name = "call_duration", .doc = "of calls", .unit = "ns"});
  took.record(20'000);
  took.record(3'000'000, "0af7651916cd43dd8448eb211c80319c", 1'700'000'000'123);
  const std::string text = metrics_text(registry.read(), MetricsFormat::openmetrics);
  EXPECT_THAT(text, HasSubstr("call_duration_seconds_bucket{le=\"0.0025\"} 1\n"));
  EXPECT_THAT(text,
              HasSubstr("call_duration_seconds_bucket{le=\"0.005\"} 2 # {trace_id=\"0af7651916cd43dd8448eb211c80319c\"} 0.003 1700000000.123\n"));
  EXPECT_THAT(text, HasSubstr("call_duration_seconds_bucket{le=\"0.01\"} 2\n"));
  EXPECT_EQ(metrics_text(registry.read(), MetricsFormat::prometheus).find(" # {"), std::string::npos);
  took.record(90'000'000'000, "abc", 1'700'000'000'124);
  EXPECT_THAT(metrics_text(registry.read(), MetricsFormat::openmetrics),
              HasSubstr("call_duration_seconds_bucket{le=\"+Inf\"} 3 # {trace_id=\"abc\"} 90 1700000000.124\n"));
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
  for (const MetricValue& value : process_metrics()) EXPECT_GE(value.number, value.id.name == "process_cpu" ? 0 : 1) << value.id.name;  // by ticks
}

}  // namespace
}  // namespace sofa::admin
