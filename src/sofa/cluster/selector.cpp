#include "sofa/cluster/selector.h"

#include <algorithm>
#include <numeric>

namespace sofa::cluster {

namespace {

/// Until its weight changes by itself; nothing when it does not. A ramp is followed in steps.
std::optional<Duration> until_next_weight(const Provider& provider, WallTime now) {
  constexpr Duration kRampStep = std::chrono::milliseconds(500);
  if (!provider.is_warming_up(now)) return {};
  const Duration left = provider.warm_up.start + provider.warm_up.length - now + Duration(1);
  return provider.warm_up.shape == WarmUp::Shape::ramp ? std::min(left, kRampStep) : left;
}

bool lists(const std::vector<Provider>& list, const io::Address& address) {
  return std::ranges::find(list, address, &Provider::address) != list.end();
}

}  // namespace

Result<std::unique_ptr<Selector>> Selector::make(SelectorOptions options, Random random) {
  auto balancer = make_balancer(options.balancer, std::move(random), options.balancing);
  if (!balancer) return forward_error(balancer);
  return std::unique_ptr<Selector>(new Selector(std::move(options), std::move(*balancer)));
}

Selector::Selector(SelectorOptions options, std::unique_ptr<Balancer> balancer)
    : options_(std::move(options)),
      balancer_(std::move(balancer)),
      counts_(balancer_->counts() || ticks()),
      fault_tolerance_(options_.fault_tolerance),
      outliers_(options_.outliers) {}

void Selector::ended(const Provider& provider, Duration took, Outcome outcome, Instant now) {
  balancer_->ended(provider, took, outcome == Outcome::answered, now);
  // A call may outlast its provider's place in the list, or go to a target that no list names: what is counted of these would stay for good.
  if (!ticks() || list_ == nullptr || !lists(*list_, provider.address)) return;
  if (options_.fault_tolerance.regulation_effective) fault_tolerance_.record(provider, outcome == Outcome::overloaded);
  if (options_.outliers.enabled()) outliers_.record(provider.address, outcome == Outcome::answered, took, now, list_->size());
}

Selector::Findings Selector::tick(const Clock& clock) {
  Findings found{.measures = fault_tolerance_.tick(clock.now_wall())};
  if (options_.outliers.enabled()) found.ejections = outliers_.tick(clock.now_monotonic(), list_ ? list_->size() : 1);
  return found;
}

const Provider* Selector::select(const Ask& ask, const Clock& clock) {
  const bool alone = ask.list->size() == 1 && options_.routers.empty();
  if (!alone || ticks()) refresh(ask.list, clock);
  if (alone) return &ask.list->front();
  if (!route(ask)) return nullptr;
  if (const Provider* last = options_.sticky ? stick(ask) : nullptr; last != nullptr) return last;
  const Provider& chosen = (*list_)[choose(ask, options_.outliers.enabled() ? clock.now_monotonic() : Instant{})];
  if (options_.sticky) last_ = chosen.address;
  return &chosen;
}

/// Leaves in `among_` those that the call may go to; false: none.
bool Selector::route(const Ask& ask) {
  among_.clear();
  if (options_.routers.empty()) return true;
  among_.resize(list_->size());
  std::iota(among_.begin(), among_.end(), 0u);
  for (const auto& router : options_.routers) router->route(ask.key, *list_, among_);
  return !among_.empty();
}

/// Takes those out that `leave` names, unless that would leave nobody.
template <class Leave>
void Selector::leave_out(Leave leave) {
  fewer_.clear();
  for (size_t n = 0; n < candidates().size(); ++n) {
    if (const size_t i = candidates().index(n); !leave((*list_)[i])) fewer_.push_back(static_cast<uint32_t>(i));
  }
  if (!fewer_.empty()) among_.swap(fewer_);
}

void Selector::refresh(const ProviderList& list, const Clock& clock) {
  if (list_ != list) {
    if (list_ != nullptr && ticks()) forget_gone(*list);
    list_ = list;
  } else if (fault_tolerance_.version() == degradations_ && (next_weighing_ == kNoDeadline || clock.now_monotonic() < next_weighing_)) {
    return;
  }
  weigh(clock);
}

void Selector::forget_gone(const std::vector<Provider>& list) {
  for (const Provider& old : *list_) {
    if (lists(list, old.address)) continue;
    fault_tolerance_.forget(old.address);
    outliers_.forget(old.address);
  }
}

void Selector::weigh(const Clock& clock) {
  const WallTime wall = clock.now_wall();
  std::optional<Duration> next;
  weights_.clear();
  for (const Provider& provider : *list_) {
    weights_.push_back(fault_tolerance_.weight_of(provider, wall));
    if (const auto change = until_next_weight(provider, wall)) next = std::min(next.value_or(*change), *change);
  }
  next_weighing_ = next ? deadline_after(clock.now_monotonic(), *next) : kNoDeadline;
  degradations_ = fault_tolerance_.version();
  ++version_;
}

const Provider* Selector::stick(const Ask& ask) const {
  if (!last_ || std::ranges::find(ask.tried, *last_) != ask.tried.end()) return nullptr;
  const auto found = std::ranges::find(*list_, *last_, &Provider::address);
  if (found == list_->end() || !candidates().may_choose(static_cast<size_t>(found - list_->begin()))) return nullptr;
  return ask.is_live(ask.context, *found) ? &*found : nullptr;
}

size_t Selector::choose(const Ask& ask, Instant now) {
  if (!ask.tried.empty()) {
    leave_out([&](const Provider& provider) { return std::ranges::find(ask.tried, provider.address) != ask.tried.end(); });
  }
  if (outliers_.any(now)) leave_out([&](const Provider& provider) { return outliers_.is_ejected(provider.address, now); });
  const size_t first = balancer_->pick(candidates(), ask.key.pick);
  if (ask.is_live(ask.context, (*list_)[first])) return first;
  if (among_.empty()) {
    among_.resize(list_->size());
    std::iota(among_.begin(), among_.end(), 0u);
  }
  for (size_t dead = first; among_.size() > 1;) {
    among_.erase(std::ranges::lower_bound(among_, dead));
    dead = balancer_->pick(candidates(), ask.key.pick);
    if (ask.is_live(ask.context, (*list_)[dead])) return dead;
  }
  return first;
}

}  // namespace sofa::cluster
