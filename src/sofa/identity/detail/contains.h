#pragma once

#include <algorithm>

namespace sofa::identity::detail {

/// std::ranges::contains, which libstdc++ 12 lacks.
template <class Range, class Value, class Member = std::identity>
bool contains(const Range& range, const Value& value, Member member = {}) {
  return std::ranges::find(range, value, member) != std::ranges::end(range);
}

}  // namespace sofa::identity::detail
