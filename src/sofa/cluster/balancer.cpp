#include "sofa/cluster/balancer.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <unordered_map>

namespace sofa::cluster {

namespace {

/// A draw by weight; uniform when all weights are equal or none is positive.
size_t draw(const Candidates& from, Random& random) {
  int64_t sum = 0;
  bool equal = true;
  for (size_t i = 0; i < from.size(); ++i) {
    sum += from.weight(i);
    equal = equal && from.weight(i) == from.weight(0);
  }
  if (sum == 0 || equal) return random.uniform(from.size());
  auto offset = static_cast<int64_t>(random.uniform(static_cast<uint64_t>(sum)));
  size_t i = 0;
  while ((offset -= from.weight(i)) >= 0) ++i;
  return i;
}

class RandomBalancer : public Balancer {
 public:
  explicit RandomBalancer(Random random) : random_(std::move(random)) {}
  std::string_view name() const override { return "random"; }

 protected:
  size_t choose(const Candidates& from, const PickKey&) override { return draw(from, random_); }
  Random random_;
};

class LocalPreferenceBalancer final : public RandomBalancer {
 public:
  LocalPreferenceBalancer(Random random, std::vector<std::string> own_hosts) : RandomBalancer(std::move(random)), own_hosts_(std::move(own_hosts)) {}
  std::string_view name() const override { return "localPref"; }

 protected:
  size_t choose(const Candidates& from, const PickKey& key) override {
    positions_.clear();
    indexes_.clear();
    for (size_t i = 0; i < from.size(); ++i) {
      if (std::ranges::find(own_hosts_, from.provider(i).address.host()) == own_hosts_.end()) continue;
      positions_.push_back(i);
      indexes_.push_back(static_cast<uint32_t>(from.index(i)));
    }
    if (positions_.empty()) return RandomBalancer::choose(from, key);
    return positions_[draw({from.providers, from.weights, from.version, indexes_}, random_)];
  }

 private:
  const std::vector<std::string> own_hosts_;
  std::vector<size_t> positions_;  // those on an own host, among the candidates
  std::vector<uint32_t> indexes_;  // ... and among the providers
};

/// A counter for each method, from 0 on, without its sign bit as the original's.
class MethodCounters {
 public:
  explicit MethodCounters(size_t most) : most_(most) {}
  uint32_t next(const PickKey& key) {
    name_.assign(key.target_app).append("#").append(key.method);
    auto found = counters_.find(name_);
    if (found == counters_.end() && counters_.size() < most_) found = counters_.emplace(name_, 0).first;
    uint32_t& counter = found == counters_.end() ? shared_ : found->second;
    return counter++ & 0x7fffffffu;
  }

 private:
  const size_t most_;
  std::unordered_map<std::string, uint32_t> counters_;
  uint32_t shared_ = 0;
  std::string name_;  // kept for its memory
};

class RoundRobinBalancer final : public Balancer {
 public:
  explicit RoundRobinBalancer(size_t max_methods) : counters_(max_methods) {}
  std::string_view name() const override { return "roundRobin"; }

 protected:
  size_t choose(const Candidates& from, const PickKey& key) override { return counters_.next(key) % from.size(); }

 private:
  MethodCounters counters_;
};

/// Weights 1, 2, 3 give 1 2 3 2 3 3: each round takes one from everybody who has something left.
class WeightRoundRobinBalancer final : public Balancer {
 public:
  explicit WeightRoundRobinBalancer(size_t max_methods) : counters_(max_methods) {}
  std::string_view name() const override { return "weightRoundRobin"; }

 protected:
  size_t choose(const Candidates& from, const PickKey& key) override {
    const uint32_t turn = counters_.next(key);
    int64_t sum = 0;
    bool equal = true;
    for (size_t i = 0; i < from.size(); ++i) {
      sum += from.weight(i);
      equal = equal && from.weight(i) == from.weight(0);
    }
    return equal ? turn % from.size() : at(from, turn % sum);
  }

 private:
  /// Whole rounds of equal takers are skipped at once, so that weights of thousands cost no more than the number of providers.
  static size_t at(const Candidates& from, int64_t position) {
    for (int round = 0;;) {
      int64_t takers = 0;
      int lowest = INT32_MAX;
      for (size_t i = 0; i < from.size(); ++i) {
        if (from.weight(i) <= round) continue;
        ++takers;
        lowest = std::min(lowest, from.weight(i));
      }
      const int64_t here = takers * (lowest - round);
      if (position < here) return nth_above(from, round, position % takers);
      position -= here;
      round = lowest;
    }
  }
  static size_t nth_above(const Candidates& from, int round, int64_t n) {
    for (size_t i = 0;; ++i) {
      if (from.weight(i) > round && n-- == 0) return i;
    }
  }
  MethodCounters counters_;
};

using Digest = std::array<uint8_t, 16>;

Digest md5(std::string_view text) {
  Digest digest;
  EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_md5(), nullptr);
  return digest;
}

/// The unsigned number of four bytes, the lowest first.
uint32_t point(const Digest& digest, size_t group) {
  const uint8_t* bytes = digest.data() + group * 4;
  return static_cast<uint32_t>(bytes[3]) << 24 | static_cast<uint32_t>(bytes[2]) << 16 | static_cast<uint32_t>(bytes[1]) << 8 | bytes[0];
}

/// A ring of points; each provider has four for every digest of "host", "port" and a number written together.
class ConsistentHashBalancer final : public Balancer {
 public:
  explicit ConsistentHashBalancer(bool weighted) : weighted_(weighted) {}
  std::string_view name() const override { return weighted_ ? "weightConsistentHash" : "consistentHash"; }
  bool needs_argument() const override { return true; }

