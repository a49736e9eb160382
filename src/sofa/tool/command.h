#pragma once
// The frame of the program's commands. A command is a described struct of flags and a function; its help, its completion and its place in the list
// come from both. To add one: a file with the function, a line in commands.h, a line in the list of tool.cpp.
//
//   struct ListOptions : OutputFlags {
//     static void describe(Description<ListOptions>& d) { d.inherit<OutputFlags>(); }
//   };
//   Exit list(Arguments<ListOptions>& arguments, Terminal& terminal);
//   Command list_command() { return command<ListOptions, list>({.name = "list", .usage = "TARGET", .summary = "...", .most = 1}); }
//
// Commands that look at one kind of thing share a first word, `sofa user list`: they name a group.
//
//   inline constexpr CommandGroup kUserCommands{"user", "people who may use the platform"};
//   Command list_command() { return command<ListOptions, list>({.group = &kUserCommands, .name = "list", .summary = "..."}); }

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sofa/base/description.h"
#include "sofa/base/error.h"
#include "sofa/base/flags.h"
#include "sofa/io/task.h"
#include "sofa/tool/output.h"
#include "sofa/tool/terminal.h"

namespace sofa::tool {

/// How the program ends; documented in docs/tool.md.
enum class Exit : int {
  ok = 0,
  refused = 1,       ///< the service, or what was looked at, answered with an error
  wrong_usage = 2,   ///< the command line, an argument or a file that it names cannot be understood
  no_answer = 3,     ///< nobody answered: no connection, no answer in time, or no server that speaks the protocol
  interrupted = 130  ///< SIGINT or SIGTERM came
};

template <class Options>
struct Arguments {
  Options options;
  std::vector<std::string> positional;
};

/// The first word of several commands.
struct CommandGroup {
  std::string_view name;
  std::string_view summary;  ///< one line of `sofa help`
};

struct Command {
  const CommandGroup* group = nullptr;  ///< the word before the name; null: none. Lives for ever
  std::string_view name{};
  std::string_view usage{};    ///< what follows the name: "TARGET [SERVICE.METHOD [ARGUMENTS]]"
  std::string_view summary{};  ///< one line of `sofa help`
  std::string_view about{};    ///< further lines of `sofa help NAME`
  size_t least = 0, most = 0;  ///< arguments that are no flags
  std::string_view words{};    ///< what they may be, with spaces between; empty: anything
  const Type& (*options)() = nullptr;
  Exit (*run)(const Command& self, std::span<const char* const> arguments, Terminal& terminal) = nullptr;

  std::string_view group_name() const { return group == nullptr ? std::string_view() : group->name; }
  /// "user list", or "call".
  std::string full_name() const;
};

namespace detail {
/// Reads the flags; nothing when the command is to run, else how the program ends.
struct Parsed {
  std::vector<std::string> positional{};
  bool run = false;
  Exit exit = Exit::ok;
};
Parsed parse(const Command& command, std::span<const char* const> arguments, const Type& type, void* options, Terminal& terminal);
}  // namespace detail

/// `like` with what runs it. `arguments[0]` of run() is the command's name.
template <class Options, Exit (*Run)(Arguments<Options>&, Terminal&)>
Command command(Command like) {
  like.options = &type_of<Options>;
  like.run = [](const Command& self, std::span<const char* const> arguments, Terminal& terminal) {
    Arguments<Options> given;
    auto parsed = detail::parse(self, arguments, type_of<Options>(), &given.options, terminal);
    if (!parsed.run) return parsed.exit;
    given.positional = std::move(parsed.positional);
    return Run(given, terminal);
  };
  return like;
}

/// A flag of a command, for completion and docs.
struct FlagWords {
  std::string name{};   ///< "--output"
  std::string alias{};  ///< "-o", or empty
  std::string doc{};
  bool takes_value = true;
  std::vector<std::string> values{};  ///< those that there are; empty: any
  std::string takes{};                ///< "a whole number from 1 to 10 seconds"; empty for one that is on or off
  std::string standing{};             ///< "required", or the default as JSON; empty for none
};
/// Its own, and --help at the end.
std::vector<FlagWords> flags_of(const Command& command);

/// The command's `--help`.
std::string help_of(const Command& command);

/// Runs a task on one shard to its end. Until then SIGINT and SIGTERM cancel it: then the program ends with Exit::interrupted.
Exit run_on_shard(io::Task<Exit> task);

/// How the program ends by an error: no_answer when no server has answered, interrupted for Code::cancelled, refused otherwise.
Exit exit_of(const Error& error);

}  // namespace sofa::tool
