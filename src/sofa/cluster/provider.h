#pragma once
// One provider of a service, as a list, a registry or a URL names it.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sofa/base/clock.h"
#include "sofa/base/error.h"
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
  friend bool operator==(const WarmUp&, const WarmUp&) = default;
};

struct Provider {
  io::Address address;
  std::string protocol = "bolt";
  int weight = 100;  ///< share of the traffic; 0 and less: none while others have some
  WarmUp warm_up{};
  Duration timeout{};                                             ///< of a call whose caller does not say; zero: nor does the provider
  std::string serialization{};                                    ///< what it wants to be called with; empty: what the client has
  std::vector<std::pair<std::string, std::string>> attributes{};  ///< what else its URL says: tags for routers

  bool is_warming_up(WallTime now) const { return warm_up.length > Duration::zero() && now <= warm_up.start + warm_up.length; }
  /// Not negative.
  int weight_at(WallTime now) const;
  /// The value of an attribute; empty when it is not there.
  std::string_view attribute(std::string_view key) const;
  friend bool operator==(const Provider&, const Provider&) = default;
};

/// Never null; not changed while anybody holds it.
using ProviderList = std::shared_ptr<const std::vector<Provider>>;

/// Reads "bolt://10.0.0.7:12200?weight=50&timeout=800" (docs/protocols/sofarpc.md, section 4): the scheme may be left out, "[::1]:12200" is an IPv6
/// address, a path is passed over. Times are milliseconds; `warmupTime`, `warmupWeight` and `startTime` (since 1970) count together, `warmupShape` is
/// "step" or "ramp". An error names the URL and the part that is wrong.
Result<Provider> parse_provider(std::string_view url);
/// Several with "," or ";" between; at least one.
Result<std::vector<Provider>> parse_provider_list(std::string_view urls);

}  // namespace sofa::cluster
