#pragma once
// Application: the components of a program, put together, configured, started, watched and stopped.
//
//   int main(int argc, char** argv) {
//     boot::Application app("bank-ledger", "Keeps the accounts.");
//     app.component<Journal>("journal");
//     app.component<LedgerService>("ledger").provides<Ledger>().on(boot::bolt, boot::triple);
//     return app.run(argc, argv);
//   }
//
// Configuration, health, probes, metrics, a start-up report and an orderly stop come with it (README.md). Sections of the file:
//
//   server:      {name, host, port, drain_delay ...}      (ServerSection)
//   admin:       {port: 9910}                             /actuator, /metrics, probes (AdminSection)
//   log:         {levels: "info,rpc=debug"}
//   dynamic:     {file: live.yaml, period: 1s}            live fields follow this file while the program runs
//   modules:     {active_profiles: [eu]}
//   references:  {bank.Risk: {url: "bolt://10.0.0.7:12200"}}
//   extensions:  {routes: [{path: /news}]}                entries of extension points (extension.h)
//   journal:     what the constructor of the component "journal" takes; of a component of a module, inside the module's mapping
//
// Every constructor may ask for Ref<Clock> (the shard's), Ref<Events>, Ref<MetricRegistry>, Ref<Readiness> and Ref<Configuration>. A component that
// provides one of them takes its place for the others.

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sofa/admin/admin_server.h"
#include "sofa/boot/builder.h"
#include "sofa/boot/config_source.h"
#include "sofa/boot/configuration.h"
#include "sofa/boot/events.h"
#include "sofa/boot/lifecycle.h"
#include "sofa/boot/module.h"
#include "sofa/boot/module_source.h"
#include "sofa/boot/readiness.h"
#include "sofa/boot/report.h"
#include "sofa/io/task.h"
#include "sofa/rpc/server.h"

