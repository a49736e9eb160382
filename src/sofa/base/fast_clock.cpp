#include "sofa/base/fast_clock.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace sofa {

namespace {

/// The counter runs at one rate, asleep or awake (CPUID leaf 0x80000007, EDX bit 8).
bool has_invariant_counter() {
#if defined(__x86_64__)
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid(0x80000007, &a, &b, &c, &d) != 0 && (d & 1U << 8) != 0;
#else
  return false;
#endif
}

uint64_t ticks_now() {
#if defined(__x86_64__)
  return __rdtsc();
#else
  return 0;
#endif
}

constexpr Duration kFirstMeasure = std::chrono::microseconds(100);
constexpr Duration kLongMeasure = std::chrono::seconds(10);

}  // namespace

FastClock::FastClock(const Clock& clock) : clock_(&clock) {
  if (&clock != &SystemClock::instance() || !has_invariant_counter()) return;
  far_ = read();
  do {
    near_ = read();
  } while (near_.time - far_.time < kFirstMeasure);
  measure(far_, near_);
}

/// Of three tries the one in which the thread was interrupted least.
FastClock::Reading FastClock::read() const {
  Reading best;
  uint64_t least = UINT64_MAX;
  for (int i = 0; i < 3; ++i) {
    const uint64_t before = ticks_now();
    const Instant time = clock_->now_monotonic();
    const uint64_t took = ticks_now() - before;
    if (took >= least) continue;
    least = took;
    best = {.ticks = before + took / 2, .time = time};
  }
  return best;
}

void FastClock::measure(const Reading& from, const Reading& to) {
  const uint64_t ticks = to.ticks - from.ticks;
  if (ticks == 0 || to.time <= from.time) return;  // the machine was moved or slept: keep the rate
  const auto nanoseconds = static_cast<unsigned __int128>((to.time - from.time).count());
  nanoseconds_per_tick_ = static_cast<uint64_t>((nanoseconds << kFractionBits) / ticks);
}

Instant FastClock::compare() {
  const uint64_t since = ticks_now() - near_.ticks;
  const bool plausible = since < UINT64_MAX / 2;
  const Reading now = read();
  // Longer distances give a better rate; a new beginning now and then lets go of one that a sleep of the machine has spoilt.
  if (plausible) measure(far_, now);
  if (!plausible || now.time - far_.time > kLongMeasure) far_ = now;
  near_ = now;
  return now.time;
}

}  // namespace sofa
