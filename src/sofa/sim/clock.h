#pragma once
// NodeClock: what the clocks of one machine say at a moment of the world: its monotonic clock runs too fast or too slow, its wall clock jumps. A
// frozen machine is not a matter of its clock: its time goes on while it does nothing.

#include "sofa/base/clock.h"

namespace sofa::sim {

class NodeClock {
 public:
  /// `rate`: 1.05 is five percent fast.
  explicit NodeClock(Duration offset = {}, double rate = 1) : offset_(offset), rate_(rate) {}

  Instant local(Instant world) const { return since_ + offset_ + scaled(world - since_, rate_); }
  /// When the world has the time that this clock then shows; kNoDeadline for kNoDeadline.
  Instant world_at(Instant local) const {
    if (local == kNoDeadline) return kNoDeadline;
    return since_ + scaled(local - since_ - offset_, 1 / rate_);
  }
  /// From this moment on it runs at another rate; it does not jump.
  void set_rate(Instant now, double rate) {
    offset_ += scaled(now - since_, rate_) - (now - since_);
    since_ = now;
    rate_ = rate;
  }
  double rate() const { return rate_; }

  WallTime wall(Instant world) const { return WallTime(std::chrono::seconds(1'577'836'800)) + world.time_since_epoch() + wall_offset_; }
  void jump_wall(Duration by) { wall_offset_ += by; }

 private:
  static Duration scaled(Duration length, double rate) { return Duration(static_cast<int64_t>(static_cast<double>(length.count()) * rate)); }

  Instant since_{std::chrono::seconds(1)};
  Duration offset_;
  double rate_;
  Duration wall_offset_{};
};

}  // namespace sofa::sim
