// Prints what one operation costs on sofa::io and on Boost.Asio: medians of rounds in which the two take turns.
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "side.h"

namespace {

using bench::Cost;
using bench::Side;

struct Case {
  const char* name;
  uint64_t operations;
  Cost (*run)(Side& side, uint64_t n);
  bool waits = false;  // for timers to be due: its wall time says nothing
};

constexpr Case kCases[] = {
    {"timer made, set and cancelled, 10,000 pending", 1'000'000, [](Side& s, uint64_t n) { return s.timer_cancel(n); }},
    {"timer set and fired, 100,000 at once", 100'000, [](Side& s, uint64_t n) { return s.timer_fire(n); }, true},
    {"sleep of a coroutine, 1,000 asleep", 100'000, [](Side& s, uint64_t n) { return s.sleep(n); }, true},
    {"coroutine awaited, returns a number", 5'000'000, [](Side& s, uint64_t n) { return s.call(n); }},
    {"yield, 1 coroutine", 500'000, [](Side& s, uint64_t n) { return s.yield(n, 1); }},
    {"yield, 64 coroutines", 1'000'000, [](Side& s, uint64_t n) { return s.yield(n, 64); }},
    {"call on another thread's loop, 1 at a time", 20'000, [](Side& s, uint64_t n) { return s.cross(n, 1); }},
    {"call on another thread's loop, 64 at once", 200'000, [](Side& s, uint64_t n) { return s.cross(n, 64); }},
    {"channel of 64, sender to receiver", 1'000'000, [](Side& s, uint64_t n) { return s.channel(n, 64); }},
    {"channel of 0, sender to receiver", 1'000'000, [](Side& s, uint64_t n) { return s.channel(n, 0); }},
};

double median(std::vector<double> values) {
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
  return values[values.size() / 2];
}

/// The costs of all rounds on one side.
struct Rounds {
  std::vector<double> wall;
  std::vector<double> cpu;
  void add(Cost cost) {
    wall.push_back(cost.wall);
    cpu.push_back(cost.cpu);
  }
};

/// Measures one case, prints its row, and says whether ours costs no more CPU.
bool measure(const Case& one, Side& ours, Side& peer, int rounds, uint64_t divisor) {
  Rounds of_ours;
  Rounds of_peer;
  const uint64_t n = one.operations / divisor;
  for (Side* side : {&ours, &peer}) one.run(*side, n / 4);  // warms caches, free lists, queues
  for (int round = 0; round < rounds; ++round) {
    const bool ours_first = round % 2 == 0;
    if (ours_first) of_ours.add(one.run(ours, n));
    of_peer.add(one.run(peer, n));
    if (!ours_first) of_ours.add(one.run(ours, n));
  }
  const double cpu = median(of_ours.cpu);
  const double peer_cpu = median(of_peer.cpu);
  const double wall = median(of_ours.wall);
  const double peer_wall = median(of_peer.wall);
  const std::string walls = one.waits ? "- | - | -" : fmt::format("{:.1f} | {:.1f} | {:.2f}", wall, peer_wall, wall / peer_wall);
  fmt::print("| {} | {} | {:.1f} | {:.1f} | {:.2f} |\n", one.name, walls, cpu, peer_cpu, cpu / peer_cpu);
  std::fflush(stdout);
  return cpu <= peer_cpu;
}

std::string machine() {
  utsname system{};
  ::uname(&system);
  double load = 0;
  ::getloadavg(&load, 1);
  return fmt::format("{} processors, Linux {}, clang {}, load average {:.1f} at the start", ::sysconf(_SC_NPROCESSORS_ONLN), system.release,
                     __clang_version__, load);
}

}  // namespace

int main(int argc, char** argv) {
  const bool quick = argc > 1 && std::string_view(argv[1]) == "--quick";
  const std::string_view only = argc > (quick ? 2 : 1) ? argv[quick ? 2 : 1] : "";
  if (only.starts_with('-')) {
    fmt::print(stderr, "usage: bench-io [--quick] [PART OF A NAME]\n");
    return 2;
  }
  const int rounds = quick ? 3 : 11;
  fmt::print("{}; medians of {} rounds in which the sides take turns\n\n", machine(), rounds);
  fmt::print("| name | ours ns | asio ns | ratio | ours CPU ns | asio CPU ns | CPU ratio |\n|---|---:|---:|---:|---:|---:|---:|\n");
  const auto ours = bench::make_sofa_side();
  const auto peer = bench::make_asio_side();
  std::vector<std::string> missed;
  for (const Case& one : kCases) {
    if (!std::string_view(one.name).contains(only)) continue;
    if (!measure(one, *ours, *peer, rounds, quick ? 10 : 1)) missed.emplace_back(one.name);
  }
  if (missed.empty()) return 0;
  fmt::print(stderr, "costs more CPU than Asio: {}\n", fmt::join(missed, "; "));
  return 1;
}
