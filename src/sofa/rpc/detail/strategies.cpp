// The strategies of a call that need more than one attempt at a time, or one later: hedging, forking, broadcast, failback (strategy.h).

#include "sofa/base/log.h"
#include "sofa/io/sync.h"
#include "sofa/rpc/detail/caller.h"
#include "sofa/rpc/detail/kept_call.h"

namespace sofa::rpc::detail {

namespace {

Task<Result<void>> wait_for(io::Event& event) { co_return co_await event.wait(); }

}  // namespace

/// One of several attempts of a call that run at once. Where each needs a result of its own, `values` holds it.
struct Caller::Branch {
  Branch(const CallSpec& call, const CallOptions& how, const Attempt& like, Choice chosen, Settlement* shared)
      : spec(call),
        options(how),
        attempt{
            .spec = spec, .options = options, .deadline = like.deadline, .served = like.served, .codec = like.codec, .choice = std::move(chosen)} {
    if (options.response != nullptr) options.response = &response;
    attempt.settlement = shared;
  }
  /// Lets the answer be read into a value of its own.
  void take_own_result() {
    if (spec.shape == nullptr) {
      spec.document = &document;
    } else {
      spec.result = values.emplace(*spec.shape).result();
    }
  }

  CallSpec spec;
  CallOptions options;
  CallResponse response;
  std::optional<Values> values;
  hessian::Document document;
  Attempt attempt;
  std::optional<Result<void>> done;
};

Task<void> Caller::run(Branch& branch, io::Event& ended) {
  branch.done.emplace(co_await attempt(branch.attempt));
  branch.attempt.timer.end(*branch.done);
  if (branch.attempt.settlement != nullptr) branch.attempt.settlement->settle(branch.attempt, *branch.done);
  ended.set();
}

Result<void> Caller::conclude(Branch& branch, int attempts, CallResponse* response) const {
  if (response != nullptr) {
    *response = std::move(branch.response);
    response->address = branch.attempt.provider().address;
    response->attempts = attempts;
  }
  if (*branch.done) return {};
  branch.attempt.number = branch.attempt.most = attempts;
  return std::unexpected(describe(branch.attempt, branch.done->error()));
}

Task<Result<void>> Caller::by_strategy(std::shared_ptr<Caller> self, CallSpec& spec, CallOptions& options, const Attempt& like) {
  Caller& caller = *self;
  const Hedging& hedging = caller.options_.hedging;
  switch (caller.options_.strategy) {
    case Strategy::forking:
      co_return co_await caller.race(spec, options, like, caller.options_.forks, Duration::zero());
    case Strategy::broadcast:
      co_return co_await caller.broadcast(spec, options, like);
    case Strategy::failback:
      co_return co_await caller.with_failback(self, spec, options, like);
    case Strategy::failfast:
    case Strategy::failover:
      co_return co_await caller.race(spec, options, like, 1 + std::max(0, hedging.most), hedging.after);
  }
  co_return fail(Code::internal, "no such strategy");
}

/// Up to `most` attempts (at least 1) at different providers, the next one `stagger` after the one before, or at once when that failed. The first
/// answer counts.
Task<Result<void>> Caller::race(CallSpec& spec, CallOptions& options, const Attempt& like, int most, Duration stagger) {
  io::Scope& scope = co_await io::current_scope();
  if (scope.cancelled()) co_return fail(scope.reason().code(), "{}.{}: {}, before the call was sent", interface_, spec.method, scope.reason());
  io::TaskGroup group(scope);
  io::Event ended;
  Settlement settlement;
  std::vector<std::unique_ptr<Branch>> branches;
  std::vector<io::Address> tried;
  const auto all_failed = [&] { return std::ranges::all_of(branches, [](const auto& branch) { return branch->done.has_value(); }); };
  while (static_cast<int>(branches.size()) < most && settlement.is_open() && !scope.cancelled()) {
    auto choice = choose(spec, options, tried);
    if (!choice && branches.empty()) co_return fail(choice.error().code(), "{}.{}: {}", interface_, spec.method, choice.error());
    if (!choice || std::ranges::find(tried, choice->provider->address) != tried.end() ||
        (!branches.empty() && stagger > Duration::zero() && !may_repeat())) {
      break;
    }
    tried.push_back(choice->provider->address);
    branches.push_back(std::make_unique<Branch>(spec, options, like, std::move(*choice), &settlement));
    group.spawn("rpc attempt", run(*branches.back(), ended));
    if (stagger <= Duration::zero() || static_cast<int>(branches.size()) == most) continue;
    ended.clear();
    [[maybe_unused]] const auto waited = co_await io::with_timeout(stagger, wait_for(ended));
  }
  while (settlement.is_open() && !all_failed()) {
    ended.clear();
    if (!co_await ended.wait()) break;
  }
  group.cancel("another attempt was answered first");
  [[maybe_unused]] const auto joined = co_await group.join();
  const auto won = std::ranges::find_if(branches, [&](const auto& branch) { return &branch->attempt == settlement.winner; });
  co_return conclude(won != branches.end() ? **won : *branches.back(), static_cast<int>(branches.size()), options.response);
}

Task<Result<void>> Caller::broadcast(CallSpec& spec, CallOptions& options, const Attempt& like) {
  const ProviderList list = providers_->current();
  if (list->empty()) co_return fail(Code::unavailable, "{}.{}: no provider is known from {}", interface_, spec.method, providers_->source());
  io::TaskGroup group(co_await io::current_scope());
  io::Event ended;
  std::vector<std::unique_ptr<Branch>> branches;
  for (const Provider& provider : *list) {
    branches.push_back(std::make_unique<Branch>(spec, options, like, Choice{list, &provider}, nullptr));
    if (branches.size() > 1) branches.back()->take_own_result();
    group.spawn("rpc attempt", run(*branches.back(), ended));
  }
  co_await or_return(co_await group.join());
  const auto failed = std::ranges::find_if(branches, [](const auto& branch) { return !branch->done->has_value(); });
  Branch& shown = failed != branches.end() ? **failed : *branches.front();
  const auto failures = std::ranges::count_if(branches, [](const auto& branch) { return !branch->done->has_value(); });
  auto done = conclude(shown, static_cast<int>(branches.size()), options.response);
  if (failures > 1) co_return std::unexpected(std::move(done.error()).wrap(fmt::format("{} of {} providers failed", failures, branches.size())));
  co_return done;
}

Task<Result<void>> Caller::ask_mock(const CallSpec& spec) const {
  for (const MethodBase* method : options_.mock->methods()) {
    if (method->name() != spec.method || method->implementation() == nullptr || !std::ranges::equal(method->signatures(), spec.signatures)) continue;
    const auto kept = KeptCall::copy_of(spec, {});
    if (kept == nullptr) co_return fail(Code::unimplemented, "{}.{}: a mock needs arguments that can be copied", interface_, spec.method);
    Context context;
    co_await or_return(method->implementation()->invoke(context, kept->values.arguments(), kept->values.result()));
    if (spec.result != nullptr && !copy_value(spec.shape->result, spec.result, kept->values.result())) {
      co_return fail(Code::unimplemented, "{}.{}: a mock needs a result that can be copied", interface_, spec.method);
    }
    co_return Result<void>();
  }
  co_return fail(Code::unimplemented, "{}.{}: the mock has no implementation of it", interface_, spec.method);
}

Task<Result<void>> Caller::with_failback(std::shared_ptr<Caller> self, CallSpec& spec, CallOptions& options, const Attempt& like) {
  auto done = co_await race(spec, options, like, 1, Duration::zero());
  if (done || !is_retryable(done.error()) || closed_) co_return done;
  auto kept = KeptCall::copy_of(spec, options);
  if (kept == nullptr) co_return done;
  if (failbacks_ >= options_.failback.most_waiting) {
    co_return std::unexpected(std::move(done.error()).wrap(fmt::format("{} calls wait for their repetition already", failbacks_)));
  }
  ++failbacks_;
  core_->tasks.spawn("rpc failback", repeat(std::move(self), std::move(kept)));
  co_return Result<void>();
}

Task<void> Caller::repeat(std::shared_ptr<Caller> self, std::unique_ptr<KeptCall> kept) {
  static const Logger log{"rpc"};
  Caller& caller = *self;
  Result<void> done;
  for (int n = 1; n <= caller.options_.failback.attempts; ++n) {
    if (!co_await io::sleep_for(caller.options_.failback.backoff.pause(n, caller.random_))) break;
    Attempt like{.spec = kept->spec, .options = kept->options, .deadline = kNoDeadline, .served = nullptr, .codec = kept->spec.codec};
    done = co_await caller.race(kept->spec, kept->options, like, 1, Duration::zero());
    if (done || !is_retryable(done.error())) break;
  }
  --caller.failbacks_;
  if (!done && !caller.closed_) log.warn("a call is given up after its repetitions", {{"method", kept->spec.method}, {"error", done.error()}});
}

}  // namespace sofa::rpc::detail
