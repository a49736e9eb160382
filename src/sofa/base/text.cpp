#include "sofa/base/text.h"

#include <array>

namespace sofa {

std::string_view nearest(std::string_view name, const std::vector<std::string_view>& candidates) {
  constexpr size_t kLongest = 64;
  if (name.size() > kLongest) return {};
  std::string_view best;
  size_t best_distance = name.size() / 3 + 2;  // further away, it is another word
  for (const std::string_view candidate : candidates) {
    if (candidate.size() > kLongest) continue;
    std::array<size_t, kLongest + 1> row;
    for (size_t j = 0; j <= candidate.size(); ++j) row[j] = j;
    for (size_t i = 1; i <= name.size(); ++i) {
      size_t diagonal = std::exchange(row[0], i);
      for (size_t j = 1; j <= candidate.size(); ++j) {
        const size_t replaced = diagonal + (name[i - 1] == candidate[j - 1] ? 0 : 1);
        diagonal = row[j];
        row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
      }
    }
    if (row[candidate.size()] < best_distance) {
      best_distance = row[candidate.size()];
      best = candidate;
    }
  }
  return best;
}

}  // namespace sofa
