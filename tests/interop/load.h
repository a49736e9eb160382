#pragma once
// Load that goes on whatever happens to the server, to see what callers get while it is away and how soon they are served again.

#include <string>

#include "interop_api.h"
#include "sofa/rpc/client.h"

namespace interop {

struct LoadOptions {
  uint32_t seconds = 10;
  uint32_t callers = 64;  // that call one after another
  uint32_t connections = 1;
  uint32_t retries = 0;
};

/// Calls echo (each 16th time with 100 KiB), add and getUser, at a target with grpc:// the echo of section 3, until the seconds are over. Prints
/// `second N ok=.. errors=..` each second, `away after S s: ERROR` when calls begin to fail and `back after S s` with the first success after that,
/// and at the end one JSON line with what came of all calls. True when no answer was wrong, no call took longer than its time and a grace, and the
/// last second had good answers.
sofa::rpc::Task<bool> run_load(std::string target, LoadOptions options);

}  // namespace interop
