#pragma once
// The fields of a protobuf message, for small messages that are read and written without their type. Pure.

#include <cstdint>
#include <optional>

#include "sofa/base/bytes.h"

namespace sofa::grpc {

/// Walks over the fields of a message in their order.
class ProtobufFields {
 public:
  struct Field {
    uint64_t number;
    ByteSpan bytes{};        ///< of the message: a text, bytes or a message
    bool is_number = false;  ///< a varint
    uint64_t value = 0;
  };
  explicit ProtobufFields(ByteSpan message) : rest_(message) {}

  /// The next length-delimited one (texts, bytes, messages); nothing at the end, and where the bytes are no protobuf (groups are none, either).
  std::optional<Field> next() {
    auto field = next_of_any_kind();
    while (field && field->is_number) field = next_of_any_kind();
    return field;
  }
  /// The same with varints. Numbers of fixed size are passed over.
  std::optional<Field> next_of_any_kind() {
    while (!rest_.empty() && !is_broken_) {
      const uint64_t tag = varint();
      ByteSpan bytes;
      uint64_t value = 0;
      switch (tag & 7) {
        case 0:
          value = varint();
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
      if ((tag & 7) == 0 && !is_broken_) return Field{.number = tag >> 3, .is_number = true, .value = value};
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

/// Appends fields to a message.
class ProtobufWriter {
 public:
  explicit ProtobufWriter(Buffer& out) : out_(out) {}

  /// Left out when it is the default, as proto3 has it: 0, or empty.
  void number(uint32_t field, uint64_t value) {
    if (value == 0) return;
    varint(uint64_t{field} << 3);
    varint(value);
  }
  void text(uint32_t field, std::string_view text) {
    if (!text.empty()) bytes(field, as_bytes(text));
  }
  /// Also when it is empty: an item of a repeated field, or one whose absence means something.
  void bytes(uint32_t field, ByteSpan bytes) {
    varint(uint64_t{field} << 3 | 2);
    varint(bytes.size());
    out_.append(bytes);
  }
  /// `write(ProtobufWriter&)` writes the fields of a message inside this one.
  template <class F>
  void message(uint32_t field, F write) {
    Buffer inner;
    ProtobufWriter to(inner);
    write(to);
    bytes(field, inner.span());
  }

 private:
  void varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) out_.append_u8(static_cast<uint8_t>(value | 0x80));
    out_.append_u8(static_cast<uint8_t>(value));
  }
  Buffer& out_;
};

}  // namespace sofa::grpc
