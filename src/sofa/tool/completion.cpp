// sofa completion bash|zsh|fish

#include <algorithm>
#include <iterator>

#include "sofa/tool/commands.h"
#include "sofa/tool/tool.h"

namespace sofa::tool {

namespace {

struct CompletionOptions {
  static void describe(Description<CompletionOptions>& d) { d.doc("Prints a script that completes commands and flags."); }
};

/// The names of the groups, each with a space behind it.
std::string group_names() {
  std::string names;
  for (const CommandGroup* group : command_groups()) names += fmt::format("{} ", group->name);
  return names;
}

/// The words that may stand behind `sofa`, or behind a group, with spaces between.
std::string words_behind(const CommandGroup* group) {
  std::vector<std::string_view> words;
  for (const Command* command : commands_of(group)) words.push_back(command->name);
  if (group == nullptr) std::ranges::transform(command_groups(), std::back_inserter(words), &CommandGroup::name);
  return fmt::format("{}", fmt::join(words, " "));
}

std::string bash_cases(const Command& command) {
  std::string names, values;
  for (const FlagWords& flag : flags_of(command)) {
    names += " " + flag.name;
    if (flag.values.empty()) continue;
    const std::string alias = flag.alias.empty() ? "" : fmt::format("|*.'{}'.{}", command.full_name(), flag.alias);
    values += fmt::format("    *.'{}'.{}{}) words='{}' ;;\n", command.full_name(), flag.name, alias, fmt::join(flag.values, " "));
  }
  return values + fmt::format("    *.'{}'.*) words='{}{}' ;;\n", command.full_name(), command.words, names);
}

std::string bash() {
  std::string groups, cases;
  for (const CommandGroup* group : command_groups()) {
    groups += fmt::format("{}{}", groups.empty() ? "" : "|", group->name);
    cases += fmt::format("    2.{0}.*|3.'help {0}'.*) words='{1}' ;;\n", group->name, words_behind(group));
  }
  for (const Command& command : commands()) cases += bash_cases(command);
  return fmt::format(R"(# Completes sofa in bash: source <(sofa completion bash)
_sofa() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD - 1]}} command=${{COMP_WORDS[1]}} words=
  case $command in
    {1}) [[ $COMP_CWORD -eq 2 ]] || command+=" ${{COMP_WORDS[2]}}" ;;
  esac
  case $COMP_CWORD.$command.$before in
    1.*) words='help {0}' ;;
    2.help.*) words='{0}' ;;
{2}  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}}
complete -o default -F _sofa sofa
)",
                     words_behind(nullptr), groups.empty() ? "help" : "help|" + groups, cases);
}

/// A text inside single quotes, with a backslash before each of the characters that mean something there.
std::string quoted_doc(std::string_view doc, std::string_view special = "") {
  std::string text;
  for (const char c : doc) {
    if (special.find(c) != std::string_view::npos) text += '\\';
    text += c == '\'' ? "’" : std::string(1, c);
  }
  return text;
}

std::string zsh_flag(const FlagWords& flag) {
  const std::string names = flag.alias.empty() ? "'" + flag.name : fmt::format("'({0} {1})'{{{0},{1}}}'", flag.alias, flag.name);
  const std::string value = !flag.values.empty() ? fmt::format(":value:({})", fmt::join(flag.values, " ")) : flag.takes_value ? ":value:_files" : "";
  return fmt::format("{}[{}]{}'", names, quoted_doc(flag.doc, "[]:"), value);
}

/// The lines that give zsh's _describe the words behind `sofa` or a group.
std::string zsh_words(const CommandGroup* group) {
  std::string lines;
  const auto add = [&lines](std::string_view name, std::string_view summary) { lines += fmt::format("    '{}:{}'\n", name, quoted_doc(summary)); };
  for (const Command* command : commands_of(group)) add(command->name, command->summary);
  if (group == nullptr) {
    for (const CommandGroup* other : command_groups()) add(other->name, other->summary);
  }
  return lines;
}

std::string zsh_case(const Command& command) {
  std::string text = fmt::format("    '{}') _arguments", command.full_name());
  for (const FlagWords& flag : flags_of(command)) text += " \\\n        " + zsh_flag(flag);
  const std::string words = command.words.empty() ? "_files" : fmt::format("({})", command.words);
  const std::string_view name = command.group == nullptr ? "'1:command:'" : "'1:command:' '2:command:'";
  return text + fmt::format(" \\\n        {} '*:argument:{}' ;;\n", name, words);
}

