// sofa dev, sofa server: the platform

#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "sofa/base/log.h"
#include "sofa/io/runtime.h"
#include "sofa/io/scope.h"
#include "sofa/platform/platform.h"
#include "sofa/tool/commands.h"
#include "sofa/tool/config_sections.h"

namespace sofa::tool {

namespace {

using platform::Platform;
using platform::PlatformSection;
using platform::RoleRow;

struct DevOptions : OutputFlags {
  std::string data;
  uint16_t port_offset = 0;
  bool auth = false;
  std::vector<platform::Role> only{};
  static void describe(Description<DevOptions>& d) {
    d.field("data", &DevOptions::data).alias("d").doc("the folder of what is kept; empty: $XDG_STATE_HOME/sofa/dev, or ~/.local/state/sofa/dev");
    d.field("port_offset", &DevOptions::port_offset).doc("added to every port, for a second platform on this machine").range(0, 55'000);
    d.field("auth", &DevOptions::auth).doc("who asks must prove who they are");
    d.field("only", &DevOptions::only).doc("serve this and the admin API, nothing else; may be given several times");
    d.inherit<OutputFlags>();
  }
};

struct ServerOptions : OutputFlags {
  std::string config;
  bool insecure = false;
  static void describe(Description<ServerOptions>& d) {
    d.field("config", &ServerOptions::config).alias("c").doc("the file; see sofa config");
    d.field("insecure", &ServerOptions::insecure)
        .doc("listen beyond this machine although nobody has to prove who they are, or what proves it crosses the network in clear");
    d.inherit<OutputFlags>();
  }
};

std::string state_folder() {
  if (const char* state = std::getenv("XDG_STATE_HOME"); state != nullptr && *state != '\0') return fmt::format("{}/sofa/dev", state);
  const char* home = std::getenv("HOME");
  return fmt::format("{}/.local/state/sofa/dev", home == nullptr ? "." : home);
}

/// The terminal stays for the table: lines go into a file of the folder, and the console shows them.
Result<void> log_into(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return fail(Code::failed_precondition, "cannot make the folder {}: {}; name another by --data", folder, error.message());
  return configure_logging({.levels = "info", .file = folder + "/sofa.log"});
}

/// What is printed when it is ready: the table, and what has to be known once.
std::string announce(Platform& platform, boot::RunningApplication& running, OutputFormat output, Terminal& terminal) {
  const std::vector<RoleRow> roles = platform.begin(running);
  if (const auto& first = platform.first_user()) {
    terminal.note(fmt::format("The user {} has the password {} ; it is shown this once. Sign in, and change it.", first->name, first->password));
  }
  print_rows<RoleRow>(roles, output, terminal);
  return fmt::format("ready sofa pid={} admin={}\n", getpid(), running.admin_port());
}

io::Task<int> serve(boot::Application& app, OutputFormat output, Terminal& terminal) {
  auto platform = co_await Platform::open(app.configuration().get<PlatformSection>("platform"), app);
  if (!platform) {
    terminal.complain(platform.error().to_string());
    co_return 1;
  }
  const int code = co_await app.serve([&](boot::RunningApplication& running) { return announce(**platform, running, output, terminal); });
  io::Scope closing(&io::Shard::current().root_scope(), "close");
  const auto closed = co_await (*platform)->close().in(closing);
  if (!closed) terminal.complain(closed.error().to_string());
  co_return closed ? code : 1;
}

Exit run_platform(boot::Application& app, OutputFormat output, Terminal& terminal) {
  return static_cast<Exit>(io::run(serve(app, output, terminal), {.shards = 1, .stop_timeout = app.longest_stop()}));
}

Exit dev(Arguments<DevOptions>& given, Terminal& terminal) {
  const DevOptions& options = given.options;
  boot::Application app("sofa");
  platform::prepare(app, {.data = options.data.empty() ? state_folder() : options.data, .auth = options.auth, .roles = options.only});
  app.admin_defaults().port = static_cast<uint16_t>(app.admin_defaults().port + options.port_offset);
  app.admin_defaults().port_option = "--port-offset";
  if (auto configured = app.configure_text("", "sofa dev"); !configured) return terminal.complain(configured.error().to_string()), Exit::wrong_usage;
  if (auto logging = log_into(app.configuration().get<PlatformSection>("platform").data); !logging) {
    return terminal.complain(logging.error().to_string()), Exit::refused;
  }
  return run_platform(app, options.output, terminal);
}

/// What must be there before others than this machine may come, and what to do; empty: nothing.
std::string_view what_lacks(const boot::Configuration& configuration) {
  if (!configuration.get<PlatformSection>("platform").auth) return "nobody would have to prove who they are: set platform.auth";
  if (configuration.get<boot::AdminSection>("admin").tls.enabled()) return {};
  return "passwords and tokens would cross the network in clear: set admin.tls.cert and admin.tls.key";
}

Exit server(Arguments<ServerOptions>& given, Terminal& terminal) {
  const ServerOptions& options = given.options;
  boot::Application app("sofa");
  platform::prepare(app);
  app.admin_defaults().open = options.insecure;
  std::vector<const char*> arguments{"sofa"};
  if (!options.config.empty()) arguments.insert(arguments.end(), {"--config", options.config.c_str()});
  set_log_level(LogLevel::info);
  if (auto configured = app.configure(static_cast<int>(arguments.size()), arguments.data()); !configured) {
    return terminal.complain(configured.error().to_string()), Exit::wrong_usage;
  }
  const auto& admin = app.configuration().get<boot::AdminSection>("admin");
  const io::Address address = io::Address::of(admin.host, 0);
  const bool here = address.resolved() ? address.is_loopback() : admin.host == "localhost";
  if (const std::string_view lacking = what_lacks(app.configuration()); !here && !admin.open && !lacking.empty()) {
    terminal.complain(fmt::format("admin.host is \"{}\", which others than this machine reach, and {}, or give --insecure", admin.host, lacking));
    return Exit::wrong_usage;
  }
  return run_platform(app, options.output, terminal);
}

}  // namespace

Command dev_command() {
  return command<DevOptions, dev>(
      {.name = "dev",
       .summary = "starts the platform on this machine, for development",
       .about =
           "One process with everything: console, admin API, identities. It listens on this machine alone, and everybody here may do everything, "
           "unless --auth is given. Ctrl-C stops it."});
}

Command server_command() {
  return command<ServerOptions, server>(
      {.name = "server",
       .summary = "starts the platform as a file says",
       .about = "'sofa config explain' tells the sections and keys of the file, 'sofa config check -c FILE' what is wrong with one."});
}

}  // namespace sofa::tool
