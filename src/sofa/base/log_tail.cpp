#include "sofa/base/log_tail.h"

#include <algorithm>

namespace sofa {

std::shared_ptr<LogTail> LogTail::install() {
  auto tail = std::make_shared<LogTail>();
  set_log_tap(tail);
  return tail;
}

void LogTail::write(const LogLine& line) {
  const std::lock_guard lock(mutex_);
  bytes_ += line.space.size() + line.text.size();
  lines_.push_back({++last_, clock_.now_wall(), line.level, std::string(line.space), std::string(line.text)});
  while (!lines_.empty() && (lines_.size() > options_.lines || bytes_ > options_.bytes)) {
    bytes_ -= lines_.front().space.size() + lines_.front().text.size();
    lines_.pop_front();
  }
}

std::vector<KeptLogLine> LogTail::after(uint64_t after, size_t most) const {
  const std::lock_guard lock(mutex_);
  const auto first = std::ranges::upper_bound(lines_, after, {}, &KeptLogLine::number);
  const size_t count = std::min(most, static_cast<size_t>(lines_.end() - first));
  return {first, first + static_cast<ptrdiff_t>(count)};
}

uint64_t LogTail::last() const {
  const std::lock_guard lock(mutex_);
  return last_;
}

}  // namespace sofa
