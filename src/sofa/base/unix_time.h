#pragma once
// Moments of a clock as they are told to others.

#include <chrono>
#include <cstdint>

#include "sofa/base/clock.h"

namespace sofa {

/// The moment in ms since 1970, by how the clock's wall time stands now.
inline int64_t unix_ms(const Clock& clock, Instant at) {
  const Duration ago = clock.now_monotonic() - at;
  return std::chrono::duration_cast<std::chrono::milliseconds>(clock.now_wall().time_since_epoch() - ago).count();
}

}  // namespace sofa
