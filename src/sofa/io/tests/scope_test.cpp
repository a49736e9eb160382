#include "sofa/io/scope.h"

#include "fixture.h"

namespace sofa::io {
namespace {

class ScopeTest : public testing::Test {
 protected:
  Runtime runtime_{{.shards = 2}};
};

Task<Result<void>> sleeps(Duration d) { co_return co_await sleep_for(d); }

Task<Result<void>> nested(int depth) {
  if (depth == 0) co_return co_await sleep_for(seconds(60));
  co_return co_await nested(depth - 1);
}

TEST_F(ScopeTest, ATimeoutEndsADeepWaitWithASentence) {
  run_ok(runtime_, []() -> Body {
    auto result = co_await with_timeout(milliseconds(10), nested(20));
    EXPECT_EQ(result.error().code(), Code::deadline_exceeded);
    EXPECT_EQ(result.error().message(), "not finished within its time of 10 ms");
    co_return kOk;
  });
}

TEST_F(ScopeTest, WorkThatIsDoneInTimeIsUntouched) {
  run_ok(runtime_, []() -> Body {
    co_await or_return(co_await with_timeout(seconds(10), sleeps(milliseconds(2))));
    EXPECT_EQ(Shard::current().pending_timers(), 1U);  // only the bound of this test: the inner deadline is gone
    co_return kOk;
  });
}

TEST_F(ScopeTest, TheEarlierDeadlineWinsHoweverTheyNest) {
  run_ok(runtime_, []() -> Body {
    const auto& clock = Shard::current().clock();
    const Instant begun = clock.now_monotonic();
    auto longer_inside = [&]() -> Body { co_return co_await with_timeout(seconds(30), sleeps(seconds(60))); };
    EXPECT_EQ((co_await with_timeout(milliseconds(10), longer_inside())).error().code(), Code::deadline_exceeded);
    auto shorter_inside = [&]() -> Body { co_return co_await with_timeout(milliseconds(10), sleeps(seconds(60))); };
    EXPECT_EQ((co_await with_timeout(seconds(30), shorter_inside())).error().code(), Code::deadline_exceeded);
    EXPECT_LT(clock.now_monotonic() - begun, seconds(5));
    co_return kOk;
  });
}

TEST_F(ScopeTest, RemainingIsInherited) {
  run_ok(runtime_, []() -> Body {
    auto inner = []() -> Task<Result<Duration>> { co_return co_await remaining(); };
    const Duration left = co_await or_return(with_timeout(seconds(5), inner()));
    EXPECT_GT(left, seconds(4));
    EXPECT_LE(left, seconds(5));
    co_return kOk;
  });
}

TEST_F(ScopeTest, APastDeadlineFailsTheFirstWait) {
  run_ok(runtime_, []() -> Body {
    auto result = co_await with_deadline(Shard::current().clock().now_monotonic() - seconds(1), sleeps(milliseconds(1)));
    EXPECT_EQ(result.error().code(), Code::deadline_exceeded);
    co_return kOk;
  });
}

TEST_F(ScopeTest, ACancelledScopeFailsEveryLaterWait) {
  run_ok(runtime_, []() -> Body {
    CancelSource source(co_await current_scope());
    source.cancel("the user went away");
    auto body = []() -> Task<Result<int>> {
      int failed = 0;
      Channel<int> channel(4);
      channel.try_send(1);
      Event set;
      set.set();
      Semaphore free(1);
      failed += !(co_await sleep_for(Duration::zero()));
      failed += !(co_await channel.receive());  // although a value is there: a task that is always served sees its cancellation too
      failed += !(co_await channel.send(2));
      failed += !(co_await set.wait());
      failed += !(co_await free.acquire());
      co_return failed;
    };
    EXPECT_EQ(*co_await source.run(body()), 5);
    EXPECT_EQ(source.scope().reason().message(), "the user went away");
    co_return kOk;
  });
}

template <class Start>
Body cancelled_while_waiting(Start start) {
  CancelSource source(co_await current_scope());
  TaskGroup group(co_await current_scope());
  std::optional<Result<void>> result;
  group.spawn("waiter", [](CancelSource& from, Start& make, std::optional<Result<void>>& into) -> Task<void> {
    into.emplace(co_await from.run(make()));
  }(source, start, result));
  for (int i = 0; i < 5; ++i) co_await yield();
  EXPECT_FALSE(result.has_value());
  source.cancel("enough");
  co_await or_return(co_await group.join());
  EXPECT_EQ(result->error().code(), Code::cancelled);
  EXPECT_EQ(result->error().message(), "enough");
  co_return kOk;
}

TEST_F(ScopeTest, CancelsASleep) {
  run_ok(runtime_, [] { return cancelled_while_waiting([] { return sleeps(seconds(60)); }); });
}

TEST_F(ScopeTest, CancelsAReceiveAndASend) {
  Channel<int> channel(0);
  run_ok(runtime_, [&] {
    return cancelled_while_waiting([&]() -> Body {
      auto got = co_await channel.receive();
      co_return got ? kOk : Result<void>(std::unexpected(got.error()));
    });
  });
  run_ok(runtime_, [&] { return cancelled_while_waiting([&]() -> Body { co_return co_await channel.send(1); }); });
  run_ok(runtime_, [&]() -> Body {
    EXPECT_FALSE(channel.try_receive().has_value());  // the cancelled sender has taken its value back
    co_return kOk;
  });
}

TEST_F(ScopeTest, CancelsAnEventAndAMutexWait) {
  Event event;
  run_ok(runtime_, [&] { return cancelled_while_waiting([&]() -> Body { co_return co_await event.wait(); }); });
  Mutex mutex;
  run_ok(runtime_, [&]() -> Body {
    auto held = co_await or_return(mutex.lock());
    co_await or_return(cancelled_while_waiting([&]() -> Body {
      auto got = co_await mutex.lock();
      co_return got ? kOk : Result<void>(std::unexpected(got.error()));
    }));
    co_return kOk;
  });
  EXPECT_FALSE(mutex.locked());
}

TEST_F(ScopeTest, CancelsAnAccept) {
  run_ok(runtime_, []() -> Body {
    Listener listener = co_await or_return(Listener::bind(loopback()));
    co_await or_return(cancelled_while_waiting([&]() -> Body {
      auto got = co_await listener.accept();
      co_return got ? kOk : Result<void>(std::unexpected(got.error()));
    }));
    co_return kOk;
  });
}

TEST_F(ScopeTest, CancelsAResolve) {
  Runtime runtime({.shards = 1, .blocking_threads = 1});
  run_ok(runtime, [&]() -> Body {
    std::binary_semaphore held(0), open(0);
    TaskGroup group(co_await current_scope());
    const auto hold = [&] { return run_blocking(runtime.blocking_pool(), [&] { return held.release(), open.acquire(), Result<int>(1); }); };
    group.spawn("holder", [](auto& work) -> Task<void> { (void)co_await work(); }(hold));
    for (int i = 0; i < 3; ++i) co_await yield();
    held.acquire();  // the only thread that looks names up is taken
    auto cancelled = co_await cancelled_while_waiting([]() -> Body {
      auto got = co_await resolve("localhost", 80);
      co_return got ? kOk : Result<void>(std::unexpected(got.error()));
    });
    open.release();
    co_await or_return(co_await group.join());
    co_return cancelled;
  });
}

TEST_F(ScopeTest, CancelsAConnect) {
  run_ok(runtime_, []() -> Body {
    Unanswering silent = co_await or_return(unanswering());
    co_await or_return(cancelled_while_waiting([&]() -> Body {
      auto got = co_await Stream::connect(silent.address());
      co_return got ? kOk : Result<void>(std::unexpected(got.error()));
    }));
    co_return kOk;
  });
}

TEST_F(ScopeTest, CancellationCrossesToAnotherShard) {
  run_ok(runtime_,
         [&] { return cancelled_while_waiting([&]() -> Body { co_return co_await on(runtime_.shard(1), [] { return sleeps(seconds(60)); }); }); });
}

TEST_F(ScopeTest, TheDeadlineCrossesToAnotherShard) {
  run_ok(runtime_, [&]() -> Body {
    auto body = [&]() -> Task<Result<Duration>> {
      co_return co_await on(runtime_.shard(1), []() -> Task<Result<Duration>> { co_return co_await remaining(); });
    };
    EXPECT_LE(co_await or_return(with_timeout(seconds(5), body())), seconds(5));
    auto late = [&]() -> Body { co_return co_await on(runtime_.shard(1), [] { return sleeps(seconds(60)); }); };
    EXPECT_EQ((co_await with_timeout(milliseconds(10), late())).error().code(), Code::deadline_exceeded);
    co_return kOk;
  });
}

TEST_F(ScopeTest, CancellationRacesWithTheEndOfRemoteCalls) {
  run_ok(runtime_, [&]() -> Body {
    Random random(7);
    for (int i = 0; i < 3000; ++i) {
      CancelSource source(co_await current_scope());
      TaskGroup group(co_await current_scope());
      group.spawn("caller", [](CancelSource& from, Shard& there) -> Task<void> {
        auto call = [](Shard& target) -> Body {
          co_return co_await on(target, []() -> Body {
            co_await yield();
            co_return kOk;
          });
        };
        (void)co_await from.run(call(there));
      }(source, runtime_.shard(1)));
      for (uint64_t n = random.uniform(40); n > 0; --n) co_await yield();
      source.cancel();
      co_await or_return(co_await group.join());
    }
    co_return kOk;
  });
}

TEST_F(ScopeTest, ADeliveryBeforeTheCancellationIsNotLost) {
  run_ok(runtime_, []() -> Body {
    Channel<int> channel(0);
    CancelSource source(co_await current_scope());
    TaskGroup group(co_await current_scope());
    int got = 0;
    group.spawn("receiver", [](CancelSource& from, Channel<int>& in, int& into) -> Task<void> {
      auto receive = [](Channel<int>& c) -> Task<Result<int>> { co_return co_await c.receive(); };
      into = (co_await from.run(receive(in))).value_or(-1);
    }(source, channel, got));
    for (int i = 0; i < 3; ++i) co_await yield();
    EXPECT_TRUE(channel.try_send(42));
    source.cancel();
    co_await or_return(co_await group.join());
    EXPECT_EQ(got, 42);
    co_return kOk;
  });
}

}  // namespace
}  // namespace sofa::io
