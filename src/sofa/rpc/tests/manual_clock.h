#pragma once
// Tests on a clock that they move themselves.

#include "sample.h"
#include "sofa/io/sync.h"

namespace sofa::rpc::testing {

/// Runs the body on a shard whose clock stands still unless `pass` moves it.
template <class F>
void with_manual_clock(F body) {
  ManualClock clock;
  io::Runtime runtime({.shards = 1, .hold_limit = Duration::zero(), .clock = &clock});
  const auto done = runtime.block_on(body(clock));
  EXPECT_TRUE(done) << (done ? "" : done.error().to_string());
}

/// Moves the clock and waits until the shard has seen it.
inline Task<void> pass(ManualClock& clock, Duration time) {
  clock.advance(time);
  for (int turn = 0; turn < 2; ++turn) {
    io::Event seen;
    io::Shard::current().post([&seen] { seen.set(); });
    EXPECT_TRUE(co_await seen.wait());
  }
}

}  // namespace sofa::rpc::testing
