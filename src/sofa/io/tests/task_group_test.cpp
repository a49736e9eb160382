#include "sofa/io/task_group.h"

#include "fixture.h"

namespace sofa::io {
namespace {

class TaskGroupTest : public testing::Test {
 protected:
  Runtime runtime_{{.shards = 1}};
};

Task<Result<int>> later(int value, Duration after) {
  co_await or_return(sleep_for(after));
  co_return value;
}
Task<Result<int>> fails_later(Duration after) {
  co_await or_return(sleep_for(after));
  co_return fail(Code::aborted, "failed later");
}

TEST_F(TaskGroupTest, JoinWaitsForAllAndGivesTheFirstError) {
  Reports reports;
  run_ok(runtime_, []() -> Body {
    TaskGroup group(co_await current_scope());
    int done = 0;
    for (int i = 0; i < 10; ++i) {
      group.spawn("worker", [](int& count) -> Task<void> {
        (void)co_await sleep_for(milliseconds(2));
        ++count;
      }(done));
    }
    group.spawn("broken", []() -> Body { co_return fail(Code::data_loss, "lost it"); }());
    auto joined = co_await group.join();
    EXPECT_EQ(done, 10);
    EXPECT_EQ(joined.error().code(), Code::data_loss);
    EXPECT_TRUE(co_await group.join());  // reported once
    co_return kOk;
  });
  EXPECT_TRUE(reports.contain("background task 'broken' failed: lost it"));
}

#ifdef NDEBUG  // elsewhere an exception ends the program, so that it can be debugged
TEST_F(TaskGroupTest, AnExceptionOfATaskIsItsErrorAndIsReportedOnce) {
  Reports reports;
  run_ok(runtime_, []() -> Body {
    TaskGroup group(co_await current_scope());
    group.spawn("thrower", []() -> Task<void> {
      co_await yield();
      throw std::runtime_error("out of cash");
    }());
    const auto joined = co_await group.join();
    EXPECT_EQ(joined.error().code(), Code::internal);
    co_return kOk;
  });
  EXPECT_TRUE(reports.contain("background task 'thrower' failed: it ended with an exception: out of cash"));
  EXPECT_EQ(reports.size(), 1U);
}
#endif

TEST_F(TaskGroupTest, CancelEndsTheTasksAndIsNoError) {
  run_ok(runtime_, []() -> Body {
    TaskGroup group(co_await current_scope());
    for (int i = 0; i < 10; ++i) group.spawn("sleeper", []() -> Body { co_return co_await sleep_for(seconds(60)); }());
    co_await yield();
    EXPECT_EQ(group.size(), 10U);
    group.cancel();
    EXPECT_TRUE(co_await group.join());
    EXPECT_EQ(group.size(), 0U);
    co_return kOk;
  });
}

TEST_F(TaskGroupTest, TheParentsCancellationReachesTheTasks) {
  run_ok(runtime_, []() -> Body {
    auto body = []() -> Body {
      TaskGroup group(co_await current_scope());
      group.spawn("sleeper", []() -> Body { co_return co_await sleep_for(seconds(60)); }());
      co_return co_await group.join();
    };
    (void)co_await with_timeout(milliseconds(5), body());
    co_return kOk;
  });
}

TEST_F(TaskGroupTest, WhenAllKeepsTheOrder) {
  run_ok(runtime_, []() -> Body {
    std::vector<Task<Result<int>>> tasks;
    for (int i = 0; i < 20; ++i) tasks.push_back(later(i, milliseconds(20 - i)));
    const auto values = co_await or_return(when_all(std::move(tasks)));
    EXPECT_TRUE(std::ranges::is_sorted(values));
    EXPECT_EQ(values.size(), 20U);
    co_return kOk;
  });
}

TEST_F(TaskGroupTest, WhenAllStopsTheOthersAtTheFirstError) {
  run_ok(runtime_, []() -> Body {
    std::vector<Task<Result<int>>> tasks;
    tasks.push_back(later(1, seconds(60)));
    tasks.push_back(fails_later(milliseconds(1)));
    auto result = co_await when_all(std::move(tasks));
    EXPECT_EQ(result.error().code(), Code::aborted);
    co_return kOk;
  });
}

TEST_F(TaskGroupTest, FirstOfTakesTheFirstSuccess) {
  run_ok(runtime_, []() -> Body {
    std::vector<Task<Result<int>>> tasks;
    tasks.push_back(later(1, seconds(60)));
    tasks.push_back(fails_later(milliseconds(1)));
    tasks.push_back(later(3, milliseconds(5)));
    EXPECT_EQ(co_await or_return(first_of(std::move(tasks))), 3);
    std::vector<Task<Result<int>>> failing;
    failing.push_back(fails_later(milliseconds(1)));
    EXPECT_EQ((co_await first_of(std::move(failing))).error().code(), Code::aborted);
    co_return kOk;
  });
}

TEST(TaskGroupDeathTest, DestroyingItWithRunningTasksNamesThem) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        Runtime runtime({.shards = 1});
        (void)runtime.block_on([]() -> Task<int> {
          TaskGroup group(co_await current_scope());
          group.spawn("forgotten", []() -> Body { co_return co_await sleep_for(seconds(60)); }());
          co_await yield();
          co_return 0;
        }());
      },
      "destroyed while 1 of its tasks run \\(forgotten\\)");
}

