#pragma once
// The fields of a protobuf message, for small messages that are read and written without their type. Pure.

#include <bit>
#include <cstdint>
#include <optional>

#include "sofa/base/bytes.h"

namespace sofa {

/// Walks over the fields of a message in their order.
class ProtobufFields {
 public:
  enum class Wire : uint8_t { varint, fixed64, bytes, fixed32 = 5 };
  struct Field {
    uint64_t number;
    ByteSpan bytes{};        ///< of the message: a text, bytes or a message
    bool is_number = false;  ///< a varint
    uint64_t value = 0;      ///< of a number
    Wire wire = Wire::bytes;
  };
  explicit ProtobufFields(ByteSpan message) : rest_(message) {}

  /// The next length-delimited one (texts, bytes, messages); nothing at the end, and where the bytes are no protobuf (groups are none, either).
  std::optional<Field> next() {
    auto field = next_of_every_kind();
    while (field && field->wire != Wire::bytes) field = next_of_every_kind();
    return field;
  }
  /// The same with varints.
  std::optional<Field> next_of_any_kind() {
    auto field = next_of_every_kind();
    while (field && field->wire != Wire::bytes && field->wire != Wire::varint) field = next_of_every_kind();
    return field;
  }
  /// The same with varints and numbers of fixed size.
  std::optional<Field> next_of_every_kind() {
    if (rest_.empty() || is_broken_) return std::nullopt;
    const uint64_t tag = varint();
    Field field{.number = tag >> 3, .wire = static_cast<Wire>(tag & 7)};
    field.is_number = field.wire == Wire::varint;
    if (field.wire == Wire::bytes) {
      field.bytes = take(varint());
    } else {
      field.value = number(field.wire);
    }
    if (tag >> 3 == 0 || tag >> 35 != 0) is_broken_ = true;
    if (is_broken_) return std::nullopt;
    return field;
  }
  /// The next number of a packed field: of such a one the message is nothing but numbers.
  std::optional<uint64_t> next_packed(Wire wire) {
    if (rest_.empty() || is_broken_) return std::nullopt;
    const uint64_t value = number(wire);
    if (is_broken_) return std::nullopt;
    return value;
  }
  bool is_broken() const { return is_broken_; }

 private:
  uint64_t number(Wire wire) {
    switch (wire) {
      case Wire::varint:
        return varint();
      case Wire::fixed64:
        return little_endian(take(8));
      case Wire::fixed32:
        return little_endian(take(4));
      default:
        is_broken_ = true;
        return 0;
    }
  }
  static uint64_t little_endian(ByteSpan bytes) {
    uint64_t value = 0;
    for (size_t i = bytes.size(); i-- > 0;) value = value << 8 | bytes[i];
    return value;
  }
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
    if (value != 0) present_number(field, value);
  }
  /// Also when it is 0: a field whose absence means something.
  void present_number(uint32_t field, uint64_t value) {
    varint(uint64_t{field} << 3);
    varint(value);
  }
  /// Likewise.
  void present_float64(uint32_t field, double value) { fixed(field, 1, std::bit_cast<uint64_t>(value), 8); }
  void present_float32(uint32_t field, float value) { fixed(field, 5, std::bit_cast<uint32_t>(value), 4); }
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
  void fixed(uint32_t field, unsigned wire, uint64_t bits, unsigned bytes) {
    varint(uint64_t{field} << 3 | wire);
    for (; bytes > 0; --bytes, bits >>= 8) out_.append_u8(static_cast<uint8_t>(bits));
  }
  void varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) out_.append_u8(static_cast<uint8_t>(value | 0x80));
    out_.append_u8(static_cast<uint8_t>(value));
  }
  Buffer& out_;
};

}  // namespace sofa
