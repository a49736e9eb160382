#pragma once
// What messages leave behind for those that come after them, with its memory: taken by any connection of the same thread, last first, so that it is
// still in the processor's cache however many connections there are.

#include <cstddef>
#include <utility>
#include <vector>

#include "sofa/http/exchange.h"

namespace sofa::http::detail {

/// Belongs to one thread.
template <class T>
class Spares {
 public:
  bool is_full() const { return kept_.size() >= kMost; }
  /// A new one when there is none.
  T take() {
    if (kept_.empty()) return T{};
    T last = std::move(kept_.back());
    kept_.pop_back();
    return last;
  }
  void give(T&& spare) {
    if (!is_full()) kept_.push_back(std::move(spare));
  }

 private:
  static constexpr size_t kMost = 128;
  std::vector<T> kept_;
};

/// Of requests received, whose texts keep their memory.
inline Spares<RequestHead>& spare_heads() {
  thread_local Spares<RequestHead> heads;
  return heads;
}

}  // namespace sofa::http::detail
