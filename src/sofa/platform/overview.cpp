#include "sofa/platform/overview.h"

#include <fmt/ranges.h>

#include <ranges>

#include "sofa/base/json.h"
#include "sofa/base/utf8.h"
#include "sofa/io/scope.h"

namespace sofa::platform {

namespace {

constexpr size_t kMostEvents = 50;
constexpr std::string_view kLost = "lost";
constexpr size_t kMostKeys = 10;     // of a configuration, that are told by name
constexpr size_t kLongestKey = 100;  // bytes of it

io::Task<Result<void>> wait_for(io::Event& event) { co_return co_await event.wait(); }

/// "bank-gateway (pid 4802)".
std::string called(const ProcessInfo& process) { return fmt::format("{} (pid {})", process.name, process.pid); }

/// "log.levels, risk.limit, ... and 3 more": what a process says takes little room in what is kept.
std::string some_of(const std::vector<std::string>& keys) {
  std::vector<std::string_view> told;
  for (const std::string& key : keys | std::views::take(kMostKeys)) told.push_back(cut_utf8(key, kLongestKey));
  std::string text = fmt::format("{}", fmt::join(told, ", "));
  if (keys.size() > kMostKeys) text += fmt::format(", ... and {} more", keys.size() - kMostKeys);
  return text;
}

std::string sentence_of(const ProcessInfo& process, std::string_view state, std::string_view why) {
  if (state == "ready") return fmt::format("{} takes traffic", called(process));
  if (state == "refusing") return fmt::format("{} refuses traffic: a check of its readiness fails", called(process));
  if (state == "draining") return fmt::format("{} is stopping: it takes no new traffic", called(process));
  if (state == kLost) return fmt::format("{} does not answer: {}", called(process), why);
  return fmt::format("{} is {}", called(process), state);
}

}  // namespace

void PlatformRow::describe(Description<PlatformRow>& d) {
  d.java_type("sofa.Platform").doc("The program that answers.");
  d.field("name", &PlatformRow::name);
  d.field("version", &PlatformRow::version);
  d.field("mode", &PlatformRow::mode).doc("dev: everybody may do everything; server: who asks proves who they are");
  d.field("address", &PlatformRow::address);
  d.field("started_at_ms", &PlatformRow::started_at_ms).unit("ms since 1970");
}

void RolePort::describe(Description<RolePort>& d) {
  d.java_type("sofa.Port").doc("Where a role listens.");
  d.field("name", &RolePort::name);
  d.field("address", &RolePort::address);
}

void RoleState::describe(Description<RoleState>& d) {
  d.java_type("sofa.Role").doc("A part of the platform.");
  d.field("name", &RoleState::name);
  d.field("state", &RoleState::state).doc("starting, ready, degraded, stopped");
  d.field("ports", &RoleState::ports);
  d.field("doc", &RoleState::doc);
  d.field("next", &RoleState::next).doc("what to do with it, one command; may be empty");
}

void CheckRow::describe(Description<CheckRow>& d) {
  d.java_type("sofa.Check").doc("One check of readiness.");
  d.field("name", &CheckRow::name);
  d.field("status", &CheckRow::status).doc("up, down, unknown, out_of_service");
  d.field("detail", &CheckRow::detail);
  d.field("checked_at_ms", &CheckRow::checked_at_ms).unit("ms since 1970");
  d.field("duration_us", &CheckRow::duration_us).unit("us");
}

void OverviewAnswer::describe(Description<OverviewAnswer>& d) {
  d.java_type("sofa.Overview").doc("The whole at a glance.");
  d.field("platform", &OverviewAnswer::platform);
  d.field("health", &OverviewAnswer::health).doc("up, down, unknown, out_of_service");
  d.field("roles", &OverviewAnswer::roles);
  d.field("checks", &OverviewAnswer::checks);
  d.field("rates", &OverviewAnswer::rates);
  d.field("history", &OverviewAnswer::history);
  d.field("processes", &OverviewAnswer::processes);
  d.field("events", &OverviewAnswer::events).doc("newest first, at most 50");
}

Overview::Overview(OverviewSources sources, Happenings& happenings, OverviewOptions options)
    : sources_(std::move(sources)), happenings_(happenings), options_(options), home_(io::Shard::current()), history_(options.step, options.points) {}
Overview::~Overview() = default;

void Overview::add_to(admin::Routes& routes) {
  routes.get("Get", "/v1/overview", "overview:read", [this]() { return read(); })
      .doc("The whole at a glance: the platform, how every process does, the rates over all of them, and what has happened last.");
}

Instant Overview::now() const { return home_.clock().now_monotonic(); }

bool Overview::somebody_looks() const {
  const int64_t last = looked_at_.load(std::memory_order_relaxed);
  return last != INT64_MIN && now() - Instant(Duration(last)) < options_.lookers;
}

OverviewAnswer Overview::read() {
  const bool begins = !somebody_looks();
  looked_at_.store(now().time_since_epoch().count(), std::memory_order_relaxed);
  if (begins) home_.post([wanted = wanted_] { wanted->set(); });
  OverviewAnswer answer;
  if (sources_.platform) static_cast<PlatformView&>(answer) = sources_.platform();
  answer.events = happenings_.latest(kMostEvents);
  const std::lock_guard lock(mutex_);
  answer.rates = rates_;
  answer.history = history_.columns();
  for (const auto& [id, seen] : seen_) answer.processes.push_back(seen.figures);
  return answer;
}

void Overview::on_attached(const ProcessInfo& process) {
  Seen seen;
  seen.figures.state = "starting";
  seen.figures.id = process.id;
  seen.figures.name = process.name;
  seen.figures.admin = process.admin;
  seen.figures.started_at_ms = process.started_at;
  {
    const std::lock_guard lock(mutex_);
    seen_.insert_or_assign(process.id, std::move(seen));
  }
  happenings_.add({.severity = "info", .kind = "attached", .process = process.id, .message = fmt::format("{} has attached", called(process))});
  home_.post([wanted = wanted_] { wanted->set(); });
}

void Overview::on_gone(const ProcessInfo& process) {
  const std::lock_guard lock(mutex_);
  const auto seen = seen_.find(process.id);
  const bool was_stopping = seen != seen_.end() && seen->second.figures.state == "draining";
  if (seen != seen_.end()) seen_.erase(seen);
  happenings_.add({.severity = was_stopping ? "info" : "warn",
                   .kind = "gone",
                   .process = process.id,
                   .message = fmt::format("{} {}", called(process), was_stopping ? "has stopped" : "is gone: its connection has ended")});
}

void Overview::start() {
  looking_ = std::make_unique<io::TaskGroup>();
  looking_->spawn("overview", run());
}

io::Task<void> Overview::stop() {
  if (looking_ == nullptr) co_return;
  looking_->cancel("the platform stops");
  (void)co_await looking_->join();
  looking_ = nullptr;
}

io::Task<void> Overview::run() {
  const io::Scope& scope = co_await io::current_scope();
  while (!scope.cancelled()) {
    const Instant begun = now();
    co_await look();
    wanted_->clear();
    const Duration pause = somebody_looks() ? options_.period : options_.at_rest;
    (void)co_await io::with_deadline(begun + pause, wait_for(*wanted_));
  }
}

io::Task<void> Overview::look() {
  io::TaskGroup asking(co_await io::current_scope());
  for (ProcessInfo& process : sources_.processes()) asking.spawn("figures", look_at(std::move(process)));
  (void)co_await asking.join();
  const std::lock_guard lock(mutex_);
  rates_ = {};
  for (const auto& [id, seen] : seen_) {
    if (seen.figures.state != kLost) rates_.add(seen.figures);
  }
  history_.add(home_.clock().now_wall(), rates_);
}

io::Task<void> Overview::look_at(ProcessInfo process) {
  const auto answer = co_await io::with_timeout(options_.timeout, sources_.figures(process.id));
  if (!answer && answer.error().code() == Code::cancelled) co_return;
  take(process, answer);
}

void Overview::take(const ProcessInfo& process, const Result<std::string>& answer) {
  auto figures =
      answer ? from_json<Figures>(*answer, {.source = "the figures", .ignore_unknown = true}) : Result<Figures>(std::unexpected(answer.error()));
  const std::lock_guard lock(mutex_);
  const auto at = seen_.find(process.id);
  if (at == seen_.end()) return;  // it is gone meanwhile
  Seen& seen = at->second;
  if (!figures) {
    if (++seen.missing == options_.patience) turn(process, seen, std::string(kLost), figures.error().to_string());
    return;
  }
  seen.missing = 0;
  if (std::exchange(seen.has_said, true) && figures->configured > seen.figures.configured) {
    const std::string keys = some_of(figures->configured_last);
    happenings_.add({.severity = "info",
                     .kind = "configuration",
                     .process = process.id,
                     .subject = keys,
                     .message = fmt::format("{} has a new configuration: {}", called(process), keys)});
  }
  std::string state = std::exchange(figures->state, seen.figures.state);
  static_cast<Figures&>(seen.figures) = std::move(*figures);
  turn(process, seen, std::move(state), "");
}

/// With the mutex.
void Overview::turn(const ProcessInfo& process, Seen& seen, std::string state, std::string why) {
  if (seen.figures.state == state) return;
  const bool is_well = state == "ready" || state == "starting" || state == "draining";
  happenings_.add({.severity = is_well ? "info" : "warn", .kind = "readiness", .process = process.id, .message = sentence_of(process, state, why)});
  seen.figures.state = std::move(state);
}

}  // namespace sofa::platform