 protected:
  size_t choose(const Candidates& from, const PickKey& key) override {
    if (!built_ || version_ != from.version) build(from);
    const auto found = std::lower_bound(ring_.begin(), ring_.end(), Node{point(md5(key.first_argument), 0), 0});
    // Those that may not be chosen are passed over: the others keep their keys, as on a ring without them.
    auto at = static_cast<size_t>(found - ring_.begin());
    for (size_t passed = 0; passed < ring_.size(); ++passed, ++at) {
      const uint32_t index = ring_[at % ring_.size()].provider;
      if (from.may_choose(index))
        return from.among.empty() ? index : static_cast<size_t>(std::ranges::lower_bound(from.among, index) - from.among.begin());
    }
    return 0;  // none of them has a point: weights of zero
  }

 private:
  static constexpr int64_t kDigests = 32;                // consistentHash, and a weight of 4
  static constexpr int64_t kMaxDigestsOfOne = 64 << 10;  // a weight of 8192: more would only cost memory
  struct Node {
    uint32_t at;
    uint32_t provider;
    auto operator<=>(const Node&) const = default;
  };

  void build(const Candidates& from) {
    ring_.clear();
    const bool any = std::any_of(from.weights.begin(), from.weights.end(), [](int weight) { return weight > 0; });
    for (size_t i = 0; i < from.providers.size(); ++i) add(from.providers[i].address, any ? from.weights[i] : 4, static_cast<uint32_t>(i));
    // Of equal points the last provider's stands, as in the original's map.
    std::sort(ring_.begin(), ring_.end());
    size_t kept = 0;
    for (size_t i = 0; i < ring_.size(); ++i) {
      if (i + 1 < ring_.size() && ring_[i].at == ring_[i + 1].at) continue;
      ring_[kept++] = ring_[i];
    }
    ring_.resize(kept);
    version_ = from.version;
    built_ = true;
  }

  void add(const io::Address& address, int weight, uint32_t provider) {
    const int64_t digests = weighted_ ? std::min(kDigests * weight / 4, kMaxDigestsOfOne) : kDigests;
    const std::string base = address.host() + std::to_string(address.port());
    for (int64_t n = 0; n < digests; ++n) {
      const Digest digest = md5(base + std::to_string(n));
      for (size_t group = 0; group < 4; ++group) ring_.push_back({point(digest, group), provider});
    }
  }

  const bool weighted_;
  std::vector<Node> ring_;  // in order
  uint64_t version_ = 0;
  bool built_ = false;
};

/// Of two providers drawn by weight, the one that promises the shorter wait: its latency, where a rise counts at once and a fall slowly, times the
/// calls that it has to answer.
class LeastRequestBalancer final : public Balancer {
 public:
  LeastRequestBalancer(Random random, Duration decay) : random_(std::move(random)), decay_(decay) {}
  std::string_view name() const override { return "leastRequest"; }
  bool counts() const override { return true; }

  void began(const Provider& provider) override { ++load(provider).running; }
  void ended(const Provider& provider, Duration took, bool ok, Instant now) override {
    Load& load = this->load(provider);
    if (load.running > 0) --load.running;
    // A failure that comes at once must not look like a fast answer.
    const double seen = std::chrono::duration<double>(took).count() * (ok ? 1 : kFailureFactor);
    const double age = std::chrono::duration<double>(now - load.updated).count() / std::chrono::duration<double>(decay_).count();
    const double kept = std::exp(-std::max(age, 0.0));
    load.latency = seen > load.latency ? seen : load.latency * kept + seen * (1 - kept);
    load.updated = now;
  }

 protected:
  size_t choose(const Candidates& from, const PickKey&) override {
    const size_t one = draw(from, random_);
    size_t other = draw(from, random_);
    if (other == one) other = (one + 1 + random_.uniform(from.size() - 1)) % from.size();
    if (from.weight(other) == 0) return one;
    return cost(from.provider(other)) < cost(from.provider(one)) ? other : one;
  }

 private:
  static constexpr double kFailureFactor = 4;
  static constexpr size_t kMaxLoads = 16384;
  struct Load {
    uint32_t running = 0;
    double latency = 0;  // seconds
    Instant updated{};
  };
  Load& load(const Provider& provider) {
    if (loads_.size() >= kMaxLoads && !loads_.contains(provider.address)) {
      std::erase_if(loads_, [](const auto& entry) { return entry.second.running == 0; });
    }
    return loads_[provider.address];
  }
  double cost(const Provider& provider) const {
    const auto found = loads_.find(provider.address);
    return found == loads_.end() ? 0 : (found->second.latency + 1e-9) * (found->second.running + 1);
  }

  Random random_;
  const Duration decay_;
  std::map<io::Address, Load> loads_;
};

}  // namespace

Result<std::unique_ptr<Balancer>> make_balancer(std::string_view name, Random random, BalancerOptions options) {
  if (name == "random" || name == "auto") return std::make_unique<RandomBalancer>(std::move(random));
  if (name == "localPref") return std::make_unique<LocalPreferenceBalancer>(std::move(random), std::move(options.own_hosts));
  if (name == "roundRobin") return std::make_unique<RoundRobinBalancer>(options.max_methods);
  if (name == "weightRoundRobin") return std::make_unique<WeightRoundRobinBalancer>(options.max_methods);
  if (name == "consistentHash") return std::make_unique<ConsistentHashBalancer>(false);
  if (name == "weightConsistentHash") return std::make_unique<ConsistentHashBalancer>(true);
  if (name == "leastRequest") return std::make_unique<LeastRequestBalancer>(std::move(random), options.decay);
  return fail(
      Code::invalid_argument,
      "no balancer is called '{}'; use random, localPref, roundRobin, weightRoundRobin, consistentHash, weightConsistentHash, leastRequest or auto",
      name);
}

}  // namespace sofa::cluster
