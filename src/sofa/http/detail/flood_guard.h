#pragma once
// A bucket of tokens: `burst` at once, then `per_second`.

#include <algorithm>

#include "sofa/base/clock.h"

namespace sofa::http::detail {

/// Time is passed in. One thread.
class FloodGuard {
 public:
  FloodGuard(uint32_t burst, uint32_t per_second) : cost_(Duration(std::chrono::seconds(1)) / std::max(1u, per_second)), room_(cost_ * burst) {}
  /// Takes a token; false when there is none.
  bool admit(Instant now) {
    full_at_ = std::max(full_at_, now) + cost_;
    return full_at_ - now <= room_;
  }

 private:
  const Duration cost_;  // how long a token takes to come back
  const Duration room_;
  Instant full_at_{};  // when the bucket is full again
};

}  // namespace sofa::http::detail
