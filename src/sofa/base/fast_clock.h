#pragma once
// FastClock: the time line of a Clock at a fraction of its price, for code that reads the time several times in a microsecond.
//
//   FastClock time(shard.clock());                 // one for each thread
//   const Instant begun = time.now();              // about 10 ns; CLOCK_MONOTONIC takes 25 to 40

#include <cstdint>

#include "sofa/base/clock.h"

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace sofa {

/// Reads the processor's time stamp counter where that runs at one rate for ever (x86-64, "invariant TSC") and the clock is the machine's; else the
/// clock itself. Its times differ from the clock's by less than a few microseconds, and may go back by as much: it compares itself with the clock
/// every few milliseconds that it is used. Belongs to one thread.
class FastClock {
 public:
  /// `clock` outlives it.
  explicit FastClock(const Clock& clock);

  Instant now() {
#if defined(__x86_64__)
    if (nanoseconds_per_tick_ != 0) {
      const uint64_t since = __rdtsc() - near_.ticks;
      if (since > kMostTicks) [[unlikely]]
        return compare();
      return near_.time + Duration(static_cast<int64_t>(since * nanoseconds_per_tick_ >> kFractionBits));
    }
#endif
    return clock_->now_monotonic();
  }

  /// Whether it reads the counter.
  bool is_fast() const { return nanoseconds_per_tick_ != 0; }

 private:
  static constexpr int kFractionBits = 32;
  static constexpr uint64_t kMostTicks = uint64_t{1} << 24;  // between two looks at the clock: 4 to 8 ms

  /// The counter and the clock at one moment.
  struct Reading {
    uint64_t ticks = 0;
    Instant time{};
  };
  Reading read() const;
  void measure(const Reading& from, const Reading& to);
  Instant compare();

  const Clock* clock_;
  Reading near_, far_;                 // the last look; the one that the rate is measured from
  uint64_t nanoseconds_per_tick_ = 0;  // times 2^32; 0: the clock is read itself
};

}  // namespace sofa
