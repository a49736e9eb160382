#pragma once
// A load: callers that call the same thing over and over on one shard, and what came of their calls.
//
//   load::Load load({.callers = 16}, [&](uint32_t caller) { return service.ping(); });
//   co_await or_return(load.run(10s));
//   use(load.report().latency.percentile(0.99));

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "sofa/base/clock.h"
#include "sofa/base/error.h"
#include "sofa/base/metrics.h"
#include "sofa/io/task.h"

namespace sofa::load {

inline constexpr size_t kMostKinds = 32;

struct LoadOptions {
  uint32_t callers = 1;  ///< each has one call running; open loop: calls that may run at once
  /// Calls a second. 0 is a closed loop: each caller calls again when its last call has ended. Otherwise an open loop: call number i is due at
  /// begin + i / rate, whoever is free makes it, and its latency counts from when it was due, so that a stall shows in all the calls it delayed.
  double rate = 0;
  bool stop_at_error = false;  ///< the first failed call ends the run
  /// Under which name a failed call is counted; null: its code. A name may come from the server: of more than kMostKinds the further ones are
  /// "other".
  std::string (*kind_of)(const Error& error) = nullptr;
};

/// A plain value.
struct LoadReport {
  HistogramSnapshot latency;  ///< of the calls that succeeded, in nanoseconds
  std::map<std::string, uint64_t> errors;
  std::string first_error;
  uint64_t unsent = 0;  ///< open loop: calls that were due before the end of a run and did not begin, since no caller was free
  Duration time{};      ///< of all runs

  uint64_t failed() const;
  /// Calls that succeeded, each second.
  double rate() const;
};

/// Belongs to the shard that runs it.
class Load {
 public:
  /// One call of a caller, which has no other running.
  using Call = std::function<io::Task<Result<void>>(uint32_t caller)>;
  Load(LoadOptions options, Call call) : options_(options), call_(std::move(call)) {}

  /// Calls for so long, then waits for the calls that run. May run again: the report grows. Fails when the scope is cancelled.
  io::Task<Result<void>> run(Duration time);
  /// What came of the calls so far, also while it runs.
  LoadReport report() const;
  /// Counts from zero again: after a warm-up.
  void forget();

 private:
  struct Run;
  io::Task<Result<void>> call_in_turn(Run& run, uint32_t caller);
  io::Task<Result<void>> call_at_rate(Run& run, uint32_t caller);
  io::Task<Result<void>> call_once(Run& run, uint32_t caller, Instant due);
  void count(Instant due, Instant done, const Result<void>& outcome);

  const LoadOptions options_;
  const Call call_;
  std::unique_ptr<Histogram> latency_ = std::make_unique<Histogram>();
  LoadReport counted_;       // without latency
  Instant running_since_{};  // zero: not running
};

}  // namespace sofa::load
