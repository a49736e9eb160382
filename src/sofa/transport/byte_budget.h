#pragma once
// A bound on the bytes that many connections hold together: of requests that
// have begun to come and are not whole; over HTTP also the heads of requests, and messages of gRPC, until they are answered.

#include <atomic>
#include <cstddef>

namespace sofa::transport {

/// What all of them may hold. Any thread.
class ByteBudget {
 public:
  explicit ByteBudget(size_t most) : most_(most) {}
  size_t most() const { return most_; }
  size_t held() const { return held_.load(std::memory_order_relaxed); }

 private:
  friend class HeldBytes;
  const size_t most_;
  std::atomic<size_t> held_{0};
};

/// The part of one of them, given back at its end. Counted in steps of 16 KiB, so that small requests cost nothing. One thread at a time.
class HeldBytes {
 public:
  static constexpr size_t kStep = size_t{16} << 10;

  /// `budget` outlives it; null: nothing is counted.
  explicit HeldBytes(ByteBudget* budget) : budget_(budget) {}
  ~HeldBytes() { hold(0); }
  HeldBytes(const HeldBytes&) = delete;
  HeldBytes& operator=(const HeldBytes&) = delete;

  /// From now on it is `bytes`. False when they are more than before and all together more than may be: it is the holder's turn to let go.
  bool hold(size_t bytes) {
    const size_t held = bytes / kStep * kStep;
    if (budget_ == nullptr || held == held_) return true;
    const bool more = held > held_;
    const size_t all = budget_->held_.fetch_add(held - held_, std::memory_order_relaxed) + held - held_;  // less: the difference wraps
    held_ = held;
    return !more || all <= budget_->most_;
  }

 private:
  ByteBudget* const budget_;
  size_t held_ = 0;
};

}  // namespace sofa::transport
