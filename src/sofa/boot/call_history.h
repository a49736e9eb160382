#pragma once
// CallHistory: the calls of a server over the last minutes, second by second and by method. Made of snapshots of rpc::Calls that are taken about once
// a second. Pure.
//
//   history.add(co_await or_return(calls.read()));
//   const CallRates rates = history.rates({.service = "bank.Ledger:1.0"});
//
// Memory: a second without calls of a method costs nothing; one with calls about 0.4 KiB.

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sofa/base/clock.h"
#include "sofa/base/sparse_histogram.h"
#include "sofa/rpc/calls.h"

namespace sofa::boot {

struct CallHistoryOptions {
  size_t seconds = 300;  ///< how far it reaches back
  size_t methods = 128;  ///< that are kept apart; further ones count in the sums alone
};

/// Which calls: all, those of a service (unique name), those of one of its methods: a method is named with its service.
struct CallsOf {
  std::string_view service{}, method{};
};

/// How calls do now: over the last 10 seconds.
struct CallRates {
  double calls_per_second = 0, errors_per_second = 0;
  uint64_t p50_ns = 0, p99_ns = 0;
  std::vector<double> history{};  ///< calls a second, one value a second, the last 60, oldest first
};

/// Calls that ended within some seconds.
struct CallSpan {
  Instant end{};
  double seconds = 0;  ///< how long it is
  uint64_t calls = 0, errors = 0;
  SparseHistogram latency{};
};

class CallHistory {
 public:
  explicit CallHistory(CallHistoryOptions options = {}) : options_(options) {}
  /// What has ended since the snapshot before; the first one is only looked at. Of servers alone.
  void add(rpc::CallsSnapshot now);
  CallRates rates(CallsOf which) const;
  /// The last so many seconds in spans of one length, at most `most` of them, oldest first.
  std::vector<CallSpan> spans(CallsOf which, size_t seconds, size_t most) const;
  /// The last snapshot: what was counted in all, by method.
  const rpc::CallsSnapshot& latest() const { return before_; }

 private:
  /// Calls that ended between two snapshots.
  struct Slice {
    uint64_t second = 0;  // the snapshot's number
    uint32_t calls = 0, errors = 0;
    SparseHistogram latency{};
  };
  using Slices = std::deque<Slice>;  // ascending
  using Name = std::pair<std::string, std::string>;

  static void add_to(Slices& slices, uint64_t second, const Slice& grown);
  void forget_before(uint64_t second);
  Slices* slices_of(const rpc::MethodKey& key);
  template <class F>
  void each_slice(CallsOf which, uint64_t from, F&& visit) const;
  Instant end_of(uint64_t second) const;
  /// How long it is behind the one before, in seconds. Not of the first that is kept.
  double seconds_at(uint64_t second) const;

  const CallHistoryOptions options_;
  rpc::CallsSnapshot before_{};
  uint64_t seconds_ = 0;      // snapshots
  std::deque<Instant> ends_;  // of the last ones, one more than are kept
  Slices all_;
  std::map<Name, Slices, std::less<>> by_method_;
};

}  // namespace sofa::boot
