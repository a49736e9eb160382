#include "sofa/load/load.h"

#include "sofa/base/utf8.h"
#include "sofa/io/shard.h"
#include "sofa/io/task_group.h"

namespace sofa::load {

uint64_t LoadReport::failed() const {
  uint64_t sum = 0;
  for (const auto& [kind, count] : errors) sum += count;
  return sum;
}

double LoadReport::rate() const {
  const double seconds = std::chrono::duration<double>(time).count();
  return seconds > 0 ? static_cast<double>(latency.count()) / seconds : 0;
}

/// One run: from `begin` until `end`.
struct Load::Run {
  const Clock& clock;
  Instant begin, end;
  uint64_t next = 0;  // open loop: number of the next call
  bool stopped = false;

  bool is_over(Instant now) const { return stopped || now >= end; }
};

io::Task<Result<void>> Load::run(Duration time) {
  const Clock& clock = io::Shard::current().clock();
  Run run{.clock = clock, .begin = clock.now_monotonic(), .end = {}};
  run.end = run.begin + time;
  running_since_ = run.begin;
  io::TaskGroup callers(co_await io::current_scope());
  for (uint32_t caller = 0; caller < options_.callers; ++caller) {
    callers.spawn("caller", options_.rate > 0 ? call_at_rate(run, caller) : call_in_turn(run, caller));
  }
  const auto joined = co_await callers.join();
  counted_.time += clock.now_monotonic() - run.begin;
  running_since_ = {};
  if (options_.rate > 0 && !run.stopped) {
    const auto due = static_cast<uint64_t>(std::chrono::duration<double>(time).count() * options_.rate);
    counted_.unsent += due > run.next ? due - run.next : 0;
  }
  co_return joined;
}

io::Task<Result<void>> Load::call_in_turn(Run& run, uint32_t caller) {
  for (Instant begun = run.clock.now_monotonic(); !run.is_over(begun); begun = run.clock.now_monotonic()) {
    co_await io::or_return(call_once(run, caller, begun));
  }
  co_return Result<void>();
}

io::Task<Result<void>> Load::call_at_rate(Run& run, uint32_t caller) {
  while (!run.is_over(run.clock.now_monotonic())) {
    const Instant due = run.begin + std::chrono::nanoseconds(static_cast<int64_t>(static_cast<double>(run.next) * 1e9 / options_.rate));
    if (due >= run.end) break;
    ++run.next;
    if (due > run.clock.now_monotonic()) co_await io::or_return(io::sleep_until(due));
    co_await io::or_return(call_once(run, caller, due));
  }
  co_return Result<void>();
}

/// Fails when the load is to end.
io::Task<Result<void>> Load::call_once(Run& run, uint32_t caller, Instant due) {
  const auto outcome = co_await call_(caller);
  if (auto still = (co_await io::current_scope()).check(); !still) co_return still;
  count(due, run.clock.now_monotonic(), outcome);
  if (!outcome) co_await io::yield();  // it may have failed without a wait: others, a connect among them, have their turn
  run.stopped = run.stopped || (!outcome && options_.stop_at_error);
  co_return Result<void>();
}

void Load::count(Instant due, Instant done, const Result<void>& outcome) {
  if (outcome) return latency_->record(static_cast<uint64_t>(std::chrono::nanoseconds(done - due).count()));
  const Error& error = outcome.error();
  if (counted_.first_error.empty()) counted_.first_error = error.to_string();
  constexpr size_t kMostBytes = 256;
  std::string kind = options_.kind_of != nullptr ? options_.kind_of(error) : std::string(to_string(error.code()));
  kind.resize(cut_utf8(kind, kMostBytes).size());
  const bool fits = counted_.errors.size() < kMostKinds || counted_.errors.contains(kind);
  ++counted_.errors[fits ? std::move(kind) : "other"];
}

LoadReport Load::report() const {
  LoadReport report = counted_;
  report.latency = latency_->read();
  if (running_since_ != Instant()) report.time += io::Shard::current().clock().now_monotonic() - running_since_;
  return report;
}

void Load::forget() {
  latency_ = std::make_unique<Histogram>();
  counted_ = {};
}

}  // namespace sofa::load
