#pragma once
// Lists in headers, beside what base/text.h has of small texts.

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "sofa/base/text.h"

namespace sofa::http::detail {

inline bool contains(const std::vector<std::string>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
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
