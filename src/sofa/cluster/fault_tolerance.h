#pragma once
// AFT, the original's automatic fault tolerance: providers of one service that fail far more often than the others get less traffic, and get it back
// step by step. Arithmetic, rounding included, as in SOFARPC 5.13 (docs/protocols/sofarpc.md, section 4).
//
// Time comes from outside: tick() once a second.

#include <cstdint>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "sofa/cluster/provider.h"

namespace sofa::cluster {

/// The original's names and defaults. Its leastCallCount is not here: nothing reads it there either.
struct FaultToleranceOptions {
  bool regulation_effective = false;                ///< count calls at all
  bool degrade_effective = false;                   ///< change weights; otherwise only report
  uint32_t time_window = 10;                        ///< seconds between two measures
  int64_t least_window_count = 10;                  ///< calls in a window from which on a provider is judged, scaled with its weight
  double least_window_exception_rate_multiple = 6;  ///< times the average rate from which on a provider is abnormal
  double weight_degrade_rate = 0.05;
  double weight_recover_rate = 2;
  int degrade_least_weight = 1;
  int degrade_max_ip_count = 2;  ///< hosts of one service that are degraded at the same time
};

/// What was found about one provider at the end of a window.
struct Measure {
  enum class State : uint8_t { ignored, healthy, abnormal };
  io::Address address;
  State state = State::ignored;
  int64_t calls = 0;
  double rate = 0, average = 0;  ///< errors by calls, rounded to two places
  int weight_before = 0, weight = 0;
  bool at_limit = false;  ///< abnormal, but degrade_max_ip_count hosts are degraded already
};

/// The providers of one service of one application. Belongs to one shard.
class FaultTolerance {
 public:
  explicit FaultTolerance(FaultToleranceOptions options = {}) : options_(options) {}

  /// A call to the provider has ended. `counts_as_error`: it timed out or the server was busy; other errors are no sign of a sick provider.
  void record(const Provider& provider, bool counts_as_error);
  /// The provider's weight with its degradation; call it where `provider.weight_at(now)` would be taken.
  int weight_of(const Provider& provider, WallTime now) const;
  bool is_degraded(const Provider& provider) const { return weights_.contains(key(provider.address)); }

  /// A second has passed. At the end of a window: what was found, in the order in which providers were first seen; otherwise empty. `current`: the
  /// list of this moment, for warm-up.
  std::vector<Measure> tick(WallTime now);
  /// A provider that is gone is forgotten.
  void forget(const io::Address& address);
  /// Changes whenever a weight does.
  uint64_t version() const { return version_; }

 private:
  struct Stat {
    Provider provider;
    int64_t calls = 0, errors = 0;
    int idle_windows = 0;
  };
  static std::string key(const io::Address& address) { return address.to_string(); }
  int64_t least_calls(const Stat& stat, WallTime now) const;
  double average_rate(const std::vector<Stat>& window, WallTime now) const;
  std::vector<Stat> take_window();
  Measure judge(const Stat& stat, double average, WallTime now);
  void degrade(const Stat& stat, Measure& measure, WallTime now);
  void recover(const Stat& stat, Measure& measure, WallTime now);

  const FaultToleranceOptions options_;
  std::vector<Stat> stats_;                       // in the order of their coming
  std::unordered_map<std::string, int> weights_;  // of degraded and recovering ones
  std::set<std::string> degraded_hosts_;
  uint32_t seconds_ = 0;
  uint64_t version_ = 0;
};

namespace detail {
/// a / b, rounded half up to two places.
double divide_to_cents(int64_t a, int64_t b);
double divide_to_cents(double a, double b);
/// a * b: rounded half up to as many significant digits as a has with one place ("100.0": four), then cut to a whole number.
int multiply_as_original(int64_t a, double b);
}  // namespace detail

}  // namespace sofa::cluster
