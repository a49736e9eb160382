#pragma once
// What a server and its clients have done, by method: counts, latencies, stages, and the slowest calls with their stages. `sofa top` shows it.
//
//   auto calls = std::make_shared<rpc::Calls>();
//   rpc::Server(rpc::ServerOptions{.calls = calls}) ...                     // a server has its own unless it is given one
//   rpc::connect<Ledger>(target, {.calls = calls});                         // a client has none unless it is given one
//   for (const rpc::MethodSnapshot& method : (co_await or_return(calls->read())).methods) ...
//
// Each shard writes a log of its own, without locks, in fixed memory; a call costs less than 100 ns (docs/benchmarks.md). A client's calls are its
// attempts: one that is repeated at another provider counts twice.

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sofa/base/fast_clock.h"
#include "sofa/base/metrics.h"
#include "sofa/io/shard.h"
#include "sofa/io/task.h"
#include "sofa/rpc/stages.h"

namespace sofa::rpc {

enum class CallSide : uint8_t { server, client };
/// `grpc`: methods of protobuf messages, gRPC-Web and Connect included; `triple`: those of Java types, in its wrapper messages; `http`: SOFARPC's
/// calls over HTTP, and REST routes that are bound to methods; `in_process`: without any (in_process.h).
enum class CallProtocol : uint8_t { bolt, dubbo, grpc, triple, http, in_process };
inline constexpr size_t kCallProtocols = 6;

std::string_view to_string(CallSide side);
std::string_view to_string(CallProtocol protocol);

struct CallsOptions {
  size_t recent = 1024;                                ///< calls that the ring of a shard keeps
  size_t methods = 512;                                ///< rows of a shard, about 11 KiB each; calls of further methods count in one row "(others)"
  size_t callers = 16;                                 ///< applications that are told apart for each method, at most 254; further ones are "(others)"
  size_t slowest = 8;                                  ///< calls kept for each method
  Duration slowest_window = std::chrono::seconds(60);  ///< a slowest call is kept for one to two of these
};

/// A row: calls of one method on one side over one protocol. Overloads are one method.
struct MethodKey {
  CallSide side{};
  CallProtocol protocol{};
  std::string service{};  ///< unique name
  std::string method{};
  auto operator<=>(const MethodKey&) const = default;
};

/// A call that has ended.
struct CallRecord {
  uint32_t method = 0;  ///< the row in its shard's log
  uint8_t status = 0;   ///< 0: answered well; else the Code
  uint8_t caller = 0;   ///< the row's
  Instant begun{};      ///< on the shard's clock
  Duration took{};
  StageTimes stages{};
};

/// One of the slowest calls, with the name of its caller.
struct SlowCall : CallRecord {
  std::string app{};
};

/// One of the last calls.
struct LastCall : SlowCall {
  MethodKey key{};
};

/// Calls of one application (header `app`), empty for those that sent no name.
struct CallerCalls {
  std::string app;
  uint64_t calls = 0;
  uint64_t errors = 0;
  Duration time{};  ///< of all its calls
};

/// The last call that ended with a code.
struct LastError {
  Code code{};
  std::string message{};  ///< the first 256 bytes; empty when there was none to keep
  Instant at{};
};

inline constexpr size_t kCallStatuses = 17;  // 0: well; else a Code

/// One row as it was when it was read; those of several shards merged.
struct MethodSnapshot {
  MethodKey key;
  uint64_t running = 0;
  std::array<uint64_t, kCallStatuses> statuses{};  ///< ended calls
  HistogramSnapshot latency{};                     ///< of them, in ns
  StageTimes stages{};                             ///< of all of them
  std::vector<CallerCalls> callers{};              ///< a server's
  std::vector<SlowCall> slowest{};                 ///< longest first, as many as a shard keeps
  size_t most_slowest = 0;
  std::vector<LastError> last_errors{};  ///< of the codes that have occurred

  uint64_t calls() const { return latency.count(); }
  uint64_t errors() const { return calls() - statuses[0]; }
  void merge(MethodSnapshot other);
};

struct CallsSnapshot {
  Instant at{};
  std::vector<MethodSnapshot> methods;  ///< by key
};

/// One row of one shard, in its log.
class MethodCalls {
 public:
  MethodCalls(uint32_t index, MethodKey key, const CallsOptions& options);

  /// Which of the callers this is. Cheap for one that calls again and again.
  uint8_t caller(std::string_view app) { return app == callers_[last_caller_].app ? last_caller_ : find_caller(app); }
  const MethodKey& key() const { return key_; }
  MethodSnapshot read(Instant now) const;

 private:
  friend class CallLog;
  friend class CallTimer;
  uint8_t find_caller(std::string_view app);
  void count(const CallRecord& record);
  void keep_slow(const CallRecord& record);
  void keep_error(Code code, std::string_view message, Instant at);

  const uint32_t index_;
  const MethodKey key_;
  const CallsOptions& options_;
  uint64_t running_ = 0;
  std::array<uint64_t, kCallStatuses> statuses_{};
  StageTimes stages_{};
  Histogram latency_;
  std::vector<CallerCalls> callers_;
  uint8_t last_caller_ = 0;
  // The slowest of this window, in no order, and of the one before.
  std::vector<CallRecord> slow_, slow_before_;
  Instant window_end_{};
  Duration slow_from_{};  // what a call must take to be one of them
  std::vector<LastError> last_errors_;
};

/// The calls of one shard. Pure but for the clock that it is given; belongs to the shard.
class CallLog {
 public:
  /// `clock` outlives it.
  CallLog(CallsOptions options, const Clock& clock);

  Instant now() { return time_.now(); }
  /// The row of a method, made when it is new; it stays where it is.
  MethodCalls& method(CallSide side, CallProtocol protocol, std::string_view service, std::string_view method);
  /// A call has ended.
  void add(MethodCalls& method, CallRecord record);

  std::vector<MethodSnapshot> read();
  /// The last calls of all methods, the latest first, at most `most`; `CallRecord::method` is a number of key_of.
  std::vector<CallRecord> recent(size_t most) const;
  /// The same with their names.
  std::vector<LastCall> last(size_t most) const;
  const MethodKey& key_of(uint32_t method) const { return methods_[method]->key(); }

 private:
  const CallsOptions options_;
  FastClock time_;
  std::vector<std::unique_ptr<MethodCalls>> methods_;
  std::map<MethodKey, MethodCalls*> by_key_;
  std::vector<CallRecord> ring_;
  uint64_t ended_ = 0;
};

/// The logs of the shards of one runtime, shared by the servers and clients on them. Any thread, unless said otherwise.
class Calls {
 public:
  explicit Calls(CallsOptions options = {}) : options_(options) {}
  /// The log of the current shard; the same one every time.
  CallLog& here();
  /// All shards, merged. From any shard.
  io::Task<Result<CallsSnapshot>> read();
  /// The last calls that have ended, of all shards, by their begin, the latest first, at most `most`. From any shard.
  io::Task<Result<std::vector<LastCall>>> last(size_t most);

 private:
  std::vector<std::pair<io::Shard*, CallLog*>> logs();

  const CallsOptions options_;
  std::mutex mutex_;
  std::map<io::Shard*, std::unique_ptr<CallLog>> logs_;
};

}  // namespace sofa::rpc
