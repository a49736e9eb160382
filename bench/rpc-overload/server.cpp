// bench-work-server --port P: a service that computes, over Bolt, Triple, gRPC and HTTP on one port and one shard.
#include "sofa/rpc/server.h"
#include "sofa/base/flags.h"
#include "sofa/io/runtime.h"
#include "work.sofa.h"
#include "work_api.h"

namespace {

using namespace sofa;
using google::protobuf::Int64Value;

struct Options {
  uint16_t port = 12200;
  uint32_t concurrents = 0;
  uint32_t pool = 0;

  static auto describe(Description<Options>& d) {
    d.doc("Serves sofa.bench.Work and bench.pb.Work until SIGTERM or SIGINT.");
    d.field("port", &Options::port).doc("0 picks a free one");
    d.field("concurrents", &Options::concurrents).doc("calls of each service that run at a time; 0: no limit");
    d.field("pool", &Options::pool).range(0, 64).doc("threads that compute; 0: the shard does");
  }
};

rpc::ServiceOptions service_options(const Options& options) {
  rpc::ServiceOptions service{.concurrents = options.concurrents};
  if (options.pool > 0) service.pool = std::make_shared<io::BlockingPool>("work", options.pool, 1'000);
  return service;
}

rpc::Server make_server(const Options& options) {
  auto work = std::make_shared<bench::WorkService>();
  work->compute = [](int64_t rounds) { return bench::compute(rounds); };
  auto proto_work = std::make_shared<bench::pb::Work>();
  proto_work->compute = [](const Int64Value& rounds) {
    Int64Value end;
    end.set_value(bench::compute(rounds.value()));
    return end;
  };
  const rpc::ServiceOptions service = service_options(options);
  return rpc::Server{}.port(options.port).add(work, service).add(proto_work, service);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  const auto flags = parse_flags(argc, argv, options);
  if (const auto code = exit_code_of(flags)) return *code;
  return io::run(rpc::serve_until_stopped(make_server(options)), {.shards = 1});
}
