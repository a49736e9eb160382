#pragma once
// Pace: how fast members that lag are fed, with entries from the disk and with snapshots, while clients write. Without writes nothing is held back.
// While they come, what they take is watched: the pace falls when their p99 grows beyond a bound, and rises slowly while it does not. What they take
// without it is learned whenever nobody is fed; who feeds for long rests now and then for that.

#include <cstdint>

#include "sofa/base/clock.h"
#include "sofa/base/metrics.h"

namespace sofa::raft {

struct PaceOptions {
  uint64_t least = uint64_t{8} << 20;                ///< bytes a second that pass whatever becomes of the writes; zero: no pace, all passes at once
  uint64_t first = uint64_t{32} << 20;               ///< bytes a second at the beginning
  double over_writes = 2;                            ///< it is at least so many times what the writes bring: else who lags never catches up
  double most_growth = 1.5;                          ///< of the p99 of writes; beyond it the pace falls
  double slower = 0.5, faster = 1.1;                 ///< what it is multiplied with after each window
  Duration window = std::chrono::milliseconds(250);  ///< of writes that are judged together
  int rest_after = 14;                               ///< windows of feeding: then nobody is fed for two, the first of which is not counted
};

/// Of one server: what its groups do they do with one disk and one thread. Belongs to the shard.
class Pace {
 public:
  explicit Pace(PaceOptions options) : options_(options) {}
  /// A client's write begins here; it ends.
  void begun(Instant now, uint64_t bytes);
  void done(Instant now, Duration took);
  /// When these bytes may leave for one who lags: now, or later. They are taken as passed.
  Instant admit(Instant now, uint64_t bytes);
  /// Bytes a second; zero: no bound.
  uint64_t rate() const { return is_serving_ ? static_cast<uint64_t>(rate_) : 0; }

 private:
  enum class Window : uint8_t { free, fed, settling, resting };
  void roll(Instant now);
  void judge(Duration length);
  void learn(double p99);

  const PaceOptions options_;
  Histogram writes_;  // ns
  HistogramSnapshot before_{};
  uint64_t bytes_ = 0;  // of this window's writes
  Instant window_begin_{};
  Window window_ = Window::free;
  int fed_windows_ = 0;  // since the last rest
  bool is_serving_ = false;
  double usual_ = 0;  // ns: p99 of writes while nobody is fed; zero: not known
  double rate_ = 0;
  Instant free_at_{};  // when the next byte may leave
};

}  // namespace sofa::raft
