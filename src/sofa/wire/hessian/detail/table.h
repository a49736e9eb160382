#pragma once
// A growing array of small trivial records whose first N need no allocation: the tables of one stream are mostly short.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <type_traits>
#include <utility>

namespace sofa::hessian::detail {

/// A block of memory that a thread keeps from one stream to the next, so that a long stream need not grow its table step by step.
struct SpareBlock {
  static constexpr size_t kLargest = size_t{1} << 20;  // bytes; larger ones are given back
  std::unique_ptr<std::byte[]> memory;
  size_t size = 0;
  static SpareBlock& of_thread() {
    thread_local SpareBlock spare;
    return spare;
  }
};

template <class T, size_t N, bool kKeepsSpare = false>
class Table {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

 public:
  Table() = default;
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;
  ~Table() {
    if constexpr (kKeepsSpare) {
      if (heap_ != nullptr && capacity_ * sizeof(T) <= SpareBlock::kLargest) SpareBlock::of_thread() = {std::move(heap_), capacity_ * sizeof(T)};
    }
  }

  size_t size() const { return size_; }
  T& operator[](size_t i) { return data_[i]; }
  const T& operator[](size_t i) const { return data_[i]; }
  T& back() { return data_[size_ - 1]; }
  T* begin() { return data_; }
  T* end() { return data_ + size_; }
  void pop() { --size_; }
  void push(const T& item) {
    if (size_ == capacity_) [[unlikely]] {
      grow();
    }
    new (data_ + size_++) T(item);
  }

 private:
  void grow() {
    size_t bytes = capacity_ * 2 * sizeof(T);
    std::unique_ptr<std::byte[]> fresh;
    if constexpr (kKeepsSpare) {
      if (SpareBlock& spare = SpareBlock::of_thread(); spare.size >= bytes) {
        bytes = std::exchange(spare.size, 0);
        fresh = std::move(spare.memory);
      }
    }
    if (fresh == nullptr) fresh = std::make_unique_for_overwrite<std::byte[]>(bytes);
    std::memcpy(fresh.get(), static_cast<const void*>(data_), size_ * sizeof(T));
    heap_ = std::move(fresh);
    data_ = reinterpret_cast<T*>(heap_.get());
    capacity_ = bytes / sizeof(T);
  }

  alignas(T) std::byte inline_[N * sizeof(T)];
  std::unique_ptr<std::byte[]> heap_;
  T* data_ = reinterpret_cast<T*>(inline_);
  size_t size_ = 0, capacity_ = N;
};

/// Address and kind -> number, open addressing: which objects a writer has already written. The kind tells an object from its first member.
class AddressMap {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  /// The number kept for the address, or stores `number` for it and answers kNone.
  uint32_t find_or_insert(const void* address, const void* kind, uint32_t number) {
    if ((used_ + 1) * 4 > capacity_ * 3) grow();
    Slot& slot = slot_of(slots_, capacity_, address, kind);
    if (slot.address == address) return slot.number;
    slot = {address, kind, number};
    ++used_;
    return kNone;
  }
  void replace(const void* address, const void* kind, uint32_t number) { slot_of(slots_, capacity_, address, kind).number = number; }

 private:
  struct Slot {
    const void* address;
    const void* kind;
    uint32_t number;
  };
  static Slot& slot_of(Slot* slots, size_t capacity, const void* address, const void* kind) {
    size_t at = (reinterpret_cast<uintptr_t>(address) * 0x9e3779b97f4a7c15u) >> 20 & (capacity - 1);
    while (slots[at].address != nullptr && (slots[at].address != address || slots[at].kind != kind)) at = (at + 1) & (capacity - 1);
    return slots[at];
  }
  void grow() {
    if (capacity_ == 0) {  // most streams have nothing to remember
      std::memset(inline_, 0, sizeof inline_);
      capacity_ = kInline;
      return;
    }
    const size_t doubled = capacity_ * 2;
    auto fresh = std::make_unique<Slot[]>(doubled);
    for (size_t i = 0; i < capacity_; ++i) {
      if (slots_[i].address != nullptr) slot_of(fresh.get(), doubled, slots_[i].address, slots_[i].kind) = slots_[i];
    }
    heap_ = std::move(fresh);
    slots_ = heap_.get();
    capacity_ = doubled;
  }

  static constexpr size_t kInline = 16;
  Slot inline_[kInline];
  std::unique_ptr<Slot[]> heap_;
  Slot* slots_ = inline_;
  size_t used_ = 0, capacity_ = 0;
};

}  // namespace sofa::hessian::detail
