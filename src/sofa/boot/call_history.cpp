#include "sofa/boot/call_history.h"

#include <algorithm>

namespace sofa::boot {

namespace {

constexpr uint64_t kRateSeconds = 10;     // over which rates are told
constexpr uint64_t kHistorySeconds = 60;  // of CallRates::history

/// The row of a snapshot whose rows are in order of their keys; null for none.
const rpc::MethodSnapshot* row_of(const rpc::CallsSnapshot& snapshot, const rpc::MethodKey& key) {
  const auto at = std::ranges::lower_bound(snapshot.methods, key, {}, &rpc::MethodSnapshot::key);
  return at == snapshot.methods.end() || at->key != key ? nullptr : &*at;
}

}  // namespace

void CallHistory::add(rpc::CallsSnapshot now) {
  const uint64_t second = seconds_++;
  ends_.push_back(now.at);
  for (const rpc::MethodSnapshot& row : now.methods) {
    if (second == 0 || row.key.side != rpc::CallSide::server) continue;
    const rpc::MethodSnapshot* const earlier = row_of(before_, row.key);
    const uint64_t calls = row.calls() - (earlier == nullptr ? 0 : earlier->calls());
    if (calls == 0) continue;
    const uint64_t errors = row.errors() - (earlier == nullptr ? 0 : earlier->errors());
    Slice grown{.second = second, .calls = static_cast<uint32_t>(calls), .errors = static_cast<uint32_t>(errors)};
    grown.latency.add(earlier == nullptr ? row.latency : row.latency.since(earlier->latency));
    add_to(all_, second, grown);
    if (Slices* const own = slices_of(row.key); own != nullptr) add_to(*own, second, grown);
  }
  before_ = std::move(now);
  if (seconds_ > options_.seconds) forget_before(seconds_ - options_.seconds);
}

void CallHistory::add_to(Slices& slices, uint64_t second, const Slice& grown) {
  if (slices.empty() || slices.back().second != second) {
    slices.push_back(grown);
    return;
  }
  slices.back().calls += grown.calls;
  slices.back().errors += grown.errors;
  slices.back().latency.merge(grown.latency);
}

void CallHistory::forget_before(uint64_t second) {
  const auto trim = [second](Slices& slices) {
    while (!slices.empty() && slices.front().second < second) slices.pop_front();
  };
  trim(all_);
  for (auto& [name, slices] : by_method_) trim(slices);
  while (ends_.size() > options_.seconds + 1) ends_.pop_front();
}

CallHistory::Slices* CallHistory::slices_of(const rpc::MethodKey& key) {
  const Name name(key.service, key.method);
  if (const auto known = by_method_.find(name); known != by_method_.end()) return &known->second;
  return by_method_.size() == options_.methods ? nullptr : &by_method_[name];
}

template <class F>
void CallHistory::each_slice(CallsOf which, uint64_t from, F&& visit) const {
  const auto visit_last = [&](const Slices& slices) {
    for (auto slice = slices.rbegin(); slice != slices.rend() && slice->second >= from; ++slice) visit(*slice);
  };
  if (which.service.empty()) return visit_last(all_);
  for (const auto& [name, slices] : by_method_) {
    if (name.first == which.service && (which.method.empty() || name.second == which.method)) visit_last(slices);
  }
}

Instant CallHistory::end_of(uint64_t second) const { return ends_[second - (seconds_ - ends_.size())]; }

double CallHistory::seconds_at(uint64_t second) const { return std::chrono::duration<double>(end_of(second) - end_of(second - 1)).count(); }

CallRates CallHistory::rates(CallsOf which) const {
  const uint64_t intervals = seconds_ == 0 ? 0 : std::min<uint64_t>(ends_.size() - 1, kHistorySeconds);
  const uint64_t first = seconds_ - intervals;
  const uint64_t recent = seconds_ - std::min(intervals, kRateSeconds);
  CallRates rates{.history = std::vector<double>(intervals)};
  SparseHistogram latency;
  uint64_t calls = 0, errors = 0;
  double seconds = 0;
  for (uint64_t second = recent; second < seconds_; ++second) seconds += seconds_at(second);
  each_slice(which, first, [&](const Slice& slice) {
    rates.history[slice.second - first] += slice.calls / seconds_at(slice.second);
    if (slice.second < recent) return;
    calls += slice.calls;
    errors += slice.errors;
    latency.merge(slice.latency);
  });
  if (seconds > 0) {
    rates.calls_per_second = static_cast<double>(calls) / seconds;
    rates.errors_per_second = static_cast<double>(errors) / seconds;
  }
  rates.p50_ns = latency.percentile(0.5);
  rates.p99_ns = latency.percentile(0.99);
  return rates;
}

std::vector<CallSpan> CallHistory::spans(CallsOf which, size_t seconds, size_t most) const {
  const size_t kept = ends_.empty() ? 0 : std::min(ends_.size() - 1, seconds);
  if (kept == 0 || most == 0) return {};
  const size_t length = (kept + most - 1) / most;
  const uint64_t first = seconds_ - kept;
  std::vector<CallSpan> spans((kept + length - 1) / length);
  for (uint64_t second = first; second < seconds_; ++second) {
    CallSpan& span = spans[(second - first) / length];
    span.end = end_of(second);
    span.seconds += seconds_at(second);
  }
  each_slice(which, first, [&](const Slice& slice) {
    CallSpan& span = spans[(slice.second - first) / length];
    span.calls += slice.calls;
    span.errors += slice.errors;
    span.latency.merge(slice.latency);
  });
  return spans;
}

}  // namespace sofa::boot
