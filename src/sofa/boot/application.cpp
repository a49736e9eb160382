#include "sofa/boot/application.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <set>

#include "sofa/base/log.h"
#include "sofa/base/log_levels.h"
#include "sofa/base/start_pages.h"
#include "sofa/boot/detail/app_sections.h"
#include "sofa/boot/detail/parts.h"
#include "sofa/boot/detail/service_manager.h"
#include "sofa/boot/run_directory.h"
#include "sofa/io/address.h"
#include "sofa/io/blocking_pool.h"
#include "sofa/io/runtime.h"
#include "sofa/io/scope.h"

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

void describe(Description<AdminTls>& d) {
  d.doc("TLS of the admin port, which then speaks nothing else. The files are read again when they change.");
  d.field("cert", &AdminTls::cert).doc("the file (PEM) of the certificate and of those between it and its root; empty: no TLS");
  d.field("key", &AdminTls::key).doc("the file (PEM) of its private key");
  d.field("client_ca", &AdminTls::client_ca).doc("the file (PEM) of who signs the certificates of users; empty: none are asked for");
}

void describe(Description<AdminSection>& d) {
  d.doc("The port on which the program is looked into: /actuator, /metrics, /healthz, /livez, /readyz.");
  d.field("enabled", &AdminSection::enabled).doc("false: there is none");
  d.field("host", &AdminSection::host).doc("address that it listens on; another than this machine's own needs `open`, or a gate");
  d.field("port", &AdminSection::port).doc("0 picks a free one");
  d.field("further_ports", &AdminSection::further_ports).range(0, 1000).doc("when the port is taken: so many behind it are tried");
  d.field("open", &AdminSection::open).doc("everybody who reaches it may read and change all; for networks that nobody else reaches");
  d.field("announce", &AdminSection::announce).doc("tell name, pid and addresses in the run directory, where `sofa status` looks");
  d.field("hosts", &AdminSection::hosts).doc("names, beside localhost, by which programs of this machine call it");
  d.field("tls", &AdminSection::tls);
  d.field("platform", &AdminSection::platform)
      .doc("HOST:9900, or https://HOST:9900 over TLS, of a platform whose console looks into this process; empty: none");
  d.field("platform_token", &AdminSection::platform_token).secret().doc("a token that lets the process in there");
  d.field("call_history", &AdminSection::call_history).unit("s").range(10, 3600).doc("how far rates and latencies of calls reach back");
  d.field("call_history_methods", &AdminSection::call_history_methods)
      .range(1, 10'000)
      .doc("so many methods have them; further ones count in sums alone");
  d.field("metric_history", &AdminSection::metric_history).unit("s").range(60, 86'400).doc("how far values of metrics reach back, one each 5 s");
  d.field("metric_history_series", &AdminSection::metric_history_series).range(0, 100'000).doc("so many series have them; 0: none");
  d.field("platform_ca", &AdminSection::platform_ca).doc("the file (PEM) of who signs the platform's certificate; empty: the system's list");
}

void describe(Description<ReferenceSection>& d) {
  d.doc("Where a service of another process is found.");
  d.field("url", &ReferenceSection::url).required().doc("bolt://HOST:PORT, tri://HOST:PORT, several with commas between");
  d.field("timeout", &ReferenceSection::timeout).unit("ms").doc("of one attempt; 0: the method's own, or 3 s");
  d.field("retries", &ReferenceSection::retries).range(0, 100).doc("further attempts of a call");
  d.field("remote", &ReferenceSection::remote).doc("call the remote service although this process has it");
}

namespace {

using detail::DynamicSection;
using detail::ModulesSection;
using detail::References;
using detail::section_of;
using detail::section_of_point;

const Logger log_{"sofa-runtime"};

constexpr Duration kStopGrace = std::chrono::seconds(5);  // of a stop, beside the deadlines of its steps

}  // namespace

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

void add_application_sections(Configuration& configuration, const ServerSection& server, const AdminSection& admin) {
  configuration.add<ServerSection>("server", "where this process listens, and how it stops", server);
  configuration.add<AdminSection>("admin", "where the admin API, the console and the metrics are", admin);
  configuration.check("admin.tls", detail::check_admin_tls);
  configuration.check("admin", detail::check_admin_platform);
  configuration.add<LogOptions>("log", "where log lines go, and which");
  configuration.check<std::string>("log.levels", [](const std::string& levels) { return check_log_levels(levels); });
  configuration.add<ModulesSection>("modules", "which modules take part");
  configuration.add<DynamicSection>("dynamic", "configuration that changes while the program runs");
  configuration.add<References>("references", "services of other processes, by interface or interface:unique_id");
}

void Application::add_sections() {
  add_application_sections(*configuration_, defaults_, admin_defaults_);
  std::set<std::string> added;  // two components of one name are the plan's to report
  for (const ComponentSpec& spec : registered_) {
    if (spec.config != nullptr && added.insert(section_of(spec)).second) configuration_->add(section_of(spec), *spec.config);
    for (const PointSpec& point : spec.points) {
      if (added.insert(section_of_point(point.name)).second) configuration_->add(section_of_point(point.name), *point.list);
    }
  }
}

Result<void> Application::load_modules() {
  for (const auto& source : module_sources_) {
    auto loaded = source->load();
    if (!loaded) return std::unexpected<Error>(std::move(loaded.error()).wrap(fmt::format("the {} modules cannot be loaded", source->kind())));
    for (LoadedModule& module : *loaded) {
      for (ComponentSpec& component : module.components) {
        component.module = module.spec.name;
        add(std::move(component));
      }
      modules_.push_back(std::move(module.spec));
    }
  }
  return {};
}

Result<ParsedFlags> Application::configure(int argc, const char* const* argv) {
  const Instant begun = SystemClock::instance().now_monotonic();
  registering_ = begun - made_;
  if (auto loaded = load_modules(); !loaded) return forward_error(loaded);
  add_sections();
  auto loaded = configuration_->load(argc, argv);
  if (!loaded || loaded->help) return loaded;
  if (auto logging = configure_logging(configuration_->get<LogOptions>("log")); !logging) return forward_error(logging);
  configuring_ = SystemClock::instance().now_monotonic() - begun;
  return loaded;
}

Result<void> Application::configure_text(std::string_view yaml, std::string_view file_name) {
  if (auto loaded = load_modules(); !loaded) return loaded;
  add_sections();
  return configuration_->load_text(yaml, file_name);
}

void Application::leave_out_inactive() {
  const auto& active = configuration_->get<ModulesSection>("modules").active_profiles;
  std::erase_if(modules_, [&](const ModuleSpec& module) {
    if (is_active(module.profiles, active)) return false;
    log_.info("module is not active", {{"module", module.name}});
    inactive_.push_back(module);
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

std::unique_ptr<RunningApplication> Application::assemble() {
  leave_out_inactive();
  for (ComponentSpec& fake : fakes_) take_place(std::move(fake));
  fakes_.clear();
  auto parts = std::make_unique<RunningApplication::Parts>();
  parts->configuration = configuration_;
  parts->name = configuration_->get<ServerSection>("server").name;
  parts->components.assign(std::move_iterator(registered_.begin()), std::move_iterator(registered_.end()));
  registered_.clear();
  parts->modules.assign(modules_.begin(), modules_.end());
  parts->inactive_modules = inactive_;
  parts->publish_hooks = publish_hooks_;
  parts->module_sources = module_sources_;
  parts->add_built_ins();
  parts->begin_startup(registering_, configuring_);
  return std::unique_ptr<RunningApplication>(new RunningApplication(std::move(parts)));
}

io::Task<Result<void>> Application::start_parts(RunningApplication& running) {
  RunningApplication::Parts& parts = *running.parts_;
  co_await io::or_return(parts.plan());
  co_await io::or_return(parts.construct());
  const auto& section = configuration_->get<AdminSection>("admin");
  if (section.enabled) {
    auto admin = std::make_unique<detail::AdminPort>(running, section, gate_, parts.metrics);
    for (const AdminHook& hook : admin_hooks_) hook(admin->server());
    co_await io::or_return(co_await admin->start());
    parts.admin = std::move(admin);
  }
  co_await io::or_return(co_await parts.start_components());
  parts.fill_readiness(checks_, callbacks_);
  parts.all_started = true;
  co_await io::or_return(co_await parts.tell_started());
  parts.next_stage("ReadinessCheckStage");
  auto ready = co_await parts.readiness->begin();
  parts.end_startup();
  parts.follow_source(std::move(source_));
  if (ready || parts.options().insulator) co_return ready;
  log_.error("the application has started and is not ready", {{"reason", ready.error()}});
  co_return Result<void>{};
}

io::Task<Result<std::unique_ptr<RunningApplication>>> Application::start() {
  auto running = assemble();
  auto done = co_await start_parts(*running);
  if (done) co_return running;
  io::Scope stopping(&io::Shard::current().root_scope(), "stop");
  RunningApplication::Parts& parts = *running->parts_;
  auto stopped = co_await (parts.all_started ? running->stop() : parts.close_admin()).in(stopping);
  if (!stopped) log_.warn("the application did not stop well", {{"error", stopped.error()}});
  co_return forward_error(done);
}

namespace {

/// `ready NAME pid=... port=... admin=...`, for scripts that wait for it; of an application that runs and refuses traffic `started ...`, with the
/// reason.
std::string ready_line(RunningApplication& running) {
  const auto refused = why_refused(*running.readiness().state());
  std::string line = fmt::format("{} {} pid={}", refused ? "ready" : "started", running.name(), getpid());
  if (running.port() != 0) line += fmt::format(" port={}", running.port());
  if (running.admin_port() != 0) line += fmt::format(" admin={}", running.admin_port());
  if (!refused) line += fmt::format("; {}", refused.error().message());
  return line + "\n";
}

/// HOST:PORT by which programs of this machine call a port; empty: there is none.
std::string local_address(const std::string& host, uint16_t port) {
  if (port == 0) return {};
  const bool all = host == "0.0.0.0" || host == "::";
  return io::Address::of(all ? "127.0.0.1" : host, port).to_string();
}

/// Tells in the run directory that the application is ready. That it cannot is no reason to stop.
io::Task<std::optional<Announcement>> announce_run(RunningApplication& running, const ServerSection& server, const AdminSection& admin) {
  if (running.admin_port() == 0 || !admin.announce) co_return std::nullopt;
  RunningProcess process = this_running_process();
  process.name = running.name();
  process.admin = fmt::format("{}{}", admin.tls.enabled() ? "https://" : "", local_address(admin.host, running.admin_port()));
  process.services = local_address(server.host, running.port());
  auto written = co_await io::run_blocking(io::Shard::current().runtime().file_pool(), [&] { return Announcement::write(run_directory(), process); });
  if (written) co_return std::move(*written);
  log_.warn("the process does not stand in the run directory", {{"reason", written.error()}});
  co_return std::nullopt;
}

}  // namespace

io::Task<int> Application::serve(std::function<std::string(RunningApplication& running)> announce) {
  auto running = co_await start();
  if (!running) {
    std::fprintf(stderr, "%s\n", running.error().to_string().c_str());
    co_return 1;
  }
  const auto announced = co_await announce_run(**running, configuration_->get<ServerSection>("server"), configuration_->get<AdminSection>("admin"));
  std::fputs((announce ? announce(**running) : ready_line(**running)).c_str(), stdout);
  std::fflush(stdout);
  release_start_pages();
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

int Application::run(int argc, char** argv) {
  const auto parsed = configure(argc, argv);
  if (const auto code = exit_code_of(parsed)) return *code;
  return io::run(serve(), {.shards = configuration_->get<ServerSection>("server").shards, .stop_timeout = longest_stop()});
}

Duration Application::longest_stop() const {
  const auto& server = configuration_->get<ServerSection>("server");
  Duration longest = std::chrono::milliseconds(server.drain_delay) + std::chrono::milliseconds(server.drain_timeout);
  for (const ComponentSpec& spec : registered_) {
    if (spec.drain != nullptr) longest += spec.timeouts.drain;
    if (spec.stop != nullptr) longest += spec.timeouts.stop;
  }
  return longest + admin::AdminOptions().drain + kStopGrace;
}

}  // namespace sofa::boot
