// overload: calls of the contract's services at a fixed rate, whatever comes of them, each with a deadline: what a server under overload is worth is
// how many of these are kept. Over Bolt and Triple they carry protobuf, over HTTP/1.1 JSON, over Dubbo Hessian. `overload bolt://127.0.0.1:12200
// --rate 2400` prints `sent=N kept=N busy=N late=N failed=N`.

#include <cstdio>

#include "interop_api.h"
#include "sofa/base/flags.h"
#include "sofa/io/runtime.h"
#include "sofa/load/load.h"
#include "sofa/rpc/client.h"

namespace interop {
namespace {

using sofa::Code;
using sofa::rpc::Task;

struct Options {
  uint32_t rate = 800;
  uint32_t seconds = 3;
  uint32_t timeout_ms = 200;
  uint32_t work_ms = 10;

  static auto describe(sofa::Description<Options>& d) {
    d.doc("Calls a method that waits at a fixed rate.");
    d.field("rate", &Options::rate).doc("calls a second");
    d.field("seconds", &Options::seconds).doc("how long");
    d.field("timeout_ms", &Options::timeout_ms).doc("the deadline of a call");
    d.field("work_ms", &Options::work_ms).doc("how long the service waits for each");
  }
};

std::string outcome_of(const sofa::Error& error) {
  switch (error.code()) {
    case Code::deadline_exceeded:
      return "late";
    case Code::unavailable:
    case Code::resource_exhausted:
      return "busy";
    default:
      return error.to_string();
  }
}

Task<Result<void>> call(InteropPbService& service, uint32_t work_ms) {
  sofa::interop::pb::EchoRequest request;
  request.set_text("x");
  request.set_sleep_ms(static_cast<int32_t>(work_ms));
  co_await rpc::or_return(service.echo(std::move(request)));
  co_return Result<void>();
}

Task<Result<void>> call(InteropService& service, uint32_t work_ms) {
  co_await rpc::or_return(service.sleep(work_ms));
  co_return Result<void>();
}

template <class Service>
Task<Result<sofa::load::LoadReport>> run(std::string target, Options options) {
  // Over HTTP/1.1 a connection carries one call at a time: as many as there may be calls, so that none waits here.
  const rpc::ClientOptions client{
      .timeout = std::chrono::milliseconds(options.timeout_ms), .http_connections = options.rate, .codec = sofa::bolt::kCodecJson};
  const auto service = co_await rpc::or_return(rpc::connect<Service>(std::move(target), client));
  // Callers for a second's calls: each ends long before, so that none that is due waits for a caller.
  sofa::load::Load load({.callers = options.rate, .rate = static_cast<double>(options.rate), .kind_of = outcome_of},
                        [&](uint32_t) { return call(*service, options.work_ms); });
  co_await rpc::or_return(load.run(std::chrono::seconds(options.seconds)));
  co_return load.report();
}

Task<int> report(std::string target, Options options) {
  auto done = co_await (target.starts_with("http://")    ? run<InteropService>(target, options)
                        : target.starts_with("dubbo://") ? run<DubboInteropService>(target, options)
                                                         : run<InteropPbService>(target, options));
  if (!done) {
    fmt::print(stderr, "{}\n", done.error());
    co_return 1;
  }
  const uint64_t kept = done->latency.count(), all = kept + done->failed();
  const auto take = [&errors = done->errors](const char* kind) {
    const auto found = errors.extract(kind);
    return found ? found.mapped() : 0;
  };
  const uint64_t busy = take("busy"), late = take("late");
  for (const auto& [sentence, count] : done->errors) fmt::print(stderr, "{} times: {}\n", count, sentence);
  fmt::print("sent={} kept={} busy={} late={} failed={} unsent={}\n", all, kept, busy, late, all - kept - busy - late, done->unsent);
  co_return 0;
}

}  // namespace
}  // namespace interop

int main(int argc, char** argv) {
  interop::Options options;
  const auto flags = sofa::parse_flags(argc, argv, options, {.positional_name = "URL", .max_positional = 1});
  if (!flags || flags->help || flags->positional.empty()) {
    fmt::print(flags ? stdout : stderr, "{}\n", flags ? flags->help_text : flags.error().to_string());
    return flags && flags->help ? 0 : 2;
  }
  return sofa::io::run(interop::report(flags->positional.front(), options), {.shards = 1});
}
