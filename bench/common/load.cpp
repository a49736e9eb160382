#include "load.h"

#include <sys/resource.h>

#include <algorithm>
#include <cstdio>

#include "sofa/io/task_group.h"

namespace bench {

namespace {

using namespace std::chrono_literals;

/// What all callers share.
struct Load {
  Load(const LoadOptions& options, Target& target) : options(options), target(target) {
    micros.reserve(1 << 20);
    begin = clock.now_monotonic();
    measured = begin + duration(options.warmup);
    end = measured + duration(options.seconds);
  }
  static Duration duration(double seconds) { return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds)); }

  void count(Instant due, const Result<void>& outcome) {
    const Instant done = clock.now_monotonic();
    if (!outcome) {
      if (++errors == 1) first_error = outcome.error().to_string();
    } else if (due >= measured) {
      micros.push_back(static_cast<uint32_t>((done - due) / 1us));
    }
  }

  const LoadOptions& options;
  Target& target;
  const Clock& clock = io::Shard::current().clock();
  Instant begin, measured, end;
  uint64_t next = 0;  // open loop: number of the next call
  uint64_t errors = 0;
  std::string first_error;
  std::vector<uint32_t> micros;  // of the calls that were measured
};

rpc::Task<Result<void>> call_in_turn(Load& load, uint32_t caller) {
  for (Instant due = load.clock.now_monotonic(); due < load.end && load.errors == 0; due = load.clock.now_monotonic()) {
    load.count(due, co_await load.target.call(caller));
  }
  co_return Result<void>();
}

rpc::Task<Result<void>> call_at_rate(Load& load, uint32_t caller) {
  while (load.errors == 0) {
    const Instant due = load.begin + std::chrono::nanoseconds(load.next++ * 1'000'000'000 / load.options.rate);
    if (due >= load.end) break;
    if (due > load.clock.now_monotonic()) co_await rpc::or_return(io::sleep_until(due));
    load.count(due, co_await load.target.call(caller));
  }
  co_return Result<void>();
}

rpc::Task<Result<void>> say_measuring(Load& load) {
  co_await rpc::or_return(io::sleep_until(load.measured));
  std::puts("measuring");
  std::fflush(stdout);
  co_return Result<void>();
}

rpc::Task<Result<void>> run_callers(Load& load) {
  io::TaskGroup callers(co_await io::current_scope());
  callers.spawn("measuring", say_measuring(load));
  for (uint32_t i = 0; i < load.options.callers; ++i) {
    callers.spawn("caller", load.options.rate > 0 ? call_at_rate(load, i) : call_in_turn(load, i));
  }
  co_return co_await callers.join();
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

void print_figures(Load& load) {
  std::ranges::sort(load.micros);
  const auto calls = static_cast<double>(load.micros.size());
  fmt::print("{{\"calls\": {}, \"rate\": {:.1f}, \"p50_us\": {}, \"p99_us\": {}, \"p999_us\": {}, \"client_cpu_us\": {:.2f}}}\n", load.micros.size(),
             calls / load.options.seconds, percentile(load.micros, 0.5), percentile(load.micros, 0.99), percentile(load.micros, 0.999),
             calls == 0 ? 0 : cpu_seconds() * 1e6 / calls);
}

rpc::Task<Result<void>> measure(const LoadOptions& options, Target& target) {
  co_await rpc::or_return(target.open());
  Load load(options, target);
  co_await rpc::or_return(run_callers(load));
  if (load.errors > 0) co_return fail(Code::internal, "{} calls failed, the first with: {}", load.errors, load.first_error);
  print_figures(load);
  co_return Result<void>();
}

}  // namespace

std::optional<io::TlsClientConfig> tls_of(const LoadOptions& options, std::vector<std::string> alpn) {
  if (options.ca.empty()) return {};
  return io::TlsClientConfig{.ca = options.ca, .alpn = std::move(alpn)};
}

rpc::Task<Result<void>> run_load(LoadOptions options, Target& target) {
  auto outcome = co_await measure(options, target);
  co_await target.close();
  co_return outcome;
}

}  // namespace bench
