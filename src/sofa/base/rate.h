#pragma once
// Rates of bytes.

#include <cstddef>
#include <cstdint>

#include "sofa/base/clock.h"

namespace sofa {

/// How long so many bytes may take at this rate, which is in bytes a second and not 0; at most Duration::max() / 2, so that a grace can be added.
inline Duration time_at_rate(uint64_t bytes, size_t rate) {
  constexpr Duration kMost = Duration::max() / 2;
  const double nanoseconds = static_cast<double>(bytes) / static_cast<double>(rate) * 1e9;
  return nanoseconds < static_cast<double>(kMost.count()) ? Duration(static_cast<int64_t>(nanoseconds)) : kMost;
}

}  // namespace sofa
