#include <fmt/ranges.h>
#include <sys/statvfs.h>

#include <filesystem>
#include <map>
#include <set>
#include <sstream>

#include "sofa/base/log.h"
#include "sofa/boot/detail/app_sections.h"
#include "sofa/boot/detail/built_in.h"
#include "sofa/boot/detail/parts.h"
#include "sofa/io/runtime.h"
#include "sofa/io/scope.h"

namespace sofa::boot {

namespace {

using detail::DynamicSection;
using detail::ModulesSection;
using detail::References;
using detail::section_of;
using detail::section_of_point;

const Logger log_{"sofa-runtime"};
const Logger report_log_{"startup"};

/// What a port must speak for services on these protocols (rpc::protocols()).
std::string_view wire_of(const Protocol& protocol) {
  if (protocol.name == triple.name || protocol.name == grpc.name) return "h2";
  if (protocol.name == http.name || protocol.name == rest.name) return "http1";
  return protocol.name;
}

/// The indicator of Spring Boot with its standard threshold, of the folder that the program runs in.
io::Task<Health> disk_space() {
  static constexpr int64_t kThreshold = int64_t{10} << 20;
  const auto look = []() -> Result<Health> {
    const std::string folder = std::filesystem::current_path().string();
    struct statvfs found{};
    if (::statvfs(folder.c_str(), &found) != 0) return Health{HealthStatus::down, {{"path", folder}, {"exists", false}}};
    const auto bytes = [&](fsblkcnt_t blocks) { return static_cast<int64_t>(blocks * found.f_frsize); };
    return Health{bytes(found.f_bavail) >= kThreshold ? HealthStatus::up : HealthStatus::down,
                  {{"total", bytes(found.f_blocks)}, {"free", bytes(found.f_bavail)}, {"threshold", kThreshold}, {"path", folder}, {"exists", true}}};
  };
  auto health = co_await io::run_blocking(io::Shard::current().runtime().file_pool(), look);
  co_return health ? std::move(*health) : Health::down(health.error().to_string());
}

}  // namespace

void RunningApplication::Parts::add_built_ins() {
  readiness = std::make_shared<Readiness>(ReadinessOptions{.manual_callbacks = options().manual_readiness_callback});
  detail::add_built_ins(components, {.clock = detail::shared_clock(io::Shard::current().clock()),
                                     .events = events,
                                     .metrics = metrics,
                                     .readiness = readiness,
                                     .configuration = configuration});
}

Instant RunningApplication::Parts::now() { return io::Shard::current().clock().now_monotonic(); }

void RunningApplication::Parts::begin_startup(Duration registering, Duration configuring) {
  const Instant started = now();
  startup = {
      .application = name, .wall = io::Shard::current().clock().now_wall() - registering - configuring, .begun = started - registering - configuring};
  startup.begin_stage("JvmStartingStage", startup.begun);
  startup.begin_stage("EnvironmentPrepareStage", startup.begun + registering);
  startup.begin_stage("ApplicationContextPrepareStage", started);
}

Result<void> RunningApplication::Parts::plan() {
  const auto& references = configuration->get<References>("references");
  const auto find = [&](std::string_view interface, std::string_view unique_id) { return references.find(name_of({.name = interface}, unique_id)); };
  PlanOptions planned;
  planned.remote_url = [&](auto interface, auto id) { return find(interface, id) == references.end() ? "" : find(interface, id)->second.url; };
  planned.force_remote = [&](auto interface, auto id) { return find(interface, id) != references.end() && find(interface, id)->second.remote; };
  auto made = make_plan(components, modules, planned);
  if (!made) return forward_error(made);
  life = std::make_unique<Lifecycle>(components, std::move(*made), io::Shard::current().clock());
  return {};
}

Result<void> RunningApplication::Parts::construct() {
  next_stage("ApplicationContextLoadStage");
  auto done = life->construct([this](const ComponentSpec& spec) { return spec.config == nullptr ? nullptr : configuration->get(section_of(spec)); },
                              [this](std::string_view point) { return configuration->get(section_of_point(point)); });
  startup.stages.back().steps = construct_steps(*life);
  return done;
}

io::Task<Result<void>> RunningApplication::Parts::start_components() {
  next_stage("ApplicationContextRefreshStage");
  const auto& references = configuration->get<References>("references");
  const auto options_of = [&](const InterfaceId& interface, std::string_view unique_id) {
    rpc::ClientOptions client{.app = name};
    if (const auto found = references.find(name_of(interface, unique_id)); found != references.end()) {
      client.timeout = std::chrono::milliseconds(found->second.timeout);
      client.retries = static_cast<int>(found->second.retries);
    }
    return client;
  };
  auto done = co_await life->start(options_of);
  startup.stages.back().steps = start_steps(*life, startup.stages.back().begun);
  co_return done;
}

io::Task<Result<void>> RunningApplication::Parts::tell_started() {
  std::map<std::string, size_t> sizes;
  for (const ComponentSpec& spec : components) ++sizes[spec.module];
  for (const auto& [module, size] : sizes) {
    if (!module.empty()) co_await io::or_return(co_await events->publish(ModuleInstalled{module, size}));
  }
  co_return co_await events->publish(ApplicationStarted{name});
}

Health RunningApplication::Parts::components_health() const {
  Health all;
  for (size_t i = 0; i < components.size(); ++i) {
    if (components[i].health == nullptr) continue;
    const Health one = life->health(i);
    if (one.status == HealthStatus::up) continue;
    all.status = worse(all.status, one.status);
    const std::string details = details_of(one);
    all.details.emplace_back(components[i].name, fmt::format("{}{}{}", to_string(one.status), details.empty() ? "" : ", ", details));
  }
  return all;
}

void RunningApplication::Parts::fill_readiness(std::vector<Check> checks, std::vector<std::pair<std::string, ReadinessCallback>> callbacks) {
  readiness->add_check(
      {.name = "sofaComponentHealthChecker", .kind = CheckKind::checker, .check = [this]() -> io::Task<Health> { co_return components_health(); }});
  // A module that cannot start ends the start: one that is asked is up.
  readiness->add_check(
      {.name = "sofaModuleHealthChecker", .kind = CheckKind::checker, .check = []() -> io::Task<Health> { co_return Health::up(); }});
  readiness->add_check({.name = "diskSpace", .check = [] { return disk_space(); }});
  readiness->add_check({.name = "pingHealthContributor", .check = []() -> io::Task<Health> { co_return Health::up(); }});
  for (Check& check : checks) readiness->add_check(std::move(check));
  for (auto& [callback, run] : callbacks) readiness->add_callback(std::move(callback), std::move(run));
  // Published last: nobody calls before every check has passed (sofaboot.md 1.1).
  readiness->add_callback("rpcAfterHealthCheckCallback", [this] { return publish(); });
}

io::Task<Result<void>> RunningApplication::Parts::publish() {
  std::set<std::string, std::less<>> wires;
  std::vector<std::string> names;
  std::shared_ptr<rpc::RestRoutes> routes;
  rpc::Server services(server_options());
  for (size_t i = 0; i < components.size(); ++i) {
    for (size_t j = 0; j < components[i].offers.size(); ++j) {
      const Offer& offer = components[i].offers[j];
      if (offer.protocols.empty()) continue;
      rpc::ServiceOptions of_service = offer.options;
      of_service.unique_id = offer.unique_id;
      offer.publish(services, life->offered({i, j}), std::move(of_service));
      names.emplace_back(offer.interface.name);
      if (offer.add_routes) {
        if (routes == nullptr) routes = std::make_shared<rpc::RestRoutes>(rest::About{.title = name});
        offer.add_routes(*routes, {.version = offer.options.version, .unique_id = offer.unique_id});
      }
      for (const Protocol& protocol : offer.protocols) wires.emplace(wire_of(protocol));
    }
  }
  if (wires.empty()) co_return Result<void>{};
  if (routes != nullptr) (void)std::move(services).rest(routes);  // changes it in place
  for (const PublishHook& hook : publish_hooks) services = hook(std::move(services), *readiness, names);
  services.options().protocols.assign(wires.begin(), wires.end());
  auto started = co_await std::move(services).start();
  if (!started) co_return forward_error(started);
  server = std::move(*started);
  co_return Result<void>{};
}

rpc::ServerOptions RunningApplication::Parts::server_options() const {
  return {.host = options().host,
          .port = options().port,
          .port_option = "server.port",
          .drain = std::chrono::milliseconds(options().drain_timeout),
          .application = name};
}

void RunningApplication::Parts::end_startup() {
  startup.end_stage(now());
  startup.stages.back().steps = readiness_steps(*readiness->state());
  log_table(startup);
}

void RunningApplication::Parts::log_table(const Report& report) {
  std::istringstream lines(report.table());
  for (std::string line; std::getline(lines, line);) report_log_.info(line, {});
}

Result<void> RunningApplication::Parts::on_config(const ConfigChange& change) {
  if (change.section == "log") return set_log_levels(static_cast<const LogOptions*>(change.now)->levels);
  for (size_t i = 0; i < components.size(); ++i) {
    if (components[i].on_config == nullptr || section_of(components[i]) != change.section || life->component(i) == nullptr) continue;
    return components[i].on_config(life->component(i).get(), change.before, change.now);
  }
  return {};
}

Result<std::vector<std::string>> RunningApplication::Parts::reconfigure(std::string_view yaml, std::string_view from) {
  return configuration->apply(yaml, from, [this](const ConfigChange& change) { return on_config(change); });
}

void RunningApplication::Parts::follow_source(std::shared_ptr<ConfigSource> given) {
  const auto& dynamic = configuration->get<DynamicSection>("dynamic");
  source = std::move(given);
  if (source == nullptr && !dynamic.file.empty()) source = watched_file(dynamic.file, std::chrono::milliseconds(dynamic.period));
  if (source == nullptr) return;
  following = std::make_unique<io::TaskGroup>();
  following->spawn("configuration", follow());
}

io::Task<void> RunningApplication::Parts::follow() {
  std::string told;  // the last reason that the log knows
  const io::Scope& scope = co_await io::current_scope();
  for (;;) {
    auto text = co_await source->next();
    if (scope.cancelled()) co_return;
    const auto applied = text ? reconfigure(*text, source->name()) : Result<std::vector<std::string>>(forward_error(text));
    const std::string refused = applied ? "" : applied.error().to_string();
    if (!refused.empty() && refused != told) log_.warn("the configuration stays as it is", {{"source", source->name()}, {"reason", refused}});
    if (applied && !applied->empty())
      log_.info("the configuration has changed", {{"source", source->name()}, {"keys", fmt::format("{}", fmt::join(*applied, ", "))}});
    told = refused;
    if (!text && !co_await io::sleep_for(std::chrono::milliseconds(100))) co_return;  // a source that fails at once keeps no shard busy
  }
}

io::Task<void> RunningApplication::Parts::stop_following() {
  if (following == nullptr) co_return;
  following->cancel("the program is stopping");
  (void)co_await following->join();
  following = nullptr;
}

io::Task<Result<void>> RunningApplication::Parts::close_admin() {
  if (admin == nullptr) co_return Result<void>{};
  co_return co_await admin->stop();
}

void RunningApplication::Parts::begin_shutdown() {
  shutdown = {.application = name, .wall = io::Shard::current().clock().now_wall(), .begun = now()};
}

void RunningApplication::Parts::begin_stop_step(std::string step) {
  end_stop_step();
  shutdown.begin_stage(std::move(step), now());
}

void RunningApplication::Parts::end_stop_step() {
  if (shutdown.stages.empty()) return;
  shutdown.end_stage(now());
  const ReportStep& ended = shutdown.stages.back();
  log_.info("stopping", {{"step", ended.name}, {"ms", fmt::format("{:.3f}", std::chrono::duration<double, std::milli>(ended.took()).count())}});
}

void RunningApplication::Parts::end_shutdown() {
  end_stop_step();
  log_table(shutdown);
}

RunningApplication::RunningApplication(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
RunningApplication::~RunningApplication() = default;
const std::string& RunningApplication::name() const { return parts_->name; }
uint16_t RunningApplication::port() const { return parts_->server == nullptr ? 0 : parts_->server->port(); }
uint16_t RunningApplication::admin_port() const { return parts_->admin == nullptr ? 0 : parts_->admin->port(); }
const std::vector<ModuleSpec>& RunningApplication::modules() const { return parts_->modules; }
const std::vector<ModuleSpec>& RunningApplication::inactive_modules() const { return parts_->inactive_modules; }
const std::vector<std::string>& RunningApplication::active_profiles() const {
  return parts_->configuration->get<ModulesSection>("modules").active_profiles;
}
const ReferenceSection& RunningApplication::reference(std::string_view name) const {
  static const ReferenceSection kNone;
  const auto& references = parts_->configuration->get<References>("references");
  const auto found = references.find(std::string(name));
  return found == references.end() ? kNone : found->second;
}
Readiness& RunningApplication::readiness() { return *parts_->readiness; }
Events& RunningApplication::events() { return *parts_->events; }
const Lifecycle& RunningApplication::lifecycle() const { return *parts_->life; }
const rpc::RunningServer* RunningApplication::server() const { return parts_->server.get(); }
Configuration& RunningApplication::configuration() { return *parts_->configuration; }
Result<std::vector<std::string>> RunningApplication::reconfigure(std::string_view yaml, std::string_view source) {
  return parts_->reconfigure(yaml, source);
}
const Report& RunningApplication::startup() const { return parts_->startup; }
const Report& RunningApplication::shutdown() const { return parts_->shutdown; }

io::Task<Result<void>> RunningApplication::stop() {
  Result<void> first;
  const auto keep = [&first](Result<void> done) {
    if (!done && first) first = std::move(done);
  };
  std::vector<ReportStep>& stages = parts_->shutdown.stages;
  parts_->begin_shutdown();
  parts_->begin_stop_step("RefuseTrafficStage");
  parts_->readiness->refuse("the program is stopping");
  co_await parts_->stop_following();
  parts_->begin_stop_step("BeforeStopStage");
  keep(co_await parts_->events->publish(BeforeStop{parts_->name}));
  parts_->begin_stop_step("DrainDelayStage");
  if (parts_->server != nullptr && parts_->options().drain_delay > 0) {
    (void)co_await io::sleep_for(std::chrono::milliseconds(parts_->options().drain_delay));
  }
  parts_->begin_stop_step("ServerStopStage");
  if (parts_->server != nullptr) keep(co_await parts_->server->stop());
  parts_->begin_stop_step("ComponentDrainStage");
  keep(co_await parts_->life->drain());
  stages.back().steps = drain_steps(*parts_->life);
  parts_->begin_stop_step("ComponentStopStage");
  co_await parts_->readiness->stop();
  keep(co_await parts_->life->stop());
  stages.back().steps = stop_steps(*parts_->life);
  parts_->begin_stop_step("ComponentDestroyStage");
  parts_->life->destroy();
  parts_->begin_stop_step("AdminStopStage");
  keep(co_await parts_->close_admin());
  parts_->end_shutdown();
  co_return first;
}

}  // namespace sofa::boot
