// What it costs a call to be counted and to have its stages timed: CPU time of this thread.

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <string_view>
#include <vector>

#include "sofa/rpc/calls.h"

using namespace sofa;
using namespace sofa::rpc;

namespace {

double cpu_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

/// The median of 11 rounds.
template <class F>
double nanoseconds_of(int times, F work) {
  std::vector<double> rounds;
  for (int round = 0; round < 11; ++round) {
    const double begun = cpu_ns();
    for (int i = 0; i < times; ++i) work();
    rounds.push_back((cpu_ns() - begun) / times);
  }
  std::ranges::nth_element(rounds, rounds.begin() + 5);
  return rounds[5];
}

void row(std::string_view what, double nanoseconds) { fmt::print("| {} | {:.1f} |\n", what, nanoseconds); }

}  // namespace

int main(int argc, char** argv) {
  const int times = argc > 1 && std::string_view(argv[1]) == "--quick" ? 1000 : 1'000'000;
  const Clock& clock = SystemClock::instance();
  CallLog log({}, clock);
  MethodCalls& method = log.method(CallSide::server, CallProtocol::bolt, "acme.Users:1.0", "get");
  Instant seen;

  fmt::print("| what | CPU ns |\n|---|---:|\n");
  row("the clock (CLOCK_MONOTONIC)", nanoseconds_of(times, [&] { seen = std::max(seen, clock.now_monotonic()); }));
  row("FastClock", nanoseconds_of(times, [&] { seen = std::max(seen, log.now()); }));
  row("a server's call: five stages, row, caller, histogram, ring", nanoseconds_of(times, [&] {
        CallTimer timer(log, method, seen, Stage::arrive, method.caller("shop"));
        for (const Stage stage : {Stage::queue, Stage::deserialize, Stage::implementation, Stage::serialize}) timer.enter(stage);
        timer.end_well();
      }));
  row("a call that is not counted", nanoseconds_of(times, [&] {
        CallTimer timer;
        for (const Stage stage : {Stage::queue, Stage::deserialize, Stage::implementation, Stage::serialize}) timer.enter(stage);
        timer.end_well();
      }));
  return seen == Instant() ? 1 : 0;
}
