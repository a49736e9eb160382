// bench-load --protocol P --target HOST:PORT: loads a server and prints one JSON line; --help says how.
#include <map>

#include "load.h"
#include "sofa/base/flags.h"
#include "sofa/io/runtime.h"

namespace {

using namespace sofa;

using MakeTarget = std::unique_ptr<bench::Target> (*)(const bench::LoadOptions&);
const std::map<std::string_view, MakeTarget> kTargets = {
    {"bolt", bench::make_echo_target},           {"tri", bench::make_echo_target},           {"dubbo", bench::make_echo_target},
    {"grpc", bench::make_proto_target},          {"grpc-stream", bench::make_stream_target}, {"http", bench::make_http_target},
    {"handshake", bench::make_handshake_target}, {"visit", bench::make_visit_target},
};

rpc::Task<int> run(bench::LoadOptions options, std::unique_ptr<bench::Target> target) {
  const auto done = co_await bench::run_load(std::move(options), *target);
  if (!done) fmt::print(stderr, "{}\n", done.error());
  co_return done ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  bench::LoadOptions options;
  const auto flags = parse_flags(argc, argv, options);
  if (const auto code = exit_code_of(flags)) return *code;
  const auto make = kTargets.find(options.protocol);
  if (make == kTargets.end()) {
    fmt::print(stderr, "--protocol {} is none that can be loaded: --help lists them.\n", options.protocol);
    return 2;
  }
  return io::run(run(options, make->second(options)), {.shards = 1});
}
