#include "sofa/boot/lifecycle.h"

#include <algorithm>
#include <cassert>
#include <exception>
#include <ranges>

#include "sofa/base/log.h"
#include "sofa/boot/error_codes.h"
#include "sofa/io/scope.h"
#include "sofa/io/task_group.h"

namespace sofa::boot {

namespace {
const Logger log_{"sofa-runtime"};
}

std::string_view to_string(ComponentState state) {
  constexpr std::string_view kNames[] = {"planned", "constructed", "starting", "started", "failed", "skipped", "stopped", "destroyed"};
  return kNames[static_cast<size_t>(state)];
}

Lifecycle::Lifecycle(std::span<const ComponentSpec> components, Plan plan, const Clock& clock)
    : specs_(components), plan_(std::move(plan)), clock_(clock), built_(components.size()), records_(components.size()) {
  assert(plan_.components.size() == components.size());
}

Lifecycle::~Lifecycle() { destroy(); }

Result<void> Lifecycle::construct(const std::function<const void*(const ComponentSpec&)>& config_of, const ExtensionsOf& extensions_of) {
  for (const size_t index : plan_.order) {
    auto constructed = construct_one(index, config_of(specs_[index]), extensions_of);
    if (!constructed) {
      destroy();
      return constructed;
    }
  }
  return {};
}

Result<void> Lifecycle::construct_one(size_t index, const void* config, const ExtensionsOf& extensions_of) {
  const ComponentSpec& spec = specs_[index];
  Built& built = built_[index];
  ComponentRecord& record = records_[index];
  record.construct.begun = clock_.now_monotonic();
  try {
    Injection injection = injection_for(index);
    injection.config = config;
    add_points(injection, index, extensions_of);
    built.component = spec.make(injection);
    if (built.component == nullptr)
      return fail(Code::internal, "{}", coded(errors::construct_failed, "{} could not be made: its maker gave nothing", spec.described()));
    for (const Offer& offer : spec.offers) built.views.push_back(offer.view(built.component));
  } catch (const std::exception& thrown) {
    return fail(
        Code::internal, "{}",
        coded(errors::construct_failed, "{} could not be constructed: {}; what may fail belongs into start()", spec.described(), thrown.what()));
  }
  record.construct.ended = clock_.now_monotonic();
  record.state = ComponentState::constructed;
  return {};
}

Injection Lifecycle::injection_for(size_t index) {
  Injection injection;
  const auto& planned = plan_.components[index].needs;
  for (size_t i = 0; i < planned.size(); ++i) {
    const ServiceOps* service = specs_[index].needs[i].service;
    auto& clients = built_[index].clients.emplace_back();
    if (!planned[i].url.empty()) clients.push_back(service->make());
    std::vector<std::shared_ptr<void>> objects;
    for (const OfferRef ref : planned[i].targets)
      (service == nullptr ? objects : clients).push_back(service == nullptr ? offered(ref) : service->make());
    injection.targets.push_back(service == nullptr ? std::move(objects) : clients);
  }
  return injection;
}

void Lifecycle::add_points(Injection& injection, size_t index, const ExtensionsOf& extensions_of) const {
  for (size_t i = 0; i < specs_[index].points.size(); ++i) {
    PointContent& content = injection.points.emplace_back();
    if (extensions_of) content.configured = extensions_of(specs_[index].points[i].name);
    for (const ContributionRef ref : plan_.components[index].points[i]) {
      content.contributed.emplace_back(specs_[ref.component].name, specs_[ref.component].contributions[ref.contribution].value.get());
    }
  }
}

/// One walk over all components: each has its turn when those before it are through.
class Lifecycle::Walk {
 public:
  enum class Direction : uint8_t { forward, backward };
  using Turn = std::function<io::Task<Result<void>>(size_t index)>;

  /// `needs_turn` tells who has something to do; the others are passed by at once. `stop_on_failure`: after the first failure nobody begins, and
  /// those at work are cancelled.
  Walk(Lifecycle& life, Direction direction, std::function<bool(size_t)> needs_turn, Turn turn, bool stop_on_failure, io::Scope& parent)
      : life_(life),
        direction_(direction),
        needs_turn_(std::move(needs_turn)),
        turn_(std::move(turn)),
        stop_on_failure_(stop_on_failure),
        group_(parent) {
    for (size_t i = 0; i < life_.specs_.size(); ++i) waiting_.push_back(before(i).size());
  }

