#include "sofa/cluster/provider.h"

#include <algorithm>

namespace sofa::cluster {

int Provider::weight_at(WallTime now) const {
  if (!is_warming_up(now)) return std::max(weight, 0);
  if (warm_up.shape == WarmUp::Shape::step) return std::max(warm_up.weight, 0);
  const double part = std::clamp(static_cast<double>((now - warm_up.start).count()) / static_cast<double>(warm_up.length.count()), 0.0, 1.0);
  return std::max(0, warm_up.weight + static_cast<int>(part * (weight - warm_up.weight)));
}

}  // namespace sofa::cluster
