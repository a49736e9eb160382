#include "sofa/rpc/stages.h"

#include "sofa/rpc/calls.h"

namespace sofa::rpc {

std::string_view to_string(Stage stage) {
  static constexpr std::array<std::string_view, kStages> kNames = {"choose",    "connect", "arrive",      "queue",         "filters",
                                                                   "serialize", "wait",    "deserialize", "implementation"};
  return kNames[static_cast<size_t>(stage)];
}

CallTimer::CallTimer(CallLog& log, MethodCalls& method, Instant since, Stage stage, uint8_t caller)
    : log_(&log), method_(&method), begun_(since), since_(since), stage_(stage), caller_(caller) {
  ++method.running_;
}

CallTimer::CallTimer(CallTimer&& other) noexcept { *this = std::move(other); }

CallTimer& CallTimer::operator=(CallTimer&& other) noexcept {
  if (log_ != nullptr) end(Code::cancelled);
  log_ = std::exchange(other.log_, nullptr);
  if (log_ == nullptr) return *this;
  method_ = other.method_;
  begun_ = other.begun_;
  since_ = other.since_;
  stage_ = other.stage_;
  caller_ = other.caller_;
  times_ = other.times_;
  return *this;
}

void CallTimer::pass(Stage next) {
  const Instant now = log_->now();
  if (now > since_) {
    times_[static_cast<size_t>(stage_)] += now - since_;
    since_ = now;
  }
  stage_ = next;
}

void CallTimer::finish(Code code, std::string_view message) {
  method_->keep_error(code, message, log_->now());
  finish(static_cast<uint8_t>(code));
}

void CallTimer::finish(uint8_t status) {
  pass(stage_);
  --method_->running_;
  std::exchange(log_, nullptr)->add(*method_, {.status = status, .caller = caller_, .begun = begun_, .took = since_ - begun_, .stages = times_});
}

}  // namespace sofa::rpc
