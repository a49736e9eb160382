#include "sofa/base/log_tail.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sofa {
namespace {

TEST(LogTail, KeepsTheLastLinesWithTheirNumbers) {
  ManualClock clock;
  LogTail tail({.lines = 2}, clock);
  EXPECT_EQ(tail.last(), 0u);
  for (const char* text : {"a", "b", "c"}) tail.write({LogLevel::info, "rpc", text});
  EXPECT_EQ(tail.last(), 3u);
  const auto all = tail.after(0, 10);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].number, 2u);
  EXPECT_EQ(all[0].text, "b");
  EXPECT_EQ(all[0].at, clock.now_wall());
  EXPECT_EQ(tail.after(0, 1).size(), 1u);
  EXPECT_EQ(tail.after(2, 10).front().text, "c");
  EXPECT_TRUE(tail.after(3, 10).empty());
}

TEST(LogTail, IsBoundedInBytes) {
  LogTail tail({.lines = 1'000, .bytes = 100});
  for (int i = 0; i < 50; ++i) tail.write({LogLevel::info, "space", std::string(20, 'x')});
  EXPECT_EQ(tail.after(0, 1'000).size(), 4u);
  tail.write({LogLevel::info, "space", std::string(200, 'x')});
  EXPECT_TRUE(tail.after(0, 1'000).empty());
  EXPECT_EQ(tail.last(), 51u);
}

TEST(LogTail, HearsWhatIsLoggedWhateverTheSinkIs) {
  const auto tail = LogTail::install();
  const Logger log("tail-test");
  log.error("first", {{"key", 1}});
  const auto sink = set_log_sink(make_stderr_sink());
  log.error("second");
  set_log_sink(sink);
  set_log_tap(nullptr);
  log.error("third");
  const auto all = tail->after(0, 10);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].text, "first key=1");
  EXPECT_EQ(all[1].space, "tail-test");
}

}  // namespace
}  // namespace sofa