TEST_F(TaskGroupTest, ChannelKeepsOrderUnderBackPressure) {
  run_ok(runtime_, []() -> Body {
    for (size_t capacity : {0U, 1U, 7U}) {
      Channel<int> channel(capacity);
      TaskGroup group(co_await current_scope());
      size_t most = 0;
      group.spawn("producer", [](Channel<int>& out, size_t& largest) -> Body {
        for (int i = 0; i < 1000; ++i) {
          co_await or_return(out.send(i));
          largest = std::max(largest, out.size());
        }
        out.close();
        co_return kOk;
      }(channel, most));
      int expected = 0;
      while (true) {
        auto value = co_await channel.receive();
        if (!value) {
          EXPECT_EQ(value.error().code(), kChannelClosed);
          break;
        }
        EXPECT_EQ(*value, expected++);
      }
      EXPECT_EQ(expected, 1000);
      EXPECT_LE(most, capacity);
      co_await or_return(co_await group.join());
      EXPECT_FALSE(co_await channel.send(1));
    }
    co_return kOk;
  });
}

TEST_F(TaskGroupTest, ClosingAChannelEndsItsWaits) {
  run_ok(runtime_, []() -> Body {
    Channel<std::unique_ptr<int>> channel(1);
    TaskGroup group(co_await current_scope());
    int ended = 0;
    for (int i = 0; i < 3; ++i) {
      group.spawn("receiver", [](auto& in, int& count) -> Task<void> { count += !(co_await in.receive()).has_value(); }(channel, ended));
    }
    co_await yield();
    co_await yield();
    channel.close();
    co_await or_return(co_await group.join());
    EXPECT_EQ(ended, 3);
    co_return kOk;
  });
}

TEST_F(TaskGroupTest, SemaphoreBoundsConcurrencyAndMutexExcludes) {
  run_ok(runtime_, []() -> Body {
    Semaphore semaphore(3);
    TaskGroup group(co_await current_scope());
    int inside = 0;
    int most = 0;
    for (int i = 0; i < 20; ++i) {
      group.spawn("worker", [](Semaphore& s, int& in, int& high) -> Body {
        auto permit = co_await or_return(s.acquire());
        high = std::max(high, ++in);
        co_await yield();
        --in;
        co_return kOk;
      }(semaphore, inside, most));
    }
    co_await or_return(co_await group.join());
    EXPECT_EQ(most, 3);
    EXPECT_EQ(semaphore.available(), 3U);
    co_return kOk;
  });
}

}  // namespace
}  // namespace sofa::io
