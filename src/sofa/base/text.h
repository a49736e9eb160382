#pragma once
// Small texts of protocols: letters, numbers, comparison without case. ASCII alone, whatever the locale.

#include <algorithm>
#include <charconv>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sofa {

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
constexpr bool is_alpha(char c) { return lower(c) >= 'a' && lower(c) <= 'z'; }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// The value of a hex digit of either case; -1 for anything else.
constexpr int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  const char low = lower(c);
  return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

inline std::string lower_case(std::string text) {
  for (char& c : text) c = lower(c);
  return text;
}

inline bool equal_without_case(std::string_view a, std::string_view b) { return std::ranges::equal(a, b, {}, lower, lower); }

/// Without the letters of `space` at its ends.
constexpr std::string_view trimmed(std::string_view text, std::string_view space = " \t") {
  const size_t first = text.find_first_not_of(space);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(space) - first + 1);
}

/// The number that the text is from end to end, when T holds it: decimal digits, behind a '-' where T has signs; no '+', no space.
template <std::integral T = uint64_t>
std::optional<T> whole_number(std::string_view text) {
  T number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// The candidate with the smallest edit distance, when it is near enough to be meant by a slip; empty otherwise.
std::string_view nearest(std::string_view name, const std::vector<std::string_view>& candidates);

}  // namespace sofa
