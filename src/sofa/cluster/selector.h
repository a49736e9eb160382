#pragma once
// Selector: one client's choice among the providers of a service: weights of this moment, a balancer, fault tolerance, sticky choices, and what to do
// when the chosen one has no connection. Pure logic: it waits for nothing.
//
//   const Provider& provider = selector->select({.list = list, .key = key, .is_live = ..., .context = ...}, clock);
//   selector->began(provider);
//   ...
//   selector->ended(provider, took, Outcome::answered, now);

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sofa/base/clock.h"
#include "sofa/cluster/balancer.h"
#include "sofa/cluster/fault_tolerance.h"

namespace sofa::cluster {

struct SelectorOptions {
  std::string balancer = "auto";  ///< a name that make_balancer knows
  BalancerOptions balancing{};
  FaultToleranceOptions fault_tolerance{};
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
    PickKey key{};
    std::span<const io::Address> tried{};  ///< those asked already for this call: asked again only when there is no other
    /// Whether a call can be sent to it at once; where it cannot, it begins to connect for the calls to come.
    bool (*is_live)(void* context, const Provider& provider);
    void* context;
  };
  /// One of the list: what the balancer picks of those that are live and not tried; else of those not tried; else of all. Allocates nothing while the
  /// list and the weights stay. A list of one costs nothing.
  const Provider& select(const Ask& ask, const Clock& clock);

  /// Whether PickKey::first_argument decides.
  bool needs_argument() const { return balancer_->needs_argument(); }
  /// Whether began() and ended() do anything.
  bool counts() const { return counts_; }
  void began(const Provider& provider) { balancer_->began(provider); }
  void ended(const Provider& provider, Duration took, Outcome outcome, Instant now);

  /// Whether tick() must be called each second.
  bool ticks() const { return options_.fault_tolerance.regulation_effective; }
  std::vector<Measure> tick(WallTime now) { return fault_tolerance_.tick(now); }
  /// The weight that the last choice saw, or would have.
  int weight_of(const Provider& provider, WallTime now) const { return fault_tolerance_.weight_of(provider, now); }

 private:
  Selector(SelectorOptions options, std::unique_ptr<Balancer> balancer);
  void refresh(const ProviderList& list, const Clock& clock);
  void forget_gone(const std::vector<Provider>& list);
  void weigh(const Clock& clock);
  const Provider* stick(const Ask& ask) const;
  size_t choose(const Ask& ask);
  Candidates candidates() const { return {*list_, weights_, version_, among_}; }

  const SelectorOptions options_;
  const std::unique_ptr<Balancer> balancer_;
  const bool counts_;
  FaultTolerance fault_tolerance_;

  ProviderList list_;            // that of the last choice
  std::vector<int> weights_;     // its weights
  std::vector<uint32_t> among_;  // the indexes that may be chosen; empty: all
  uint64_t version_ = 0;         // of list and weights
  uint64_t degradations_ = 0;    // FaultTolerance::version that the weights know
  Instant next_weighing_ = kNoDeadline;
  std::optional<io::Address> last_;  // sticky
};

}  // namespace sofa::cluster
