#include "sofa/io/shard.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"

namespace sofa::io {
namespace {

TEST(Shard, RemoteCallsRunThereAndResumeHere) {
  Runtime runtime({.shards = 2});
  run_ok(runtime, [&]() -> Body {
    for (int i = 0; i < 1000; ++i) {
      const unsigned there = co_await or_return(on(runtime.shard(1), []() -> Task<Result<unsigned>> { co_return Shard::current().index(); }));
      EXPECT_EQ(there, 1U);
      EXPECT_EQ(Shard::current().index(), 0U);
    }
    auto failed = co_await on(runtime.shard(1), []() -> Task<Result<int>> { co_return fail(Code::not_found, "not here"); });
    EXPECT_EQ(failed.error().code(), Code::not_found);
    co_return kOk;
  });
}

Task<int> throws_there() {
  co_await yield();
  throw std::runtime_error("over there");
}

TEST(Shard, ExceptionsComeBackFromARemoteCall) {
  Runtime runtime({.shards = 2});
  run_ok(runtime, [&]() -> Body {
    bool caught = false;
    try {
      (void)co_await on(runtime.shard(1), [] { return throws_there(); });
    } catch (const std::runtime_error&) {
      caught = true;
    }
    EXPECT_TRUE(caught);
    co_return kOk;
  });
}

TEST(Shard, PostsOfOneThreadKeepTheirOrder) {
  Runtime runtime({.shards = 1});
  std::vector<int> seen;
  std::binary_semaphore done(0);
  for (int i = 0; i < 10'000; ++i) runtime.shard(0).post([&seen, i] { seen.push_back(i); });
  runtime.shard(0).post([&] { done.release(); });
  done.acquire();
  ASSERT_EQ(seen.size(), 10'000U);
  EXPECT_TRUE(std::ranges::is_sorted(seen));
}

TEST(Shard, ManyThreadsPostWithoutLoss) {
  Runtime runtime({.shards = 1});
  constexpr int kThreads = 4;
  constexpr int kEach = 20'000;
  int count = 0;
  std::counting_semaphore<> done(0);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kEach; ++i) runtime.shard(0).post([&count] { ++count; });
      runtime.shard(0).post([&] { done.release(); });
    });
  }
  for (auto& thread : threads) thread.join();
  for (int t = 0; t < kThreads; ++t) done.acquire();
  EXPECT_EQ(runtime.block_on([](int& c) -> Task<int> { co_return c; }(count)), kThreads * kEach);
}

TEST(Shard, TurnEndHooksRunOnceATurnAfterTheTasks) {
  Runtime runtime({.shards = 1});
  run_ok(runtime, []() -> Body {
    int calls = 0;
    TurnEndHook hook([](void* context) { ++*static_cast<int*>(context); }, &calls);
    Shard::current().at_turn_end(hook);
    Shard::current().at_turn_end(hook);
    EXPECT_EQ(calls, 0);
    co_await or_return(sleep_for(milliseconds(2)));
    EXPECT_EQ(calls, 1);
    co_return kOk;
  });
}

TEST(Watchdog, NamesTheTaskThatHoldsAShardOnceAHold) {
  Reports reports;
  {
    Runtime runtime({.shards = 1, .hold_limit = milliseconds(20)});
    run_ok(runtime, [&]() -> Body {
      TaskGroup group(co_await current_scope());
      group.spawn("hog", [](const Reports& seen) -> Task<void> {
        const auto give_up = std::chrono::steady_clock::now() + seconds(10);
        while (!seen.contain("held") && std::chrono::steady_clock::now() < give_up) {
        }
        co_return;
      }(reports));
      co_return co_await group.join();
    });
  }
  EXPECT_TRUE(reports.contain("shard 0 is held by 'hog' for more than 20 ms"));
}

TEST(BlockingPool, RunsElsewhereAndComesBack) {
  Runtime runtime({.shards = 1});
  run_ok(runtime, [&]() -> Body {
    const auto here = std::this_thread::get_id();
    const auto there = co_await or_return(run_blocking(runtime.blocking_pool(), [] { return Result<std::thread::id>(std::this_thread::get_id()); }));
    EXPECT_NE(there, here);
    EXPECT_EQ(std::this_thread::get_id(), here);
    auto failed = co_await run_blocking(runtime.file_pool(), []() -> Result<int> { return fail(Code::data_loss, "the disk"); });
    EXPECT_EQ(failed.error().code(), Code::data_loss);
    co_return kOk;
  });
}

/// Holds the one thread of a pool until opened.
struct Gate {
  std::binary_semaphore entered{0};
  std::binary_semaphore open{0};
  Result<int> hold() {
    entered.release();
    open.acquire();
    return 1;
  }
};

