// Rate, latency and CPU of durable 256-byte appends: a plain loop, RocksDB's WAL, the log. All in one run on one folder.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include <rocksdb/db.h>

#include "sofa/io/runtime.h"
#include "sofa/io/task_group.h"
#include "sofa/state/log/log.h"

namespace {

using namespace sofa;
using Clock = std::chrono::steady_clock;
constexpr size_t kPayload = 256;

struct Measure {
  std::vector<uint32_t> nanoseconds;  // of each append
  double seconds = 0;
  double cpu_seconds = 0;
  double rate() const { return static_cast<double>(nanoseconds.size()) / seconds; }
};

double cpu_now() {
  struct rusage usage;
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

[[noreturn]] void give_up(std::string_view why) {
  fmt::print(stderr, "bench-log: {}\n", why);
  std::exit(1);
}

uint32_t since(Clock::time_point begun) { return static_cast<uint32_t>(std::chrono::nanoseconds(Clock::now() - begun).count()); }

/// Runs `work(deadline)` and measures around it; the work returns the latencies.
template <class F>
Measure measure(double seconds, F work) {
  Measure m;
  const double cpu = cpu_now();
  const auto begun = Clock::now();
  m.nanoseconds = work(begun + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds)));
  m.seconds = std::chrono::duration<double>(Clock::now() - begun).count();
  m.cpu_seconds = cpu_now() - cpu;
  std::sort(m.nanoseconds.begin(), m.nanoseconds.end());
  return m;
}

Measure plain_loop(const std::string& folder, double seconds) {
  const std::string path = folder + "/plain";
  const int fd = ::open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0644);
  if (fd < 0) give_up("cannot create " + path);
  const std::string payload(kPayload, 'x');
  auto m = measure(seconds, [&](Clock::time_point deadline) {
    std::vector<uint32_t> latencies;
    while (Clock::now() < deadline) {
      const auto begun = Clock::now();
      if (::write(fd, payload.data(), payload.size()) != static_cast<ssize_t>(kPayload) || ::fdatasync(fd) != 0)
        give_up("the plain loop cannot write");
      latencies.push_back(since(begun));
    }
    return latencies;
  });
  ::close(fd);
  ::unlink(path.c_str());
  return m;
}

Measure rocksdb_wal(const std::string& folder, double seconds, size_t writers) {
  const std::string path = folder + "/rocksdb";
  std::filesystem::remove_all(path);
  rocksdb::DB* opened = nullptr;
  rocksdb::Options options;
  options.create_if_missing = true;
  if (!rocksdb::DB::Open(options, path, &opened).ok()) give_up("RocksDB does not open " + path);
  std::unique_ptr<rocksdb::DB> db(opened);
  const std::string payload(kPayload, 'x');
  auto m = measure(seconds, [&](Clock::time_point deadline) {
    std::vector<std::vector<uint32_t>> latencies(writers);
    std::vector<std::thread> threads;
    for (size_t i = 0; i < writers; ++i) {
      threads.emplace_back([&, i] {
        rocksdb::WriteOptions durable;
        durable.sync = true;
        uint64_t n = 0;
        while (Clock::now() < deadline) {
          char key[16];
          std::memcpy(key, &i, 8);
          std::memcpy(key + 8, &n, 8);
          ++n;
          const auto begun = Clock::now();
          if (!db->Put(durable, rocksdb::Slice(key, sizeof key), payload).ok()) give_up("RocksDB does not write");
          latencies[i].push_back(since(begun));
        }
      });
    }
    for (auto& thread : threads) thread.join();
    std::vector<uint32_t> all;
    for (auto& part : latencies) all.insert(all.end(), part.begin(), part.end());
    return all;
  });
  db.reset();
  std::filesystem::remove_all(path);
  return m;
}

io::Task<Result<void>> write_until(log::Log& log, Clock::time_point deadline, const Bytes& payload, std::vector<uint32_t>& latencies) {
  while (Clock::now() < deadline) {
    const auto begun = Clock::now();
    co_await io::or_return(log.append(1, 1, payload));
    latencies.push_back(since(begun));
  }
  co_return Result<void>{};
}

