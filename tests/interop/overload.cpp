// overload: calls of the contract's protobuf service at a fixed rate, whatever comes of them, each with a deadline: what a server under overload is
// worth is how many of these are kept. `overload bolt://127.0.0.1:12200 --rate 2400` prints `sent=N kept=N busy=N late=N failed=N`.

#include <cstdio>

#include "interop_api.h"
#include "sofa/base/flags.h"
#include "sofa/io/runtime.h"
#include "sofa/io/task_group.h"
#include "sofa/rpc/client.h"

namespace interop {
namespace {

using namespace std::chrono_literals;
using sofa::Code;
using sofa::rpc::Task;

struct Options {
  uint32_t rate = 800;
  uint32_t seconds = 3;
  uint32_t timeout_ms = 200;
  uint32_t work_ms = 10;

  static auto describe(sofa::Description<Options>& d) {
    d.doc("Calls InteropPbService.echo at a fixed rate.");
    d.field("rate", &Options::rate).doc("calls a second");
    d.field("seconds", &Options::seconds).doc("how long");
    d.field("timeout_ms", &Options::timeout_ms).doc("the deadline of a call");
    d.field("work_ms", &Options::work_ms).doc("how long the service waits for each");
  }
};

struct Counts {
  uint64_t sent = 0, kept = 0, busy = 0, late = 0, failed = 0;
};

Task<void> call(InteropPbService& service, const Options& options, Counts& counts) {
  sofa::interop::pb::EchoRequest request;
  request.set_text("x");
  request.set_sleep_ms(static_cast<int32_t>(options.work_ms));
  const auto answer = co_await service.echo(std::move(request));
  if (answer) {
    ++counts.kept;
  } else if (answer.error().code() == Code::deadline_exceeded) {
    ++counts.late;
  } else if (answer.error().code() == Code::unavailable || answer.error().code() == Code::resource_exhausted) {
    ++counts.busy;
  } else if (++counts.failed == 1) {
    fmt::print(stderr, "{}\n", answer.error());
  }
}

/// Sends what is due every millisecond, and waits for what comes of it.
Task<Result<Counts>> run(std::string target, Options options) {
  const rpc::ClientOptions client{.timeout = std::chrono::milliseconds(options.timeout_ms)};
  const auto service = co_await rpc::or_return(rpc::connect<InteropPbService>(std::move(target), client));
  Counts counts;
  sofa::io::TaskGroup calls(co_await sofa::io::current_scope());
  const auto begin = sofa::io::Shard::current().now();
  const uint64_t all = uint64_t{options.rate} * options.seconds;
  while (counts.sent < all) {
    const auto passed = sofa::io::Shard::current().now() - begin;
    const auto due = std::min(all, static_cast<uint64_t>(passed / 1us) * options.rate / 1'000'000);
    for (; counts.sent < due; ++counts.sent) calls.spawn("call", call(*service, options, counts));
    co_await rpc::or_return(sofa::io::sleep_for(1ms));
  }
  co_await rpc::or_return(calls.join());
  co_return counts;
}

Task<int> report(std::string target, Options options) {
  const auto counts = co_await run(std::move(target), options);
  if (!counts) {
    fmt::print(stderr, "{}\n", counts.error());
    co_return 1;
  }
  fmt::print("sent={} kept={} busy={} late={} failed={}\n", counts->sent, counts->kept, counts->busy, counts->late, counts->failed);
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
