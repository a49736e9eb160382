#include "sofa/state/raft/pace.h"

#include <algorithm>

namespace sofa::raft {

namespace {
double seconds(Duration of) { return std::chrono::duration<double>(of).count(); }
}  // namespace

void Pace::begun(Instant now, uint64_t bytes) {
  roll(now);
  bytes_ += bytes;
  is_serving_ = true;
}

void Pace::done(Instant now, Duration took) {
  roll(now);
  writes_.record(static_cast<uint64_t>(std::max(took, Duration()).count()));
}

Instant Pace::admit(Instant now, uint64_t bytes) {
  roll(now);
  if (options_.least == 0 || !is_serving_) return now;
  if (window_ == Window::free) {
    // Nothing is known yet of writes that have just begun: listen first.
    window_ = usual_ == 0 ? Window::settling : Window::fed;
    if (rate_ == 0) rate_ = static_cast<double>(options_.first);
    fed_windows_ = 0;
  }
  free_at_ = std::max(free_at_, now);
  if (window_ == Window::settling) free_at_ = std::max(free_at_, window_begin_ + 2 * options_.window);
  if (window_ == Window::resting) free_at_ = std::max(free_at_, window_begin_ + options_.window);
  const Instant begin = free_at_;
  free_at_ += Duration(static_cast<int64_t>(static_cast<double>(bytes) / rate_ * 1e9));
  return begin;
}

void Pace::roll(Instant now) {
  const Duration length = now - window_begin_;
  if (length < options_.window) return;
  judge(length);
  window_begin_ = now;
  bytes_ = 0;
}

/// Of a window in which nobody was fed.
void Pace::learn(double p99) { usual_ = usual_ == 0 ? p99 : 0.7 * usual_ + 0.3 * p99; }

void Pace::judge(Duration length) {
  const HistogramSnapshot all = writes_.read(), writes = all.since(before_);
  before_ = all;
  is_serving_ = writes.count() > 0;
  if (!is_serving_) {
    window_ = Window::free;
    return;
  }
  const auto p99 = static_cast<double>(writes.percentile(0.99));
  const double least = std::max(static_cast<double>(options_.least), options_.over_writes * static_cast<double>(bytes_) / seconds(length));
  switch (window_) {
    case Window::free:
      learn(p99);
      return;
    case Window::fed:
      rate_ = std::max(least, rate_ * (p99 > options_.most_growth * usual_ ? options_.slower : options_.faster));
      if (free_at_ < window_begin_) {  // nobody was fed
        window_ = Window::free;
        return;
      }
      if (++fed_windows_ >= options_.rest_after) window_ = Window::settling;
      return;
    case Window::settling:
      window_ = Window::resting;
      return;
    case Window::resting:
      learn(p99);
      window_ = Window::fed;
      fed_windows_ = 0;
      return;
  }
}

}  // namespace sofa::raft
