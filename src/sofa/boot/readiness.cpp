#include "sofa/boot/readiness.h"

#include <algorithm>

#include "sofa/base/log.h"
#include "sofa/boot/error_codes.h"
#include "sofa/io/scope.h"
#include "sofa/io/shard.h"

namespace sofa::boot {

namespace {
const Logger log_{"health-check"};

Instant now() { return io::Shard::current().clock().now_monotonic(); }

/// "disk is DOWN (free: 12), the callback warm-cache failed (reason: ...)"; empty when nothing has failed.
std::string failures_of(const ReadinessState& state) {
  std::string failed;
  const auto add = [&](const NamedHealth& one, std::string_view what) {
    failed += fmt::format("{}{}", failed.empty() ? "" : ", ", what);
    for (const auto& [key, value] : one.health.details) failed += fmt::format(" ({}: {})", key, to_string(value));
  };
  for (const auto* section : {&state.checkers, &state.indicators}) {
    for (const NamedHealth& one : *section) {
      if (one.strict && one.health.status != HealthStatus::up) add(one, fmt::format("{} is {}", one.name, to_string(one.health.status)));
    }
  }
  for (const NamedHealth& one : state.callbacks) {
    if (one.health.status == HealthStatus::down) add(one, fmt::format("the callback {} failed", one.name));
  }
  return failed;
}

bool passes(const Check& check, const Health& health) { return !check.strict || health.status == HealthStatus::up; }
}  // namespace

Result<void> why_refused(const ReadinessState& state) {
  if (state.accepts_traffic()) return {};
  if (state.refusing) return fail(Code::failed_precondition, "traffic is refused: {}", state.reason);
  if (!state.decided) return fail(Code::failed_precondition, "traffic is refused: the application is still starting");
  const std::string failed = failures_of(state);
  return fail(Code::failed_precondition, "traffic is refused: {}",
              failed.empty() ? "its readiness callbacks wait for /actuator/triggerReadinessCallback" : failed);
}

Readiness::Readiness(ReadinessOptions options) : options_(std::move(options)), state_(std::make_shared<const ReadinessState>()) {}

Readiness::~Readiness() = default;

void Readiness::add_check(Check check) {
  const auto taken = [&](std::string_view name) {
    return std::ranges::any_of(checks_, [&](const auto& other) { return other->check.kind == check.kind && other->check.name == name; });
  };
  const std::string wanted = check.name;
  for (int i = 2; taken(check.name); ++i) check.name = fmt::format("{}#{}", wanted, i);
  if (std::ranges::find(options_.skip, wanted) != options_.skip.end()) return;
  checks_.push_back(std::make_unique<Checked>(Checked{.check = std::move(check)}));
}

void Readiness::add_callback(std::string name, ReadinessCallback callback) {
  callbacks_.push_back({.name = std::move(name), .run = std::move(callback)});
}

io::Task<Health> Readiness::attempt(const Check& check) {
  io::Scope scope(&co_await io::current_scope(), "health check", deadline_after(io::Shard::current().now(), check.timeout));
  Health health = co_await check.check().in(scope);
  if (!scope.cancelled()) co_return health;  // what a check says that was cut off is nothing
  const auto timeout = std::chrono::duration_cast<std::chrono::milliseconds>(check.timeout);
  co_return Health{HealthStatus::unknown, {{"timeout", fmt::format("{}", timeout.count())}}};
}

io::Task<void> Readiness::check_once(Checked& checked) {
  const HealthStatus before = checked.health.status;
  const Instant begun = now();
  Health health = co_await attempt(checked.check);
  for (int i = 0; i < checked.check.retries && health.status != HealthStatus::up; ++i) {
    if (!co_await io::sleep_for(checked.check.retry_interval)) co_return;
    health = co_await attempt(checked.check);
  }
  if ((co_await io::current_scope()).cancelled()) co_return;  // what an attempt that was cut off says is nothing
  checked.health = std::move(health);
  checked.begun = begun;
  checked.ended = now();
  if (checked.health.status == before) co_return;
  const bool good = checked.health.status == HealthStatus::up;
  const std::string details = details_of(checked.health);
  if (good) {
    log_.info("check", {{"name", checked.check.name}, {"status", to_string(checked.health.status)}, {"details", details}});
    co_return;
  }
  const ErrorPage& page = checked.check.kind == CheckKind::checker ? errors::checker_failed : errors::indicator_failed;
  log_.warn("check", {{"code", page.code()}, {"name", checked.check.name}, {"status", to_string(checked.health.status)}, {"details", details}});
}

io::Task<Result<void>> Readiness::begin() {
  io::TaskGroup group(co_await io::current_scope());
  for (auto& checked : checks_) group.spawn("health check", check_once(*checked));
  co_await io::or_return(co_await group.join());
  if (checks_pass() && !options_.manual_callbacks) (void)co_await run_callbacks();
  decided_ = true;
  publish();
  repeated_ = std::make_unique<io::TaskGroup>();
  for (auto& checked : checks_) {
    if (checked->check.period > Duration::zero()) repeated_->spawn("health check", keep_checking(*checked));
  }
  co_return failure();
}

io::Task<void> Readiness::keep_checking(Checked& checked) {
  while (co_await io::sleep_for(checked.check.period)) {
    co_await check_once(checked);
    publish();
  }
}

io::Task<Result<void>> Readiness::trigger() {
  if (callbacks_begun_) co_return fail(Code::failed_precondition, "Readiness callbacks are already triggered.");
  if (!decided_ || !checks_pass()) co_return fail(Code::failed_precondition, "Health checker or indicator failed.");
  auto done = co_await run_callbacks();
  publish();
  co_return done;
}

io::Task<Result<void>> Readiness::run_callbacks() {
  callbacks_begun_ = true;
  std::string failed;
  Result<void> first;
  for (Callback& callback : callbacks_) {
    if (!failed.empty()) {
      callback.health = {HealthStatus::down, {{"invoking", fmt::format("skipped due to the failure of {}", failed)}}};
      continue;
    }
    callback.begun = now();
    auto done = co_await io::with_timeout(options_.callback_timeout, callback.run());
    callback.ended = now();
    if (done) {
      callback.health = Health::up();
      continue;
    }
    failed = callback.name;
    callback.health = Health::down(done.error().to_string());
    first =
        std::unexpected<Error>(std::move(done.error()).wrap(coded(errors::callback_failed, "the readiness callback \"{}\" failed", callback.name)));
  }
  callbacks_done_ = failed.empty();
  co_return first;
}

void Readiness::refuse(std::string reason) {
  refused_ = std::move(reason);
  publish();
}

io::Task<void> Readiness::stop() {
  if (refused_.empty()) refuse("the program is stopping");
  if (repeated_ == nullptr) co_return;
  repeated_->cancel("the program is stopping");
  (void)co_await repeated_->join();
  repeated_ = nullptr;
}

bool Readiness::checks_pass() const {
  return std::ranges::all_of(checks_, [](const auto& checked) { return passes(checked->check, checked->health); });
}

Result<void> Readiness::failure() const {
  const std::string failed = failures_of(*state());
  if (failed.empty()) return {};
  return fail(Code::failed_precondition, "{}", coded(errors::not_ready, "traffic is refused: {}", failed));
}

void Readiness::publish() {
  auto next = std::make_shared<ReadinessState>();
  next->decided = decided_;
  next->refusing = !refused_.empty();
  next->reason = refused_;
  HealthStatus status = HealthStatus::up;
  for (const auto& checked : checks_) {
    auto& section = checked->check.kind == CheckKind::checker ? next->checkers : next->indicators;
    section.push_back({checked->check.name, checked->health, checked->check.strict, checked->begun, checked->ended});
    if (!passes(checked->check, checked->health)) status = worse(status, HealthStatus::down);
  }
  for (const Callback& callback : callbacks_) next->callbacks.push_back({callback.name, callback.health, true, callback.begun, callback.ended});
  if (!callbacks_done_ && !(callbacks_.empty() && decided_))
    status = worse(status, callbacks_begun_ ? HealthStatus::down : HealthStatus::out_of_service);
  if (!decided_) status = HealthStatus::unknown;
  if (next->refusing) status = HealthStatus::down;  // sofaboot.md 9.4
  next->status = status;
  const auto before = state_.exchange(next, std::memory_order_acq_rel);
  if (before->accepts_traffic() == next->accepts_traffic()) return;
  log_.info(next->accepts_traffic() ? "traffic is accepted" : "traffic is refused", {{"reason", next->reason}});
  for (const auto& listener : listeners_) listener(*next);
}

}  // namespace sofa::boot
