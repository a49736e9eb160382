// The peer at its best: one thread a context and told so, the executor's type known (no any_io_executor), `deferred` where a coroutine awaits.
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include "side.h"
#include "sofa/base/random.h"

namespace bench {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;
using Executor = asio::io_context::executor_type;
template <class T>
using Awaitable = asio::awaitable<T, Executor>;
using Timer = asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Executor>;
using Channel = asio::experimental::basic_channel<Executor, asio::experimental::channel_traits<>, void(error_code, uint64_t)>;
using sofa::Random;

Clock::duration idle_time(Random& random) { return std::chrono::milliseconds(random.uniform(kShortestIdleMs, kLongestIdleMs)); }
Clock::duration short_time(Random& random) { return std::chrono::microseconds(random.uniform(0, kLongestSleepUs)); }

/// Waits until a number of things have happened: a timer that the last of them cancels.
class Countdown {
 public:
  Countdown(const Executor& executor, uint64_t left) : left_(left), done_(executor, Clock::time_point::max()) {}
  void one_less() {
    if (--left_ == 0) done_.cancel();
  }
  Awaitable<void> wait() {
    error_code ignored;
    if (left_ > 0) co_await done_.async_wait(asio::redirect_error(asio::use_awaitable_t<Executor>(), ignored));
  }