io::Task<Result<std::vector<uint32_t>>> write_all_until(log::Log& log, Clock::time_point deadline, size_t writers) {
  std::vector<uint32_t> latencies;
  latencies.reserve(1 << 20);
  const Bytes payload = Bytes::copy_of(std::string(kPayload, 'x'));
  io::TaskGroup group(co_await io::current_scope());
  for (size_t i = 0; i < writers; ++i) group.spawn("writer", write_until(log, deadline, payload, latencies));
  co_await io::or_return(co_await group.join());
  co_return latencies;
}

Measure sofa_log(const std::string& folder, double seconds, size_t writers, log::LogStats& stats) {
  const std::string path = folder + "/log";
  std::filesystem::remove_all(path);
  io::Runtime runtime;
  auto opened = runtime.block_on(log::Log::open({.folder = path}));
  if (!opened) give_up(opened.error().to_string());
  auto& log = **opened;
  auto m = measure(seconds, [&](Clock::time_point deadline) {
    auto latencies = runtime.block_on(write_all_until(log, deadline, writers));
    if (!latencies) give_up(latencies.error().to_string());
    return std::move(*latencies);
  });
  stats = log.stats();
  auto closed =
      runtime.block_on([](std::unique_ptr<log::Log> owned) -> io::Task<Result<void>> { co_return co_await owned->close(); }(std::move(*opened)));
  if (!closed) give_up(closed.error().to_string());
  std::filesystem::remove_all(path);
  return m;
}

void row(std::string_view what, size_t writers, const Measure& m, double loop_rate, double rocksdb_rate) {
  auto percentile = [&](double p) {
    return static_cast<double>(m.nanoseconds[static_cast<size_t>(p * static_cast<double>(m.nanoseconds.size() - 1))]) * 1e-6;
  };
  fmt::print("{:24} {:>7} {:>10.0f} {:>9.3f} {:>9.3f} {:>10.2f} {:>8.1f}x {}\n", what, writers, m.rate(), percentile(0.5), percentile(0.99),
             m.cpu_seconds * 1e6 / static_cast<double>(m.nanoseconds.size()), m.rate() / loop_rate,
             rocksdb_rate > 0 ? fmt::format("{:>8.2f}x", m.rate() / rocksdb_rate) : std::string("       -"));
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  double seconds = 5;
  std::string folder = "bench-log-data";
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::string_view(argv[i]) == "--seconds")
      seconds = std::strtod(argv[i + 1], nullptr);
    else if (std::string_view(argv[i]) == "--folder")
      folder = argv[i + 1];
    else
      give_up("usage: bench-log [--seconds N] [--folder DIR]");
  }
  std::filesystem::create_directories(folder);
  struct statfs status;
  if (::statfs(folder.c_str(), &status) == 0 && status.f_type == 0x01021994)
    give_up(folder + " is on tmpfs, where a sync costs nothing; choose a folder on a disk");
  fmt::print("durable appends of {} bytes, {} s each, in {}\n", kPayload, seconds, folder);
  fmt::print("{:24} {:>7} {:>10} {:>9} {:>9} {:>10} {:>9} {:>9}\n", "what", "writers", "appends/s", "p50 ms", "p99 ms", "CPU us", "/ loop",
             "/ RocksDB");
  const Measure loop = plain_loop(folder, seconds);
  row("write + fdatasync loop", 1, loop, loop.rate(), 0);
  for (size_t writers : {size_t{1}, size_t{64}, size_t{1000}}) {
    const Measure peer = rocksdb_wal(folder, seconds, writers);
    row("RocksDB WAL, sync", writers, peer, loop.rate(), peer.rate());
    log::LogStats stats;
    const Measure ours = sofa_log(folder, seconds, writers, stats);
    row("sofa log", writers, ours, loop.rate(), peer.rate());
    fmt::print("{:24} {} batches, {:.1f} appends each, fdatasync p50 < {:.3f} ms\n", "", stats.batches,
               static_cast<double>(stats.records) / static_cast<double>(stats.batches),
               static_cast<double>(stats.sync_nanoseconds.at_most(0.5)) * 1e-6);
  }
  return 0;
}
