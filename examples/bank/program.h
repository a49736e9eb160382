#pragma once
// What the bank's programs share: the names they use all the time, and their main function.

#include <cstdio>

#include "sofa/base/flags.h"
#include "sofa/io/runtime.h"

namespace bank {

using sofa::Code;
using sofa::fail;
using sofa::Result;
using sofa::io::or_return;
using sofa::io::Task;

/// One sentence on standard error; the exit code of a program that failed.
inline int report_failure(const sofa::Error& error) {
  fmt::print(stderr, "{}\n", error);
  return 1;
}

/// Reads the command line into Options and runs the program's main task on one shard. The exit code: 2 when a flag is wrong.
template <class Options>
int run_program(int argc, char** argv, Task<int> (*run)(const Options& options)) {
  Options options;
  const auto parsed = sofa::parse_flags(argc, argv, options);
  if (const auto code = sofa::exit_code_of(parsed)) return *code;
  return sofa::io::run(run(options), {.shards = 1});
}

}  // namespace bank
