// bench-overload --protocol P --target HOST:PORT --rate N: calls at a fixed rate, whatever comes of them, each with a deadline, and one JSON line of
// what came of them; --help says more.
#include <sys/resource.h>

#include <cstdio>
#include <map>

#include "sofa/base/flags.h"
#include "sofa/http/channel.h"
#include "sofa/io/runtime.h"
#include "sofa/load/load.h"
#include "sofa/rpc/client.h"
#include "work.sofa.h"
#include "work_api.h"

namespace {

using namespace sofa;
using rpc::Task;

constexpr uint32_t kConnections = 16;  // used by the callers in turn; http: one for each call that runs
constexpr Duration kWarmup = std::chrono::seconds(1);
constexpr int64_t kRounds = 250'000;  // of work in each call

struct Options {
  std::string protocol = "bolt";
  std::string target = "127.0.0.1:12200";
  uint32_t callers = 16;
  double rate = 0;
  double seconds = 4;
  uint32_t timeout_ms = 100;

  static auto describe(Description<Options>& d) {
    d.doc("Loads a server that computes and prints \"measuring\" when its warm-up is over, and one line of JSON at the end.");
    d.field("protocol", &Options::protocol).doc("bolt, tri: sofa.bench.Work; grpc: bench.pb.Work; http: sofa.bench.Work in JSON over HTTP/1.1");
    d.field("target", &Options::target).doc("HOST:PORT of the server");
    d.field("callers", &Options::callers).range(1, 100'000).doc("callers in all; open loop: calls that may run at once");
    d.field("rate", &Options::rate).at_least(0).unit("calls/s").doc("open loop at this rate; 0: closed loop");
    d.field("seconds", &Options::seconds).range(0.1L, 3600).unit("seconds").doc("of measuring");
    d.field("timeout_ms", &Options::timeout_ms).range(1, 60'000).unit("milliseconds").doc("the deadline of a call");
  }
  Duration timeout() const { return std::chrono::milliseconds(timeout_ms); }
};

Duration duration_of(double seconds) { return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds)); }

/// What is called. Belongs to one shard.
class Target {
 public:
  virtual ~Target() = default;
  virtual Task<Result<void>> open() = 0;
  /// The answer to one call.
  virtual Task<Result<int64_t>> call(uint32_t caller) = 0;
  virtual Task<void> close() { co_return; }
};

template <class Service>
class RpcTarget : public Target {
 public:
  explicit RpcTarget(const Options& options) : options_(options) {}
  Task<Result<void>> open() override {
    const std::string url = fmt::format("{}://{}", options_.protocol, options_.target);
    for (uint32_t i = 0; i < kConnections; ++i) {
      clients_.push_back(co_await rpc::or_return(rpc::connect<Service>(url, {.app = "bench-overload", .timeout = options_.timeout()})));
    }
    co_return Result<void>();
  }

 protected:
  const Service& client(uint32_t caller) const { return *clients_[caller % clients_.size()]; }
  const Options& options_;

 private:
  std::vector<std::shared_ptr<Service>> clients_;
};

class JavaTarget final : public RpcTarget<bench::WorkService> {
 public:
  using RpcTarget::RpcTarget;
  Task<Result<int64_t>> call(uint32_t caller) override { co_return co_await client(caller).compute(kRounds); }
};

class ProtoTarget final : public RpcTarget<bench::pb::Work> {
 public:
  using RpcTarget::RpcTarget;
  Task<Result<int64_t>> call(uint32_t caller) override {
    google::protobuf::Int64Value rounds;
    rounds.set_value(kRounds);
    const auto end = co_await rpc::or_return(client(caller).compute(std::move(rounds)));
    co_return end.value();
  }
};

/// A caller without a library of SOFARPC's: a list of arguments in JSON, and the deadline in the header field that servers of this project know.
class HttpTarget final : public Target {
 public:
  explicit HttpTarget(const Options& options) : options_(options), body_(Bytes::copy_of(fmt::format("[{}]", kRounds))) {}
  Task<Result<void>> open() override {
    const auto address = co_await rpc::or_return(io::Address::parse(options_.target));
    channel_ =
        std::make_unique<http::Channel>(address, http::ChannelOptions{.max_backoff = std::chrono::milliseconds(50), .max_running = options_.callers});
    co_return co_await channel_->connect();
  }
  Task<Result<int64_t>> call(uint32_t) override {
    http::RequestHead head{.method = "POST", .target = "/sofa.bench.Work/compute"};
    head.headers.add("content-type", "application/json");
    head.headers.add("sofa_head_deadline_remain_time", fmt::format("{}", options_.timeout_ms));
    io::Scope scope(&co_await io::current_scope(), "call", io::Shard::current().now() + options_.timeout());
    const auto answer = co_await rpc::or_return(channel_->exchange(std::move(head), body_).in(scope));
    if (answer.status == 503) co_return fail(Code::unavailable, "busy");
    if (answer.status == 504) co_return fail(Code::deadline_exceeded, "late");
    if (answer.status != 200) co_return fail(Code::internal, "the server answers {}: {}", answer.status, answer.body.text());
    co_return std::strtoll(std::string(answer.body.text()).c_str(), nullptr, 10);
  }
  Task<void> close() override {
    if (channel_ != nullptr) co_await channel_->close();
  }

