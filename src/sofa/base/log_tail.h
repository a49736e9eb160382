#pragma once
// LogTail: the last lines of the process's log, kept in memory for who looks in later.

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "sofa/base/clock.h"
#include "sofa/base/log.h"

namespace sofa {

/// A line that is kept.
struct KeptLogLine {
  uint64_t number = 0;  ///< from 1, without gaps
  WallTime at{};
  LogLevel level{};
  std::string space{};
  std::string text{};  ///< event and fields
};

/// Any thread.
class LogTail final : public LogSink {
 public:
  struct Options {
    size_t lines = 5'000;
    size_t bytes = size_t{2} << 20;  ///< of texts; over either bound the oldest lines go
  };
  LogTail() : LogTail(Options{}) {}
  explicit LogTail(Options options, const Clock& clock = SystemClock::instance()) : options_(options), clock_(clock) {}

  /// A new one that is the process's tap (set_log_tap).
  static std::shared_ptr<LogTail> install();

  void write(const LogLine& line) override;
  /// Lines with greater numbers than `after`, oldest first: the first `most` of them.
  std::vector<KeptLogLine> after(uint64_t after, size_t most) const;
  /// Of the last line; zero when there was none.
  uint64_t last() const;

 private:
  const Options options_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::deque<KeptLogLine> lines_;
  size_t bytes_ = 0;
  uint64_t last_ = 0;
};

}  // namespace sofa
