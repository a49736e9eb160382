// sofa config check

#include "sofa/tool/commands.h"
#include "sofa/tool/config_sections.h"

namespace sofa::tool {

namespace {

constexpr CommandGroup kConfigCommands{"config", "checks and explains configuration files"};

struct CheckOptions {
  std::string config;
  static void describe(Description<CheckOptions>& d) { d.field("config", &CheckOptions::config).alias("c").doc("the file (YAML)").required(); }
};

Exit check(Arguments<CheckOptions>& given, Terminal& terminal) {
  boot::Configuration configuration({.program = "sofa"});
  add_config_sections(configuration);
  const char* const arguments[] = {"sofa", "--config", given.options.config.c_str()};
  const auto loaded = configuration.load(std::size(arguments), arguments);
  if (loaded) {
    terminal.print_line(fmt::format("{}: ok", given.options.config));
    return Exit::ok;
  }
  if (loaded.error().code() != Code::invalid_argument) return terminal.complain(loaded.error().to_string()), Exit::wrong_usage;
  terminal.print_line(loaded.error().message());
  return Exit::refused;
}

}  // namespace

Command config_check_command() {
  return command<CheckOptions, check>({.group = &kConfigCommands,
                                       .name = "check",
                                       .summary = "tells every mistake of a configuration file",
                                       .about = "Tells every mistake of a configuration file, one a line: FILE:LINE:COLUMN: what is wrong."});
}

}  // namespace sofa::tool