 private:
  const Options& options_;
  const Bytes body_;
  std::unique_ptr<http::Channel> channel_;
};

using MakeTarget = std::unique_ptr<Target> (*)(const Options&);
template <class T>
std::unique_ptr<Target> make(const Options& options) {
  return std::make_unique<T>(options);
}
const std::map<std::string_view, MakeTarget> kTargets = {
    {"bolt", make<JavaTarget>}, {"tri", make<JavaTarget>}, {"grpc", make<ProtoTarget>}, {"http", make<HttpTarget>}};

std::string outcome_of(const Error& error) {
  switch (error.code()) {
    case Code::deadline_exceeded:
      return "late";
    case Code::unavailable:
    case Code::resource_exhausted:
      return "refused";
    default:
      return "failed";
  }
}

Task<Result<void>> call(Target& target, uint32_t caller, int64_t expected) {
  const auto answer = co_await rpc::or_return(target.call(caller));
  if (answer != expected) co_return fail(Code::internal, "the server computes {} where {} is right", answer, expected);
  co_return Result<void>();
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

Task<Result<void>> measure(const Options& options, Target& target) {
  co_await rpc::or_return(target.open());
  const int64_t expected = bench::compute(kRounds);
  load::Load load({.callers = options.callers, .rate = options.rate, .kind_of = outcome_of},
                  [&](uint32_t caller) { return call(target, caller, expected); });
  co_await rpc::or_return(load.run(kWarmup));
  load.forget();
  std::puts("measuring");
  std::fflush(stdout);
  const double cpu = cpu_seconds();
  co_await rpc::or_return(load.run(duration_of(options.seconds)));
  const load::LoadReport report = load.report();
  const auto count = [&](const char* kind) { return report.errors.contains(kind) ? report.errors.at(kind) : 0; };
  const uint64_t kept = report.latency.count();
  fmt::print(R"({{"calls": {}, "kept": {}, "refused": {}, "late": {}, "failed": {}, "unsent": {}, "p50_us": {}, "p99_us": {}, )",
             kept + report.failed(), kept, count("refused"), count("late"), count("failed"), report.unsent, report.latency.percentile(0.5) / 1000,
             report.latency.percentile(0.99) / 1000);
  fmt::print("\"client_cpu\": {:.2f}}}\n", (cpu_seconds() - cpu) / options.seconds);
  if (count("failed") > 0) co_return fail(Code::internal, "{} calls failed, the first error of all is: {}", count("failed"), report.first_error);
  co_return Result<void>();
}

/// The options outlive the task.
Task<int> run(const Options& options, std::unique_ptr<Target> target) {
  const auto done = co_await measure(options, *target);
  co_await target->close();
  if (!done) fmt::print(stderr, "{}\n", done.error());
  co_return done ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  const auto flags = parse_flags(argc, argv, options);
  if (const auto code = exit_code_of(flags)) return *code;
  const auto found = kTargets.find(options.protocol);
  if (found == kTargets.end()) {
    fmt::print(stderr, "--protocol {} is none that can be loaded: --help lists them.\n", options.protocol);
    return 2;
  }
  auto target = found->second(options);
  return io::run(run(options, std::move(target)), {.shards = 1});
}
