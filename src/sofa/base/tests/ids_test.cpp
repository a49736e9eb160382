#include "sofa/base/ids.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <thread>

namespace sofa {
namespace {

using std::chrono::milliseconds;

WallTime at(int64_t since_epoch_ms) { return WallTime(milliseconds(since_epoch_ms)); }

TEST(IdSource, GrowsWhileTheClockStandsStill) {
  ManualClock clock(at(1'767'225'600'000));
  IdSource ids(clock, 5);
  int64_t last = 0;
  for (int i = 0; i < 10'000; ++i) {
    const int64_t id = ids.next();
    ASSERT_GT(id, last);
    ASSERT_EQ(id >> 12 & 1023, 5);
    last = id;
  }
  EXPECT_EQ(IdSource::time_of(last), at(1'767'225'600'002));  // ran ahead: 4096 a millisecond
  clock.advance(milliseconds(10));
  EXPECT_EQ(IdSource::time_of(ids.next()), at(1'767'225'600'010));
}

TEST(IdSource, NeverGoesBackBeforeItsEpoch) {
  ManualClock clock(at(0));
  IdSource ids(clock, 0);
  const int64_t first = ids.next();
  EXPECT_GT(first, 0);
  EXPECT_GT(ids.next(), first);
}

TEST(IdSource, ThreadsNeverShareAnId) {
  IdSource ids(SystemClock::instance(), IdSource::kMaxNode);
  std::vector<std::vector<int64_t>> taken(4);
  std::vector<std::thread> threads;
  for (auto& mine : taken) {
    threads.emplace_back([&] {
      for (int i = 0; i < 5000; ++i) mine.push_back(ids.next());
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::set<int64_t> all;
  for (const auto& mine : taken) {
    EXPECT_TRUE(std::ranges::is_sorted(mine));
    all.insert(mine.begin(), mine.end());
  }
  EXPECT_EQ(all.size(), 20'000u);
}

TEST(TraceIdSource, WritesTheFormOfSofaTracer) {
  ManualClock clock(at(1'767'225'600'123));
  TraceIdSource ids(clock, {10, 0, 255, 1}, 4711);
  EXPECT_EQ(ids.next(), "0a00ff01176722560012310014711");
  std::string last;
  for (int i = 1002; i <= 9001; ++i) last = ids.next();
  EXPECT_EQ(last, "0a00ff01176722560012390014711");
  EXPECT_EQ(ids.next(), "0a00ff01176722560012310004711");
  EXPECT_EQ(ids.next(), "0a00ff01176722560012310014711");
}

TEST(Ids, TheHostHasAnAddressThatIsNotLoopback) { EXPECT_NE(host_ipv4()[0], 127); }

TEST(Id128, IsRepeatedFromASeedAndReadBack) {
  Random random(7), again(7);
  const Id128 id = Id128::random(random);
  EXPECT_EQ(id, Id128::random(again));
  EXPECT_NE(id, Id128::random(random));
  EXPECT_EQ(Id128::parse(id.to_string()), id);
  EXPECT_EQ((Id128{1, 0xab}).to_string(), "000000000000000100000000000000ab");
  EXPECT_FALSE(Id128::parse("1"));
  EXPECT_FALSE(Id128::parse(std::string(32, 'g')));
}

}  // namespace
}  // namespace sofa