namespace sofa::boot {

/// `server:` of every file.
struct ServerSection {
  std::string name{};               ///< of the application; empty: the program's
  std::string host = "127.0.0.1";   ///< address of the services; closed to the network unless said otherwise
  uint16_t port = 12200;            ///< of all protocols; 0: a free one
  uint32_t shards = 1;              ///< threads that serve connections
  uint32_t drain_delay = 0;         ///< ms between "traffic is refused" and the end of accepting: for balancers that poll
  uint32_t drain_timeout = 20'000;  ///< ms for running calls to end
  bool insulator = false;           ///< a failed readiness ends the program; else it stays and refuses traffic
  bool manual_readiness_callback = false;
};
void describe(Description<ServerSection>& d);

/// `admin.tls:`, paths of PEM files. With it the port speaks TLS and nothing else.
struct AdminTls {
  std::string cert{};  ///< the certificate, then those between it and its root; empty: no TLS
  std::string key{};   ///< its private key
  std::string
      client_ca{};  ///< who signs the certificates of users: one that has such a certificate is the user of its name; empty: none are asked for
  bool enabled() const { return !cert.empty(); }
};
void describe(Description<AdminTls>& d);

/// `admin:`, the port on which the program is looked into.
struct AdminSection {
  bool enabled = true;
  std::string host = "127.0.0.1";  ///< another one needs `open`, or a gate: else everybody could change the program
  uint16_t port = 9910;            ///< 0: a free one
  uint16_t further_ports = 50;     ///< when the port is taken: so many behind it are tried
  bool open = false;               ///< everybody who reaches the port may read and change all
  bool announce = true;            ///< in the run directory (run_directory.h), while Application::serve runs
  std::vector<std::string> hosts{};
  AdminTls tls{};
  std::string platform{};  ///< "HOST:9900", "https://HOST:9900": the process attaches there (admin/attach.h), and is seen in its console; empty:
                           ///< nowhere; "self": at its own admin port, of a program that is a platform
  std::string platform_token{};            ///< that lets it in
  uint32_t call_history = 300;             ///< s that rates and latencies of calls reach back
  uint32_t call_history_methods = 128;     ///< methods that they are kept of, each about 0.4 KiB for each second with calls
  uint32_t metric_history = 900;           ///< s that values of metrics reach back, one each 5 s
  uint32_t metric_history_series = 500;    ///< series that they are kept of, each at most 3 KiB, of a histogram 70
  std::string platform_ca{};               ///< who signs the platform's certificate, PEM; empty: the system's list
  std::string port_option = "admin.port";  ///< no key of a file: what changes the port, for the error of a taken one
};
void describe(Description<AdminSection>& d);

/// One entry of `references:`, by "interface" or "interface:unique_id".
struct ReferenceSection {
  std::string url{};     ///< where the service is found: "bolt://h:p,bolt://h:p"
  uint32_t timeout = 0;  ///< ms of one attempt; 0: the method's, or 3 s
  uint32_t retries = 0;
  bool remote = false;  ///< call the remote one although this process has the service
};
void describe(Description<ReferenceSection>& d);

/// The sections that every application has, with these defaults: what an application reads, and what others tell of a file that is for it.
void add_application_sections(Configuration& configuration, const ServerSection& server = {}, const AdminSection& admin = {});

/// A module under construction; refers to the application.
class ModuleBuilder;

/// Gets the server that is about to publish the services, with the names of their interfaces, and gives the one that does.
using PublishHook = std::function<rpc::Server(rpc::Server server, Readiness& readiness, std::span<const std::string> services)>;

/// Adds to the admin port before it opens: parts, a fallback, protocols.
using AdminHook = std::function<void(admin::AdminServer& server)>;

class Application;
class TestApp;  // testing/test_app.h

/// An application that has started. Belongs to the first shard.
class RunningApplication {
 public:
  ~RunningApplication();
  const std::string& name() const;
  /// Of the services; 0 when nothing is published.
  uint16_t port() const;
  /// 0 when it has none.
  uint16_t admin_port() const;
  /// Those that take part, and those whose profiles are off.
  const std::vector<ModuleSpec>& modules() const;
  const std::vector<ModuleSpec>& inactive_modules() const;
  const std::vector<std::string>& active_profiles() const;
  /// What the configuration says of a reference, by "interface" or "interface:unique_id"; the defaults when it says nothing.
  const ReferenceSection& reference(std::string_view name) const;
  Readiness& readiness();
  Events& events();
  const Lifecycle& lifecycle() const;
  /// What answers calls; null before the services are published, and when there are none.
  const rpc::RunningServer* server() const;
  Configuration& configuration();
  /// Puts a YAML text on top of the other layers (Configuration::apply): components whose live fields change are asked by their on_config, and log
  /// levels follow. Gives the changed paths.
  Result<std::vector<std::string>> reconfigure(std::string_view yaml, std::string_view source);
  /// Where the time of the start went; complete once Application::start has given this.
  const Report& startup() const;
  /// The same of stop(), once it is through.
  const Report& shutdown() const;
  /// In the order of sofaboot.md 9.4: refuse traffic, tell BeforeStop, wait drain_delay, stop accepting and wait for running calls, drain and stop
  /// the components in reverse. Gives the first error; goes on over all. Once. When the scope of the caller is cancelled, no step waits any longer.
  io::Task<Result<void>> stop();

