#include "sofa/base/clock.h"

#include <algorithm>

namespace sofa {

namespace {
constexpr Instant kManualStart{std::chrono::seconds(1)};
constexpr Duration kManualPoll = std::chrono::milliseconds(1);
}  // namespace

Instant SystemClock::now_monotonic() const { return Instant(std::chrono::steady_clock::now().time_since_epoch()); }

WallTime SystemClock::now_wall() const { return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now()); }

Duration SystemClock::sleep_hint(Instant at) const {
  const Instant now = now_monotonic();
  return at <= now ? Duration::zero() : at - now;
}

SystemClock& SystemClock::instance() {
  static SystemClock clock;
  return clock;
}

ManualClock::ManualClock(WallTime wall) : wall_start_(wall) {}

Instant ManualClock::now_monotonic() const { return kManualStart + Duration(elapsed_.load(std::memory_order_acquire)); }

WallTime ManualClock::now_wall() const { return wall_start_ + Duration(elapsed_.load(std::memory_order_acquire)); }

Duration ManualClock::sleep_hint(Instant at) const { return at <= now_monotonic() ? Duration::zero() : kManualPoll; }

void ManualClock::advance(Duration by) { elapsed_.fetch_add(by.count(), std::memory_order_acq_rel); }

}  // namespace sofa
