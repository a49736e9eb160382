#include "sofa/cluster/selector.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace sofa::cluster {
namespace {

using namespace std::chrono_literals;

Provider at(std::string_view host, int weight = 100) { return {.address = io::Address::of(host, 12200), .weight = weight}; }

ProviderList list_of(std::vector<Provider> providers) { return std::make_shared<const std::vector<Provider>>(std::move(providers)); }

/// A selector, the providers that have no connection, and a clock.
struct Choice {
  std::unique_ptr<Selector> selector;
  std::set<std::string> dead;
  ManualClock clock;
  std::vector<io::Address> tried;
  std::string_view tag;

  explicit Choice(SelectorOptions options) : selector(Selector::make(std::move(options), Random(7)).value()) {}
  std::string next(const ProviderList& list, std::string_view argument = "") {
    const auto is_live = [](void* self, const Provider& provider) { return !static_cast<Choice*>(self)->dead.contains(provider.address.host()); };
    const RouteKey key{.pick = {.method = "get", .first_argument = argument}, .tag = tag};
    const Provider* chosen = selector->select({.list = list, .key = key, .tried = tried, .is_live = is_live, .context = this}, clock);
    return chosen == nullptr ? "nobody" : chosen->address.host();
  }
  std::map<std::string, int> many(const ProviderList& list, int n) {
    std::map<std::string, int> counts;
    for (int i = 0; i < n; ++i) ++counts[next(list)];
    return counts;
  }
};

TEST(Selector, TakesLiveOnesThatWereNotTriedThenOthersThenAny) {
  Choice choice({.balancer = "roundRobin"});
  const auto list = list_of({at("a"), at("b"), at("c")});
  choice.dead = {"b"};
  choice.tried = {io::Address::of("a", 12200)};
  for (int i = 0; i < 6; ++i) EXPECT_EQ(choice.next(list), "c");
  choice.tried = {io::Address::of("a", 12200), io::Address::of("c", 12200)};
  EXPECT_EQ(choice.next(list), "b");
  choice.tried.push_back(io::Address::of("b", 12200));
  EXPECT_NE(choice.next(list), "b");
}

TEST(Selector, AConsistentHashKeepsTheKeysOfTheLiveWhenOneIsDead) {
  for (const std::string_view name : {"consistentHash", "weightConsistentHash"}) {
    Choice choice({.balancer = std::string(name)});
    const auto all = list_of({at("10.0.0.1"), at("10.0.0.2"), at("10.0.0.3")});
    const auto without = list_of({at("10.0.0.1"), at("10.0.0.3")});
    Choice smaller({.balancer = std::string(name)});
    choice.dead = {"10.0.0.2"};
    for (int i = 0; i < 200; ++i) EXPECT_EQ(choice.next(all, std::to_string(i)), smaller.next(without, std::to_string(i))) << name << " " << i;
  }
}

TEST(Selector, StickyStaysWhileItsProviderIsThereAndConnected) {
  Choice choice({.balancer = "roundRobin", .sticky = true});
  const auto list = list_of({at("a"), at("b"), at("c")});
  const std::string first = choice.next(list);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(choice.next(list), first);
  choice.dead = {first};
  const std::string second = choice.next(list);
  EXPECT_NE(second, first);
  choice.dead.clear();
  EXPECT_EQ(choice.next(list), second);
  EXPECT_EQ(choice.next(list_of({at("x"), at(first)})).empty(), false);
}

TEST(Selector, WeightsFollowTheEndOfAWarmUp) {
  Choice choice({});
  Provider cold = at("cold");
  cold.warm_up = {.start = choice.clock.now_wall(), .length = 10s, .weight = 0};
  const auto list = list_of({cold, at("warm")});
  EXPECT_EQ(choice.many(list, 100)["cold"], 0);
  choice.clock.advance(11s);
  EXPECT_GT(choice.many(list, 100)["cold"], 20);
}

TEST(Selector, AProviderThatFailsFarMoreOftenLosesItsTrafficAndAFreshListForgetsIt) {
  FaultToleranceOptions aft{.regulation_effective = true, .degrade_effective = true, .time_window = 1, .least_window_exception_rate_multiple = 2};
  Choice choice({.fault_tolerance = aft});
  std::vector<Provider> providers = {at("a"), at("b"), at("c"), at("d")};
  const auto list = list_of(providers);
  EXPECT_GT(choice.many(list, 400)["b"], 50);
  for (const Provider& provider : *list) {
    for (int i = 0; i < 100; ++i) {
      choice.selector->began(provider);
      choice.selector->ended(provider, 1ms, provider.address.host() == "b" ? Outcome::overloaded : Outcome::answered, choice.clock.now_monotonic());
    }
  }
  EXPECT_TRUE(choice.selector->ticks());
  EXPECT_EQ(choice.selector->tick(choice.clock).measures.size(), 4u);
  EXPECT_LT(choice.many(list, 400)["b"], 30);
  EXPECT_EQ(choice.selector->weight_of(at("b"), choice.clock.now_wall()), 5);
  choice.next(list_of({at("a"), at("c")}));
  EXPECT_EQ(choice.selector->weight_of(at("b"), choice.clock.now_wall()), 100);
}

TEST(Selector, CallsThatEndAfterTheirProviderIsGoneDegradeNobody) {
  FaultToleranceOptions aft{.regulation_effective = true, .degrade_effective = true, .time_window = 1, .least_window_exception_rate_multiple = 2};
  aft.degrade_max_ip_count = 1;
  Choice choice({.fault_tolerance = aft});
  const auto all_end = [&choice](std::string_view host, Outcome outcome) {
    for (int i = 0; i < 100; ++i) choice.selector->ended(at(host), 1ms, outcome, choice.clock.now_monotonic());
  };
  all_end("target", Outcome::overloaded);
  EXPECT_TRUE(choice.selector->tick(choice.clock).measures.empty()) << "one that no list has named";
  choice.next(list_of({at("a"), at("b"), at("gone")}));
  choice.next(list_of({at("a"), at("b")}));
  all_end("a", Outcome::answered);
  all_end("b", Outcome::answered);
  all_end("gone", Outcome::overloaded);
  EXPECT_EQ(choice.selector->tick(choice.clock).measures.size(), 2u);
  EXPECT_EQ(choice.selector->weight_of(at("gone"), choice.clock.now_wall()), 100);
  choice.next(list_of({at("last")}));
  all_end("a", Outcome::overloaded);
  all_end("last", Outcome::answered);
  EXPECT_EQ(choice.selector->tick(choice.clock).measures.size(), 1u) << "a list of one is known, too";
}

TEST(Selector, RoutersComeFirst) {
  Choice choice({.balancer = "roundRobin", .routers = {std::make_shared<TagRouter>(true)}, .sticky = true});
  const auto list = list_of(parse_provider_list("a:1?tag=blue,b:1,c:1?tag=blue").value());
  EXPECT_EQ(choice.next(list), "b");
  choice.tag = "blue";
  EXPECT_NE(choice.next(list), "b") << "the one that it stuck to is not admitted";
  choice.tag = "red";
  EXPECT_EQ(choice.next(list), "nobody");
  EXPECT_EQ(choice.next(list_of({at("a")})), "nobody") << "also of a list of one";
}

TEST(Selector, WhoeverIsEjectedGetsNothingForAWhile) {
  Choice choice({.balancer = "roundRobin", .outliers = {.consecutive_failures = 2, .first_ejection = 10s}});
  const auto list = list_of({at("a"), at("b"), at("c")});
  EXPECT_GT(choice.many(list, 6)["b"], 0);
  for (int i = 0; i < 2; ++i) choice.selector->ended(at("b"), 1ms, Outcome::failed, choice.clock.now_monotonic());
  EXPECT_EQ(choice.many(list, 6)["b"], 0);
  EXPECT_EQ(choice.selector->tick(choice.clock).ejections.size(), 1u);
  choice.clock.advance(10s);
  EXPECT_EQ(choice.many(list, 6)["b"], 2);
}

TEST(Provider, IsReadFromItsUrl) {
  const auto read = parse_provider(
      "bolt://[::1]:12200/"
      "com.acme.Service?weight=50&timeout=800&serialization=json&warmupTime=60000&warmupWeight=5&startTime=1600000000000&tag=blue");
  ASSERT_TRUE(read) << read.error().to_string();
  EXPECT_EQ(read->address, io::Address::of("::1", 12200));
  EXPECT_EQ(read->weight, 50);
  EXPECT_EQ(read->timeout, 800ms);
  EXPECT_EQ(read->serialization, "json");
  EXPECT_EQ(read->attribute("tag"), "blue");
  EXPECT_EQ(read->attribute("none"), "");
  const WallTime end(std::chrono::milliseconds(1'600'000'060'000));
  EXPECT_EQ(read->weight_at(end), 5);
  EXPECT_EQ(read->weight_at(end + 1ms), 50);
}

TEST(Provider, AWrongUrlIsRefusedWithThePartThatIsWrong) {
  const std::pair<const char*, const char*> wrong[] = {{"bolt://nowhere", "nowhere"},
                                                       {"bolt://a:1?weight=-1", "weight '-1'"},
                                                       {"bolt://a:1?timeout=soon", "timeout 'soon'"},
                                                       {"bolt://a:1?warmupShape=wave", "warmupShape 'wave'"}};
  for (const auto& [url, part] : wrong) {
    const auto read = parse_provider(url);
    ASSERT_FALSE(read) << url;
    EXPECT_NE(read.error().to_string().find(part), std::string::npos) << read.error().to_string();
  }
  EXPECT_EQ(parse_provider_list("a:1; b:2 ,c:3,")->size(), 3u);
  EXPECT_FALSE(parse_provider_list(" , "));
}

}  // namespace
}  // namespace sofa::cluster
