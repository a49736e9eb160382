#include "sofa/io/timer.h"

#include <deque>
#include <map>

#include "fixture.h"

namespace sofa::io {
namespace {

constexpr Instant kStart{seconds(5)};

struct Counted {
  int fired = 0;
  TimerNode node{[](void* self) { ++static_cast<Counted*>(self)->fired; }, this};
};

TEST(TimerWheel, FiresAtTheDeadlineNeverBefore) {
  TimerWheel wheel(kStart);
  Counted timer;
  wheel.schedule(timer.node, kStart + std::chrono::microseconds(2450));
  EXPECT_EQ(wheel.advance(kStart + milliseconds(2)), 0U);
  EXPECT_EQ(wheel.advance(kStart + std::chrono::microseconds(2499)), 0U);
  EXPECT_EQ(wheel.advance(kStart + std::chrono::microseconds(2500)), 1U);
  EXPECT_EQ(timer.fired, 1);
  EXPECT_FALSE(timer.node.pending());
}

TEST(TimerWheel, ReschedulingMovesAndDestroyingCancels) {
  TimerWheel wheel(kStart);
  Counted timer;
  wheel.schedule(timer.node, kStart + milliseconds(1));
  wheel.schedule(timer.node, kStart + seconds(100));
  {
    Counted other;
    wheel.schedule(other.node, kStart + milliseconds(1));
    EXPECT_EQ(wheel.size(), 2U);
  }
  EXPECT_EQ(wheel.size(), 1U);
  EXPECT_EQ(wheel.advance(kStart + seconds(99)), 0U);
  EXPECT_EQ(wheel.advance(kStart + seconds(100)), 1U);
}

TEST(TimerWheel, TakesTheFarthestInstant) {
  TimerWheel wheel(kStart);
  Counted timer;
  wheel.schedule(timer.node, Instant::max());
  EXPECT_EQ(wheel.advance(kStart + std::chrono::hours(24 * 365 * 100)), 0U);
  EXPECT_TRUE(timer.node.pending());
}

TEST(TimerWheel, ACallbackMayCancelAndScheduleOthers) {
  TimerWheel wheel(kStart);
  Counted victim;
  struct Killer {
    TimerWheel& wheel;
    TimerNode& target;
    Counted next{};
    TimerNode node{[](void* self) {
                     auto& killer = *static_cast<Killer*>(self);
                     killer.target.cancel();
                     killer.wheel.schedule(killer.next.node, kStart);
                   },
                   this};
  } killer{wheel, victim.node};
  wheel.schedule(killer.node, kStart + milliseconds(1));
  wheel.schedule(victim.node, kStart + milliseconds(1));
  wheel.advance(kStart + milliseconds(1));
  EXPECT_EQ(victim.fired, 0);
  wheel.advance(kStart + milliseconds(2));
  EXPECT_EQ(killer.next.fired, 1);
  EXPECT_EQ(wheel.size(), 0U);
}

/// The wheel against a sorted map: the same timers fire at the same advance, whatever is scheduled, moved and cancelled.
Instant tick_at_or_after(Instant when) { return kStart + (when - kStart + TimerWheel::kTick - Duration(1)) / TimerWheel::kTick * TimerWheel::kTick; }

class WheelProperty : public testing::TestWithParam<uint64_t> {};

TEST_P(WheelProperty, EqualsASortedMap) {
  SCOPED_TRACE(fmt::format("seed {}", GetParam()));
  Random random(GetParam());
  TimerWheel wheel(kStart);
  std::deque<Counted> timers(200);
  std::map<size_t, Instant> model;
  Instant now = kStart;
  for (int step = 0; step < 20'000; ++step) {
    const size_t i = random.uniform(timers.size());
    switch (random.uniform(4)) {
      case 0:
      case 1: {
        const Instant when = now + Duration(random.uniform(uint64_t{1} << random.uniform(1, 46)));
        wheel.schedule(timers[i].node, when);
        model[i] = tick_at_or_after(when);
        break;
      }
      case 2:
        timers[i].node.cancel();
        model.erase(i);
        break;
      case 3:
        now += Duration(random.uniform(uint64_t{1} << random.uniform(1, 42)));
        break;
    }
    const auto next = wheel.next();
    ASSERT_EQ(next.has_value(), !model.empty());
    for (const auto& [index, when] : model) ASSERT_LE(*next, std::max(when, tick_at_or_after(now + Duration(1))));
    size_t expected = 0;
    // What was due when it was scheduled fires with the next tick.
    std::vector<int> before;
    for (const Counted& timer : timers) before.push_back(timer.fired);
    const size_t fired = wheel.advance(now);
    for (size_t t = 0; t < timers.size(); ++t) {
      if (timers[t].fired == before[t]) continue;
      ++expected;
      ASSERT_TRUE(model.contains(t) && model[t] <= now) << "timer " << t << " fired early, step " << step;
      model.erase(t);
    }
    ASSERT_EQ(fired, expected);
    for (const auto& [index, when] : model) ASSERT_GT(when + TimerWheel::kTick, now) << "timer " << index << " is late, step " << step;
    ASSERT_EQ(wheel.size(), model.size());
  }
}
INSTANTIATE_TEST_SUITE_P(Seeds, WheelProperty, testing::Values(1, 2, 3, 4, system_seed()),
                         [](const auto& info) { return std::to_string(info.index); });

TEST(TimerWheel, HoldsAMillionTimers) {
  constexpr size_t kMany = 1'000'000;
  Random random(11);
  TimerWheel wheel(kStart);
  std::deque<Counted> timers(kMany);
  for (Counted& timer : timers) wheel.schedule(timer.node, kStart + Duration(random.uniform(uint64_t{3600} * 1'000'000'000)));
  EXPECT_EQ(wheel.size(), kMany);
  size_t fired = 0;
  for (int minute = 1; minute <= 61; ++minute) fired += wheel.advance(kStart + std::chrono::minutes(minute));
  EXPECT_EQ(fired, kMany);
  EXPECT_EQ(wheel.size(), 0U);
}

TEST(Sleep, AMillionSleepersOfOneShardAreAllWoken) {
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  constexpr int kMany = 100'000;
#else
  constexpr int kMany = 1'000'000;
#endif
  ManualClock clock;
  Runtime runtime({.shards = 1, .hold_limit = Duration::zero(), .clock = &clock});
  auto result = runtime.block_on([](ManualClock& time, int many) -> Task<Result<void>> {
    TaskGroup group(co_await current_scope());
    int woken = 0;
    for (int i = 0; i < many; ++i) {
      group.spawn("sleeper", [](int& count, int seconds_ahead) -> Task<void> {
        if (co_await sleep_for(seconds(seconds_ahead))) ++count;
      }(woken, 1 + i % 3600));
    }
    while (Shard::current().pending_timers() < static_cast<size_t>(many)) co_await yield();
    time.advance(std::chrono::hours(2));
    co_await or_return(co_await group.join());
    EXPECT_EQ(woken, many);
    co_return kOk;
  }(clock, kMany));
  EXPECT_TRUE(result);
}

TEST(Sleep, FollowsTheClockItWasGiven) {
  ManualClock clock;
  Runtime runtime({.shards = 1, .clock = &clock});
  auto result = runtime.block_on([](ManualClock& time) -> Task<Result<void>> {
    TaskGroup group(co_await current_scope());
    bool woken = false;
    group.spawn("sleeper", [](bool& done) -> Task<void> { done = (co_await sleep_for(std::chrono::hours(10))).has_value(); }(woken));
    for (int i = 0; i < 100; ++i) co_await yield();
    EXPECT_FALSE(woken);
    time.advance(std::chrono::hours(10));
    co_await or_return(co_await group.join());
    EXPECT_TRUE(woken);
    co_return kOk;
  }(clock));
  EXPECT_TRUE(result);
}

}  // namespace
}  // namespace sofa::io
