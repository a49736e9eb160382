// sofa completion bash|zsh|fish

#include "sofa/tool/commands.h"
#include "sofa/tool/tool.h"

namespace sofa::tool {

namespace {

struct CompletionOptions {
  static void describe(Description<CompletionOptions>& d) { d.doc("Prints a script that completes commands and flags."); }
};

/// The flags of a command, and the values of those that have a list of them.
struct FlagWords {
  std::string name;  // "--output"
  std::string doc;
  std::vector<std::string> values;
};

std::vector<FlagWords> flags_of(const Command& command) {
  std::vector<FlagWords> flags;
  for (const Field& field : command.options().structure->fields) {
    std::string name = "--" + std::string(field.name);
    std::ranges::replace(name, '_', '-');
    FlagWords flag{.name = std::move(name), .doc = std::string(field.doc), .values = {}};
    if (const Type& type = field.type(); type.kind == Kind::enumeration) {
      for (const EnumInfo::Value& value : type.enumeration->values) flag.values.emplace_back(value.name);
    }
    flags.push_back(std::move(flag));
  }
  flags.push_back({.name = "--help", .doc = "shows what the command does", .values = {}});
  return flags;
}

std::string command_names() {
  std::string names = "help";
  for (const Command& command : commands()) names += fmt::format(" {}", command.name);
  return names;
}

std::string bash() {
  std::string cases, values;
  for (const Command& command : commands()) {
    std::string names;
    for (const FlagWords& flag : flags_of(command)) {
      names += fmt::format("{}{}", names.empty() ? "" : " ", flag.name);
      if (!flag.values.empty()) values += fmt::format("    {}.{}) words='{}' ;;\n", command.name, flag.name, fmt::join(flag.values, " "));
    }
    cases += fmt::format("    {}.*) words='{}' ;;\n", command.name, names);
  }
  return fmt::format(R"(# Completes sofa in bash: source <(sofa completion bash)
_sofa() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD - 1]}} words=
  if [[ $COMP_CWORD -eq 1 || ${{COMP_WORDS[1]}} == help ]]; then
    mapfile -t COMPREPLY < <(compgen -W '{}' -- "$word")
    return
  fi
  case ${{COMP_WORDS[1]}}.$before in
{}{}  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}}
complete -o default -F _sofa sofa
)",
                     command_names(), values, cases);
}

/// A text inside single quotes, for zsh's and fish's descriptions.
std::string quoted_doc(std::string_view doc) {
  std::string text;
  for (const char c : doc) text += c == '\'' ? "’" : c == '[' || c == ']' || c == ':' ? std::string(" ") : std::string(1, c);
  return text;
}

std::string zsh() {
  std::string names, cases;
  for (const Command& command : commands()) {
    names += fmt::format("    '{}:{}'\n", command.name, quoted_doc(command.summary));
    cases += fmt::format("      {}) _arguments", command.name);
    for (const FlagWords& flag : flags_of(command)) {
      const std::string values = flag.values.empty() ? "" : fmt::format(":value:({})", fmt::join(flag.values, " "));
      cases += fmt::format(" '{}[{}]{}'", flag.name, quoted_doc(flag.doc), values);
    }
    cases += " '*:argument:_files' ;;\n";
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
{}    esac
  fi
}}
compdef _sofa sofa
)",
                     names, cases);
}

std::string fish() {
  std::string text = "# Completes sofa in fish: sofa completion fish | source\n";
  text += "complete -c sofa -n __fish_use_subcommand -f -a help -d 'explains a command'\n";
  for (const Command& command : commands()) {
    text += fmt::format("complete -c sofa -n __fish_use_subcommand -f -a {} -d '{}'\n", command.name, quoted_doc(command.summary));
    for (const FlagWords& flag : flags_of(command)) {
      const std::string values = flag.values.empty() ? "" : fmt::format(" -x -a '{}'", fmt::join(flag.values, " "));
      text += fmt::format("complete -c sofa -n '__fish_seen_subcommand_from {}' -l {} -d '{}'{}\n", command.name, flag.name.substr(2),
                          quoted_doc(flag.doc), values);
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
                                                 .most = 1});
}

}  // namespace sofa::tool
