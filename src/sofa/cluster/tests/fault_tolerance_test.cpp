#include "sofa/cluster/fault_tolerance.h"

#include <gtest/gtest.h>

namespace sofa::cluster {
namespace {

const WallTime kNow(std::chrono::seconds(1'600'000'000));

Provider at(std::string_view host, int weight = 100) { return {.address = io::Address::of(host, 12200), .weight = weight}; }

FaultToleranceOptions effective() {
  FaultToleranceOptions options;
  options.regulation_effective = options.degrade_effective = true;
  options.time_window = 1;
  return options;
}

void record(FaultTolerance& aft, const Provider& provider, int calls, int errors) {
  for (int i = 0; i < calls; ++i) aft.record(provider, i < errors);
}

TEST(FaultTolerance, RoundsAsTheOriginal) {
  EXPECT_EQ(detail::divide_to_cents(int64_t{1}, int64_t{8}), 0.13);
  EXPECT_EQ(detail::divide_to_cents(int64_t{4}, int64_t{1000}), 0);
  EXPECT_EQ(detail::divide_to_cents(0.5, 0.09), 5.56);
  EXPECT_EQ(detail::multiply_as_original(100, 0.05), 5);
  EXPECT_EQ(detail::multiply_as_original(9, 0.555), 5);  // 4.995 with two digits is 5.0
  EXPECT_EQ(detail::multiply_as_original(7, 0.05), 0);
  EXPECT_EQ(detail::multiply_as_original(5, 2), 10);
  EXPECT_EQ(detail::multiply_as_original(0, 2), 0);
}

TEST(FaultTolerance, DegradesTheOneThatFailsFarMoreOftenAndGivesItBackStepByStep) {
  FaultTolerance aft(effective());
  const std::vector<Provider> providers = {at("a"), at("b"), at("c"), at("d"), at("e"), at("f"), at("g"), at("h")};
  for (const Provider& provider : providers) record(aft, provider, 100, provider.address.host() == "c" ? 80 : 0);
  const auto measures = aft.tick(kNow);
  ASSERT_EQ(measures.size(), 8u);
  EXPECT_EQ(measures[2].state, Measure::State::abnormal);
  EXPECT_EQ(measures[2].average, 0.10);
  EXPECT_EQ(aft.weight_of(providers[2], kNow), 5);
  EXPECT_EQ(aft.weight_of(providers[1], kNow), 100);
  for (const int expected : {10, 20, 40, 80, 100}) {
    const uint64_t version = aft.version();
    record(aft, providers[2], 100, 0);
    aft.tick(kNow);
    EXPECT_EQ(aft.weight_of(providers[2], kNow), expected);
    EXPECT_NE(aft.version(), version);
  }
  EXPECT_FALSE(aft.is_degraded(providers[2]));
}

TEST(FaultTolerance, DegradesAtMostSoManyHosts) {
  FaultTolerance aft(effective());
  for (int i = 0; i < 30; ++i) record(aft, at("h" + std::to_string(i)), 100, i < 3 ? 90 : 0);
  const auto measures = aft.tick(kNow);
  EXPECT_FALSE(measures[1].at_limit);
  EXPECT_TRUE(measures[2].at_limit);
  EXPECT_EQ(aft.weight_of(at("h1"), kNow), 5);
  EXPECT_EQ(aft.weight_of(at("h2"), kNow), 100);
}

TEST(FaultTolerance, IsOffUnlessAskedForAndOnlyReportsUnlessEffective) {
  FaultTolerance off;
  record(off, at("a"), 100, 100);
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(off.tick(kNow).empty());
  FaultToleranceOptions options = effective();
  options.degrade_effective = false;
  FaultTolerance reports(options);
  for (int i = 0; i < 10; ++i) record(reports, at("h" + std::to_string(i)), 100, i == 0 ? 90 : 0);
  EXPECT_EQ(reports.tick(kNow)[0].state, Measure::State::abnormal);
  EXPECT_EQ(reports.weight_of(at("h0"), kNow), 100);
}

TEST(FaultTolerance, IgnoresWindowsWithFewCallsAndForgetsTheIdle) {
  FaultTolerance aft(effective());
  record(aft, at("a"), 9, 9);
  record(aft, at("b"), 100, 0);
  const auto measures = aft.tick(kNow);
  EXPECT_EQ(measures[0].state, Measure::State::ignored);
  EXPECT_EQ(measures[1].state, Measure::State::healthy);
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(aft.tick(kNow).empty());
}

TEST(FaultTolerance, LeavesThoseAloneThatWarmUp) {
  FaultTolerance aft(effective());
  Provider cold = at("cold");
  cold.warm_up = {.start = kNow, .length = std::chrono::minutes(1), .weight = 50};
  for (int i = 0; i < 10; ++i) record(aft, at("h" + std::to_string(i)), 100, 0);
  record(aft, cold, 100, 100);
  aft.tick(kNow);
  EXPECT_EQ(aft.weight_of(cold, kNow), 50);
  EXPECT_FALSE(aft.is_degraded(cold));
}

}  // namespace
}  // namespace sofa::cluster
