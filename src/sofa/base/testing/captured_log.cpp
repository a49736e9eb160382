#include "sofa/base/testing/captured_log.h"

#include <algorithm>
#include <mutex>

namespace sofa {

class CapturedLog::Sink : public LogSink {
 public:
  void write(const LogLine& line) override {
    std::lock_guard lock(mutex_);
    lines_.push_back(fmt::format("{} {} {}", to_string(line.level), line.space, line.text));
  }
  std::vector<std::string> lines() const {
    std::lock_guard lock(mutex_);
    return lines_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

CapturedLog::CapturedLog() : sink_(std::make_shared<Sink>()), former_(set_log_sink(sink_)) {}

CapturedLog::~CapturedLog() { set_log_sink(std::move(former_)); }

std::vector<std::string> CapturedLog::lines() const { return sink_->lines(); }

size_t CapturedLog::count(std::string_view text) const {
  return static_cast<size_t>(std::ranges::count_if(lines(), [&](const std::string& line) { return line.contains(text); }));
}

}  // namespace sofa
