#pragma once
// UTF-8 (RFC 3629).

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sofa {

/// One code point and its bytes. A surrogate in its three-byte form (WTF-8) counts as one.
struct CodePoint {
  uint32_t value;
  uint32_t length;
  /// A byte that begins none is U+FFFD of length 1.
  bool is_bad() const { return value == 0xfffd && length == 1; }
  bool is_surrogate() const { return (value & 0xfffff800) == 0xd800; }
};
/// The first one of a text that is not empty: no overlong forms, nothing behind U+10FFFF.
inline CodePoint next_code_point(std::string_view text) {
  constexpr CodePoint kBad{0xfffd, 1};
  const auto byte = [&](size_t i) -> uint32_t { return static_cast<uint8_t>(text[i]); };
  const auto follows = [&](size_t i) { return i < text.size() && (byte(i) & 0xc0) == 0x80; };
  const uint32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  if (lead < 0xc2 || lead > 0xf4 || !follows(1)) return kBad;
  if (lead < 0xe0) return {(lead & 0x1f) << 6 | (byte(1) & 0x3f), 2};
  if (!follows(2)) return kBad;
  if (lead < 0xf0) {
    const uint32_t value = (lead & 0x0f) << 12 | (byte(1) & 0x3f) << 6 | (byte(2) & 0x3f);
    return value < 0x800 ? kBad : CodePoint{value, 3};
  }
  if (!follows(3)) return kBad;
  const uint32_t value = (lead & 0x07) << 18 | (byte(1) & 0x3f) << 12 | (byte(2) & 0x3f) << 6 | (byte(3) & 0x3f);
  return value < 0x10000 || value > 0x10ffff ? kBad : CodePoint{value, 4};
}

/// To the letter: no overlong forms, no surrogates, nothing behind U+10FFFF.
bool is_utf8(std::string_view text);

/// The first `bytes` of it at most, without a part of a character at the end.
std::string_view cut_utf8(std::string_view text, size_t bytes);

}  // namespace sofa
