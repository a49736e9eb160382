#pragma once
// Pending calls by id: open addressing with linear probing. The hash scatters ids that are given in sequence: side by side they would be one run,
// and every removal would walk along it.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace sofa::transport {

template <class T>
class PendingCalls {
 public:
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  /// The call with this id, or null.
  T* find(uint32_t id) const {
    if (size_ == 0) return nullptr;
    for (size_t at = home_of(id); slots_[at].call != nullptr; at = (at + 1) & mask()) {
      if (slots_[at].id == id) return slots_[at].call;
    }
    return nullptr;
  }

  /// The id must not be there yet.
  void insert(uint32_t id, T& call) {
    if ((size_ + 1) * 2 > slots_.size()) grow();
    place(id, &call);
    ++size_;
  }

  /// Takes the call out, or null.
  T* remove(uint32_t id) {
    if (size_ == 0) return nullptr;
    size_t at = home_of(id);
    while (slots_[at].call != nullptr && slots_[at].id != id) at = (at + 1) & mask();
    T* found = slots_[at].call;
    if (found != nullptr) {
      close_gap(at);
      --size_;
    }
    return found;
  }

  /// Takes any call out, or null when there is none.
  T* remove_any() {
    if (size_ == 0) return nullptr;
    while (slots_[drain_at_ & mask()].call == nullptr) ++drain_at_;
    return remove(slots_[drain_at_ & mask()].id);
  }

 private:
  struct Slot {
    T* call = nullptr;
    uint32_t id = 0;
  };
  static constexpr size_t kSmallest = 16;

  size_t mask() const { return slots_.size() - 1; }
  /// Fibonacci hashing: the upper bits of the product.
  size_t home_of(uint32_t id) const { return (id * 2654435769u) >> (32 - std::countr_zero(slots_.size())); }

  void place(uint32_t id, T* call) {
    size_t at = home_of(id);
    while (slots_[at].call != nullptr) at = (at + 1) & mask();
    slots_[at] = {call, id};
  }

  void grow() {
    std::vector<Slot> old(slots_.empty() ? kSmallest : slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.call != nullptr) place(slot.id, slot.call);
    }
  }

  // Moves later entries of the run back, so that no tombstone is needed.
  void close_gap(size_t gap) {
    for (size_t at = (gap + 1) & mask(); slots_[at].call != nullptr; at = (at + 1) & mask()) {
      const size_t home = home_of(slots_[at].id);
      if (((at - home) & mask()) >= ((at - gap) & mask())) {
        slots_[gap] = slots_[at];
        gap = at;
      }
    }
    slots_[gap] = {};
  }

  std::vector<Slot> slots_;
  size_t size_ = 0;
  size_t drain_at_ = 0;
};

}  // namespace sofa::transport
