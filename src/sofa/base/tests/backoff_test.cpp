#include "sofa/base/backoff.h"

#include <gtest/gtest.h>

namespace sofa {
namespace {

using namespace std::chrono_literals;

TEST(Backoff, DoublesUpToABoundWithJitter) {
  Random random(1);
  const Backoff exact{.first = 10ms, .most = 50ms, .jitter = 0};
  const Duration expected[] = {10ms, 20ms, 40ms, 50ms, 50ms};
  for (int n = 1; n <= 5; ++n) EXPECT_EQ(exact.pause(n, random), expected[n - 1]);
  EXPECT_EQ(exact.pause(1'000'000, random), 50ms);
  const Backoff jittered{.first = 100ms, .most = 1s, .jitter = 0.3};
  Duration least = 1s, most = 0s;
  for (int i = 0; i < 1000; ++i) {
    least = std::min(least, jittered.pause(1, random));
    most = std::max(most, jittered.pause(1, random));
  }
  EXPECT_GE(least, 70ms);
  EXPECT_LT(least, 75ms);
  EXPECT_LE(most, 130ms);
  EXPECT_GT(most, 125ms);
}

}  // namespace
}  // namespace sofa
