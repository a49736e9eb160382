#include "sofa/base/fast_clock.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace sofa {
namespace {

using namespace std::chrono_literals;

TEST(FastClock, StaysWithinMicrosecondsOfTheClock) {
  SystemClock& clock = SystemClock::instance();
  FastClock fast(clock);
  // A reading between two of the clock lies between them, but for the bound; a thread that was interrupted shows nothing.
  const Instant end = clock.now_monotonic() + 200ms;
  Duration worst{};
  for (Instant before = clock.now_monotonic(); before < end; before = clock.now_monotonic()) {
    const Instant now = fast.now();
    const Instant after = clock.now_monotonic();
    worst = std::max({worst, before - now, now - after});
  }
  EXPECT_LT(worst, 20us);
}

TEST(FastClock, ReadsAnyOtherClockItself) {
  ManualClock clock;
  FastClock fast(clock);
  EXPECT_FALSE(fast.is_fast());
  const Instant begun = fast.now();
  clock.advance(3ns);
  EXPECT_EQ(fast.now() - begun, 3ns);
}

}  // namespace
}  // namespace sofa
