#include "sofa/identity/attempts.h"

#include <gtest/gtest.h>

namespace sofa::identity {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

class AttemptsTest : public ::testing::Test {
 protected:
  /// Tries to be refused; what the clock must pass until an attempt is taken again, in whole seconds.
  Duration wait_of(Attempts& attempts, const std::string& name, const std::string& peer) {
    for (Duration waited{}; waited < minutes(20); waited += seconds(1)) {
      if (attempts.begin(name, peer, now_ + waited)) return now_ += waited, waited;
    }
    return Duration::max();
  }
  Instant now_{seconds(1000)};
};

TEST_F(AttemptsTest, SomeFailuresAreFreeThenEachDoublesTheDelayUpToABound) {
  Attempts attempts;
  std::vector<Duration> waited;
  for (int i = 0; i < 12; ++i) waited.push_back(wait_of(attempts, "ann", fmt::format("10.0.0.{}", i)));
  EXPECT_EQ(waited, (std::vector<Duration>{seconds(0), seconds(0), seconds(0), seconds(0), seconds(1), seconds(2), seconds(4), seconds(8),
                                           seconds(16), seconds(30), seconds(30), seconds(30)}));
}

TEST_F(AttemptsTest, APeerIsSlowedWhateverNamesItTries) {
  Attempts attempts;
  Duration all{};
  for (int i = 0; i < 14; ++i) all += wait_of(attempts, fmt::format("user{}", i), "10.0.0.1");
  EXPECT_EQ(all, seconds(1 + 2 + 4 + 8 + 16 + 32 + 64 + 128 + 256 + 300));
}

TEST_F(AttemptsTest, ARefusalNamesWhoAndHowLongAndCountsNothing) {
  Attempts attempts;
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(attempts.begin("ann", "10.0.0.1", now_));
  for (int i = 0; i < 100; ++i) {
    const auto refused = attempts.begin("ann", "10.0.0.9", now_);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Code::resource_exhausted);
    EXPECT_EQ(refused.error().message(), "too many wrong passwords for 'ann': try again in 1 s");
  }
  EXPECT_TRUE(attempts.begin("ann", "10.0.0.9", now_ + seconds(1)));
}

TEST_F(AttemptsTest, ManyAtOnceGainNothing) {
  Attempts attempts;
  int taken = 0;
  for (int i = 0; i < 100; ++i) taken += attempts.begin("ann", "10.0.0.1", now_) ? 1 : 0;
  EXPECT_EQ(taken, 4);
}

TEST_F(AttemptsTest, ARightPasswordAndTimeForgetTheFailures) {
  Attempts attempts;
  ASSERT_TRUE(attempts.begin("ann", "10.0.0.1", now_));
  attempts.succeeded("ann", "10.0.0.1");
  EXPECT_EQ(attempts.entries(), 0u);
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(attempts.begin("ann", fmt::format("10.0.1.{}", i), now_));
  attempts.succeeded("ann", "10.0.1.3");
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(attempts.begin("ann", fmt::format("10.0.2.{}", i), now_));
  now_ += minutes(16);
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(attempts.begin("ann", "10.0.0.1", now_));
  now_ += minutes(16);
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(attempts.begin("ann", "10.0.0.1", now_));
}

TEST_F(AttemptsTest, SigningInBetweenGuessesGainsNothing) {
  Attempts attempts;
  Duration waited{};
  for (int i = 0; i < 8; ++i) {
    waited += wait_of(attempts, fmt::format("victim{}", i), "10.0.0.1");
    waited += wait_of(attempts, "mallory", "10.0.0.1");
    attempts.succeeded("mallory", "10.0.0.1");
  }
  EXPECT_GE(waited, seconds(1 + 2 + 4 + 8));
}

TEST_F(AttemptsTest, OneThatNobodyLookedAtCountsForNothing) {
  Attempts attempts;
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(attempts.begin("ann", "10.0.0.1", now_)) << i;
    attempts.take_back("ann", "10.0.0.1");
  }
  EXPECT_EQ(attempts.entries(), 0u);
}

TEST_F(AttemptsTest, ANetworkOfIpv6IsOnePeer) {
  Attempts attempts;
  int taken = 0;
  for (int i = 1; i <= 100; ++i) taken += attempts.begin(fmt::format("user{}", i), fmt::format("2001:db8:0:7::{:x}", i), now_) ? 1 : 0;
  EXPECT_EQ(taken, 4);
  EXPECT_TRUE(attempts.begin("user", "2001:db8:0:8::1", now_));
}

TEST_F(AttemptsTest, TheTableIsBoundedAndTheOneThatRestedLongestGoes) {
  Attempts attempts({.max_entries = 100});
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(attempts.begin("ann", "10.0.0.1", now_));
  for (int i = 0; i < 1000; ++i) (void)attempts.begin(fmt::format("u{}", i), fmt::format("p{}", i), now_);
  EXPECT_EQ(attempts.entries(), 100u);
}

}  // namespace
}  // namespace sofa::identity
