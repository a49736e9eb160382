#include "sofa/admin/metric_history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace sofa::admin {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::IsNan;
using testing::SizeIs;

/// A registry and the history of its values, one sample a second.
class MetricHistoryTest : public testing::Test {
 protected:
  void pass() {
    clock.advance(1s);
    history.add(clock.now_monotonic(), registry.read());
  }
  std::vector<double> values(const MetricQuery& query) {
    const auto found = history.query(query);
    EXPECT_TRUE(found);
    return found && !found->lines.empty() ? found->lines.front().values : std::vector<double>();
  }

  ManualClock clock;
  MetricRegistry registry;
  MetricHistory history{{.samples = 4, .series = 100}};
};

TEST_F(MetricHistoryTest, TellsValuesAndRatesOfACounter) {
  Counter& calls = registry.counter({.name = "calls"});
  for (const uint64_t n : {0, 10, 0, 30}) {
    calls.add(n);
    pass();
  }
  EXPECT_THAT(values({.name = "calls_total"}), ElementsAre(0, 10, 10, 40));
  EXPECT_THAT(values({.name = "calls_total", .function = MetricFunction::rate}), ElementsAre(IsNan(), 10, 0, 30));
  EXPECT_THAT(values({.name = "calls_total", .back = 1s}), ElementsAre(10, 40));
}

TEST_F(MetricHistoryTest, KnowsAValueThatHasNotChangedSinceBeforeItsFirstSample) {
  registry.gauge({.name = "open"}).set(7);
  for (int i = 0; i < 9; ++i) pass();
  EXPECT_THAT(values({.name = "open"}), ElementsAre(7, 7, 7, 7));
}

TEST_F(MetricHistoryTest, HasNothingToTellOfASeriesBeforeItWasThere) {
  pass();
  registry.gauge({.name = "open"}).set(1);
  pass();
  EXPECT_THAT(values({.name = "open"}), ElementsAre(IsNan(), 1));
}

TEST_F(MetricHistoryTest, CountsFromNothingWhatAppearsLater) {
  pass();
  pass();
  registry.counter({.name = "calls"}).add(5);
  registry.histogram({.name = "took", .unit = "ns"}).record(1'000'000);
  pass();
  EXPECT_THAT(values({.name = "calls_total"}), ElementsAre(IsNan(), 0, 5));
  EXPECT_THAT(values({.name = "calls_total", .function = MetricFunction::rate}), ElementsAre(IsNan(), IsNan(), 5));
  EXPECT_NEAR(values({.name = "took_seconds", .function = MetricFunction::p50}).back(), 0.001, 0.00006);
}

TEST_F(MetricHistoryTest, TellsPercentilesOfEachStepInSeconds) {
  Histogram& took = registry.histogram({.name = "took", .unit = "ns"});
  pass();
  for (int i = 0; i < 99; ++i) took.record(1'000'000);
  took.record(1'000'000'000);
  pass();
  pass();
  const auto p50 = values({.name = "took_seconds", .function = MetricFunction::p50});
  ASSERT_THAT(p50, SizeIs(3));
  EXPECT_THAT(p50[0], IsNan());
  EXPECT_NEAR(p50[1], 0.001, 0.00006);
  EXPECT_THAT(p50[2], IsNan()) << "nothing was recorded in this step";
  EXPECT_THAT(values({.name = "took_seconds"}), ElementsAre(0, 100, 100));
}

TEST_F(MetricHistoryTest, SumsByALabelAndTakesWhatFits) {
  registry.counter({.name = "calls", .labels = {{"method", "a"}, {"code", "ok"}}}).add(1);
  registry.counter({.name = "calls", .labels = {{"method", "b"}, {"code", "ok"}}}).add(2);
  registry.counter({.name = "calls", .labels = {{"method", "b"}, {"code", "lost"}}}).add(4);
  pass();
  const auto by_method = history.query({.name = "calls_total", .by = "method"});
  ASSERT_TRUE(by_method);
  ASSERT_THAT(by_method->lines, SizeIs(2));
  EXPECT_EQ(by_method->lines[1].labels, (MetricLabels{{"method", "b"}}));
  EXPECT_THAT(by_method->lines[1].values, ElementsAre(6));
  EXPECT_THAT(values({.name = "calls_total", .where = {{"code", "lost"}}}), ElementsAre(4));
  EXPECT_THAT(values({.name = "calls_total", .where = {{"code", "none"}}}), IsEmpty());
}

TEST_F(MetricHistoryTest, KeepsSoManySeriesAndSaysHowManyItLeavesOff) {
  MetricHistory small({.samples = 4, .series = 1});
  for (const char* name : {"a", "b", "c"}) registry.gauge({.name = name}).set(1);
  for (int i = 0; i < 2; ++i) small.add(clock.now_monotonic(), registry.read());
  EXPECT_THAT(small.families(), SizeIs(1));
  EXPECT_EQ(small.left_off(), 2u);
}

TEST_F(MetricHistoryTest, LetsGoOfASeriesThatIsGoneAndGoesOnWithOneThatItLeftOff) {
  MetricHistory small({.samples = 4, .series = 1});
  MetricRegistry gone;
  gone.counter({.name = "a"}).add(1);
  registry.counter({.name = "b"}).add(100);
  const auto look = [&](const MetricRegistry& at) {
    clock.advance(1s);
    small.add(clock.now_monotonic(), at.read());
  };
  look(gone);
  for (int i = 0; i < 3; ++i) look(registry);
  EXPECT_EQ(small.families().front().name, "a_total") << "it has a value in the first of the samples that are kept";
  EXPECT_EQ(small.left_off(), 1u);
  for (int i = 0; i < 3; ++i) look(registry);
  EXPECT_EQ(small.left_off(), 0u);
  EXPECT_THAT(small.families(), SizeIs(1));
  EXPECT_EQ(small.families().front().name, "b_total");
  const auto numbers = small.query({.name = "b_total"});
  ASSERT_TRUE(numbers) << numbers.error().to_string();
  EXPECT_THAT(numbers->lines.front().values, ElementsAre(IsNan(), IsNan(), 100, 100));
  EXPECT_THAT(small.query({.name = "b_total", .function = MetricFunction::rate})->lines.front().values, ElementsAre(IsNan(), IsNan(), IsNan(), 0))
      << "it has not counted to 100 within one step";
}

TEST_F(MetricHistoryTest, LeavesOffLinesOverFifty) {
  for (int i = 0; i < 60; ++i) registry.gauge({.name = "open", .labels = {{"peer", std::to_string(i)}}}).set(1);
  pass();
  const auto all = history.query({.name = "open"});
  ASSERT_TRUE(all);
  EXPECT_THAT(all->lines, SizeIs(50));
  EXPECT_EQ(all->left_off, 10u);
}

TEST_F(MetricHistoryTest, RefusesUnknownNamesAndPercentilesOfNumbers) {
  registry.gauge({.name = "open"}).set(1);
  pass();
  EXPECT_EQ(history.query({.name = "shut"}).error().code(), Code::not_found);
  EXPECT_EQ(history.query({.name = "open", .function = MetricFunction::p99}).error().code(), Code::invalid_argument);
}

}  // namespace
}  // namespace sofa::admin
