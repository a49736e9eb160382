#pragma once
// UTF-8 (WTF-8) on our side, UTF-16 units each encoded alone (CESU-8) on the wire: docs/protocols/hessian.md, section 1.

#include <cstdint>
#include <cstring>
#include <string_view>

#include "sofa/base/utf8.h"

namespace sofa::hessian::detail {

/// True when the first n bytes are all below 0x80.
inline bool is_ascii(const char* p, size_t n) {
  uint64_t seen = 0;
  for (; n >= 8; p += 8, n -= 8) {
    uint64_t word;
    std::memcpy(&word, p, 8);
    seen |= word;
  }
  if (n >= 4) {
    uint32_t word;
    std::memcpy(&word, p, 4);
    seen |= word;
    p += 4, n -= 4;
  }
  for (; n > 0; ++p, --n) seen |= static_cast<uint64_t>(static_cast<uint8_t>(*p));
  return (seen & 0x8080808080808080u) == 0;
}

constexpr uint64_t kHighBits = 0x8080808080808080u;

/// Copies n <= 31 bytes in at most four overlapping words; false, with rubbish written, when one is not ASCII.
inline bool copy_short_ascii(uint8_t* to, const char* from, size_t n) {
  uint64_t words[4];
  if (n >= 8) {
    const size_t second = n >= 16 ? 8 : 0, third = n >= 16 ? n - 16 : 0;
    std::memcpy(&words[0], from, 8);
    std::memcpy(&words[1], from + second, 8);
    std::memcpy(&words[2], from + third, 8);
    std::memcpy(&words[3], from + n - 8, 8);
    std::memcpy(to, &words[0], 8);
    std::memcpy(to + second, &words[1], 8);
    std::memcpy(to + third, &words[2], 8);
    std::memcpy(to + n - 8, &words[3], 8);
    return ((words[0] | words[1] | words[2] | words[3]) & kHighBits) == 0;
  }
  if (n >= 4) {
    uint32_t first, last;
    std::memcpy(&first, from, 4);
    std::memcpy(&last, from + n - 4, 4);
    std::memcpy(to, &first, 4);
    std::memcpy(to + n - 4, &last, 4);
    return ((first | last) & static_cast<uint32_t>(kHighBits)) == 0;
  }
  if (n == 0) return true;
  const auto first = static_cast<uint8_t>(from[0]), middle = static_cast<uint8_t>(from[n / 2]), last = static_cast<uint8_t>(from[n - 1]);
  to[0] = first;
  to[n / 2] = middle;
  to[n - 1] = last;
  return ((first | middle | last) & 0x80) == 0;
}

inline bool is_continuation(uint8_t b) { return (b & 0xc0) == 0x80; }

inline bool is_high_surrogate(uint32_t unit) { return (unit & 0xfc00) == 0xd800; }
inline bool is_low_surrogate(uint32_t unit) { return (unit & 0xfc00) == 0xdc00; }

/// Writes a value below 0x10000 in its one, two or three byte form.
inline uint8_t* put_unit(uint8_t* p, uint32_t unit) {
  if (unit < 0x80) {
    *p++ = static_cast<uint8_t>(unit);
  } else if (unit < 0x800) {
    *p++ = static_cast<uint8_t>(0xc0 | unit >> 6);
    *p++ = static_cast<uint8_t>(0x80 | (unit & 0x3f));
  } else {
    *p++ = static_cast<uint8_t>(0xe0 | unit >> 12);
    *p++ = static_cast<uint8_t>(0x80 | (unit >> 6 & 0x3f));
    *p++ = static_cast<uint8_t>(0x80 | (unit & 0x3f));
  }
  return p;
}

/// UTF-16 units of the text, and whether its bytes are those of its units already: no four-byte forms, no bad bytes.
struct TextSize {
  size_t units = 0;
  bool same_bytes = true;
};
inline TextSize text_size(std::string_view utf8) {
  if (is_ascii(utf8.data(), utf8.size())) return {utf8.size(), true};
  TextSize size;
  for (size_t i = 0; i < utf8.size();) {
    const CodePoint c = next_code_point({utf8.data() + i, utf8.size() - i});
    size.same_bytes &= c.value < 0x10000 && !c.is_bad();
    size.units += c.value >= 0x10000 ? 2 : 1;
    i += c.length;
  }
  return size;
}
inline size_t utf16_length(std::string_view utf8) { return text_size(utf8).units; }

}  // namespace sofa::hessian::detail
