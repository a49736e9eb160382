#include "sofa/base/clock.h"

#include <gtest/gtest.h>

#include <thread>

namespace sofa {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(ManualClock, StandsStillUntilItIsMovedAndMovesBothTimes) {
  ManualClock clock;
  const Instant start = clock.now_monotonic();
  const WallTime wall = clock.now_wall();
  EXPECT_EQ(start, Instant(seconds(1)));
  EXPECT_EQ(wall, WallTime(std::chrono::sys_days(std::chrono::year(2020) / 1 / 1)));
  EXPECT_EQ(clock.now_monotonic(), start);
  clock.advance(milliseconds(1500));
  EXPECT_EQ(clock.now_monotonic() - start, milliseconds(1500));
  EXPECT_EQ(clock.now_wall() - wall, milliseconds(1500));
}

TEST(ManualClock, BeginsAtTheWallTimeItIsGiven) {
  const WallTime wall(hours(1'000'000));
  ManualClock clock(wall);
  EXPECT_EQ(clock.now_wall(), wall);
}

TEST(ManualClock, AsksItsWaitersToLookAgainSoon) {
  ManualClock clock;
  const Instant at = clock.now_monotonic() + hours(24);
  EXPECT_GT(clock.sleep_hint(at), Duration::zero());
  EXPECT_LE(clock.sleep_hint(at), milliseconds(10));  // somebody else moves it: real time says nothing
  clock.advance(hours(24));
  EXPECT_EQ(clock.sleep_hint(at), Duration::zero());
}

TEST(ManualClock, IsMovedByAnyThreadWithoutLosingAStep) {
  ManualClock clock;
  const Instant start = clock.now_monotonic();
  std::vector<std::jthread> movers;
  for (int i = 0; i < 4; ++i) {
    movers.emplace_back([&clock] {
      for (int step = 0; step < 1000; ++step) clock.advance(Duration(1));
    });
  }
  movers.clear();
  EXPECT_EQ(clock.now_monotonic() - start, Duration(4000));
}

TEST(SystemClock, NeverGoesBackAndTellsTheMachinesTime) {
  const SystemClock& clock = SystemClock::instance();
  Instant last = clock.now_monotonic();
  for (int i = 0; i < 1000; ++i) {
    const Instant now = clock.now_monotonic();
    ASSERT_GE(now, last);
    last = now;
  }
  const auto before = std::chrono::system_clock::now();
  const WallTime wall = clock.now_wall();
  EXPECT_GE(wall, before);
  EXPECT_LE(wall - before, seconds(60));
}

TEST(SystemClock, HintsTheTimeThatIsLeft) {
  const SystemClock& clock = SystemClock::instance();
  const Instant now = clock.now_monotonic();
  EXPECT_EQ(clock.sleep_hint(now - seconds(1)), Duration::zero());
  EXPECT_LE(clock.sleep_hint(now + hours(1)), hours(1));
  EXPECT_GT(clock.sleep_hint(now + hours(1)), hours(1) - seconds(60));
}

TEST(DeadlineAfter, AddsAndStopsAtNoDeadlineInsteadOfOverflowing) {
  const Instant from(seconds(5));
  EXPECT_EQ(deadline_after(from, seconds(2)), Instant(seconds(7)));
  EXPECT_EQ(deadline_after(from, -seconds(2)), Instant(seconds(3)));
  EXPECT_EQ(deadline_after(from, Duration::zero()), from);
  EXPECT_EQ(deadline_after(from, Duration::max()), kNoDeadline);
  EXPECT_EQ(deadline_after(kNoDeadline, Duration(1)), kNoDeadline);
  EXPECT_EQ(deadline_after(kNoDeadline - Duration(1), Duration(1)), kNoDeadline);
  EXPECT_EQ(deadline_after(kNoDeadline - Duration(2), Duration(1)), kNoDeadline - Duration(1));
}

}  // namespace
}  // namespace sofa
