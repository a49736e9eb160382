#pragma once
// The stages of a call: how long it was in each of them, on either side and over every protocol. What becomes of the times: calls.h.

#include <array>
#include <cstdint>
#include <string_view>

#include "sofa/base/clock.h"
#include "sofa/base/error.h"

namespace sofa::rpc {

/// What a call is busy with. A stage that a call does not come to takes no time; one that it comes to twice takes the sum.
enum class Stage : uint8_t {
  choose,          ///< client: routers and balancer
  connect,         ///< client: waits for a connection, when there is none
  arrive,          ///< server: since the turn of the loop that read it began: the requests that were read before it
  queue,           ///< server: waits for its task, or for a thread of its service's pool
  filters,         ///< both: in filters, before and after what they stand around
  serialize,       ///< both: writes the request, or the answer into the connection's buffer, which leaves at the end of the turn
  wait,            ///< client: sent, until the answer is read; over gRPC with what connecting takes
  deserialize,     ///< both: reads the arguments, or the answer
  implementation,  ///< server: in the service's own code, with what that waits for
};
inline constexpr size_t kStages = 9;

/// "choose", "connect" ...
std::string_view to_string(Stage stage);

/// Time in each stage.
using StageTimes = std::array<Duration, kStages>;

class CallLog;
class MethodCalls;

/// The stages of one call that runs: told of each as it begins, it hands the times to its log when the call ends. Lives on the log's shard, and its
/// log longer. One that was not begun, or was moved from, measures nothing and costs a branch.
class CallTimer {
 public:
  CallTimer() = default;
  /// The call has been in `stage` since `since`. `caller`: which of the method's callers (MethodCalls::caller).
  CallTimer(CallLog& log, MethodCalls& method, Instant since, Stage stage, uint8_t caller = 0);
  CallTimer(CallTimer&& other) noexcept;
  CallTimer& operator=(CallTimer&& other) noexcept;
  /// A call that is dropped before its end was cancelled.
  ~CallTimer() {
    if (log_ != nullptr) end(Code::cancelled);
  }

  /// From now on the call is in `stage`.
  void enter(Stage stage) {
    if (log_ != nullptr) pass(stage);
  }
  /// Moves time from a stage that is over to another: work of another thread, which has measured itself.
  void attribute(Duration time, Stage from, Stage to) {
    times_[static_cast<size_t>(from)] -= time;
    times_[static_cast<size_t>(to)] += time;
  }
  /// The call was answered, well or with an error. Later calls do nothing.
  void end_well() {
    if (log_ != nullptr) finish(0);
  }
  void end(Code code, std::string_view message = {}) {
    if (log_ != nullptr) finish(code, message);
  }
  template <class T>
  void end(const Result<T>& done) {
    done ? end_well() : end(done.error().code(), done.error().message());
  }
  /// So far; all of them once the call has ended.
  const StageTimes& times() const { return times_; }

 private:
  void pass(Stage next);
  void finish(uint8_t status);
  void finish(Code code, std::string_view message);

  CallLog* log_ = nullptr;
  MethodCalls* method_ = nullptr;
  Instant begun_{}, since_{};
  Stage stage_{};
  uint8_t caller_ = 0;
  StageTimes times_{};
};

}  // namespace sofa::rpc
