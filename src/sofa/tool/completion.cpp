// sofa completion bash|zsh|fish

#include "sofa/tool/commands.h"
#include "sofa/tool/tool.h"

namespace sofa::tool {

namespace {

struct CompletionOptions {
  static void describe(Description<CompletionOptions>& d) { d.doc("Prints a script that completes commands and flags."); }
};

/// A flag of a command.
struct FlagWords {
  std::string name;   // "--output"
  std::string alias;  // "-o", or empty
  std::string doc;
  bool takes_value = true;
  std::vector<std::string> values{};  // those that there are; empty: any
};

std::vector<FlagWords> flags_of(const Command& command) {
  std::vector<FlagWords> flags;
  for (const Field& field : command.options().structure->fields) {
    std::string name = "--" + std::string(field.name);
    std::ranges::replace(name, '_', '-');
    FlagWords flag{.name = std::move(name), .alias = "", .doc = std::string(field.doc), .takes_value = field.type().kind != Kind::boolean};
    if (!field.alias.empty()) flag.alias = fmt::format("-{}", field.alias);
    if (const Type& type = field.type(); type.kind == Kind::enumeration) {
      for (const EnumInfo::Value& value : type.enumeration->values) flag.values.emplace_back(value.name);
    }
    flags.push_back(std::move(flag));
  }
  flags.push_back({.name = "--help", .alias = "", .doc = "shows what the command does", .takes_value = false});
  return flags;
}

std::string command_names() {
  std::string names;
  for (const Command& command : commands()) names += fmt::format("{}{}", names.empty() ? "" : " ", command.name);
  return names;
}

std::string bash() {
  std::string cases, values;
  for (const Command& command : commands()) {
    std::string names;
    for (const FlagWords& flag : flags_of(command)) {
      names += fmt::format("{}{}", names.empty() ? "" : " ", flag.name);
      if (flag.values.empty()) continue;
      const std::string alias = flag.alias.empty() ? "" : fmt::format("|*.{}.{}", command.name, flag.alias);
      values += fmt::format("    *.{}.{}{}) words='{}' ;;\n", command.name, flag.name, alias, fmt::join(flag.values, " "));
    }
    cases += fmt::format("    *.{}.*) words='{}{}{}' ;;\n", command.name, command.words, command.words.empty() ? "" : " ", names);
  }
  return fmt::format(R"(# Completes sofa in bash: source <(sofa completion bash)
_sofa() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD - 1]}} words=
  case $COMP_CWORD.${{COMP_WORDS[1]}}.$before in
    1.*) words='help {0}' ;;
    *.help.*) words='{0}' ;;
{1}{2}  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}}
complete -o default -F _sofa sofa
)",
                     command_names(), values, cases);
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

std::string zsh() {
  std::string names, cases;
  for (const Command& command : commands()) {
    names += fmt::format("    '{}:{}'\n", command.name, quoted_doc(command.summary));
    cases += fmt::format("      {}) _arguments", command.name);
    for (const FlagWords& flag : flags_of(command)) cases += " \\\n        " + zsh_flag(flag);
    const std::string words = command.words.empty() ? "_files" : fmt::format("({})", command.words);
    cases += fmt::format(" \\\n        '1:command:' '*:argument:{}' ;;\n", words);
  }
  return fmt::format(R"(#compdef sofa
# Completes sofa in zsh: source <(sofa completion zsh)
_sofa() {{
  local -a commands=(
    'help:explains a command'
{}  )
  if (( CURRENT == 2 )); then
    _describe command commands
  else
    case $words[2] in
      help) _describe command commands ;;
{}    esac
  fi
}}
compdef _sofa sofa
)",
                     names, cases);
}

std::string fish() {
  std::string text = "# Completes sofa in fish: sofa completion fish | source\n";
  const auto add = [&text](std::string_view when, std::string_view what) { text += fmt::format("complete -c sofa -n '{}' {}\n", when, what); };
  const std::string_view first = "__fish_use_subcommand";
  add(first, "-f -a help -d 'explains a command'");
  add("__fish_seen_subcommand_from help", fmt::format("-f -a '{}'", command_names()));
  for (const Command& command : commands()) {
    const std::string behind = fmt::format("__fish_seen_subcommand_from {}", command.name);
    add(first, fmt::format("-f -a {} -d '{}'", command.name, quoted_doc(command.summary)));
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
