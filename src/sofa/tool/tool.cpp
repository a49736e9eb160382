#include "sofa/tool/tool.h"

#include <algorithm>
#include <iterator>

#include "sofa/base/log.h"
#include "sofa/base/text.h"
#include "sofa/tool/commands.h"

namespace sofa::tool {

namespace {

std::string overview_line(std::string_view name, std::string_view summary, const Terminal& terminal) {
  return fmt::format("  {}{:{}}{}\n", terminal.paint(Colour::bold, name), "", 14 - std::min<size_t>(13, name.size()), summary);
}

std::string overview(const Terminal& terminal) {
  std::string text = "Usage: sofa COMMAND [arguments]\n\nCalls, measures and explains services, and operates the platform.\n\n";
  for (const Command* command : commands_of(nullptr)) text += overview_line(command->name, command->summary, terminal);
  for (const CommandGroup* group : command_groups()) text += overview_line(group->name, group->summary, terminal);
  return text + "\n'sofa help COMMAND' explains one.\n";
}

std::string overview_of(const CommandGroup& group, const Terminal& terminal) {
  std::string text = fmt::format("Usage: sofa {} COMMAND [arguments]\n\n{}.\n\n", group.name, group.summary);
  for (const Command* command : commands_of(&group)) text += overview_line(command->name, command->summary, terminal);
  return text + fmt::format("\n'sofa help {} COMMAND' explains one.\n", group.name);
}

const CommandGroup* find_group(std::string_view name) {
  const auto groups = command_groups();
  const auto found = std::ranges::find(groups, name, &CommandGroup::name);
  return found == groups.end() ? nullptr : *found;
}

/// What the first words of a command line name: a command, a group alone, or neither.
struct Named {
  const CommandGroup* group = nullptr;
  const Command* command = nullptr;
  std::string_view unknown{};  ///< the word at fault
  size_t words = 1;            ///< of the name
};

bool asks_for_help(std::string_view word) { return word == "help" || word == "--help" || word == "-h"; }

/// `words` is not empty.
Named named(std::span<const char* const> words) {
  Named what{.group = find_group(words[0])};
  what.words = what.group == nullptr ? 1 : 2;
  if (what.words > words.size() || (what.group != nullptr && asks_for_help(words[1]))) return what;
  const std::string_view name = words[what.words - 1];
  for (const Command* command : commands_of(what.group)) {
    if (command->name == name) what.command = command;
  }
  if (what.command == nullptr) what.unknown = name;
  return what;
}

Exit unknown(const Named& what, Terminal& terminal) {
  std::vector<std::string_view> names;
  for (const Command* command : commands_of(what.group)) names.push_back(command->name);
  if (what.group == nullptr) std::ranges::transform(command_groups(), std::back_inserter(names), &CommandGroup::name);
  const std::string prefix = what.group == nullptr ? "" : fmt::format("{} ", what.group->name);
  const std::string_view near = nearest(what.unknown, names);
  const std::string meant = near.empty() ? "" : fmt::format(" Did you mean '{}{}'?", prefix, near);
  terminal.complain(fmt::format("there is no command '{0}{1}'; there are {2}, and 'sofa help {0}COMMAND' explains one.{3}", prefix, what.unknown,
                                fmt::join(names, ", "), meant));
  return Exit::wrong_usage;
}

Exit help(std::span<const char* const> words, Terminal& terminal) {
  if (words.empty()) return terminal.print(overview(terminal)), Exit::ok;
  const Named what = named(words);
  if (!what.unknown.empty()) return unknown(what, terminal);
  terminal.print(what.command == nullptr ? overview_of(*what.group, terminal) : help_of(*what.command));
  return Exit::ok;
}

}  // namespace

std::span<const Command> commands() {
  static const std::vector<Command> all{call_command(),           bench_command(),          top_command(),
                                        trace_bytes_command(),    config_check_command(),   config_show_command(),
                                        config_schema_command(),  config_explain_command(), context_list_command(),
                                        context_use_command(),    context_add_command(),    context_remove_command(),
                                        user_list_command(),      user_show_command(),      user_add_command(),
                                        user_change_command(),    user_password_command(),  user_remove_command(),
                                        key_list_command(),       key_add_command(),        key_remove_command(),
                                        token_list_command(),     token_add_command(),      token_remove_command(),
                                        role_list_command(),      role_put_command(),       role_remove_command(),
                                        namespace_list_command(), namespace_add_command(),  namespace_remove_command(),
                                        audit_command(),          new_app_command(),        dev_command(),
                                        server_command(),         status_command(),         logs_command(),
                                        doctor_command(),         profile_command(),        tasks_command(),
                                        connections_command(),    raft_status_command(),    raft_describe_command(),
                                        raft_peers_command(),     raft_add_command(),       raft_remove_command(),
                                        raft_change_command(),    raft_reset_command(),     raft_learners_command(),
                                        raft_transfer_command(),  raft_snapshot_command(),  raft_lab_command(),
                                        explain_command(),        version_command(),        completion_command()};
  return all;
}

std::vector<const CommandGroup*> command_groups() {
  std::vector<const CommandGroup*> groups;
  for (const Command& command : commands()) {
    if (command.group != nullptr && std::ranges::find(groups, command.group_name(), &CommandGroup::name) == groups.end()) {
      groups.push_back(command.group);
    }
  }
  return groups;
}

std::vector<const Command*> commands_of(const CommandGroup* group) {
  std::vector<const Command*> all;
  for (const Command& command : commands()) {
    if (command.group_name() == (group == nullptr ? "" : group->name)) all.push_back(&command);
  }
  return all;
}

Exit run(std::span<const char* const> arguments, Terminal& terminal) {
  set_log_level(LogLevel::error);  // a failure is told by its error
  const auto words = arguments.subspan(std::min<size_t>(1, arguments.size()));
  if (words.empty()) return help(words, terminal);
  const std::string_view first = words[0];
  if (asks_for_help(first)) return help(words.subspan(1), terminal);
  if (first == "--version") {
    terminal.print_line("sofa " SOFA_VERSION);
    return Exit::ok;
  }
  const Named what = named(words);
  if (!what.unknown.empty()) return unknown(what, terminal);
  if (what.command == nullptr) return terminal.print(overview_of(*what.group, terminal)), Exit::ok;
  return what.command->run(*what.command, words.subspan(what.words - 1), terminal);
}

}  // namespace sofa::tool
