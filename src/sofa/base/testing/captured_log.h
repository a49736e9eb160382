#pragma once
// For tests: catches every line logged while it lives, instead of stderr.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sofa/base/log.h"

namespace sofa {

/// One at a time in a process; make it before the threads that log, destroy it after they joined.
class CapturedLog {
 public:
  CapturedLog();
  CapturedLog(const CapturedLog&) = delete;
  CapturedLog& operator=(const CapturedLog&) = delete;
  ~CapturedLog();

  /// The lines so far, as "warn transport connection closed peer=...". Any thread.
  std::vector<std::string> lines() const;
  /// How many lines contain the text.
  size_t count(std::string_view text) const;
  bool contains(std::string_view text) const { return count(text) > 0; }

 private:
  class Sink;
  std::shared_ptr<Sink> sink_;
  std::shared_ptr<LogSink> former_;
};

}  // namespace sofa
