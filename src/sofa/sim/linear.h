#pragma once
// Linear: whether a history of calls is linearizable, where every answer tells its place in the one order that the replicas have agreed on: a write
// its index, a read the index up to which it has seen all. Then no search is needed: the order is given, and it remains to see that no call was
// answered from before something that had been answered before it was made. Each call costs a comparison.
//
// That the values are those of their places is for who knows the state machine: replay the writes in their order, and compare.

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

namespace sofa::sim {

class Linear {
 public:
  /// Of a call that is made now: what it must not be answered from before.
  struct Begun {
    int64_t seen = 0;  // at least up to here
  };
  Begun begin() const { return {.seen = std::max(written_, read_)}; }

  /// A sentence when the answer is from before what was known when the call was made.
  std::optional<std::string> end_write(const Begun& begun, int64_t index) {
    written_ = std::max(written_, index);
    if (index > begun.seen) return std::nullopt;
    return fmt::format("a write took place at {}, but when it was asked for, all up to {} had been answered", index, begun.seen);
  }
  std::optional<std::string> end_read(const Begun& begun, int64_t seen) {
    read_ = std::max(read_, seen);
    if (seen >= begun.seen) return std::nullopt;
    return fmt::format("a read saw all up to {}, but when it was asked for, all up to {} had been answered", seen, begun.seen);
  }

 private:
  int64_t written_ = 0, read_ = 0;
};

}  // namespace sofa::sim
