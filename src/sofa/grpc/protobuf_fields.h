#pragma once
// The fields of a protobuf message, for small messages that are read without their type. Pure.

#include <cstdint>
#include <optional>

#include "sofa/base/bytes.h"

namespace sofa::grpc {

/// Walks over the length-delimited fields of a message (texts, bytes, messages) in their order, and passes over numbers.
class ProtobufFields {
 public:
  struct Field {
    uint64_t number;
    ByteSpan bytes;  ///< of the message
  };
  explicit ProtobufFields(ByteSpan message) : rest_(message) {}

  /// The next one; nothing at the end, and where the bytes are no protobuf (groups are none, either).
  std::optional<Field> next() {
    while (!rest_.empty() && !is_broken_) {
      const uint64_t tag = varint();
      ByteSpan bytes;
      switch (tag & 7) {
        case 0:
          varint();
          break;
        case 1:
          take(8);
          break;
        case 2:
          bytes = take(varint());
          break;
        case 5:
          take(4);
          break;
        default:
          is_broken_ = true;
      }
      if (tag >> 3 == 0 || tag >> 35 != 0) is_broken_ = true;
      if ((tag & 7) == 2 && !is_broken_) return Field{.number = tag >> 3, .bytes = bytes};
    }
    return std::nullopt;
  }
  bool is_broken() const { return is_broken_; }

 private:
  uint64_t varint() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
      const uint8_t byte = rest_.front();
      rest_ = rest_.subspan(1);
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    is_broken_ = true;
    return 0;
  }
  ByteSpan take(uint64_t size) {
    if (size > rest_.size()) is_broken_ = true;
    if (is_broken_) return {};
    const ByteSpan taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
  }

  ByteSpan rest_;
  bool is_broken_ = false;
};

}  // namespace sofa::grpc
