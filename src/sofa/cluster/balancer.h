#pragma once
// Load balancers: which of several providers gets a call. The names and the picks are the original's (docs/protocols/sofarpc.md, section 4), so that
// a consistent hash sends a key from C++ and from Java to the same provider.
//
//   auto balancer = *cluster::make_balancer("weightConsistentHash", Random(system_seed()));
//   const size_t i = balancer->pick({providers, weights, version}, {.interface = "bank.Ledger", .method = "get", .first_argument = "user-7"});

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sofa/base/error.h"
#include "sofa/base/random.h"
#include "sofa/cluster/provider.h"

namespace sofa::cluster {

/// What a pick is made from. At least one provider; `weights` are those of this moment (warm-up, degradation), as many as there are providers, none
/// negative.
struct Candidates {
  std::span<const Provider> providers;
  std::span<const int> weights;
  uint64_t version;                   ///< changes whenever a provider or a weight does: what is computed from them is kept until then
  std::span<const uint32_t> among{};  ///< which of them may be chosen, in rising order; empty: all

  size_t size() const { return among.empty() ? providers.size() : among.size(); }
  /// Of the nth that may be chosen.
  size_t index(size_t n) const { return among.empty() ? n : among[n]; }
  int weight(size_t n) const { return weights[index(n)]; }
  const Provider& provider(size_t n) const { return providers[index(n)]; }
  bool may_choose(size_t index) const { return among.empty() || std::ranges::binary_search(among, index); }
};

/// What is asked for.
struct PickKey {
  std::string_view interface{};
  std::string_view method{};
  std::string_view target_app{};
  std::string_view first_argument{};  ///< its text; empty when there is none. Only read when needs_argument()
};

/// Belongs to one shard.
class Balancer {
 public:
  virtual ~Balancer() = default;
  virtual std::string_view name() const = 0;
  /// Whether PickKey::first_argument decides.
  virtual bool needs_argument() const { return false; }
  /// The index of the chosen provider in `providers`. A single one is chosen without further ado and changes no state.
  size_t pick(const Candidates& from, const PickKey& key) { return from.index(from.size() == 1 ? 0 : choose(from, key)); }

  /// Whether it must be told of calls.
  virtual bool counts() const { return false; }
  /// A call to the provider begins and ends. `ok`: it was answered, whatever the answer.
  virtual void began(const Provider&) {}
  virtual void ended(const Provider&, Duration took, bool ok, Instant now) { (void)took, (void)ok, (void)now; }

 protected:
  /// Which of those that may be chosen.
  virtual size_t choose(const Candidates& from, const PickKey& key) = 0;
};

struct BalancerOptions {
  std::vector<std::string> own_hosts{};       ///< localPref: the addresses under which this machine is a provider; empty: no preference
  size_t max_methods = 4096;                  ///< roundRobin, weightRoundRobin: methods with a counter of their own; over it they share one
  Duration decay = std::chrono::seconds(10);  ///< leastRequest: after so long an old latency counts 1/e
};

/// By the original's name: random, localPref, roundRobin, weightRoundRobin, consistentHash, weightConsistentHash, auto (random); and ours:
/// leastRequest (of two drawn by weight the one with the lower latency times calls in flight). Fails with the names there are.
Result<std::unique_ptr<Balancer>> make_balancer(std::string_view name, Random random, BalancerOptions options = {});

}  // namespace sofa::cluster
