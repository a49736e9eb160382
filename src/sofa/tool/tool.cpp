#include "sofa/tool/tool.h"

#include <algorithm>

#include "sofa/base/log.h"
#include "sofa/tool/commands.h"

namespace sofa::tool {

namespace {

std::string overview(const Terminal& terminal) {
  std::string text = "Usage: sofa COMMAND [arguments]\n\nCalls, measures and explains services.\n\n";
  for (const Command& command : commands()) {
    text +=
        fmt::format("  {}{:{}}{}\n", terminal.paint(Colour::bold, command.name), "", 14 - std::min<size_t>(13, command.name.size()), command.summary);
  }
  return text + "\n'sofa help COMMAND' explains one.\n";
}

const Command* find(std::string_view name) {
  const auto all = commands();
  const auto found = std::ranges::find(all, name, &Command::name);
  return found == all.end() ? nullptr : &*found;
}

Exit unknown(std::string_view name, Terminal& terminal) {
  std::string names;
  for (const Command& command : commands()) names += fmt::format("{}{}", names.empty() ? "" : ", ", command.name);
  terminal.complain(fmt::format("there is no command '{}'; there are {}, and 'sofa help COMMAND' explains one.", name, names));
  return Exit::wrong_usage;
}

Exit help(std::span<const char* const> names, Terminal& terminal) {
  if (names.empty()) {
    terminal.print(overview(terminal));
    return Exit::ok;
  }
  const Command* command = find(names.front());
  if (command == nullptr) return unknown(names.front(), terminal);
  terminal.print(help_of(*command));
  return Exit::ok;
}

}  // namespace

std::span<const Command> commands() {
  static const std::vector<Command> all{call_command(), bench_command(), top_command(), trace_bytes_command(), completion_command()};
  return all;
}

Exit run(std::span<const char* const> arguments, Terminal& terminal) {
  set_log_level(LogLevel::error);  // a failure is told by its error
  const std::string_view name = arguments.size() < 2 ? "help" : arguments[1];
  if (name == "help" || name == "--help" || name == "-h") return help(arguments.subspan(std::min<size_t>(2, arguments.size())), terminal);
  if (name == "--version") {
    terminal.print_line("sofa " SOFA_VERSION);
    return Exit::ok;
  }
  const Command* command = find(name);
  if (command == nullptr) return unknown(name, terminal);
  return command->run(*command, arguments.subspan(1), terminal);
}

}  // namespace sofa::tool
