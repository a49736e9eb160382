#pragma once
// Selector: one client's choice among the providers of a service: routers, weights of this moment, a balancer, fault tolerance, outlier ejection,
// sticky choices, and what to do when the chosen one has no connection. Pure logic: it waits for nothing.
//
//   const Provider* provider = selector->select({.list = list, .key = key, .is_live = ..., .context = ...}, clock);
//   selector->began(*provider);
//   ...
//   selector->ended(*provider, took, Outcome::answered, now);

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sofa/base/clock.h"
#include "sofa/cluster/balancer.h"
#include "sofa/cluster/fault_tolerance.h"
#include "sofa/cluster/outlier.h"
#include "sofa/cluster/router.h"

namespace sofa::cluster {

struct SelectorOptions {
  std::string balancer = "auto";  ///< a name that make_balancer knows
  BalancerOptions balancing{};
  FaultToleranceOptions fault_tolerance{};
  OutlierOptions outliers{};
  Routers routers{};
  bool sticky = false;  ///< keep to the last provider while it is there, connected and not asked already for this call
};

/// How a call to a provider ended.
enum class Outcome : uint8_t {
  answered,    ///< by the service, with a value or an error
  overloaded,  ///< no answer in time, or "busy": what fault tolerance counts
  failed,      ///< anything else: no connection, a broken answer
};

/// Belongs to one shard.
class Selector {
 public:
  static Result<std::unique_ptr<Selector>> make(SelectorOptions options, Random random);

  struct Ask {
    const ProviderList& list;  ///< not empty
    RouteKey key{};
    std::span<const io::Address> tried{};  ///< those asked already for this call: asked again only when there is no other
    /// Whether a call can be sent to it at once; where it cannot, it begins to connect for the calls to come.
    bool (*is_live)(void* context, const Provider& provider);
    void* context;
  };
  /// One of those that the routers admit, null when there is none: what the balancer picks of those that are not tried, not ejected and live; where
  /// that leaves nobody, it looks away first from the connection, then from ejections, then from what was tried. Allocates nothing while the list and
  /// the weights stay. A list of one without routers costs nothing unless ticks().
  const Provider* select(const Ask& ask, const Clock& clock);

  /// Whether PickKey::first_argument decides.
  bool needs_argument() const { return balancer_->needs_argument(); }
  /// Whether began() and ended() do anything.
  bool counts() const { return counts_; }
  void began(const Provider& provider) { balancer_->began(provider); }
  /// Of a provider that is not in the list of the last choice only the balancer hears.
  void ended(const Provider& provider, Duration took, Outcome outcome, Instant now);

  /// Whether tick() must be called each second.
  bool ticks() const { return options_.fault_tolerance.regulation_effective || options_.outliers.enabled(); }
  struct Findings {
    std::vector<Measure> measures{};
    std::vector<OutlierEjection::Ejection> ejections{};
  };
  Findings tick(const Clock& clock);
  /// The weight that the last choice saw, or would have.
  int weight_of(const Provider& provider, WallTime now) const { return fault_tolerance_.weight_of(provider, now); }

 private:
  Selector(SelectorOptions options, std::unique_ptr<Balancer> balancer);
  void refresh(const ProviderList& list, const Clock& clock);
  void forget_gone(const std::vector<Provider>& list);
  void weigh(const Clock& clock);
  bool route(const Ask& ask);
  template <class Leave>
  void leave_out(Leave leave);
  const Provider* stick(const Ask& ask) const;
  size_t choose(const Ask& ask, Instant now);
  Candidates candidates() const { return {*list_, weights_, version_, among_}; }

  const SelectorOptions options_;
  const std::unique_ptr<Balancer> balancer_;
  const bool counts_;
  FaultTolerance fault_tolerance_;
  OutlierEjection outliers_;

  ProviderList list_;            // that of the last choice
  std::vector<int> weights_;     // its weights
  std::vector<uint32_t> among_;  // the indexes that may be chosen; empty: all
  std::vector<uint32_t> fewer_;  // scratch of leave_out
  uint64_t version_ = 0;         // of list and weights
  uint64_t degradations_ = 0;    // FaultTolerance::version that the weights know
  Instant next_weighing_ = kNoDeadline;
  std::optional<io::Address> last_;  // sticky
};

}  // namespace sofa::cluster