TEST(BlockingPool, AFullQueueRefusesAndQueuedWorkIsGivenUpOnCancel) {
  Runtime runtime({.shards = 1, .blocking_threads = 1, .blocking_queue = 1});
  run_ok(runtime, [&]() -> Body {
    Gate gate;
    BlockingPool& pool = runtime.blocking_pool();
    TaskGroup group(co_await current_scope());
    group.spawn("holder", [](BlockingPool& p, Gate& g) -> Task<void> { (void)co_await run_blocking(p, [&g] { return g.hold(); }); }(pool, gate));
    co_await yield();
    co_await yield();
    gate.entered.acquire();
    std::atomic<bool> ran{false};
    auto queued = [&]() -> Task<Result<int>> {
      co_return co_await run_blocking(pool, [&ran]() -> Result<int> {
        ran = true;
        return 2;
      });
    };
    EXPECT_EQ((co_await with_timeout(milliseconds(10), queued())).error().code(), Code::deadline_exceeded);
    auto refused = co_await run_blocking(pool, [] { return Result<int>(3); });
    EXPECT_EQ(refused.error().code(), Code::resource_exhausted) << "the given-up job keeps its place until a thread drops it";
    gate.open.release();
    co_await or_return(co_await group.join());
    co_await or_return(co_await eventually([&] { return pool.queued() == 0; }));
    EXPECT_EQ(co_await or_return(run_blocking(pool, [] { return Result<int>(4); })), 4);
    EXPECT_FALSE(ran);
    co_return kOk;
  });
}

TEST(BlockingPool, WorkThatOwnsAllItTouchesMayBeLeft) {
  Runtime runtime({.shards = 1, .blocking_threads = 1});
  run_ok(runtime, [&]() -> Body {
    auto gate = std::make_shared<Gate>();
    auto left = [&]() -> Task<Result<int>> {
      co_return co_await run_blocking(runtime.blocking_pool(), [gate] { return gate->hold(); }, WhenCancelled::leave);
    };
    EXPECT_EQ((co_await with_timeout(milliseconds(10), left())).error().code(), Code::deadline_exceeded);
    gate->open.release();
    co_return kOk;
  });
}

Task<int> serve_until_stopped(int ready_fd) {
  [[maybe_unused]] const ssize_t n = ::write(ready_fd, "r", 1);
  auto slept = co_await sleep_for(std::chrono::hours(1));
  co_return slept.error().code() == Code::cancelled&& slept.error().message() == "stopped by SIGTERM" ? 7 : 1;
}

Task<int> never_stops(int ready_fd) {
  [[maybe_unused]] const ssize_t n = ::write(ready_fd, "r", 1);
  while (true) (void)co_await yield();
}

/// Runs `main` in a process of its own; gives the pid once it says that it is ready.
pid_t start_program(Task<int> (*main)(int)) {
  int ready[2];
  EXPECT_EQ(::pipe(ready), 0);
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(run(main(ready[1]), {.shards = 2}));
  char byte = 0;
  EXPECT_EQ(::read(ready[0], &byte, 1), 1);
  ::close(ready[0]);
  ::close(ready[1]);
  return pid;
}

int exit_code(pid_t pid) {
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(Run, SigtermCancelsTheMainTaskAndItsValueIsTheExitCode) {
  const auto begun = std::chrono::steady_clock::now();
  const pid_t pid = start_program(&serve_until_stopped);
  ::kill(pid, SIGTERM);
  EXPECT_EQ(exit_code(pid), 7);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, seconds(2));
}

TEST(Run, ASecondSignalEndsTheProcessAtOnce) {
  const pid_t pid = start_program(&never_stops);
  ::kill(pid, SIGINT);
  // Signals of one kind merge while pending: send until the process is gone.
  int status = 0;
  for (int i = 0; i < 1000 && ::waitpid(pid, &status, WNOHANG) == 0; ++i) {
    ::kill(pid, SIGTERM);
    std::this_thread::sleep_for(milliseconds(5));
  }
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 128 + SIGINT);
}

TEST(Shard, ATaskThatLeavesTheTurnRunsBehindWhatIsDue) {
  Runtime runtime({.shards = 1});
  run_ok(runtime, [&]() -> Body {
    bool fired = false;
    TaskGroup group(co_await current_scope());
    group.spawn("sleeper", [](bool& done) -> Task<void> {
      (void)co_await sleep_for(milliseconds(1));
      done = true;
    }(fired));
    co_await yield();
    const Clock& clock = Shard::current().clock();
    for (const Instant due = clock.now_monotonic() + milliseconds(2); clock.now_monotonic() < due;) continue;
    co_await yield();
    EXPECT_FALSE(fired) << "a yield stays in the turn";
    co_await next_turn();
    EXPECT_TRUE(fired);
    co_return co_await group.join();
  });
}

}  // namespace
}  // namespace sofa::io
