#include "sofa/http/detail/ping_guard.h"

#include <gtest/gtest.h>

namespace sofa::http::detail {
namespace {

using namespace std::chrono_literals;

constexpr Instant kStart{1h};

TEST(PingGuard, PermitsAPingInEachIntervalWhileAnExchangeRuns) {
  PingGuard guard({});
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(guard.admit(kStart + i * 5min, true)) << i;
}

TEST(PingGuard, ForgivesAsManyAsThePolicySaysAndNoMore) {
  for (const uint32_t strikes : {1u, 2u, 5u}) {
    PingGuard guard({.min_interval = 10s, .max_strikes = strikes});
    EXPECT_TRUE(guard.admit(kStart, true)) << "the first has none before it";
    for (uint32_t i = 1; i <= strikes; ++i) EXPECT_TRUE(guard.admit(kStart + i * 9s, true)) << i << " of " << strikes;
    EXPECT_FALSE(guard.admit(kStart + (strikes + 1) * 9s, true)) << "each is measured from the one before, permitted or not";
  }
  PingGuard lenient({.max_strikes = 0});
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(lenient.admit(kStart, true));
}

TEST(PingGuard, AStrikeLastsUntilSomethingIsSent) {
  PingGuard guard({.min_interval = 10s});
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(guard.admit(kStart + i * 1s, true));
  EXPECT_TRUE(guard.admit(kStart + 20s, true)) << "in time, but it takes no strike back";
  EXPECT_FALSE(guard.admit(kStart + 21s, true));
  guard.forgive();
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(guard.admit(kStart + 21s, true));
  EXPECT_FALSE(guard.admit(kStart + 21s, true));
}

TEST(PingGuard, WithoutACallTheIntervalIsTwoHoursUnlessThePolicyPermitsMore) {
  PingGuard strict({.min_interval = 10s, .max_strikes = 1});
  EXPECT_TRUE(strict.admit(kStart, false));
  EXPECT_TRUE(strict.admit(kStart + 2h, false));
  EXPECT_TRUE(strict.admit(kStart + 3h, false));
  EXPECT_FALSE(strict.admit(kStart + 4h, false));
  PingGuard open({.min_interval = 10s, .permit_without_calls = true, .max_strikes = 1});
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(open.admit(kStart + i * 10s, false));
  PingGuard bounded({.min_interval = 24h, .max_strikes = 1});
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(bounded.admit(kStart + i * 2h, true)) << "no policy asks for more than 2 hours";
}

}  // namespace
}  // namespace sofa::http::detail
