#include "sofa/rpc/calls.h"

#include <algorithm>

#include "sofa/base/utf8.h"

namespace sofa::rpc {

namespace {

constexpr std::string_view kOthers = "(others)";
constexpr size_t kMostCallerName = 128;
constexpr size_t kMostMessage = 256;
constexpr size_t kMostCallers = 254;  // beside those without a name and the others: an index has one byte

/// Callers write their names: short ones in UTF-8 are kept.
std::string_view shown_name(std::string_view app) {
  app = app.substr(0, kMostCallerName);
  for (int cut = 0; cut < 3 && app.size() + static_cast<size_t>(cut) == kMostCallerName && !is_utf8(app); ++cut) app.remove_suffix(1);
  return is_utf8(app) ? app : "(not UTF-8)";
}

void add(StageTimes& sum, const StageTimes& times) {
  for (size_t i = 0; i < kStages; ++i) sum[i] += times[i];
}

void add(std::vector<CallerCalls>& all, const CallerCalls& one) {
  const auto known = std::ranges::find(all, one.app, &CallerCalls::app);
  if (known == all.end()) return all.push_back(one);
  known->calls += one.calls;
  known->errors += one.errors;
  known->time += one.time;
}

/// The place of a code's last error, made when it is new.
LastError& last_error(std::vector<LastError>& all, Code code) {
  const auto known = std::ranges::find(all, code, &LastError::code);
  return known == all.end() ? all.emplace_back(LastError{.code = code}) : *known;
}

}  // namespace

std::string_view to_string(CallSide side) { return side == CallSide::server ? "server" : "client"; }

std::string_view to_string(CallProtocol protocol) {
  static constexpr std::array<std::string_view, kCallProtocols> kNames = {"bolt", "dubbo", "grpc", "triple", "http", "in-process"};
  return kNames[static_cast<size_t>(protocol)];
}

void MethodSnapshot::merge(MethodSnapshot other) {
  running += other.running;
  for (size_t i = 0; i < statuses.size(); ++i) statuses[i] += other.statuses[i];
  latency.merge(other.latency);
  add(stages, other.stages);
  for (const CallerCalls& caller : other.callers) add(callers, caller);
  for (LastError& error : other.last_errors) {
    LastError& known = last_error(last_errors, error.code);
    if (known.at <= error.at) known = std::move(error);
  }
  most_slowest = std::max(most_slowest, other.most_slowest);
  std::ranges::move(other.slowest, std::back_inserter(slowest));
  std::ranges::sort(slowest, std::greater(), &SlowCall::took);
  if (slowest.size() > most_slowest) slowest.resize(most_slowest);
}

MethodCalls::MethodCalls(uint32_t index, MethodKey key, const CallsOptions& options) : index_(index), key_(std::move(key)), options_(options) {
  callers_.emplace_back();  // those without a name
  slow_.reserve(options.slowest);
  slow_before_.reserve(options.slowest);
}

uint8_t MethodCalls::find_caller(std::string_view app) {
  app = shown_name(app);
  auto found = std::ranges::find(callers_, app, &CallerCalls::app);
  if (found == callers_.end()) {
    const bool full = callers_.size() > std::min(options_.callers, kMostCallers);
    if (full) found = std::ranges::find(callers_, kOthers, &CallerCalls::app);
    if (found == callers_.end()) found = callers_.insert(found, CallerCalls{.app = std::string(full ? kOthers : app)});
  }
  return last_caller_ = static_cast<uint8_t>(found - callers_.begin());
}

void MethodCalls::count(const CallRecord& record) {
  ++statuses_[record.status];
  latency_.record(static_cast<uint64_t>(record.took.count()));
  add(stages_, record.stages);
  CallerCalls& caller = callers_[record.caller];
  ++caller.calls;
  if (record.status != 0) ++caller.errors;
  caller.time += record.took;
  if (record.took > slow_from_ || record.begun >= window_end_) keep_slow(record);
}

void MethodCalls::keep_slow(const CallRecord& record) {
  if (record.begun >= window_end_) {
    window_end_ = record.begun + options_.slowest_window;
    std::swap(slow_before_, slow_);
    slow_.clear();
    slow_from_ = Duration(-1);
  }
  if (options_.slowest == 0) return;
  if (slow_.size() == options_.slowest) {
    *std::ranges::min_element(slow_, {}, &CallRecord::took) = record;
  } else {
    slow_.push_back(record);
  }
  if (slow_.size() == options_.slowest) slow_from_ = std::ranges::min_element(slow_, {}, &CallRecord::took)->took;
}

void MethodCalls::keep_error(Code code, std::string_view message, Instant at) {
  LastError& last = last_error(last_errors_, code);
  last.message = message.substr(0, kMostMessage);
  last.at = at;
}

MethodSnapshot MethodCalls::read(Instant now) const {
  MethodSnapshot snapshot{.key = key_,
                          .running = running_,
                          .statuses = statuses_,
                          .latency = latency_.read(),
                          .stages = stages_,
                          .callers = callers_,
                          .most_slowest = options_.slowest,
                          .last_errors = last_errors_};
  const Instant oldest = now - 2 * options_.slowest_window;
  for (const auto* window : {&slow_, &slow_before_}) {
    for (const CallRecord& record : *window) {
      if (record.begun >= oldest) snapshot.slowest.push_back({record, callers_[record.caller].app});
    }
  }
  std::ranges::sort(snapshot.slowest, std::greater(), &SlowCall::took);
  if (snapshot.slowest.size() > options_.slowest) snapshot.slowest.resize(options_.slowest);
  return snapshot;
}

CallLog::CallLog(CallsOptions options, const Clock& clock) : options_(options), time_(clock), ring_(std::max<size_t>(options.recent, 1)) {}

MethodCalls& CallLog::method(CallSide side, CallProtocol protocol, std::string_view service, std::string_view method) {
  MethodKey key{side, protocol, std::string(service), std::string(method)};
  if (const auto known = by_key_.find(key); known != by_key_.end()) return *known->second;
  if (methods_.size() >= options_.methods) key = {side, protocol, std::string(kOthers), std::string(kOthers)};
  MethodCalls*& row = by_key_[key];
  if (row == nullptr) {
    row = methods_.emplace_back(std::make_unique<MethodCalls>(static_cast<uint32_t>(methods_.size()), std::move(key), options_)).get();
  }
  return *row;
}

void CallLog::add(MethodCalls& method, CallRecord record) {
  record.method = method.index_;
  method.count(record);
  ring_[ended_++ % ring_.size()] = record;
}

std::vector<MethodSnapshot> CallLog::read() {
  std::vector<MethodSnapshot> rows;
  for (const auto& [key, row] : by_key_) rows.push_back(row->read(now()));
  return rows;
}

std::vector<CallRecord> CallLog::recent(size_t most) const {
  std::vector<CallRecord> records;
  const uint64_t kept = std::min<uint64_t>(ended_, ring_.size());
  for (uint64_t back = 1; back <= std::min<uint64_t>(kept, most); ++back) records.push_back(ring_[(ended_ - back) % ring_.size()]);
  return records;
}

std::vector<LastCall> CallLog::last(size_t most) const {
  std::vector<LastCall> calls;
  for (const CallRecord& record : recent(most)) {
    const MethodCalls& row = *methods_[record.method];
    calls.push_back({{record, row.callers_[record.caller].app}, row.key()});
  }
  return calls;
}

CallLog& Calls::here() {
  io::Shard& shard = io::Shard::current();
  const std::lock_guard lock(mutex_);
  auto& log = logs_[&shard];
  if (log == nullptr) log = std::make_unique<CallLog>(options_, shard.clock());
  return *log;
}

std::vector<std::pair<io::Shard*, CallLog*>> Calls::logs() {
  const std::lock_guard lock(mutex_);
  std::vector<std::pair<io::Shard*, CallLog*>> logs;
  for (const auto& [shard, log] : logs_) logs.emplace_back(shard, log.get());
  return logs;
}

io::Task<Result<std::vector<LastCall>>> Calls::last(size_t most) {
  std::vector<LastCall> all;
  for (const auto& [shard, log] : logs()) {
    const auto read_there = [log, most]() -> io::Task<Result<std::vector<LastCall>>> { co_return log->last(most); };
    std::ranges::move(co_await io::or_return(io::on(*shard, read_there)), std::back_inserter(all));
  }
  std::ranges::sort(all, std::greater(), &LastCall::begun);
  if (all.size() > most) all.resize(most);
  co_return all;
}

io::Task<Result<CallsSnapshot>> Calls::read() {
  std::map<MethodKey, MethodSnapshot> merged;
  for (const auto& [shard, log] : logs()) {
    const auto read_there = [log]() -> io::Task<Result<std::vector<MethodSnapshot>>> { co_return log->read(); };
    for (MethodSnapshot& row : co_await io::or_return(io::on(*shard, read_there))) {
      const auto [place, is_new] = merged.try_emplace(row.key, std::move(row));
      if (!is_new) place->second.merge(std::move(row));
    }
  }
  CallsSnapshot snapshot{.at = io::Shard::current().clock().now_monotonic(), .methods = {}};
  for (auto& [key, row] : merged) snapshot.methods.push_back(std::move(row));
  co_return snapshot;
}

}  // namespace sofa::rpc
