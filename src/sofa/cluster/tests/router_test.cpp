#include "sofa/cluster/router.h"

#include <gtest/gtest.h>

#include "sofa/cluster/outlier.h"

namespace sofa::cluster {
namespace {

using namespace std::chrono_literals;
using Indexes = std::vector<uint32_t>;

std::vector<Provider> providers(std::initializer_list<const char*> urls) {
  std::vector<Provider> list;
  for (const char* url : urls) list.push_back(parse_provider(url).value());
  return list;
}

Indexes routed(const Router& router, const std::vector<Provider>& list, RouteKey key) {
  Indexes among;
  for (uint32_t i = 0; i < list.size(); ++i) among.push_back(i);
  router.route(key, list, among);
  return among;
}

TEST(Router, ATagGoesToThoseThatHaveItElseToThoseWithout) {
  const auto list = providers({"a:1?tag=blue", "b:1", "c:1?tag=green", "d:1"});
  EXPECT_EQ(routed(TagRouter(), list, {.tag = "blue"}), (Indexes{0}));
  EXPECT_EQ(routed(TagRouter(), list, {.tag = "red"}), (Indexes{1, 3}));
  EXPECT_EQ(routed(TagRouter(), list, {}), (Indexes{1, 3}));
  EXPECT_EQ(routed(TagRouter(true), list, {.tag = "red"}), Indexes());
  EXPECT_EQ(routed(TagRouter(), providers({"a:1?tag=blue", "b:1?tag=red"}), {}), (Indexes{0, 1}));
}

TEST(Router, AMethodMayHaveProvidersOfItsOwn) {
  const auto list = providers({"a:1?pool=slow", "b:1", "c:1?pool=fast"});
  const MethodRouter router({{"report", "pool", "slow"}, {"get*", "pool", "fast"}});
  EXPECT_EQ(routed(router, list, {.pick = {.method = "report"}}), (Indexes{0}));
  EXPECT_EQ(routed(router, list, {.pick = {.method = "getUser"}}), (Indexes{2}));
  EXPECT_EQ(routed(router, list, {.pick = {.method = "reportAll"}}), (Indexes{0, 1, 2}));
}

const Instant kStart{std::chrono::seconds(100)};
io::Address host(int i) { return io::Address::of(fmt::format("10.0.0.{}", i), 12200); }

TEST(Outlier, FailuresInARowEjectForAWhileThatGrows) {
  OutlierEjection outliers({.consecutive_failures = 3, .first_ejection = 10s, .most_ejection = 15s});
  const auto fail = [&](Instant now) { outliers.record(host(1), false, 1ms, now, 4); };
  fail(kStart);
  fail(kStart);
  outliers.record(host(1), true, 1ms, kStart, 4);
  fail(kStart);
  fail(kStart);
  EXPECT_FALSE(outliers.any(kStart)) << "an answer in between begins the count anew";
  fail(kStart);
  EXPECT_TRUE(outliers.is_ejected(host(1), kStart + 9s));
  EXPECT_FALSE(outliers.is_ejected(host(1), kStart + 10s));
  ASSERT_EQ(outliers.tick(kStart, 4).size(), 1u);
  for (int i = 0; i < 3; ++i) fail(kStart + 11s);
  EXPECT_TRUE(outliers.is_ejected(host(1), kStart + 25s)) << "the second time is longer, up to the bound";
  EXPECT_FALSE(outliers.is_ejected(host(1), kStart + 26s));
}

TEST(Outlier, AtMostAShareIsEjected) {
  OutlierEjection outliers({.consecutive_failures = 1, .most_ejected = 0.5});
  for (int i = 1; i <= 4; ++i) outliers.record(host(i), false, 1ms, kStart, 4);
  int ejected = 0;
  for (int i = 1; i <= 4; ++i) ejected += outliers.is_ejected(host(i), kStart) ? 1 : 0;
  EXPECT_EQ(ejected, 2);
}

TEST(Outlier, OneThatIsManyTimesSlowerThanTheMedianIsEjected) {
  OutlierEjection outliers({.latency_multiple = 5, .least_calls = 10});
  for (int i = 1; i <= 4; ++i) {
    for (int n = 0; n < 10; ++n) outliers.record(host(i), true, i == 3 ? 60ms : 10ms, kStart, 4);
  }
  const auto ejections = outliers.tick(kStart, 4);
  ASSERT_EQ(ejections.size(), 1u);
  EXPECT_EQ(ejections[0].address, host(3));
  EXPECT_EQ(ejections[0].why, "it takes 60.0 ms, the median is 10.0 ms");
  EXPECT_TRUE(outliers.tick(kStart + 1s, 4).empty()) << "each second is looked at by itself";
}

}  // namespace
}  // namespace sofa::cluster
