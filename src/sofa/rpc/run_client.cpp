#include <cstdio>

#include "sofa/base/flags.h"
#include "sofa/base/log.h"
#include "sofa/io/runtime.h"
#include "sofa/rpc/client.h"

namespace sofa::rpc {

namespace {
/// No flags but --help.
struct ClientFlags {
  static auto describe(Description<ClientFlags>& d) { d.doc("Calls a SOFARPC service."); }
};
}  // namespace

int run_client(int argc, char** argv, std::string target, Task<Result<void>> (*work)(std::string target)) {
  ClientFlags flags;
  const std::string about = fmt::format("Calls a SOFARPC service at TARGET, by default {}; several as bolt://HOST:PORT,bolt://HOST:PORT.", target);
  auto parsed = parse_flags(argc, argv, flags, {.about = about, .positional_name = "TARGET", .max_positional = 1});
  if (const auto code = exit_code_of(parsed)) return *code;
  if (!parsed->positional.empty()) target = std::move(parsed->positional.front());
  set_log_level(LogLevel::error);
  return io::run(work(std::move(target)), {.shards = 1});
}

}  // namespace sofa::rpc
