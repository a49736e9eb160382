#pragma once
// Time as a parameter: code that needs the time takes a Clock, so that tests and simulations decide what time it is.

#include <atomic>
#include <chrono>

namespace sofa {

using Duration = std::chrono::nanoseconds;

/// The monotonic time line of a Clock. It has no now(): time always comes from a Clock object.
struct Monotonic {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<Monotonic>;
  static constexpr bool is_steady = true;
};

/// A point of monotonic time; only differences have a meaning, and only within one Clock.
using Instant = Monotonic::time_point;
/// An absolute monotonic time by which something must be done.
using Deadline = Instant;
inline constexpr Deadline kNoDeadline = Instant::max();

/// Wall time: UTC since 1970. It may jump; never measure with it.
using WallTime = std::chrono::sys_time<Duration>;

/// `from + by`, kept at kNoDeadline instead of overflowing (a timeout of "for ever" is Duration::max()).
inline Deadline deadline_after(Instant from, Duration by) {
  if (by > Duration::zero() && from > kNoDeadline - by) return kNoDeadline;
  return from + by;
}

/// Where time comes from. Implementations may be read by any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Instant now_monotonic() const = 0;
  virtual WallTime now_wall() const = 0;
  /// How long a thread may really sleep when it wants to see `at`: a manual clock answers with a short time, because it is moved by others.
  virtual Duration sleep_hint(Instant at) const = 0;
};

/// The machine's clocks (CLOCK_MONOTONIC, CLOCK_REALTIME).
class SystemClock final : public Clock {
 public:
  Instant now_monotonic() const override;
  WallTime now_wall() const override;
  Duration sleep_hint(Instant at) const override;
  /// The one shared instance.
  static SystemClock& instance();
};

/// Stands still until it is moved. Starts at monotonic 1 s and wall 2020-01-01 00:00:00 unless told otherwise.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(WallTime wall = WallTime(std::chrono::seconds(1'577'836'800)));
  Instant now_monotonic() const override;
  WallTime now_wall() const override;
  Duration sleep_hint(Instant at) const override;
  /// Moves both clocks forward; any thread.
  void advance(Duration by);

 private:
  std::atomic<int64_t> elapsed_{0};
  WallTime wall_start_;
};

}  // namespace sofa
