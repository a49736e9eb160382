#include "sofa/boot/application.h"

#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <set>
#include <sstream>

#include "sofa/base/log.h"
#include "sofa/boot/detail/built_in.h"
#include "sofa/boot/detail/service_manager.h"
#include "sofa/io/runtime.h"
#include "sofa/io/scope.h"
#include "sofa/io/task_group.h"

namespace sofa::boot {

void describe(Description<ServerSection>& d) {
  d.doc("Who the program is, and where it serves.");
  d.field("name", &ServerSection::name).doc("the application's name; empty: the program's own");
  d.field("host", &ServerSection::host).doc("address that services listen on; 0.0.0.0 or :: for all");
  d.field("port", &ServerSection::port).doc("of the services, all protocols; 0 picks a free one");
  d.field("shards", &ServerSection::shards).range(1, 1024).doc("threads that serve connections");
  d.field("drain_delay", &ServerSection::drain_delay).unit("ms").doc("between refusing traffic and the end of accepting, for balancers that poll");
  d.field("drain_timeout", &ServerSection::drain_timeout).unit("ms").doc("for running calls to end when the program stops");
  d.field("insulator", &ServerSection::insulator).doc("end the program when it is not ready after its start; else it stays and refuses traffic");
  d.field("manual_readiness_callback", &ServerSection::manual_readiness_callback)
      .doc("take no traffic before /actuator/triggerReadinessCallback was asked for");
}

void describe(Description<ReferenceSection>& d) {
  d.doc("Where a service of another process is found.");
  d.field("url", &ReferenceSection::url).required().doc("bolt://HOST:PORT, tri://HOST:PORT, several with commas between");
  d.field("timeout", &ReferenceSection::timeout).unit("ms").doc("of one attempt; 0: the method's own, or 3 s");
  d.field("retries", &ReferenceSection::retries).range(0, 100).doc("further attempts of a call");
  d.field("remote", &ReferenceSection::remote).doc("call the remote service although this process has it");
}

namespace {

const Logger log_{"sofa-runtime"};
const Logger report_log_{"startup"};

struct ModulesSection {
  std::vector<std::string> active_profiles{};
  static auto describe(Description<ModulesSection>& d) {
    d.doc("Which modules take part.");
    d.field("active_profiles", &ModulesSection::active_profiles).doc("profiles that are on, beside default");
  }
};

struct DynamicSection {
  std::string file{};
  uint32_t period = 1'000;
  static auto describe(Description<DynamicSection>& d) {
    d.doc("Configuration that changes while the program runs.");
    d.field("file", &DynamicSection::file).doc("YAML of live fields, on top of all other layers; empty: nothing changes");
    d.field("period", &DynamicSection::period).range(1, 86'400'000).unit("ms").doc("between two looks at the file");
  }
};

/// `references:`, by interface or interface:unique_id.
using References = std::map<std::string, ReferenceSection>;

std::string section_of(const ComponentSpec& spec) { return spec.module.empty() ? spec.name : fmt::format("{}.{}", spec.module, spec.name); }

std::string section_of_point(std::string_view point) { return fmt::format("extensions.{}", point); }

/// What a port must speak for services on these protocols (rpc::protocols()).
std::string_view wire_of(const Protocol& protocol) {
  if (protocol.name == triple.name || protocol.name == grpc.name) return "h2";
  if (protocol.name == http.name || protocol.name == rest.name) return "http1";
  return protocol.name;
}

}  // namespace

struct RunningApplication::Parts {
  std::string name;
  std::vector<ComponentSpec> components;
  std::shared_ptr<Configuration> configuration;
  std::shared_ptr<Events> events = std::make_shared<Events>();
  std::shared_ptr<MetricRegistry> metrics = std::make_shared<MetricRegistry>();
  std::shared_ptr<Readiness> readiness;
  std::unique_ptr<Lifecycle> life;
  Report startup, shutdown;
  std::shared_ptr<ConfigSource> source;        // null: nothing changes
  std::unique_ptr<io::TaskGroup> following;    // null: not started, or stopped
  std::unique_ptr<rpc::RunningServer> server;  // null: nothing is published, or traffic does not come in yet

