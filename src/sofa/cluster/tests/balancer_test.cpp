#include "sofa/cluster/balancer.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace sofa::cluster {
namespace {

Provider at(std::string_view host, uint16_t port, int weight = 100) { return {.address = io::Address::of(host, port), .weight = weight}; }

struct List {
  std::vector<Provider> providers;
  std::vector<int> weights;
  uint64_t version = 1;
  explicit List(std::vector<Provider> list) : providers(std::move(list)) {
    for (const Provider& provider : providers) weights.push_back(provider.weight);
  }
  operator Candidates() const { return {providers, weights, version}; }
};

std::unique_ptr<Balancer> balancer(std::string_view name, BalancerOptions options = {}) {
  const uint64_t seed = system_seed();
  fmt::print("{}: seed {}\n", name, seed);
  auto made = make_balancer(name, Random(seed), std::move(options));
  EXPECT_TRUE(made.has_value());
  return std::move(*made);
}

std::map<size_t, int> picks(Balancer& balancer, const List& list, int n) {
  std::map<size_t, int> counts;
  for (int i = 0; i < n; ++i) ++counts[balancer.pick(list, {.method = "get"})];
  return counts;
}

TEST(Balancer, AnUnknownNameIsRefusedWithTheNamesThereAre) {
  const auto made = make_balancer("fastest", Random(1));
  ASSERT_FALSE(made.has_value());
  EXPECT_NE(made.error().message().find("'fastest'"), std::string_view::npos);
  EXPECT_NE(made.error().message().find("weightConsistentHash"), std::string_view::npos);
}

TEST(Balancer, ASingleProviderIsTakenWithoutACount) {
  const auto robin = balancer("roundRobin");
  const List one({at("a", 1)});
  const List two({at("a", 1), at("b", 1)});
  EXPECT_EQ(robin->pick(one, {}), 0u);
  EXPECT_EQ(robin->pick(two, {}), 0u);
  EXPECT_EQ(robin->pick(two, {}), 1u);
}

TEST(Balancer, RandomFollowsTheWeightsAndIsUniformWhenNobodyHasAny) {
  const auto random = balancer("random");
  auto counts = picks(*random, List({at("a", 1, 1), at("b", 1, 0), at("c", 1, 3)}), 20'000);
  EXPECT_EQ(counts[1], 0);
  EXPECT_NEAR(counts[2], 15'000, 600);  // 6 standard deviations are 367
  counts = picks(*random, List({at("a", 1, 0), at("b", 1, 0)}), 20'000);
  EXPECT_NEAR(counts[0], 10'000, 600);
}

TEST(Balancer, LocalPreferenceKeepsToTheOwnHostWhileItHasProviders) {
  const auto local = balancer("localPref", {.own_hosts = {"10.0.0.9", "10.0.0.2"}});
  auto counts = picks(*local, List({at("10.0.0.1", 1), at("10.0.0.2", 1), at("10.0.0.2", 2)}), 1000);
  EXPECT_EQ(counts[0], 0);
  EXPECT_GT(counts[1], 300);
  EXPECT_GT(counts[2], 300);
  EXPECT_EQ(picks(*local, List({at("10.0.0.1", 1), at("10.0.0.3", 1)}), 1000).size(), 2u);
}

TEST(Balancer, RoundRobinCountsEachMethodAndBoundsTheirNumber) {
  const auto robin = balancer("roundRobin", {.max_methods = 2});
  const List list({at("a", 1), at("b", 1), at("c", 1)});
  EXPECT_EQ(robin->pick(list, {.method = "x"}), 0u);
  EXPECT_EQ(robin->pick(list, {.method = "y"}), 0u);
  EXPECT_EQ(robin->pick(list, {.method = "x"}), 1u);
  EXPECT_EQ(robin->pick(list, {.method = "z"}), 0u);
  EXPECT_EQ(robin->pick(list, {.method = "w"}), 1u);  // shares z's counter
  EXPECT_EQ(robin->pick(list, {.method = "x"}), 2u);
}

TEST(Balancer, WeightRoundRobinInterleaves) {
  const auto robin = balancer("weightRoundRobin");
  const List list({at("a", 1, 1), at("b", 1, 2), at("c", 1, 3), at("d", 1, 4)});
  std::string order;
  for (int i = 0; i < 12; ++i) order += static_cast<char>('1' + robin->pick(list, {.method = "m"}));
  EXPECT_EQ(order, "123423434412");
}

TEST(Balancer, ConsistentHashIsStableAndMovesFewKeysWhenOneGoes) {
  for (const std::string_view name : {"consistentHash", "weightConsistentHash"}) {
    const auto hash = balancer(name);
    List list({at("10.0.0.1", 12200), at("10.0.0.2", 12200), at("10.0.0.3", 12200), at("10.0.0.4", 12200)});
    std::vector<size_t> before;
    std::set<size_t> used;
    for (int i = 0; i < 1000; ++i) before.push_back(hash->pick(list, {.first_argument = "key" + std::to_string(i)}));
    for (const size_t i : before) used.insert(i);
    EXPECT_EQ(used.size(), 4u) << name;
    list.providers.pop_back();
    list.weights.pop_back();
    ++list.version;
    for (int i = 0; i < 1000; ++i) {
      const size_t now = hash->pick(list, {.first_argument = "key" + std::to_string(i)});
      if (before[i] != 3) EXPECT_EQ(now, before[i]) << name;
    }
  }
}

TEST(Balancer, WeightConsistentHashGivesNothingToAWeightOfZero) {
  const auto hash = balancer("weightConsistentHash");
  const List list({at("10.0.0.1", 1, 0), at("10.0.0.2", 1, 8)});
  for (int i = 0; i < 100; ++i) EXPECT_EQ(hash->pick(list, {.first_argument = std::to_string(i)}), 1u);
  const List none({at("10.0.0.1", 1, 0), at("10.0.0.2", 1, 0)});
  EXPECT_LT(hash->pick(none, {.first_argument = "x"}), 2u);
}

TEST(Balancer, LeastRequestPrefersTheFasterAndTheLessLoaded) {
  const auto least = balancer("leastRequest");
  const List list({at("a", 1), at("b", 1)});
  const Instant start{std::chrono::seconds(100)};
  for (int i = 0; i < 10; ++i) {
    least->began(list.providers[0]);
    least->ended(list.providers[0], std::chrono::milliseconds(1), true, start);
    least->began(list.providers[1]);
    least->ended(list.providers[1], std::chrono::milliseconds(20), true, start);
  }
  EXPECT_EQ(picks(*least, list, 100)[0], 100);
  for (int i = 0; i < 40; ++i) least->began(list.providers[0]);
  EXPECT_EQ(picks(*least, list, 100)[1], 100);
}

TEST(Balancer, LeastRequestDoesNotTakeQuickFailuresForSpeed) {
  const auto least = balancer("leastRequest");
  const List list({at("a", 1), at("b", 1)});
  const Instant start{std::chrono::seconds(100)};
  least->began(list.providers[0]);
  least->ended(list.providers[0], std::chrono::milliseconds(2), false, start);
  least->began(list.providers[1]);
  least->ended(list.providers[1], std::chrono::milliseconds(5), true, start);
  EXPECT_EQ(picks(*least, list, 100)[1], 100);
}

TEST(WarmUp, StepsAsTheOriginalOrRises) {
  Provider provider = at("a", 1, 100);
  const WallTime start(std::chrono::seconds(1000));
  provider.warm_up = {.start = start, .length = std::chrono::seconds(10), .weight = 10};
  EXPECT_EQ(provider.weight_at(start + std::chrono::seconds(10)), 10);
  EXPECT_EQ(provider.weight_at(start + std::chrono::milliseconds(10'001)), 100);
  provider.warm_up.shape = WarmUp::Shape::ramp;
  EXPECT_EQ(provider.weight_at(start), 10);
  EXPECT_EQ(provider.weight_at(start + std::chrono::seconds(5)), 55);
  EXPECT_EQ(provider.weight_at(start - std::chrono::seconds(5)), 10);
}

}  // namespace
}  // namespace sofa::cluster
