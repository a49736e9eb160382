#pragma once
// Which bytes the parts of a message may hold (RFC 9110, 5.5 and 5.6.2; RFC 3986). Asked of every field of every message.

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "sofa/base/text.h"

namespace sofa::http::detail {

class ByteSet {
 public:
  template <class F>
  explicit constexpr ByteSet(F holds) {
    for (int c = 0; c < 256; ++c) holds_[static_cast<size_t>(c)] = holds(static_cast<char>(c));
  }
  bool holds_all(std::string_view text) const {
    bool all = true;
    for (const char c : text) all &= holds_[static_cast<uint8_t>(c)];
    return all;
  }

 private:
  std::array<bool, 256> holds_{};
};

constexpr bool is_token_byte(char c) { return is_alpha(c) || is_digit(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos; }

inline constexpr ByteSet kTokenBytes(is_token_byte);
inline constexpr ByteSet kLowerNameBytes([](char c) { return is_token_byte(c) && lower(c) == c; });
inline constexpr ByteSet kValueBytes([](char c) { return c == '\t' || (static_cast<uint8_t>(c) >= ' ' && c != 0x7f); });
inline constexpr ByteSet kTargetBytes([](char c) { return static_cast<uint8_t>(c) > ' ' && c != 0x7f; });

// Eight bytes at a time: most texts are long, and hold nothing that asks for a second look.

inline constexpr size_t kWord = sizeof(uint64_t);
inline constexpr uint64_t kOnes = 0x0101010101010101, kTops = kOnes * 0x80;

inline uint64_t word_at(const char* bytes) {
  uint64_t word;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

/// Whether all words of a text, the last two of which may overlap, pass `test`; false for a shorter text.
template <class F>
bool all_words(std::string_view text, F test) {
  if (text.size() < kWord) return false;
  bool all = test(word_at(text.data() + text.size() - kWord));
  for (size_t at = 0; at + kWord < text.size(); at += kWord) all &= test(word_at(text.data() + at));
  return all;
}

/// No byte is under `least`, nor DEL.
template <char least>
bool has_no_control(uint64_t word) {
  const uint64_t without_del = word ^ (kOnes * 0x7f);
  return ((((word - kOnes * least) & ~word) | ((without_del - kOnes) & ~without_del)) & kTops) == 0;
}

/// Letters in lower case and '-' alone.
inline bool is_plain_name(uint64_t word) {
  const uint64_t from_a = word + kOnes * (0x80 - 'a'), after_z = word + kOnes * (0x7f - 'z'), not_dash = (word ^ (kOnes * '-')) + kOnes * 0x7f;
  return (word & kTops) == 0 && (((from_a & ~after_z) | ~not_dash) & kTops) == kTops;
}

inline bool is_plain_name(std::string_view name) {
  return all_words(name, [](uint64_t word) { return is_plain_name(word); });
}
/// A token.
inline bool is_field_name(std::string_view name) { return is_plain_name(name) || (!name.empty() && kTokenBytes.holds_all(name)); }
/// A token without letters in upper case, as HTTP/2 wants it (RFC 9113, 8.2).
inline bool is_lower_name(std::string_view name) { return is_plain_name(name) || (!name.empty() && kLowerNameBytes.holds_all(name)); }
/// kValueBytes alone.
inline bool is_field_value(std::string_view value) { return all_words(value, has_no_control<' '>) || kValueBytes.holds_all(value); }
/// kTargetBytes alone.
inline bool is_target(std::string_view target) { return all_words(target, has_no_control<'!'>) || kTargetBytes.holds_all(target); }

}  // namespace sofa::http::detail
