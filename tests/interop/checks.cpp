#include "checks.h"

#include <cstdio>

namespace interop {

Task<int> run_checks(std::vector<Check> checks) {
  int passed = 0, failed = 0;
  for (const Check& check : checks) {
    const auto done = co_await check.run();
    if (done) {
      ++passed;
      fmt::print("ok {}\n", check.name);
    } else {
      ++failed;
      fmt::print("FAIL {}: {}\n", check.name, done.error());
    }
    std::fflush(stdout);
  }
  fmt::print("{} passed, {} failed\n", passed, failed);
  co_return failed == 0 ? 0 : 1;
}

}  // namespace interop
