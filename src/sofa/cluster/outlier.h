#pragma once
// Outlier ejection: a provider that fails call after call, or is many times slower than the others, gets none for a while. Ours, beside the
// original's fault tolerance: it looks at every failure, and acts within a second.
//
// Time comes from outside: tick() once a second.

#include <map>
#include <string>
#include <vector>

#include "sofa/cluster/provider.h"

namespace sofa::cluster {

struct OutlierOptions {
  int consecutive_failures = 0;                        ///< without an answer in between, to be ejected; 0: failures are not looked at
  double latency_multiple = 0;                         ///< times the median of all providers, over one second; 0: latency is not looked at
  int least_calls = 20;                                ///< in that second, for its latency to be looked at
  Duration first_ejection = std::chrono::seconds(10);  ///< doubles with each ejection that follows soon ...
  Duration most_ejection = std::chrono::minutes(5);    ///< ... up to this
  double most_ejected = 0.5;                           ///< of all providers, at the same time

  bool enabled() const { return consecutive_failures > 0 || latency_multiple > 0; }
};

/// Belongs to one shard.
class OutlierEjection {
 public:
  struct Ejection {
    io::Address address;
    Instant until;
    std::string why;
  };

  explicit OutlierEjection(OutlierOptions options) : options_(options) {}

  /// A call to the provider has ended, `answered` or not. `providers`: how many there are.
  void record(const io::Address& address, bool answered, Duration took, Instant now, size_t providers);
  /// A second has passed: who was far slower than the others. Answers with the ejections since the last tick.
  std::vector<Ejection> tick(Instant now, size_t providers);

  bool any(Instant now) const { return now < last_until_; }
  bool is_ejected(const io::Address& address, Instant now) const;
  void forget(const io::Address& address) { stats_.erase(address); }

 private:
  struct Stat {
    int failures = 0;   // in a row
    int64_t calls = 0;  // in this second
    Duration spent{};   // ... together
    int ejections = 0;  // lately
    Instant until{};    // ejected until
  };
  void eject(const io::Address& address, Stat& stat, Instant now, size_t providers, std::string why);
  size_t ejected(Instant now) const;

  const OutlierOptions options_;
  std::map<io::Address, Stat> stats_;  // of the providers of the list
  Instant last_until_{};
  std::vector<Ejection> fresh_;
};

}  // namespace sofa::cluster
