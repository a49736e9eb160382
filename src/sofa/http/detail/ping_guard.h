#pragma once
// Counts the PINGs of one connection that come sooner than its policy permits.

#include <algorithm>
#include <optional>

#include "sofa/base/clock.h"
#include "sofa/http/options.h"

namespace sofa::http::detail {

/// Time is passed in. One thread.
class PingGuard {
 public:
  /// Without a call nobody pings more often than TCP's own keep-alive, 2 hours (RFC 1122, 4.2.3.6; gRPC's servers).
  static constexpr Duration kIdleInterval = std::chrono::hours(2);

  explicit PingGuard(const PingPolicy& policy) : policy_(policy) {}
  /// A PING has come; false: it is one strike too many.
  bool admit(Instant now, bool exchange_runs) {
    const bool often = exchange_runs || policy_.permit_without_calls;
    const Duration interval = often ? std::min(policy_.min_interval, kIdleInterval) : kIdleInterval;
    const bool too_soon = last_ && now < deadline_after(*last_, interval);
    last_ = now;
    return !too_soon || policy_.max_strikes == 0 || ++strikes_ <= policy_.max_strikes;
  }
  /// DATA or HEADERS were sent: what came before is forgiven, and the next PING is welcome at any time.
  void forgive() {
    last_.reset();
    strikes_ = 0;
  }

 private:
  const PingPolicy policy_;
  std::optional<Instant> last_;
  uint32_t strikes_ = 0;
};

}  // namespace sofa::http::detail
