#include "sofa/io/timer.h"

#include <algorithm>
#include <bit>

namespace sofa::io {

void TimerWheel::schedule(TimerNode& node, Instant when) {
  node.cancel();
  uint64_t tick = elapsed_ + 1;
  if (when > start_) {
    const Duration::rep ahead = (when - start_).count();
    const Duration::rep rounding = kTick.count() - 1;
    tick = std::max(tick, static_cast<uint64_t>(ahead / kTick.count()) + (ahead % kTick.count() + rounding) / kTick.count());
  }
  node.wheel_ = this;
  node.tick_ = tick;
  ++size_;
  place(node);
}

void TimerWheel::place(TimerNode& node) {
  // The level is that of the highest bit in which the deadline differs from now, so a lower level always expires before a higher one.
  const uint64_t differs = (node.tick_ ^ elapsed_) | (kSlots - 1);
  const unsigned level = static_cast<unsigned>(63 - std::countl_zero(differs)) / kSlotBits;
  const unsigned slot = static_cast<unsigned>(node.tick_ >> (level * kSlotBits)) & (kSlots - 1);
  node.level_ = static_cast<uint8_t>(level);
  node.slot_ = static_cast<uint8_t>(slot);
  levels_[level].slots[slot].push_back(node);
  levels_[level].occupied |= uint64_t{1} << slot;
}

void TimerWheel::cancel(TimerNode& node) {
  Level& level = levels_[node.level_];
  node.unlink();
  node.wheel_ = nullptr;
  --size_;
  if (level.slots[node.slot_].empty()) level.occupied &= ~(uint64_t{1} << node.slot_);
}

std::optional<TimerWheel::Expiry> TimerWheel::next_expiry() const {
  for (unsigned level = 0; level < kLevels; ++level) {
    if (levels_[level].occupied == 0) continue;
    const unsigned slot = static_cast<unsigned>(std::countr_zero(levels_[level].occupied));
    const uint64_t range = uint64_t{1} << ((level + 1) * kSlotBits);
    const uint64_t base = elapsed_ & ~(range - 1);
    return Expiry{level, slot, base + (static_cast<uint64_t>(slot) << (level * kSlotBits))};
  }
  return std::nullopt;
}

std::optional<Instant> TimerWheel::next() const {
  const auto expiry = next_expiry();
  if (!expiry) return std::nullopt;
  return start_ + kTick * static_cast<int64_t>(expiry->tick);
}

size_t TimerWheel::advance(Instant now) {
  if (now < start_) return 0;
  const uint64_t now_tick = static_cast<uint64_t>((now - start_) / kTick);
  size_t fired = 0;
  while (true) {
    const auto expiry = next_expiry();
    if (!expiry || expiry->tick > now_tick) break;
    elapsed_ = std::max(elapsed_, expiry->tick);
    Level& level = levels_[expiry->level];
    level.occupied &= ~(uint64_t{1} << expiry->slot);
    Slot due;
    due.take_all(level.slots[expiry->slot]);
    fired += fire(due);
  }
  elapsed_ = std::max(elapsed_, now_tick);
  return fired;
}

size_t TimerWheel::fire(Slot& due) {
  // Callbacks may cancel other nodes of `due`: cancel() unlinks them from here, and clears only an occupied bit that is clear already or
  // belongs to an empty slot.
  size_t fired = 0;
  while (!due.empty()) {
    TimerNode& node = due.pop_front();
    if (node.tick_ > elapsed_) {
      place(node);
      continue;
    }
    node.wheel_ = nullptr;
    --size_;
    ++fired;
    node.callback_(node.context_);
  }
  return fired;
}

}  // namespace sofa::io
