#include "load.h"

#include <sys/resource.h>

#include <cstdio>

#include "sofa/load/load.h"

namespace bench {

namespace {

Duration duration_of(double seconds) { return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds)); }

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void print_figures(const load::LoadReport& report) {
  const auto micros = [&](double share) { return report.latency.percentile(share) / 1000; };
  const uint64_t calls = report.latency.count();
  fmt::print("{{\"calls\": {}, \"rate\": {:.1f}, \"p50_us\": {}, \"p99_us\": {}, \"p999_us\": {}, \"client_cpu_us\": {:.2f}}}\n", calls,
             report.rate(), micros(0.5), micros(0.99), micros(0.999), calls == 0 ? 0 : cpu_seconds() * 1e6 / static_cast<double>(calls));
}

rpc::Task<Result<void>> run_for(load::Load& load, double seconds) {
  co_await rpc::or_return(load.run(duration_of(seconds)));
  const load::LoadReport report = load.report();
  if (report.failed() > 0) co_return fail(Code::internal, "{} calls failed, the first with: {}", report.failed(), report.first_error);
  co_return Result<void>();
}

rpc::Task<Result<void>> measure(const LoadOptions& options, Target& target) {
  co_await rpc::or_return(target.open());
  load::Load load({.callers = options.callers, .rate = options.rate, .stop_at_error = true}, [&](uint32_t caller) { return target.call(caller); });
  if (options.warmup > 0) co_await rpc::or_return(run_for(load, options.warmup));
  load.forget();
  std::puts("measuring");
  std::fflush(stdout);
  co_await rpc::or_return(run_for(load, options.seconds));
  print_figures(load.report());
  co_return Result<void>();
}

}  // namespace

std::optional<io::TlsClientConfig> tls_of(const LoadOptions& options, std::vector<std::string> alpn) {
  if (options.ca.empty()) return {};
  io::TlsClientConfig config{.ca = options.ca, .alpn = std::move(alpn)};
  if (!options.resume) config.max_sessions = 0;  // whole handshakes alone
  return config;
}

rpc::Task<Result<void>> run_load(LoadOptions options, Target& target) {
  auto outcome = co_await measure(options, target);
  co_await target.close();
  co_return outcome;
}

}  // namespace bench
