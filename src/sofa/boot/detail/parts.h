#pragma once
// What a RunningApplication is made of, and the steps of its start and stop in their order (running.cpp).

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sofa/boot/application.h"
#include "sofa/boot/detail/admin_port.h"
#include "sofa/io/task_group.h"

namespace sofa::boot {

struct RunningApplication::Parts {
  std::string name;
  std::vector<std::shared_ptr<ModuleSource>> module_sources;  // first, so that it goes last: the code of components may be theirs
  std::vector<ComponentSpec> components;
  std::vector<ModuleSpec> modules, inactive_modules;
  std::shared_ptr<Configuration> configuration;
  std::shared_ptr<Events> events = std::make_shared<Events>();
  std::shared_ptr<MetricRegistry> metrics = std::make_shared<MetricRegistry>();
  std::shared_ptr<Readiness> readiness;
  std::unique_ptr<Lifecycle> life;
  Report startup, shutdown;
  std::shared_ptr<ConfigSource> source;        // null: nothing changes
  std::unique_ptr<io::TaskGroup> following;    // null: not started, or stopped
  std::unique_ptr<detail::AdminPort> admin;    // null: it has none
  bool all_started = false;                    // all components have started
  std::vector<PublishHook> publish_hooks;      // in the order of registration
  std::unique_ptr<rpc::RunningServer> server;  // null: nothing is published, or traffic does not come in yet

  const ServerSection& options() const { return configuration->get<ServerSection>("server"); }

  // The start.
  void add_built_ins();
  /// What was done before there was a shard stands first.
  void begin_startup(Duration registering, Duration configuring);
  void next_stage(std::string stage) { startup.begin_stage(std::move(stage), now()); }
  Result<void> plan();
  Result<void> construct();
  io::Task<Result<void>> start_components();
  io::Task<Result<void>> tell_started();
  void fill_readiness(std::vector<Check> checks, std::vector<std::pair<std::string, ReadinessCallback>> callbacks);
  io::Task<Result<void>> publish();
  void end_startup();

  /// After a start that failed early: all that is open is the admin port.
  io::Task<Result<void>> close_admin();

  // Configuration that changes.
  Result<std::vector<std::string>> reconfigure(std::string_view yaml, std::string_view from);
  void follow_source(std::shared_ptr<ConfigSource> given);
  io::Task<void> stop_following();

  // The stop.
  void begin_shutdown();
  /// The end of one step, with its time in the log, and the beginning of the next.
  void begin_stop_step(std::string step);
  void end_stop_step();
  void end_shutdown();

 private:
  static Instant now();
  static void log_table(const Report& report);
  Result<void> on_config(const ConfigChange& change);
  io::Task<void> follow();
  rpc::ServerOptions server_options() const;
  /// The worst of the components' own words.
  Health components_health() const;
};

}  // namespace sofa::boot
