#pragma once
// minimise: from the faults of a run that fails to a few that are enough for it to fail. The run is repeated with some of them left out, which are
// the more the longer it keeps failing (delta debugging: halves first, then quarters, at last one by one).

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

namespace sofa::sim {

struct Minimised {
  std::vector<uint64_t> kept{};  ///< in the order of `all`; without any one of them it does not fail, unless `runs` has reached its bound
  size_t runs = 0;
};

/// `fails(kept)`: whether the run with these alone still fails. It is known to fail with all of them.
inline Minimised minimise(std::vector<uint64_t> all, const std::function<bool(const std::vector<uint64_t>&)>& fails, size_t most_runs) {
  Minimised found{.kept = std::move(all)};
  for (size_t parts = 1; !found.kept.empty() && found.runs < most_runs;) {
    const size_t size = (found.kept.size() + parts - 1) / parts;
    bool shorter = false;
    // From the end: what comes late in a run rests on what came before it, not the other way round.
    for (size_t end = found.kept.size(); end > 0 && found.runs < most_runs; end -= std::min(end, size)) {
      const auto first = static_cast<ptrdiff_t>(end - std::min(end, size)), last = static_cast<ptrdiff_t>(end);
      std::vector<uint64_t> rest(found.kept.begin(), found.kept.begin() + first);
      rest.insert(rest.end(), found.kept.begin() + last, found.kept.end());
      ++found.runs;
      if (!fails(rest)) continue;
      found.kept = std::move(rest);
      shorter = true;
    }
    if (size == 1 && !shorter) break;
    parts = std::min(std::max<size_t>(found.kept.size(), 1), shorter ? std::max<size_t>(parts, 2) : parts * 2);
  }
  return found;
}

}  // namespace sofa::sim