 private:
  uint64_t left_;
  Timer done_;
};

Awaitable<Cost> timer_cancel_task(Executor executor, uint64_t n) {
  Random random(kSeed);
  const Clock::time_point now = Clock::now();
  std::deque<Timer> pending;
  for (uint64_t i = 0; i < kPendingTimers; ++i) pending.emplace_back(executor, now + idle_time(random)).async_wait([](error_code) {});
  Stopwatch watch;
  for (uint64_t i = 0; i < n; ++i) {
    Timer timer(executor, now + idle_time(random));
    timer.async_wait([](error_code) {});
    timer.cancel();
    if (i % kTurn == 0) co_await asio::post(executor, asio::deferred);
  }
  const Cost cost = watch.per(n);
  pending.clear();
  co_await asio::post(executor, asio::deferred);
  co_return cost;
}

Awaitable<Cost> timer_fire_task(Executor executor, uint64_t n) {
  Random random(kSeed);
  Countdown countdown(executor, n);
  Stopwatch watch;
  std::deque<Timer> timers;
  const Clock::time_point now = Clock::now();
  for (uint64_t i = 0; i < n; ++i) timers.emplace_back(executor, now + short_time(random)).async_wait([&](error_code) { countdown.one_less(); });
  co_await countdown.wait();
  co_return watch.per(n);
}

Awaitable<void> sleeper(Executor executor, uint64_t rounds, uint64_t seed, Countdown& countdown) {
  Random random(seed);
  Timer timer(executor);
  for (uint64_t i = 0; i < rounds; ++i) {
    timer.expires_after(short_time(random));
    co_await timer.async_wait(asio::deferred);
  }
  countdown.one_less();
}

Awaitable<Cost> sleep_task(Executor executor, uint64_t n) {
  const uint64_t rounds = (n + kSleepers - 1) / kSleepers;
  Countdown countdown(executor, kSleepers);
  Stopwatch watch;
  for (uint64_t i = 0; i < kSleepers; ++i) asio::co_spawn(executor, sleeper(executor, rounds, kSeed + i, countdown), asio::detached);
  co_await countdown.wait();
  co_return watch.per(rounds * kSleepers);
}

[[gnu::noinline]] Awaitable<uint64_t> number(uint64_t i) { co_return i; }

Awaitable<Cost> call_task(uint64_t n) {
  uint64_t sum = 0;
  Stopwatch watch;
  for (uint64_t i = 0; i < n; ++i) sum += co_await number(i);
  const Cost cost = watch.per(n);
  if (sum != n * (n - 1) / 2) std::abort();
  co_return cost;
}

Awaitable<void> yielder(Executor executor, uint64_t rounds, Countdown& countdown) {
  for (uint64_t i = 0; i < rounds; ++i) co_await asio::post(executor, asio::deferred);
  countdown.one_less();
}

Awaitable<Cost> yield_task(Executor executor, uint64_t n, uint64_t tasks) {
  const uint64_t rounds = (n + tasks - 1) / tasks;
  Countdown countdown(executor, tasks);
  Stopwatch watch;
  for (uint64_t i = 0; i < tasks; ++i) asio::co_spawn(executor, yielder(executor, rounds, countdown), asio::detached);
  co_await countdown.wait();
  co_return watch.per(rounds * tasks);
}

Awaitable<void> caller(Executor target, uint64_t rounds, Countdown& countdown) {
  for (uint64_t i = 0; i < rounds; ++i) {
    const uint64_t back = co_await asio::co_spawn(target, number(i), asio::use_awaitable_t<Executor>());
    if (back != i) std::abort();
  }
  countdown.one_less();
}

Awaitable<Cost> cross_task(Executor executor, Executor target, uint64_t n, uint64_t callers) {
  const uint64_t rounds = (n + callers - 1) / callers;
  Countdown countdown(executor, callers);
  Stopwatch watch(CLOCK_PROCESS_CPUTIME_ID);
  for (uint64_t i = 0; i < callers; ++i) asio::co_spawn(executor, caller(target, rounds, countdown), asio::detached);
  co_await countdown.wait();
  co_return watch.per(rounds * callers);
}

Awaitable<void> sender(Channel& channel, uint64_t n, Countdown& countdown) {
  for (uint64_t i = 0; i < n; ++i) co_await channel.async_send(error_code(), i, asio::deferred);
  countdown.one_less();
}

Awaitable<void> receiver(Channel& channel, uint64_t n, Countdown& countdown) {
  for (uint64_t i = 0; i < n; ++i) {
    if (co_await channel.async_receive(asio::deferred) != i) std::abort();
  }
  countdown.one_less();
}

Awaitable<Cost> channel_task(Executor executor, uint64_t n, uint64_t capacity) {
  Channel channel(executor, capacity);
  Countdown countdown(executor, 2);
  Stopwatch watch;
  asio::co_spawn(executor, sender(channel, n, countdown), asio::detached);
  asio::co_spawn(executor, receiver(channel, n, countdown), asio::detached);
  co_await countdown.wait();
  co_return watch.per(n);
}

/// A context and its thread.
class Loop {
 public:
  ~Loop() {
    work_.reset();
    thread_.join();
  }
  Executor executor() { return context_.get_executor(); }
  Cost run(Awaitable<Cost> task) { return asio::co_spawn(context_, std::move(task), asio::use_future).get(); }

 private:
  asio::io_context context_{1};
  asio::executor_work_guard<Executor> work_{context_.get_executor()};
  std::thread thread_{[this] { context_.run(); }};
};

class AsioSide final : public Side {
 public:
  Cost timer_cancel(uint64_t n) override { return home_.run(timer_cancel_task(home_.executor(), n)); }
  Cost timer_fire(uint64_t n) override { return home_.run(timer_fire_task(home_.executor(), n)); }
  Cost sleep(uint64_t n) override { return home_.run(sleep_task(home_.executor(), n)); }
  Cost call(uint64_t n) override { return home_.run(call_task(n)); }
  Cost yield(uint64_t n, uint64_t tasks) override { return home_.run(yield_task(home_.executor(), n, tasks)); }
  Cost cross(uint64_t n, uint64_t callers) override { return home_.run(cross_task(home_.executor(), other_.executor(), n, callers)); }
  Cost channel(uint64_t n, uint64_t capacity) override { return home_.run(channel_task(home_.executor(), n, capacity)); }

 private:
  Loop home_;
  Loop other_;
};

}  // namespace

std::unique_ptr<Side> make_asio_side() { return std::make_unique<AsioSide>(); }

}  // namespace bench
