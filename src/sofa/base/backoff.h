#pragma once
// Waits that grow between attempts, each a little different, so that those who failed together do not come back together.

#include <algorithm>

#include "sofa/base/clock.h"
#include "sofa/base/random.h"

namespace sofa {

struct Backoff {
  Duration first = std::chrono::milliseconds(20);  ///< doubles with each further attempt ...
  Duration most = std::chrono::milliseconds(640);  ///< ... up to this
  double jitter = 0.2;                             ///< each pause is drawn from [1 - jitter, 1 + jitter] times its length

  /// The pause before the nth repetition, from 1.
  Duration pause(int n, Random& random) const {
    Duration wait = first;
    constexpr int kMostDoublings = 30;  // any first wait is over any sensible most by then
    for (int i = 1; i < std::min(n, kMostDoublings + 1) && wait < most; ++i) wait = wait > most / 2 ? most : wait * 2;
    const double factor = 1 + jitter * (2 * random.unit() - 1);
    return std::chrono::duration_cast<Duration>(std::min(wait, most) * factor);
  }
};

}  // namespace sofa
