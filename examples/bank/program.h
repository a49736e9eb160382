#pragma once
// What the main functions of the bank's programs share.

#include <cstdio>
#include <optional>

#include "sofa/base/flags.h"

namespace bank {

/// One sentence on standard error; the exit code of a program that failed.
inline int report_failure(const sofa::Error& error) {
  fmt::print(stderr, "{}\n", error);
  return 1;
}

/// Reads the command line into `options`; an exit code when the program should end here (--help, or a flag that is wrong).
template <class Options>
std::optional<int> parse_command_line(int argc, char** argv, Options& options) {
  const auto parsed = sofa::parse_flags(argc, argv, options);
  if (!parsed) {
    report_failure(parsed.error());
    return 2;
  }
  if (!parsed->help) return std::nullopt;
  fmt::print("{}", parsed->help_text);
  return 0;
}

}  // namespace bank
