#pragma once
// One provider of a service, as a list, a registry or a URL names it.

#include <cstdint>
#include <string>

#include "sofa/base/clock.h"
#include "sofa/io/address.h"

namespace sofa::cluster {

/// A provider gets less traffic while it is new (docs/protocols/sofarpc.md, section 4).
struct WarmUp {
  enum class Shape : uint8_t {
    step,  ///< `weight` until the end, then the whole: what the original does
    ramp,  ///< from `weight` to the whole, linear
  };
  WallTime start{};   ///< when the provider started, as it says itself
  Duration length{};  ///< zero: it is warm
  int weight = 0;     ///< at the start
  Shape shape = Shape::step;
};

struct Provider {
  io::Address address;
  std::string protocol = "bolt";
  int weight = 100;  ///< share of the traffic; 0 and less: none while others have some
  WarmUp warm_up{};

  bool is_warming_up(WallTime now) const { return warm_up.length > Duration::zero() && now <= warm_up.start + warm_up.length; }
  /// Not negative.
  int weight_at(WallTime now) const;
};

}  // namespace sofa::cluster
