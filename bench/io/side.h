#pragma once
// What both sides of the benchmark do: the same work, once on sofa::io and once on Boost.Asio. Each call performs at least `n` operations.

#include <chrono>
#include <cstdint>
#include <ctime>
#include <memory>

namespace bench {

/// Of one operation, in nanoseconds.
struct Cost {
  double wall = 0;
  double cpu = 0;
};

/// From its making to per(): wall time, and CPU of this thread or of the whole process (for work on two threads).
class Stopwatch {
 public:
  explicit Stopwatch(clockid_t cpu_clock = CLOCK_THREAD_CPUTIME_ID) : cpu_clock_(cpu_clock), cpu_(read(cpu_clock)), wall_(read(CLOCK_MONOTONIC)) {}
  Cost per(uint64_t operations) const {
    const double wall = read(CLOCK_MONOTONIC) - wall_;
    const double cpu = read(cpu_clock_) - cpu_;
    return {wall / static_cast<double>(operations), cpu / static_cast<double>(operations)};
  }

 private:
  static double read(clockid_t clock) {
    timespec now{};
    ::clock_gettime(clock, &now);
    return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
  }
  clockid_t cpu_clock_;
  double cpu_;
  double wall_;
};

inline constexpr uint64_t kSeed = 5;                // of the timers' deadlines: the same on both sides
inline constexpr uint64_t kPendingTimers = 10'000;  // that stand while others are set and cancelled
inline constexpr uint64_t kTurn = 1024;             // operations without a wait; then the loop gets its turn
inline constexpr uint64_t kSleepers = 1000;         // coroutines that sleep at once
inline constexpr int64_t kLongestSleepUs = 5000;    // of a timer that fires; the shortest is 0
inline constexpr int64_t kShortestIdleMs = 1000;    // of a timer that is cancelled
inline constexpr int64_t kLongestIdleMs = 60'000;

class Side {
 public:
  virtual ~Side() = default;
  /// A timer is made, set and cancelled while kPendingTimers others stand.
  virtual Cost timer_cancel(uint64_t n) = 0;
  /// Timers with callbacks are set and all fire.
  virtual Cost timer_fire(uint64_t n) = 0;
  /// kSleepers coroutines sleep again and again.
  virtual Cost sleep(uint64_t n) = 0;
  /// A coroutine awaits another one, which returns a number at once.
  virtual Cost call(uint64_t n) = 0;
  /// Each of `tasks` coroutines goes to the end of the loop's queue again and again.
  virtual Cost yield(uint64_t n, uint64_t tasks) = 0;
  /// Each of `callers` coroutines calls a coroutine on the other thread's loop and awaits its number.
  virtual Cost cross(uint64_t n, uint64_t callers) = 0;
  /// One coroutine sends numbers to another through a bounded channel.
  virtual Cost channel(uint64_t n, uint64_t capacity) = 0;
};

std::unique_ptr<Side> make_sofa_side();
std::unique_ptr<Side> make_asio_side();

}  // namespace bench
