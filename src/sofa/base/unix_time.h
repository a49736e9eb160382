#pragma once
// Moments of a clock as they are told to others.

#include <chrono>
#include <cstdint>

#include "sofa/base/clock.h"

namespace sofa {

/// Milliseconds since 1970, rounded down.
inline int64_t unix_ms(WallTime at) { return std::chrono::floor<std::chrono::milliseconds>(at).time_since_epoch().count(); }

/// The moment in ms since 1970, by how the clock's wall time stands now.
inline int64_t unix_ms(const Clock& clock, Instant at) { return unix_ms(clock.now_wall() - (clock.now_monotonic() - at)); }

}  // namespace sofa
