#include "side.h"
#include "sofa/base/random.h"
#include "sofa/io/channel.h"
#include "sofa/io/runtime.h"
#include "sofa/io/sync.h"
#include "sofa/io/task_group.h"

namespace bench {
namespace {

using namespace sofa;
using namespace sofa::io;

Duration idle_time(Random& random) { return std::chrono::milliseconds(random.uniform(kShortestIdleMs, kLongestIdleMs)); }
Duration short_time(Random& random) { return std::chrono::microseconds(random.uniform(0, kLongestSleepUs)); }

Task<Cost> timer_cancel_task(uint64_t n) {
  Shard& shard = Shard::current();
  Random random(kSeed);
  std::deque<TimerNode> pending;
  for (uint64_t i = 0; i < kPendingTimers; ++i) {
    shard.schedule(pending.emplace_back([](void*) {}, nullptr), shard.now() + idle_time(random));
  }
  Stopwatch watch;
  for (uint64_t i = 0; i < n; ++i) {
    TimerNode timer([](void*) {}, nullptr);
    shard.schedule(timer, shard.now() + idle_time(random));
    timer.cancel();
    if (i % kTurn == 0) co_await io::yield();
  }
  co_return watch.per(n);
}

Task<Cost> timer_fire_task(uint64_t n) {
  struct Countdown {
    uint64_t left;
    Event done;
  };
  Shard& shard = Shard::current();
  Random random(kSeed);
  Countdown countdown{n, {}};
  Stopwatch watch;
  std::deque<TimerNode> timers;
  const Instant now = shard.clock().now_monotonic();
  for (uint64_t i = 0; i < n; ++i) {
    TimerNode& timer = timers.emplace_back(
        [](void* context) {
          auto& counter = *static_cast<Countdown*>(context);
          if (--counter.left == 0) counter.done.set();
        },
        &countdown);
    shard.schedule(timer, now + short_time(random));
  }
  (void)co_await countdown.done.wait();
  co_return watch.per(n);
}

Task<void> sleeper(uint64_t rounds, uint64_t seed) {
  Random random(seed);
  for (uint64_t i = 0; i < rounds; ++i) (void)co_await sleep_for(short_time(random));
}

Task<Cost> sleep_task(uint64_t n) {
  TaskGroup group(co_await current_scope());
  const uint64_t rounds = (n + kSleepers - 1) / kSleepers;
  Stopwatch watch;
  for (uint64_t i = 0; i < kSleepers; ++i) group.spawn("sleeper", sleeper(rounds, kSeed + i));
  (void)co_await group.join();
  co_return watch.per(rounds * kSleepers);
}

[[gnu::noinline]] Task<uint64_t> number(uint64_t i) { co_return i; }

Task<Cost> call_task(uint64_t n) {
  uint64_t sum = 0;
  Stopwatch watch;
  for (uint64_t i = 0; i < n; ++i) sum += co_await number(i);
  const Cost cost = watch.per(n);
  if (sum != n * (n - 1) / 2) std::abort();
  co_return cost;
}

Task<void> yielder(uint64_t rounds) {
  for (uint64_t i = 0; i < rounds; ++i) co_await io::yield();
}

Task<Cost> yield_task(uint64_t n, uint64_t tasks) {
  TaskGroup group(co_await current_scope());
  const uint64_t rounds = (n + tasks - 1) / tasks;
  Stopwatch watch;
  for (uint64_t i = 0; i < tasks; ++i) group.spawn("yielder", yielder(rounds));
  (void)co_await group.join();
  co_return watch.per(rounds * tasks);
}

Task<Result<void>> caller(Shard& target, uint64_t rounds) {
  for (uint64_t i = 0; i < rounds; ++i) {
    const uint64_t back = co_await or_return(on(target, [i]() -> Task<Result<uint64_t>> { co_return i; }));
    if (back != i) std::abort();
  }
  co_return Result<void>{};
}

Task<Cost> cross_task(Shard& target, uint64_t n, uint64_t callers) {
  TaskGroup group(co_await current_scope());
  const uint64_t rounds = (n + callers - 1) / callers;
  Stopwatch watch(CLOCK_PROCESS_CPUTIME_ID);
  for (uint64_t i = 0; i < callers; ++i) group.spawn("caller", caller(target, rounds));
  (void)co_await group.join();
  co_return watch.per(rounds * callers);
}

Task<Result<void>> sender(Channel<uint64_t>& channel, uint64_t n) {
  for (uint64_t i = 0; i < n; ++i) co_await or_return(channel.send(i));
  co_return Result<void>{};
}

Task<Result<void>> receiver(Channel<uint64_t>& channel, uint64_t n) {
  for (uint64_t i = 0; i < n; ++i) {
    if (co_await or_return(channel.receive()) != i) std::abort();
  }
  co_return Result<void>{};
}

Task<Cost> channel_task(uint64_t n, uint64_t capacity) {
  TaskGroup group(co_await current_scope());
  Channel<uint64_t> channel(capacity);
  Stopwatch watch;
  group.spawn("sender", sender(channel, n));
  group.spawn("receiver", receiver(channel, n));
  (void)co_await group.join();
  co_return watch.per(n);
}

class SofaSide final : public Side {
 public:
  Cost timer_cancel(uint64_t n) override { return runtime_.block_on(timer_cancel_task(n)); }
  Cost timer_fire(uint64_t n) override { return runtime_.block_on(timer_fire_task(n)); }
  Cost sleep(uint64_t n) override { return runtime_.block_on(sleep_task(n)); }
  Cost call(uint64_t n) override { return runtime_.block_on(call_task(n)); }
  Cost yield(uint64_t n, uint64_t tasks) override { return runtime_.block_on(yield_task(n, tasks)); }
  Cost cross(uint64_t n, uint64_t callers) override { return runtime_.block_on(cross_task(runtime_.shard(1), n, callers)); }
  Cost channel(uint64_t n, uint64_t capacity) override { return runtime_.block_on(channel_task(n, capacity)); }

 private:
  Runtime runtime_{{.shards = 2, .blocking_threads = 1, .file_threads = 1, .hold_limit = Duration::zero()}};
};

}  // namespace

std::unique_ptr<Side> make_sofa_side() { return std::make_unique<SofaSide>(); }

}  // namespace bench
