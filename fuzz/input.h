#pragma once
// Takes a fuzz target's input from its front. Behind its end everything is zero and empty.

#include <algorithm>

#include "sofa/base/bytes.h"

namespace fuzz {

class Input {
 public:
  explicit Input(sofa::ByteSpan bytes) : rest_(bytes) {}
  bool empty() const { return rest_.empty(); }
  uint8_t byte() {
    if (rest_.empty()) return 0;
    const uint8_t first = rest_[0];
    rest_ = rest_.subspan(1);
    return first;
  }
  /// length u16 BE, and so many bytes, as far as there are some.
  sofa::Bytes bytes() {
    const auto high = static_cast<size_t>(byte()) << 8;
    const size_t size = std::min<size_t>(high | byte(), rest_.size());
    const sofa::Bytes taken = sofa::Bytes::copy_of(rest_.first(size));
    rest_ = rest_.subspan(size);
    return taken;
  }
  sofa::Bytes rest() {
    const sofa::Bytes taken = sofa::Bytes::copy_of(rest_);
    rest_ = {};
    return taken;
  }

 private:
  sofa::ByteSpan rest_;
};

}  // namespace fuzz
