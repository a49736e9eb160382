#pragma once
// Rates of bytes.

#include <cstddef>
#include <cstdint>

#include "sofa/base/clock.h"

namespace sofa {

/// How long so many bytes may take at this rate, which is in bytes a second and not 0.
inline Duration time_at_rate(uint64_t bytes, size_t rate) {
  return Duration(static_cast<int64_t>(static_cast<double>(bytes) / static_cast<double>(rate) * 1e9));
}

}  // namespace sofa
