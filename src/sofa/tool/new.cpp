// sofa new app

#include "sofa/tool/app_template.h"
#include "sofa/tool/commands.h"

namespace sofa::tool {

namespace {

constexpr CommandGroup kNewCommands{"new", "projects to begin with"};

struct NewAppOptions {
  std::string dir;
  static void describe(Description<NewAppOptions>& d) {
    d.field("dir", &NewAppOptions::dir).doc("the folder of the project; empty: one of its name, here");
  }
};

Exit new_app(Arguments<NewAppOptions>& given, Terminal& terminal) {
  const auto names = app_names(given.positional[0]);
  if (!names) return terminal.complain(names.error().to_string()), Exit::wrong_usage;
  const std::string& folder = given.options.dir.empty() ? names->program : given.options.dir;
  if (auto written = write_app(folder, *names); !written) return terminal.complain(written.error().to_string()), Exit::refused;
  terminal.print(
      fmt::format("{0} is in {1}. It builds, tests and runs by\n\n"
                  "  cd {1}\n  cmake --preset default && cmake --build --preset default && ctest --preset default\n  build/{0}\n\n"
                  "README.md tells how to call it.\n",
                  names->program, folder));
  return Exit::ok;
}

constexpr std::string_view kAbout =
    R"(Makes a small project that builds, tests and runs: a service over Bolt, Triple, gRPC, JSON and REST, a client, a test
with a fake, a configuration and a Dockerfile. It needs the package sofa: cmake finds it there.

  sofa new app order-book)";

}  // namespace

Command new_app_command() {
  return command<NewAppOptions, new_app>({.group = &kNewCommands,
                                          .name = "app",
                                          .usage = "NAME",
                                          .summary = "makes the project of an application",
                                          .about = kAbout,
                                          .least = 1,
                                          .most = 1});
}

}  // namespace sofa::tool