std::string zsh() {
  std::string groups, cases;
  for (const CommandGroup* group : command_groups()) {
    groups += fmt::format("  local -a {}_commands=(\n{}  )\n", group->name, zsh_words(group));
    cases += fmt::format("    {0}|'help {0}') _describe command {0}_commands ;;\n", group->name);
  }
  for (const Command& command : commands()) cases += zsh_case(command);
  return fmt::format(R"(#compdef sofa
# Completes sofa in zsh: source <(sofa completion zsh)
_sofa() {{
  local -a commands=(
    'help:explains a command'
{}  )
{}  local command=$words[2]
  (( CURRENT == 2 )) && command=
  (( CURRENT > 3 )) && [[ " help {}" == *" $command "* ]] && command+=" $words[3]"
  case $command in
    ''|help) _describe command commands ;;
{}  esac
}}
compdef _sofa sofa
)",
                     zsh_words(nullptr), groups, group_names(), cases);
}

/// Fish's condition for what stands behind a command, or behind a group alone.
std::string fish_behind(const Command& command) {
  const std::string behind = fmt::format("__fish_seen_subcommand_from {}", command.name);
  return command.group == nullptr ? behind : fmt::format("__fish_seen_subcommand_from {}; and {}", command.group->name, behind);
}
std::string fish_behind(const CommandGroup& group) {
  return fmt::format("__fish_seen_subcommand_from {}; and not __fish_seen_subcommand_from {}", group.name, words_behind(&group));
}

std::string fish() {
  std::string text = "# Completes sofa in fish: sofa completion fish | source\n";
  const auto add = [&text](std::string_view when, std::string_view what) { text += fmt::format("complete -c sofa -n '{}' {}\n", when, what); };
  const std::string_view first = "__fish_use_subcommand";
  const auto add_name = [&add](std::string_view when, std::string_view name, std::string_view summary) {
    add(when, fmt::format("-f -a {} -d '{}'", name, quoted_doc(summary)));
  };
  add_name(first, "help", "explains a command");
  add(fmt::format("__fish_seen_subcommand_from help; and not __fish_seen_subcommand_from {}", group_names()),
      fmt::format("-f -a '{}'", words_behind(nullptr)));
  for (const CommandGroup* group : command_groups()) {
    add_name(first, group->name, group->summary);
    for (const Command* command : commands_of(group)) add_name(fish_behind(*group), command->name, command->summary);
  }
  for (const Command& command : commands()) {
    const std::string behind = fish_behind(command);
    if (command.group == nullptr) add_name(first, command.name, command.summary);
    if (!command.words.empty()) add(behind, fmt::format("-f -a '{}'", command.words));
    for (const FlagWords& flag : flags_of(command)) {
      const std::string alias = flag.alias.empty() ? "" : fmt::format("-s {} ", flag.alias.substr(1));
      const std::string value = !flag.values.empty() ? fmt::format(" -x -a '{}'", fmt::join(flag.values, " ")) : flag.takes_value ? " -r" : "";
      add(behind, fmt::format("{}-l {} -d '{}'{}", alias, flag.name.substr(2), quoted_doc(flag.doc), value));
    }
  }
  return text;
}

Exit completion(Arguments<CompletionOptions>& given, Terminal& terminal) {
  const std::string& shell = given.positional[0];
  if (shell == "bash") return terminal.print(bash()), Exit::ok;
  if (shell == "zsh") return terminal.print(zsh()), Exit::ok;
  if (shell == "fish") return terminal.print(fish()), Exit::ok;
  terminal.complain(fmt::format("'{}' is no shell that is known here: it is bash, zsh or fish.", shell));
  return Exit::wrong_usage;
}

constexpr std::string_view kAbout = R"(Prints a script that completes commands and flags.

  source <(sofa completion bash)
  source <(sofa completion zsh)
  sofa completion fish | source)";

}  // namespace

Command completion_command() {
  return command<CompletionOptions, completion>({.name = "completion",
                                                 .usage = "bash|zsh|fish",
                                                 .summary = "prints a script that completes the words of this program in a shell",
                                                 .about = kAbout,
                                                 .least = 1,
                                                 .most = 1,
                                                 .words = "bash zsh fish"});
}

}  // namespace sofa::tool