  const ServerSection& options() const { return configuration->get<ServerSection>("server"); }

  Result<void> construct() {
    return life->construct([this](const ComponentSpec& spec) { return spec.config == nullptr ? nullptr : configuration->get(section_of(spec)); },
                           [this](std::string_view point) { return configuration->get(section_of_point(point)); });
  }

  io::Task<Result<void>> start_components() {
    const auto& references = configuration->get<References>("references");
    const auto options_of = [&](const InterfaceId& interface, std::string_view unique_id) {
      rpc::ClientOptions client{.app = name};
      if (const auto found = references.find(name_of(interface, unique_id)); found != references.end()) {
        client.timeout = std::chrono::milliseconds(found->second.timeout);
        client.retries = static_cast<int>(found->second.retries);
      }
      return client;
    };
    co_return co_await life->start(options_of);
  }

  void add_built_ins() {
    readiness = std::make_shared<Readiness>(ReadinessOptions{.manual_callbacks = options().manual_readiness_callback});
    detail::add_built_ins(components, {.clock = detail::shared_clock(io::Shard::current().clock()),
                                       .events = events,
                                       .metrics = metrics,
                                       .readiness = readiness,
                                       .configuration = configuration});
  }

  static Instant now() { return io::Shard::current().clock().now_monotonic(); }

  /// What was done before there was a shard stands first.
  void begin_startup(Duration registering, Duration configuring) {
    const Instant started = now();
    startup = {.application = name,
               .wall = io::Shard::current().clock().now_wall() - registering - configuring,
               .begun = started - registering - configuring};
    startup.begin_stage("JvmStartingStage", startup.begun);
    startup.begin_stage("EnvironmentPrepareStage", startup.begun + registering);
    startup.begin_stage("ApplicationContextPrepareStage", started);
  }

  void end_startup() {
    startup.end_stage(now());
    startup.stages.back().steps = readiness_steps(*readiness->state());
    log_table(startup);
  }

  /// The end of one step of the stop, with its time in the log, and the beginning of the next.
  void begin_stop_step(std::string step) {
    end_stop_step();
    shutdown.begin_stage(std::move(step), now());
  }
  void end_stop_step() {
    if (shutdown.stages.empty()) return;
    shutdown.end_stage(now());
    const ReportStep& ended = shutdown.stages.back();
    log_.info("stopping", {{"step", ended.name}, {"ms", fmt::format("{:.3f}", std::chrono::duration<double, std::milli>(ended.took()).count())}});
  }

  void begin_shutdown() { shutdown = {.application = name, .wall = io::Shard::current().clock().now_wall(), .begun = now()}; }

  static void log_table(const Report& report) {
    std::istringstream lines(report.table());
    for (std::string line; std::getline(lines, line);) report_log_.info(line, {});
  }

  /// Asks whose configuration it is.
  Result<void> on_config(const ConfigChange& change) {
    if (change.section == "log") return configure_logging(*static_cast<const LogOptions*>(change.now));
    for (size_t i = 0; i < components.size(); ++i) {
      if (components[i].on_config == nullptr || section_of(components[i]) != change.section || life->component(i) == nullptr) continue;
      return components[i].on_config(life->component(i).get(), change.before, change.now);
    }
    return {};
  }

  Result<std::vector<std::string>> reconfigure(std::string_view yaml, std::string_view from) {
    return configuration->apply(yaml, from, [this](const ConfigChange& change) { return on_config(change); });
  }

  void follow_source(std::shared_ptr<ConfigSource> given) {
    const auto& dynamic = configuration->get<DynamicSection>("dynamic");
    source = std::move(given);
    if (source == nullptr && !dynamic.file.empty()) source = watched_file(dynamic.file, std::chrono::milliseconds(dynamic.period));
    if (source == nullptr) return;
    following = std::make_unique<io::TaskGroup>();
    following->spawn("configuration", follow());
  }

