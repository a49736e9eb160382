#include "sofa/io/task.h"

#include <gtest/gtest.h>

#include "sofa/io/runtime.h"
#include "sofa/io/task_group.h"

namespace sofa::io {
namespace {

using std::chrono::milliseconds;

Task<Result<int>> plain(int v) { co_return v; }
Task<Result<int>> failing() { co_return fail(Code::not_found, "nothing here"); }

struct Tracker {
  int& count;
  explicit Tracker(int& c) : count(c) { ++count; }
  ~Tracker() { --count; }
};

Task<Result<std::string>> forwards(int& alive, bool& reached) {
  const Tracker tracker(alive);
  const int v = co_await or_return(failing());
  reached = true;
  co_return std::to_string(v);
}

Task<Result<int>> down(int depth) {
  if (depth == 0) co_return fail(Code::aborted, "the bottom");
  co_return co_await or_return(down(depth - 1)) + 1;
}

Task<Result<int>> sum(int depth) {
  if (depth == 0) co_return 0;
  co_return co_await or_return(sum(depth - 1)) + 1;
}

Task<int> count_with_yields(int n) {
  int done = 0;
  for (; done < n; ++done) co_await yield();
  co_return done;
}

Task<void> throws() {
  co_await yield();
  throw std::runtime_error("boom");
}

TEST(Task, GivesItsValueToTheAwaiter) {
  Runtime runtime({.shards = 1});
  auto result = runtime.block_on(plain(3));
  ASSERT_TRUE(result);
  EXPECT_EQ(*result, 3);
}

TEST(Task, OrReturnEndsTheEnclosingTaskWithTheError) {
  Runtime runtime({.shards = 1});
  int alive = 0;
  bool reached = false;
  auto result = runtime.block_on(forwards(alive, reached));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), Code::not_found);
  EXPECT_FALSE(reached);
  EXPECT_EQ(alive, 0);
}

TEST(Task, OrReturnTakesAPlainResult) {
  Runtime runtime({.shards = 1});
  auto body = [](Result<int> r) -> Task<Result<int>> { co_return co_await or_return(std::move(r)) * 2; };
  EXPECT_EQ(*runtime.block_on(body(21)), 42);
  EXPECT_EQ(runtime.block_on(body(fail(Code::internal, "x"))).error().code(), Code::internal);
}

TEST(Task, OrReturnOfALeafWaitEndsTheTaskOnCancellation) {
  Runtime runtime({.shards = 1});
  auto body = []() -> Task<Result<int>> {
    co_await or_return(sleep_for(std::chrono::hours(1)));
    co_return 1;
  };
  auto result = runtime.block_on([](auto make) -> Task<Result<int>> { co_return co_await with_timeout(milliseconds(5), make()); }(body));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), Code::deadline_exceeded);
}

TEST(Task, ErrorsAndValuesPassThroughDeepChains) {
  Runtime runtime({.shards = 1, .hold_limit = Duration::zero()});
  EXPECT_EQ(runtime.block_on(down(1000)).error().code(), Code::aborted);
  EXPECT_EQ(*runtime.block_on(sum(1000)), 1000);
}

TEST(Task, AMillionAwaitsUseNoStack) {
  Runtime runtime({.shards = 1, .hold_limit = Duration::zero()});
  const int done = runtime.block_on([]() -> Task<int> {
    int total = 0;
    for (int i = 0; i < 1'000'000; ++i) total += (co_await plain(1)).value();
    co_return total;
  }());
  EXPECT_EQ(done, 1'000'000);
}

TEST(Task, ExceptionsTravelToTheAwaiter) {
  Runtime runtime({.shards = 1});
  EXPECT_THROW(runtime.block_on(throws()), std::runtime_error);
}

TEST(Task, YieldLetsOthersRun) {
  Runtime runtime({.shards = 1});
  EXPECT_EQ(runtime.block_on(count_with_yields(10'000)), 10'000);
}

TEST(Task, AnUnstartedTaskIsDroppedWithoutRunning) {
  int alive = 0;
  bool reached = false;
  {
    auto task = forwards(alive, reached);
  }
  EXPECT_EQ(alive, 0);
}

}  // namespace
}  // namespace sofa::io
