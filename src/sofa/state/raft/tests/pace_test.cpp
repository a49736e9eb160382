#include "sofa/state/raft/pace.h"

#include <gtest/gtest.h>

namespace sofa::raft {
namespace {

using namespace std::chrono_literals;

constexpr uint64_t kMiB = uint64_t{1} << 20;

/// Clients that write a thousand times a second, and somebody who is fed 64 KiB at a time.
class PaceTest : public ::testing::Test {
 protected:
  /// Whoever is fed delays writes when that is beyond a rate: those that end while a piece leaves take ten times as long.
  void run(Duration length, bool feeds, uint64_t bytes_of_a_write = 256) {
    for (const Instant end = now_ + length; now_ < end; now_ += 1ms) {
      pace_.begun(now_, bytes_of_a_write);
      pace_.done(now_, feeds && pace_.rate() > harmful_ && now_ >= next_ && now_ < next_ + 5ms ? 10ms : 1ms);
      while (feeds && next_ + 1ms <= now_) {
        next_ = pace_.admit(now_, kPiece);
        fed_ += kPiece;
        if (++pieces_ > 100'000) FAIL() << "no pace at all";
      }
    }
  }
  double fed_a_second(Duration length) const { return static_cast<double>(fed_) / std::chrono::duration<double>(length).count(); }

  static constexpr uint64_t kPiece = uint64_t{64} << 10;
  Pace pace_{{.least = 4 * kMiB, .first = 16 * kMiB}};
  uint64_t harmful_ = 64 * kMiB;
  Instant now_ = Instant(1s), next_ = now_;  // next_: when the last piece leaves
  uint64_t fed_ = 0;
  int pieces_ = 0;
};

TEST_F(PaceTest, HoldsNothingBackWhileNobodyWrites) {
  EXPECT_EQ(pace_.admit(now_, 1024 * kMiB), now_);
  EXPECT_EQ(pace_.admit(now_ + 1ms, 1024 * kMiB), now_ + 1ms);
  run(2s, true);
  EXPECT_GT(pace_.rate(), 0u);
  now_ += 1s;
  (void)pace_.admit(now_, kMiB);  // ends the window that still had some
  now_ += 1s;
  EXPECT_EQ(pace_.admit(now_, 1024 * kMiB), now_);
}

TEST_F(PaceTest, RisesWhileWritesAreNotHarmed) {
  run(1s, false);
  harmful_ = UINT64_MAX;
  run(3s, true);
  const uint64_t then = pace_.rate();
  EXPECT_GT(then, 16 * kMiB);
  run(3s, true);
  EXPECT_GT(pace_.rate(), then);
}

TEST_F(PaceTest, FallsWhenWritesAreHarmedAndSettlesBelow) {
  run(1s, false);
  run(60s, true);
  EXPECT_LT(fed_a_second(60s), 64.0 * kMiB);
  EXPECT_GT(fed_a_second(60s), 16.0 * kMiB) << "it does not stay at the least";
  harmful_ = 0;
  run(20s, true);
  EXPECT_EQ(pace_.rate(), 4 * kMiB);
}

TEST_F(PaceTest, RestsSoThatItLearnsWhatWritesTakeAlone) {
  harmful_ = 0;  // from the first window on
  run(20s, true);
  EXPECT_EQ(pace_.rate(), 4 * kMiB);
  EXPECT_LT(fed_a_second(20s), 4.5 * kMiB);
}

TEST_F(PaceTest, IsTwiceWhatTheWritesBring) {
  run(1s, false, 16 << 10);
  harmful_ = 0;
  run(20s, true, 16 << 10);
  EXPECT_GT(fed_a_second(20s), 1.5 * 1000 * (16 << 10)) << "else who lags would never catch up";
}

TEST_F(PaceTest, IsNoneWhenTheLeastIsNone) {
  Pace none({.least = 0});
  for (int i = 0; i < 1000; ++i) {
    none.begun(now_ + i * 1ms, 100);
    none.done(now_ + i * 1ms, 1ms);
  }
  EXPECT_EQ(none.admit(now_ + 1s, 1024 * kMiB), now_ + 1s);
}

}  // namespace
}  // namespace sofa::raft
