#pragma once
// How processes do, and what goes on over all of them, in the shapes that the console's overview shows (console/api/openapi.json). Pure.

#include <deque>
#include <string>
#include <vector>

#include "sofa/base/clock.h"
#include "sofa/base/description.h"
#include "sofa/boot/figures.h"

namespace sofa::platform {

using boot::Figures;

/// The figures of a process, with whose they are. The state "lost": it is attached, and does not answer.
struct ProcessFigures : Figures {
  std::string id{}, name{}, admin{};
  int64_t started_at_ms = 0;
  static void describe(Description<ProcessFigures>& d);
};

/// What goes on now, over all processes that answer. Times of calls cannot be added up: they are those of the slowest process.
struct Rates {
  double calls_per_second = 0, errors_per_second = 0;
  int64_t p50_us = 0, p99_us = 0, connections = 0, memory_bytes = 0;
  double cpu_cores = 0;
  void add(const Figures& process);
  static void describe(Description<Rates>& d);
};

/// Columns of one length, oldest first.
struct RateColumns {
  std::vector<int64_t> times_ms{};
  std::vector<double> calls_per_second{}, errors_per_second{}, p50_us{}, p99_us{}, connections{}, memory_bytes{}, cpu_cores{};
  static void describe(Description<RateColumns>& d);
};

/// The rates of the last minutes, one for each step of time.
class RateHistory {
 public:
  RateHistory(Duration step, size_t most) : step_(step), most_(most) {}
  /// Keeps the rates when a new step has begun.
  void add(WallTime at, const Rates& rates);
  RateColumns columns() const;

 private:
  struct Point {
    int64_t at_ms;
    Rates rates;
  };
  const Duration step_;
  const size_t most_;
  std::deque<Point> points_;
};

}  // namespace sofa::platform