  io::Task<Result<void>> run() {
    for (size_t i = 0; i < waiting_.size(); ++i) {
      if (before(i).empty()) begin(i);
    }
    while (!passed_.empty() || group_.size() != 0) {
      pass_all();
      (void)co_await group_.join();
    }
    co_return outcome();
  }

 private:
  std::span<const size_t> before(size_t i) const {
    return direction_ == Direction::forward ? life_.plan_.components[i].waits_for : life_.plan_.components[i].dependants;
  }
  std::span<const size_t> behind(size_t i) const {
    return direction_ == Direction::forward ? life_.plan_.components[i].dependants : life_.plan_.components[i].waits_for;
  }

  void begin(size_t index) {
    if (stopped_) return;
    if (!needs_turn_(index)) {
      passed_.push_back(index);
      return;
    }
    group_.spawn("component", take_turn(index));
  }

  io::Task<void> take_turn(size_t index) {
    auto done = co_await turn_(index);
    if (!done) {
      if (!stopped_ || done.error().code() != Code::cancelled) failed_.push_back(index);
      if (!first_) first_ = done.error();
      if (stop_on_failure_) {
        stopped_ = true;
        group_.cancel(fmt::format("{} failed", life_.specs_[index].described()));
        co_return;
      }
    }
    passed_.push_back(index);
    pass_all();
  }

  void pass_all() {
    while (!passed_.empty()) {
      const size_t index = passed_.back();
      passed_.pop_back();
      for (const size_t next : behind(index)) {
        if (--waiting_[next] != 0) continue;
        if (direction_ == Direction::forward) life_.records_[next].waited_for = index;
        begin(next);
      }
    }
  }

  Result<void> outcome() const {
    if (!first_) return {};
    if (failed_.size() <= 1) return std::unexpected<Error>(*first_);
    std::string names;
    for (const size_t index : failed_) names += fmt::format("{}\"{}\"", names.empty() ? "" : ", ", life_.specs_[index].name);
    return std::unexpected<Error>(Error(first_->code(), fmt::format("{} components failed: {}", failed_.size(), names)).with_cause(*first_));
  }

