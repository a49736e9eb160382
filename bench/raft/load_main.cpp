// bench-raft-load --peers P1,P2,P3: loads a group of the Raft lab and prints one JSON line; --help says how.
#include <sys/resource.h>

#include <algorithm>

#include "lab_client.h"
#include "sofa/base/flags.h"
#include "sofa/io/runtime.h"
#include "sofa/load/load.h"

namespace {

using namespace sofa;

enum class Mix : uint8_t { put, get, mix, fill };
void describe(EnumDescription<Mix>& d) {
  d.value("put", Mix::put).value("get", Mix::get).value("mix", Mix::mix, "one put in ten").value("fill", Mix::fill, "one put of each key, no window");
}

struct Options {
  std::vector<std::string> peers{};
  std::string prefix = "key";
  uint32_t callers = 64, connections = 4, keys = 10'000, size = 256;
  Mix op = Mix::put;
  double warmup = 1, seconds = 5, timeout = 10;
  bool stall_log = false;

  static void describe(Description<Options>& d) {
    d.field("peers", &Options::peers).required().doc("nodes of the group, IP:PORT; may be repeated");
    d.field("callers", &Options::callers).range(1, 100'000).doc("each has one request on its way");
    d.field("connections", &Options::connections).range(1, 1024).doc("that they share");
    d.field("prefix", &Options::prefix).doc("of the keys' names");
    d.field("keys", &Options::keys).range(1, 100'000'000).doc("that are written and read, in turn");
    d.field("size", &Options::size).range(0, 16 << 20).unit("bytes").doc("of a value");
    d.field("op", &Options::op).doc("what is asked");
    d.field("warmup", &Options::warmup).range(0, 3600).unit("seconds").doc("before the window");
    d.field("seconds", &Options::seconds).range(0.1L, 86'400).unit("seconds").doc("of the window");
    d.field("timeout", &Options::timeout).range(0.01L, 600).unit("seconds").doc("of a request");
    d.field("stall_log", &Options::stall_log).doc("also tell, as a line each, pauses over 20 ms between two answers");
  }
};

Duration seconds(double count) { return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(count)); }

double own_cpu_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto of = [](const timeval& time) { return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6; };
  return of(used.ru_utime) + of(used.ru_stime);
}

/// Requests that each caller sends in turn: made once.
class Requests {
 public:
  explicit Requests(const Options& options) : op_(options.op), next_(options.callers) {
    const std::string value(options.size, 'v');
    for (uint32_t key = 0; key < options.keys; ++key) {
      const std::string name = fmt::format("{}{:08}", options.prefix, key);
      puts_.push_back(bench::put_of(name, value));
      gets_.push_back(bench::get_of(name));
    }
    for (uint32_t caller = 0; caller < options.callers; ++caller) next_[caller] = uint64_t{caller} * 7919;
  }
  const Bytes& next(uint32_t caller) {
    const uint64_t number = next_[caller]++;
    const bool is_put = op_ == Mix::put || (op_ == Mix::mix && number % 10 == 0);
    return (is_put ? puts_ : gets_)[number % puts_.size()];
  }
  const std::vector<Bytes>& puts() const { return puts_; }

 private:
  const Mix op_;
  std::vector<Bytes> puts_, gets_;
  std::vector<uint64_t> next_;
};

/// How long nothing was answered.
class Stalls {
 public:
  explicit Stalls(bool tells) : tells_(tells) {}
  void answered() {
    const Instant now = SystemClock::instance().now_monotonic();
    const Duration pause = now - last_;
    if (last_ != Instant{} && pause > longest_) longest_ = pause;
    if (tells_ && last_ != Instant{} && pause > std::chrono::milliseconds(20)) {
      fmt::print("stall {}\n", pause / std::chrono::microseconds(1));
      (void)std::fflush(stdout);
    }
    last_ = now;
  }
  void forget() { last_ = {}, longest_ = {}; }
  Duration longest() const { return longest_; }

 private:
  const bool tells_;
  Instant last_{};
  Duration longest_{};
};

/// So that every get finds its key.
io::Task<Result<void>> fill(bench::LabClient& client, const Requests& requests) {
  constexpr size_t kAtOnce = 64;
  std::vector<io::Task<Result<bool>>> asking;
  const auto put = [](bench::LabClient& to, Bytes request) -> io::Task<Result<bool>> {
    co_await io::or_return(to.ask(std::move(request)));
    co_return true;
  };
  for (const Bytes& request : requests.puts()) {
    asking.push_back(put(client, request));
    if (asking.size() < kAtOnce && &request != &requests.puts().back()) continue;
    co_await io::or_return(io::when_all(std::exchange(asking, {})));
  }
  co_return Result<void>();
}

io::Task<Result<void>> run(const Options& options) {
  bench::LabClient client(options.peers, options.connections, seconds(options.timeout));
  Requests requests(options);
  Stalls stalls(options.stall_log);
  load::Load load({.callers = options.callers}, [&](uint32_t caller) -> io::Task<Result<void>> {
    auto done = co_await client.ask(requests.next(caller));
    if (done) stalls.answered();
    if (!done) (void)co_await io::sleep_for(std::chrono::milliseconds(1));
    co_return done;
  });
  if (options.op != Mix::put) co_await io::or_return(fill(client, requests));
  if (options.op == Mix::fill) {
    co_await client.close();
    co_return Result<void>();
  }
  if (options.warmup > 0) co_await io::or_return(load.run(seconds(options.warmup)));
  load.forget();
  stalls.forget();
  fmt::print("measuring\n");
  (void)std::fflush(stdout);
  const double cpu = own_cpu_seconds();
  const auto done = co_await load.run(seconds(options.seconds));
  const load::LoadReport report = load.report();
  const uint64_t calls = report.latency.count();
  const auto us = [&](double share) { return report.latency.percentile(share) / 1000; };
  fmt::print(
      R"({{"calls": {}, "rate": {:.1f}, "p50_us": {}, "p99_us": {}, "p999_us": {}, "errors": {}, "client_cpu_us": {:.2f}, "longest_pause_ms": {:.1f}}})"
      "\n",
      calls, report.rate(), us(0.5), us(0.99), us(0.999), report.failed(),
      calls == 0 ? 0 : (own_cpu_seconds() - cpu) * 1e6 / static_cast<double>(calls), static_cast<double>(stalls.longest().count()) / 1e6);
  if (!report.first_error.empty()) fmt::print(stderr, "first error: {}\n", report.first_error);
  co_await client.close();
  co_return done;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  const auto flags = parse_flags(argc, argv, options);
  if (const auto code = exit_code_of(flags)) return *code;
  return io::run(run(options), {.shards = 1, .blocking_threads = 1, .file_threads = 1});
}
