#pragma once
// Comeback: a peer that has said that it closes (GoAway of Bolt, GOAWAY of HTTP/2) may be back soon, as a restart puts a successor at its address.
// For a while it is looked for often, and a call that finds nobody there is told so, and may wait (Sent::no_closed).

#include <algorithm>

#include "sofa/base/clock.h"
#include "sofa/transport/status.h"

namespace sofa::transport {

struct ComebackOptions {
  Duration grace = std::chrono::seconds(10);        ///< how long after its word it may be back
  Duration pause = std::chrono::milliseconds(100);  ///< the most that passes between two looks meanwhile
};

/// Of one address; belongs to one shard.
class Comeback {
 public:
  explicit Comeback(ComebackOptions options = {}) : options_(options) {}
  void peer_closes(Instant now) { until_ = deadline_after(now, options_.grace); }
  void has_connected() { until_ = Instant::min(); }
  /// The longest pause between two attempts to connect, where it is `usual` otherwise.
  Duration most_pause(Instant now, Duration usual) const { return now < until_ ? std::min(options_.pause, usual) : usual; }
  /// What a failed attempt to connect says of the call that it was for.
  Sent sent(Instant now) const { return now < until_ ? Sent::no_closed : Sent::no; }

 private:
  ComebackOptions options_;
  Instant until_ = Instant::min();
};

}  // namespace sofa::transport