  Lifecycle& life_;
  const Direction direction_;
  const std::function<bool(size_t)> needs_turn_;
  const Turn turn_;
  const bool stop_on_failure_;
  std::vector<size_t> waiting_;  // how many of those before it are not through
  std::vector<size_t> passed_;   // through, and those behind them not told
  std::vector<size_t> failed_;
  std::optional<Error> first_;
  bool stopped_ = false;
  io::TaskGroup group_;
};

io::Task<Result<void>> Lifecycle::run_step(size_t index, Step step, Duration timeout, StepTime ComponentRecord::* time, const char* what) {
  ComponentRecord& record = records_[index];
  (record.*time).begun = clock_.now_monotonic();
  Result<void> done = co_await io::with_timeout(timeout, step(built_[index].component.get()));
  (record.*time).ended = clock_.now_monotonic();
  if (done) co_return {};
  Error error = done.error().code() == Code::deadline_exceeded
                    ? Error(Code::deadline_exceeded, coded(errors::start_late, "{} did not {} within {} ms", specs_[index].described(), what,
                                                           std::chrono::duration_cast<std::chrono::milliseconds>(timeout).count()))
                          .with_cause(std::move(done.error()))
                    : std::move(done.error())
                          .wrap(coded(time == &ComponentRecord::start ? errors::start_failed : errors::stop_failed, "{} could not {}",
                                      specs_[index].described(), what));
  record.error = error;
  co_return std::unexpected<Error>(std::move(error));
}

io::Task<Result<void>> Lifecycle::connect(size_t index, size_t need, const ClientOptionsOf& remote) {
  const Need& wanted = specs_[index].needs[need];
  const PlannedNeed& planned = plan_.components[index].needs[need];
  const auto& clients = built_[index].clients[need];
  if (!planned.url.empty()) {
    rpc::ClientOptions options = remote ? remote(wanted.interface, wanted.unique_id) : rpc::ClientOptions{};
    options.unique_id = wanted.unique_id;
    co_return co_await wanted.service->connect(clients.front().get(), planned.url, std::move(options));
  }
  for (size_t i = 0; i < clients.size(); ++i) {
    const OfferRef ref = planned.targets[i];
    rpc::ServiceOptions options = specs_[ref.component].offers[ref.offer].options;
    options.unique_id = specs_[ref.component].offers[ref.offer].unique_id;
    co_await io::or_return(wanted.service->connect_in_process(clients[i].get(), offered(ref), std::move(options)));
  }
  co_return {};
}

io::Task<Result<void>> Lifecycle::start_one(size_t index, const ClientOptionsOf& remote) {
  ComponentRecord& record = records_[index];
  record.state = ComponentState::starting;
  const Instant begun = clock_.now_monotonic();
  for (size_t i = 0; i < built_[index].clients.size(); ++i) {
    auto connected = co_await connect(index, i, remote);
    if (connected) continue;
    record.state = ComponentState::failed;
    record.error = std::move(connected.error())
                       .wrap(coded(errors::service_unreachable, "{} could not connect to {}", specs_[index].described(),
                                   name_of(specs_[index].needs[i].interface, specs_[index].needs[i].unique_id)));
    co_return std::unexpected<Error>(*record.error);
  }
  Result<void> started;
  if (specs_[index].start != nullptr) {
    started = co_await run_step(index, specs_[index].start, specs_[index].timeouts.start, &ComponentRecord::start, "start");
  }
  record.start = {begun, clock_.now_monotonic()};  // connecting is a part of it
  record.state = started ? ComponentState::started : ComponentState::failed;
  co_return started;
}

io::Task<Result<void>> Lifecycle::start(const ClientOptionsOf& remote) {
  const auto has_work = [this](size_t index) {
    const bool has_clients = std::ranges::any_of(built_[index].clients, [](const auto& clients) { return !clients.empty(); });
    if (specs_[index].start != nullptr || has_clients) return true;
    records_[index].state = ComponentState::started;
    records_[index].start.begun = records_[index].start.ended = clock_.now_monotonic();
    return false;
  };
  Walk walk(*this, Walk::Direction::forward, has_work, [&](size_t index) { return start_one(index, remote); }, true, co_await io::current_scope());
  Result<void> started = co_await walk.run();
  if (started) co_return {};
  for (ComponentRecord& record : records_) {
    if (record.state == ComponentState::constructed) record.state = ComponentState::skipped;
  }
  // What has started is stopped even when this task's own scope is cancelled.
  io::Scope stopping(&io::Shard::current().root_scope(), "stop");
  if (auto stopped = co_await stop().in(stopping); !stopped) log_.warn("a component did not stop", {{"error", stopped.error()}});
  co_return started;
}

io::Task<Result<void>> Lifecycle::drain() {
  const auto drains = [this](size_t index) { return records_[index].state == ComponentState::started && specs_[index].drain != nullptr; };
  const auto turn = [this](size_t index) {
    return run_step(index, specs_[index].drain, specs_[index].timeouts.drain, &ComponentRecord::drain, "drain");
  };
  Walk walk(*this, Walk::Direction::backward, drains, turn, false, co_await io::current_scope());
  co_return co_await walk.run();
}

io::Task<Result<void>> Lifecycle::stop() {
  const auto stops = [this](size_t index) {
    if (records_[index].state != ComponentState::started) return false;
    records_[index].state = ComponentState::stopped;
    return specs_[index].stop != nullptr;
  };
  const auto turn = [this](size_t index) { return run_step(index, specs_[index].stop, specs_[index].timeouts.stop, &ComponentRecord::stop, "stop"); };
  Walk walk(*this, Walk::Direction::backward, stops, turn, false, co_await io::current_scope());
  co_return co_await walk.run();
}

Health Lifecycle::health(size_t index) const {
  if (records_[index].state != ComponentState::started) return {HealthStatus::unknown};
  return specs_[index].health == nullptr ? Health::up() : specs_[index].health(built_[index].component.get());
}

void Lifecycle::destroy() {
  for (const size_t index : std::views::reverse(plan_.order)) {
    if (built_[index].component == nullptr && built_[index].clients.empty()) continue;
    built_[index] = {};
    records_[index].state = ComponentState::destroyed;
  }
}

}  // namespace sofa::boot
