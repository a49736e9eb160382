#pragma once
// Small texts of headers: letters, lists, comparison without case.

#include <algorithm>
#include <string_view>

namespace sofa::http::detail {

inline char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
inline bool is_alpha(char c) { return lower(c) >= 'a' && lower(c) <= 'z'; }
inline bool is_digit(char c) { return c >= '0' && c <= '9'; }

inline bool equal_without_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

inline std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// Calls `visit(item)` for each trimmed item of a list, empty ones too; "" has one.
template <class F>
void for_each_item(std::string_view list, F&& visit, char separator = ',') {
  for (size_t at = 0; at <= list.size();) {
    const size_t end = std::min(list.find(separator, at), list.size());
    visit(trimmed(list.substr(at, end - at)));
    at = end + 1;
  }
}

}  // namespace sofa::http::detail
