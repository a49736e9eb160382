#pragma once
// The command line of a program, from a described struct: names, units, ranges, defaults and `--help` come from the description.
//
//   struct Options {
//     uint16_t listen_port = 12200;
//     static auto describe(Description<Options>& d) { d.field("listen_port", &Options::listen_port).doc("0 picks a free port"); }
//   };
//   Options options;
//   auto flags = parse_flags(argc, argv, options, {.about = "Answers calls.", .environment_prefix = "LEDGER"});
//   if (const auto code = exit_code_of(flags)) return *code;
//
// A field `listen_port` is `--listen-port 0`, `--listen-port=0` or the environment variable LEDGER_LISTEN_PORT; in a struct field `ledger` it is
// `--ledger-listen-port`. A boolean needs no value (`--verbose`, `--no-verbose`, `--verbose=false`). A list flag may be repeated; each adds one
// element. A map flag takes key=value. An alias of one letter stands behind one dash: `-p 0`, `-p=0`. The command line wins over the environment,
// which wins over what the struct held before.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sofa/base/description.h"
#include "sofa/base/error.h"

namespace sofa {

/// Told of each value that the environment or the command line sets. `path` is "ledger.listen_port", `from` LEDGER_LISTEN_PORT or
/// --ledger-listen-port.
class FlagObserver {
 public:
  virtual void on_flag(std::string_view path, std::string_view from) = 0;

 protected:
  ~FlagObserver() = default;
};

struct FlagOptions {
  std::string_view program = {};             // shown by --help; empty: argv[0]
  std::string_view about = {};               // one or more sentences for --help; empty: the struct's doc
  std::string_view environment_prefix = {};  // "LEDGER" reads LEDGER_LISTEN_PORT; empty: the environment is not read
  std::string_view positional_name = {};     // shown by --help, "FILE"
  std::string_view positional_usage = {};    // shown by --help in its place where there are several: "TARGET [METHOD [ARGUMENTS]]"
  size_t max_positional = 0;                 // how many arguments that are no flags are allowed
  bool check_required = true;                // false: the caller has other sources, too, and looks itself
  FlagObserver* observer = nullptr;
};

struct ParsedFlags {
  bool help = false;      // --help or -h was given: nothing else was checked
  std::string help_text;  // always filled
  std::vector<std::string> positional;
};

/// Sets the object from the environment and the arguments (argv[0] is the program). `--` ends the flags; a lone `-` is a positional argument.
/// invalid_argument names the flag, what was expected and found, or the nearest known flag; then the object may be half set.
Result<ParsedFlags> parse_flags(std::span<const char* const> arguments, const Type& type, void* object, const FlagOptions& options = {});

template <class T>
Result<ParsedFlags> parse_flags(int argc, const char* const* argv, T& object, const FlagOptions& options = {}) {
  return parse_flags(std::span(argv, static_cast<size_t>(argc)), type_of<T>(), &object, options);
}

/// For main(), the exit code of a program that ends here: 0 after --help, which is printed, 2 after a wrong command line, which is told on stderr.
/// Nothing when it runs.
std::optional<int> exit_code_of(const Result<ParsedFlags>& parsed);

}  // namespace sofa
