// bench-echo-client --target HOST:PORT: loads an echo server over Bolt and prints one JSON line.
//
// Closed loop: each caller sends its next call when the last is answered. Open loop (--rate): call number i is due at start + i / rate, whoever
// is free makes it, and its latency counts from when it was due, so that a stall of the server shows in all the calls it delayed.

#include <sys/resource.h>

#include "echo_api.h"
#include "sofa/base/flags.h"
#include "sofa/io/runtime.h"
#include "sofa/io/task_group.h"
#include "sofa/rpc/client.h"

namespace {

using namespace sofa;
using namespace std::chrono_literals;

struct Options {
  std::string target = "127.0.0.1:12200";
  uint32_t connections = 64;
  uint32_t callers = 64;
  uint32_t size = 100;
  double seconds = 10;
  double warmup = 1;
  uint64_t rate = 0;

  static auto describe(Description<Options>& d) {
    d.doc("Loads an echo server over Bolt and prints one JSON line.");
    d.field("target", &Options::target).doc("HOST:PORT of the server");
    d.field("connections", &Options::connections).range(1, 10'000).doc("connections, used by the callers in turn");
    d.field("callers", &Options::callers).range(1, 100'000).doc("callers in all; open loop: calls that may run at once");
    d.field("size", &Options::size).range(0, 1 << 24).unit("bytes").doc("of the text");
    d.field("seconds", &Options::seconds).range(0.1L, 3600).unit("seconds").doc("of measuring");
    d.field("warmup", &Options::warmup).range(0, 3600).unit("seconds").doc("before measuring");
    d.field("rate", &Options::rate).unit("calls/s").doc("open loop at this rate; 0: closed loop");
  }
};

/// What all callers share; one shard.
struct Load {
  Options options;
  std::string text;
  Instant begin, measured, end;
  uint64_t next = 0;  // open loop: number of the next call
  uint64_t calls = 0, errors = 0;
  std::vector<uint32_t> micros;
  std::string first_error;

  void count(Instant due, Instant done, const Result<std::string>& answer) {
    if (done < measured) return;
    if (!answer || answer->size() != text.size()) {
      ++errors;
      if (first_error.empty()) first_error = answer ? "the answer has another size" : answer.error().to_string();
      return;
    }
    ++calls;
    micros.push_back(static_cast<uint32_t>((done - due) / 1us));
  }
};

rpc::Task<Result<void>> call_in_turn(Load& load, const EchoService& service) {
  const Clock& clock = io::Shard::current().clock();
  for (Instant due = clock.now_monotonic(); due < load.end; due = clock.now_monotonic()) {
    const auto answer = co_await service.echo(load.text);
    load.count(due, clock.now_monotonic(), answer);
  }
  co_return Result<void>();
}

rpc::Task<Result<void>> call_at_rate(Load& load, const EchoService& service) {
  const Clock& clock = io::Shard::current().clock();
  while (true) {
    const auto offset = std::chrono::nanoseconds(load.next++ * 1'000'000'000 / load.options.rate);
    const Instant due = load.begin + offset;
    if (due >= load.end) co_return Result<void>();
    if (due > clock.now_monotonic()) co_await rpc::or_return(io::sleep_until(due));
    const auto answer = co_await service.echo(load.text);
    load.count(due, clock.now_monotonic(), answer);
  }
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

uint32_t percentile(const std::vector<uint32_t>& sorted, double p) {
  if (sorted.empty()) return 0;
  return sorted[std::min(sorted.size() - 1, static_cast<size_t>(p * static_cast<double>(sorted.size())))];
}

rpc::Task<Result<int>> run(Options options) {
  std::vector<std::shared_ptr<EchoService>> clients;
  for (uint32_t i = 0; i < std::min(options.connections, options.callers); ++i) {
    clients.push_back(co_await rpc::or_return(rpc::connect<EchoService>("bolt://" + options.target, {.app = "bench-echo-client", .timeout = 10s})));
  }
  Load load;
  load.options = options;
  load.text.assign(options.size, 'x');
  load.micros.reserve(1 << 20);
  load.begin = io::Shard::current().clock().now_monotonic();
  load.measured = load.begin + std::chrono::duration_cast<Duration>(std::chrono::duration<double>(options.warmup));
  load.end = load.measured + std::chrono::duration_cast<Duration>(std::chrono::duration<double>(options.seconds));
  {
    io::TaskGroup callers(co_await io::current_scope());
    for (uint32_t i = 0; i < options.callers; ++i) {
      const EchoService& client = *clients[i % clients.size()];
      callers.spawn("caller", options.rate > 0 ? call_at_rate(load, client) : call_in_turn(load, client));
    }
    co_await rpc::or_return(co_await callers.join());
  }
  std::sort(load.micros.begin(), load.micros.end());
  fmt::print("{{\"calls\": {}, \"rate\": {:.1f}, \"p50_us\": {}, \"p99_us\": {}, \"p999_us\": {}, \"errors\": {}, \"client_cpu_us\": {:.2f}}}\n",
             load.calls, static_cast<double>(load.calls) / options.seconds, percentile(load.micros, 0.5), percentile(load.micros, 0.99),
             percentile(load.micros, 0.999), load.errors, load.calls == 0 ? 0.0 : cpu_seconds() * 1e6 / static_cast<double>(load.calls));
  if (load.errors > 0) fmt::print(stderr, "first error: {}\n", load.first_error);
  co_return load.errors == 0 ? 0 : 1;
}

rpc::Task<int> main_task(Options options) {
  auto done = co_await run(std::move(options));
  if (done) co_return *done;
  fmt::print(stderr, "{}\n", done.error());
  co_return 1;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  const auto flags = parse_flags(argc, argv, options);
  if (!flags) {
    fmt::print(stderr, "{}\n", flags.error());
    return 2;
  }
  if (flags->help) {
    fmt::print("{}", flags->help_text);
    return 0;
  }
  return io::run(main_task(options), {.shards = 1});
}
