#pragma once
// What a client does with a call beside sending it to one provider (docs/protocols/sofarpc.md, section 4.4).

#include <cstdint>
#include <optional>

#include "sofa/base/backoff.h"
#include "sofa/base/clock.h"
#include "sofa/cluster/retry.h"

namespace sofa::rpc {

enum class Strategy : uint8_t {
  failover,   ///< another provider when one could not answer, up to `retries` times
  failfast,   ///< one attempt
  failback,   ///< for notifications: a call that could not be answered ends well, and is repeated in the background
  forking,    ///< several providers at once: the first answer counts, the other attempts are cancelled
  broadcast,  ///< every provider of the list at once: the first error when any fails, else one of the results
};

/// A second attempt at another provider when the first takes long: the first answer counts, the other attempt is cancelled. The service must bear a
/// call twice.
struct Hedging {
  Duration after{};  ///< without an answer; choose a high percentile of the method's latency. Zero: never
  int most = 1;      ///< further attempts, each `after` the one before, or at once when that failed
};

/// Calls of Strategy::failback that wait for their repetition are copies of their arguments: a method whose arguments cannot be copied fails at once.
struct Failback {
  size_t most_waiting = 1000;  ///< calls; a further one ends with its error
  int attempts = 5;            ///< in the background, then the call is given up with a line in the log
  Backoff backoff{.first = std::chrono::seconds(1), .most = std::chrono::seconds(30)};
};

}  // namespace sofa::rpc
