#pragma once
// Timers: a hierarchical timing wheel (8 levels of 64 slots, ticks of 0.1 ms: more than any Instant can be ahead).
// Scheduling and cancelling are O(1) and allocate nothing. The wheel is a pure class: time is passed in. One thread.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "sofa/base/clock.h"
#include "sofa/io/detail/list.h"

namespace sofa::io {

namespace detail {
struct TimerTag {};
}  // namespace detail

class TimerWheel;

/// A timer that its user embeds: fires once by calling `callback(context)` on the shard. Destroying a pending node cancels it.
class TimerNode : public detail::ListHook<detail::TimerTag> {
 public:
  using Callback = void (*)(void* context);
  TimerNode(Callback callback, void* context) : callback_(callback), context_(context) {}
  ~TimerNode() { cancel(); }
  bool pending() const { return wheel_ != nullptr; }
  /// Does nothing when not pending.
  void cancel();

 private:
  friend class TimerWheel;
  Callback callback_;
  void* context_;
  TimerWheel* wheel_ = nullptr;
  uint64_t tick_ = 0;
  uint8_t level_ = 0;
  uint8_t slot_ = 0;
};

class TimerWheel {
 public:
  static constexpr Duration kTick = std::chrono::microseconds(100);

  explicit TimerWheel(Instant start) : start_(start) {}

  /// Fires at the first advance() whose time is at or after `when`, rounded up to a tick: never early. A pending node is moved.
  void schedule(TimerNode& node, Instant when);
  void cancel(TimerNode& node);
  /// Fires all that is due, in the order of their ticks. Callbacks may schedule and cancel. Returns how many fired.
  size_t advance(Instant now);
  /// A time at which advance() has something to do (fire or re-file), not later than the earliest deadline; nothing when empty.
  std::optional<Instant> next() const;
  size_t size() const { return size_; }

 private:
  static constexpr unsigned kLevels = 8;
  static constexpr unsigned kSlotBits = 6;
  static constexpr unsigned kSlots = 1U << kSlotBits;
  using Slot = detail::List<TimerNode, detail::TimerTag>;
  struct Level {
    uint64_t occupied = 0;  // one bit a slot
    std::array<Slot, kSlots> slots;
  };
  struct Expiry {
    unsigned level;
    unsigned slot;
    uint64_t tick;
  };

  void place(TimerNode& node);
  std::optional<Expiry> next_expiry() const;
  size_t fire(Slot& due);

  Instant start_;
  uint64_t elapsed_ = 0;  // ticks since start_ that are done
  size_t size_ = 0;
  std::array<Level, kLevels> levels_;
};

inline void TimerNode::cancel() {
  if (wheel_ != nullptr) wheel_->cancel(*this);
}

}  // namespace sofa::io