 private:
  friend class Application;
  struct Parts;
  explicit RunningApplication(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

class Application {
 public:
  explicit Application(std::string name, std::string about = {});
  ~Application();
  Application(const Application&) = delete;
  Application& operator=(const Application&) = delete;

  /// Registers a component; what is wrong with it is told by the start, all of it together.
  template <detail::Constructible C>
  ComponentBuilder<C> component(std::string name, std::source_location where = std::source_location::current()) {
    return ComponentBuilder<C>(add(component_spec<C>(std::move(name), where)));
  }
  /// One that a function makes: component("clock", [] { return std::make_shared<ManualClock>(); }).
  template <class F>
    requires(!detail::Constructible<F>)
  auto component(std::string name, F make, std::source_location where = std::source_location::current()) {
    return ComponentBuilder<typename detail::MakerShape<F>::Made::element_type>(add(component_spec_made_by(std::move(name), std::move(make), where)));
  }
  ModuleBuilder module(std::string name, std::source_location where = std::source_location::current());

  /// Modules that are not compiled into the program; before configure().
  void modules_from(std::shared_ptr<ModuleSource> source) { module_sources_.push_back(std::move(source)); }

  /// Where configuration comes from that changes while the application runs; of several the last. Without one, `dynamic: {file}` names a file.
  void config_source(std::shared_ptr<ConfigSource> source) { source_ = std::move(source); }
  /// A readiness check that belongs to no component.
  void check(Check check) { checks_.push_back(std::move(check)); }
  /// Called when all checks have passed, in the order of registration, before traffic comes in.
  void before_traffic(std::string name, ReadinessCallback callback) { callbacks_.emplace_back(std::move(name), std::move(callback)); }

  /// `server:` where nothing says otherwise; before configure().
  ServerSection& defaults() { return defaults_; }
  AdminSection& admin_defaults() { return admin_defaults_; }
  /// Who may use the admin port; without one everybody who reaches it.
  void admin_gate(std::shared_ptr<admin::Gate> gate) { gate_ = std::move(gate); }
  /// Hooks are called in the order of registration.
  void on_admin(AdminHook hook) { admin_hooks_.push_back(std::move(hook)); }
  /// Changes the server of the services before it starts; hooks are called in the order of registration.
  void on_publish(PublishHook hook) { publish_hooks_.push_back(std::move(hook)); }

  /// The main() of a program: reads configuration and flags, starts, prints `ready NAME pid=N port=N`, and stops after SIGTERM or SIGINT. The
  /// exit code: 0, 1 (could not start or stop), 2 (wrong configuration).
  int run(int argc, char** argv);
  /// What run() does once it is configured: call it from the main task. `announce` gives the text that is printed when the application is ready, in
  /// place of that line. The exit code: 0 or 1.
  io::Task<int> serve(std::function<std::string(RunningApplication& running)> announce = {});
  /// How long a stop may take when every step takes all of its time: drain_delay, drain_timeout, then each component's drain and stop, one after
  /// another (those that are independent of each other take less), and the admin port's. Once it is configured, and before start().
  Duration longest_stop() const;

  /// The steps of run(), for tests and for programs that do more. configure() once, then start() on a shard.
  Result<ParsedFlags> configure(int argc, const char* const* argv);
  /// configure() from a text alone, and logging stays as the process has it.
  Result<void> configure_text(std::string_view yaml, std::string_view file_name);
  io::Task<Result<std::unique_ptr<RunningApplication>>> start();
  Configuration& configuration() { return *configuration_; }

 private:
  friend class ModuleBuilder;
  friend class TestApp;
  ComponentSpec& add(ComponentSpec spec);
  void add_sections();
  Result<void> load_modules();
  void leave_out_inactive();
  /// From the start on, a component with one offer takes the place of all that have the same.
  void put_in_place(ComponentSpec fake) { fakes_.push_back(std::move(fake)); }
  void take_place(ComponentSpec fake);
  std::unique_ptr<RunningApplication> assemble();
  io::Task<Result<void>> start_parts(RunningApplication& running);

  const std::string name_;
  std::deque<ComponentSpec> registered_;  // builders refer to them
  std::deque<ModuleSpec> modules_;
  std::vector<std::shared_ptr<ModuleSource>> module_sources_;
  std::vector<ComponentSpec> fakes_;
  std::vector<Check> checks_;
  std::vector<std::pair<std::string, ReadinessCallback>> callbacks_;
  std::vector<ModuleSpec> inactive_;
  std::vector<PublishHook> publish_hooks_;
  std::vector<AdminHook> admin_hooks_;
  ServerSection defaults_;
  AdminSection admin_defaults_;
  std::shared_ptr<admin::Gate> gate_;
  std::shared_ptr<Configuration> configuration_;
  std::shared_ptr<ConfigSource> source_;
  const Instant made_ = SystemClock::instance().now_monotonic();
  Duration registering_{};  // of the machine's clock: the shard's need not have begun
  Duration configuring_{};
};

class ModuleBuilder {
 public:
  ModuleBuilder(Application& app, ModuleSpec& spec) : app_(&app), spec_(&spec) {}
  ModuleBuilder& parent(std::string module) { return spec_->parent = std::move(module), *this; }
  ModuleBuilder& requires_module(std::string module) { return spec_->requires_modules.push_back(std::move(module)), *this; }
  ModuleBuilder& profile(std::string name) { return spec_->profiles.push_back(std::move(name)), *this; }
  template <detail::Constructible C>
  ComponentBuilder<C> component(std::string name, std::source_location where = std::source_location::current()) {
    ComponentSpec spec = component_spec<C>(std::move(name), where);
    spec.module = spec_->name;
    return ComponentBuilder<C>(app_->add(std::move(spec)));
  }

 private:
  Application* app_;
  ModuleSpec* spec_;
};

}  // namespace sofa::boot