  io::Task<void> follow() {
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

  io::Task<void> stop_following() {
    if (following == nullptr) co_return;
    following->cancel("the program is stopping");
    (void)co_await following->join();
    following = nullptr;
  }

  io::Task<Result<void>> tell_started() {
    std::map<std::string, size_t> modules;
    for (const ComponentSpec& spec : components) ++modules[spec.module];
    for (const auto& [module, size] : modules) {
      if (!module.empty()) co_await io::or_return(co_await events->publish(ModuleInstalled{module, size}));
    }
    co_return co_await events->publish(ApplicationStarted{name});
  }

  /// The worst of the components' own words.
  Health components_health() const {
    Health all;
    for (size_t i = 0; i < components.size(); ++i) {
      if (components[i].health == nullptr || life->component(i) == nullptr) continue;
      const Health one = components[i].health(life->component(i).get());
      if (one.status == HealthStatus::up) continue;
      all.status = worse(all.status, one.status);
      const std::string details = details_of(one);
      all.details.emplace_back(components[i].name, fmt::format("{}{}{}", to_string(one.status), details.empty() ? "" : ", ", details));
    }
    return all;
  }

  void fill_readiness(std::vector<Check> checks, std::vector<std::pair<std::string, ReadinessCallback>> callbacks) {
    readiness->add_check(
        {.name = "sofaComponentHealthChecker", .kind = CheckKind::checker, .check = [this]() -> io::Task<Health> { co_return components_health(); }});
    for (Check& check : checks) readiness->add_check(std::move(check));
    for (auto& [callback, run] : callbacks) readiness->add_callback(std::move(callback), std::move(run));
    // Published last: nobody calls before every check has passed (sofaboot.md 1.1).
    readiness->add_callback("rpcAfterHealthCheckCallback", [this] { return publish(); });
  }

  io::Task<Result<void>> publish() {
    std::set<std::string, std::less<>> wires;
    rpc::Server services(server_options());
    for (size_t i = 0; i < components.size(); ++i) {
      for (size_t j = 0; j < components[i].offers.size(); ++j) {
        const Offer& offer = components[i].offers[j];
        if (offer.protocols.empty()) continue;
        rpc::ServiceOptions of_service = offer.options;
        of_service.unique_id = offer.unique_id;
        offer.publish(services, life->offered({i, j}), std::move(of_service));
        for (const Protocol& protocol : offer.protocols) wires.emplace(wire_of(protocol));
      }
    }
    if (wires.empty()) co_return Result<void>{};
    services.options().protocols.assign(wires.begin(), wires.end());
    auto started = co_await std::move(services).start();
    if (!started) co_return forward_error(started);
    server = std::move(*started);
    co_return Result<void>{};
  }

  rpc::ServerOptions server_options() const {
    return {.host = options().host,
            .port = options().port,
            .port_option = "server.port",
            .drain = std::chrono::milliseconds(options().drain_timeout),
            .application = name};
  }
};

RunningApplication::RunningApplication(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
RunningApplication::~RunningApplication() = default;
const std::string& RunningApplication::name() const { return parts_->name; }
uint16_t RunningApplication::port() const { return parts_->server == nullptr ? 0 : parts_->server->port(); }
Readiness& RunningApplication::readiness() { return *parts_->readiness; }
Events& RunningApplication::events() { return *parts_->events; }
const Lifecycle& RunningApplication::lifecycle() const { return *parts_->life; }
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
  parts_->end_stop_step();
  Parts::log_table(parts_->shutdown);
  co_return first;
}

Application::Application(std::string name, std::string about) : name_(std::move(name)) {
  defaults_.name = name_;
  std::string prefix = name_;
  std::ranges::transform(prefix, prefix.begin(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : '_';
  });
  configuration_ = std::make_shared<Configuration>(
      ConfigurationOptions{.program = name_, .about = std::move(about), .environment_prefix = prefix, .default_file = name_ + ".yaml"});
}

Application::~Application() = default;

ComponentSpec& Application::add(ComponentSpec spec) { return registered_.emplace_back(std::move(spec)); }

ModuleBuilder Application::module(std::string name, std::source_location where) {
  return ModuleBuilder(*this, modules_.emplace_back(ModuleSpec{.name = std::move(name), .where = where}));
}

void Application::add_sections() {
  configuration_->add<ServerSection>("server", {}, defaults_);
  configuration_->add<LogOptions>("log");
  configuration_->add<ModulesSection>("modules");
  configuration_->add<DynamicSection>("dynamic");
  configuration_->add<References>("references", "services of other processes, by interface or interface:unique_id");
  std::set<std::string> added;  // two components of one name are the plan's to report
  for (const ComponentSpec& spec : registered_) {
    if (spec.config != nullptr && added.insert(section_of(spec)).second) configuration_->add(section_of(spec), *spec.config);
    for (const PointSpec& point : spec.points) {
      if (added.insert(section_of_point(point.name)).second) configuration_->add(section_of_point(point.name), *point.list);
    }
  }
}

Result<ParsedFlags> Application::configure(int argc, const char* const* argv) {
  const Instant begun = SystemClock::instance().now_monotonic();
  registering_ = begun - made_;
  add_sections();
  auto loaded = configuration_->load(argc, argv);
  if (!loaded || loaded->help) return loaded;
  if (auto logging = configure_logging(configuration_->get<LogOptions>("log")); !logging) return forward_error(logging);
  configuring_ = SystemClock::instance().now_monotonic() - begun;
  return loaded;
}

Result<void> Application::configure_text(std::string_view yaml, std::string_view file_name) {
  add_sections();
  return configuration_->load_text(yaml, file_name);
}

void Application::leave_out_inactive() {
  const auto& active = configuration_->get<ModulesSection>("modules").active_profiles;
  std::erase_if(modules_, [&](const ModuleSpec& module) {
    if (is_active(module.profiles, active)) return false;
    log_.info("module is not active", {{"module", module.name}});
    std::erase_if(registered_, [&](const ComponentSpec& spec) { return spec.module == module.name; });
    return true;
  });
}

void Application::take_place(ComponentSpec fake) {
  const Offer own = fake.offers.front();
  const auto same = [&own](const Offer& other) { return other.interface == own.interface && other.unique_id == own.unique_id; };
  const auto has_place = [&](const ComponentSpec& spec) { return std::ranges::any_of(spec.offers, same); };
  const auto first = std::ranges::find_if(registered_, has_place);
  if (first == registered_.end()) {
    fake.name = fmt::format("fake.{}", name_of(own.interface, own.unique_id));
    add(std::move(fake));
    return;
  }
  const Offer& place = *std::ranges::find_if(first->offers, same);
  fake.offers.front().protocols = place.protocols;
  fake.offers.front().options = place.options;
  fake.name = first->name;
  fake.module = first->module;
  fake.points = first->points;  // what others contribute stays right
  fake.contributions = first->contributions;
  *first = std::move(fake);
  registered_.erase(std::remove_if(std::next(first), registered_.end(), has_place), registered_.end());
}

io::Task<Result<std::unique_ptr<RunningApplication>>> Application::start() {
  leave_out_inactive();
  for (ComponentSpec& fake : fakes_) take_place(std::move(fake));
  fakes_.clear();
  auto parts = std::make_unique<RunningApplication::Parts>();
  parts->configuration = configuration_;
  parts->name = configuration_->get<ServerSection>("server").name;
  parts->components.assign(std::move_iterator(registered_.begin()), std::move_iterator(registered_.end()));
  registered_.clear();
  parts->add_built_ins();
  parts->begin_startup(registering_, configuring_);

  const auto& references = configuration_->get<References>("references");
  const auto find = [&](std::string_view interface, std::string_view unique_id) { return references.find(name_of({.name = interface}, unique_id)); };
  const std::vector<ModuleSpec> modules(modules_.begin(), modules_.end());
  PlanOptions options;
  options.remote_url = [&](auto interface, auto id) { return find(interface, id) == references.end() ? "" : find(interface, id)->second.url; };
  options.force_remote = [&](auto interface, auto id) { return find(interface, id) != references.end() && find(interface, id)->second.remote; };
  Plan plan = co_await io::or_return(make_plan(parts->components, modules, options));
  parts->life = std::make_unique<Lifecycle>(parts->components, std::move(plan), io::Shard::current().clock());
  parts->startup.begin_stage("ApplicationContextLoadStage", RunningApplication::Parts::now());
  co_await io::or_return(parts->construct());
  parts->startup.stages.back().steps = construct_steps(*parts->life);
  parts->startup.begin_stage("ApplicationContextRefreshStage", RunningApplication::Parts::now());
  co_await io::or_return(co_await parts->start_components());
  parts->startup.stages.back().steps = start_steps(*parts->life, parts->startup.stages.back().begun);
  parts->fill_readiness(checks_, callbacks_);
  auto running = std::unique_ptr<RunningApplication>(new RunningApplication(std::move(parts)));
  Result<void> ready = co_await running->parts_->tell_started();
  const bool told = ready.has_value();
  running->parts_->startup.begin_stage("ReadinessCheckStage", RunningApplication::Parts::now());
  if (told) ready = co_await running->parts_->readiness->begin();
  running->parts_->end_startup();
  running->parts_->follow_source(std::move(source_));
  if (ready) co_return running;
  if (told && !running->parts_->options().insulator) {
    log_.error("the application has started and is not ready", {{"reason", ready.error()}});
    co_return running;
  }
  io::Scope stopping(&io::Shard::current().root_scope(), "stop");
  if (auto stopped = co_await running->stop().in(stopping); !stopped) log_.warn("the application did not stop well", {{"error", stopped.error()}});
  co_return forward_error(ready);
}

namespace {

io::Task<int> run_started(Application& app) {
  auto running = co_await app.start();
  if (!running) {
    std::fprintf(stderr, "%s\n", running.error().to_string().c_str());
    co_return 1;
  }
  std::string ready = fmt::format("ready {} pid={}", (*running)->name(), getpid());
  if ((*running)->port() != 0) ready += fmt::format(" port={}", (*running)->port());
  std::puts(ready.c_str());
  std::fflush(stdout);
  const auto state = (*running)->readiness().state();
  detail::tell_service_manager(fmt::format("READY=1\nSTATUS={}", state->accepts_traffic() ? "traffic is accepted" : "traffic is refused"));
  const auto watchdog = detail::watchdog_period();
  while (watchdog && co_await io::sleep_for(*watchdog)) detail::tell_service_manager("WATCHDOG=1");  // from the shard: a held one misses it
  if (!watchdog) (void)co_await io::until_cancelled();
  detail::tell_service_manager("STOPPING=1\nSTATUS=stopping");
  // The scope of main is cancelled; stopping needs one that is not.
  io::Scope stopping(&io::Shard::current().root_scope(), "stop");
  const auto stopped = co_await (*running)->stop().in(stopping);
  if (!stopped) std::fprintf(stderr, "cannot stop in good order: %s\n", stopped.error().to_string().c_str());
  co_return stopped ? 0 : 1;
}

}  // namespace

int Application::run(int argc, char** argv) {
  const auto parsed = configure(argc, argv);
  if (const auto code = exit_code_of(parsed)) return *code;
  const auto& server = configuration_->get<ServerSection>("server");
  const Duration longest = std::chrono::milliseconds(server.drain_delay) + std::chrono::milliseconds(server.drain_timeout) + std::chrono::seconds(40);
  return io::run(run_started(*this), {.shards = server.shards, .stop_timeout = longest});
}

}  // namespace sofa::boot
