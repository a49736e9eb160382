#pragma once
// ServerMetrics: what is counted of all groups of a server, and which of them are counted in detail. Belongs to a shard.
//
// Nothing is counted in detail before somebody has read metrics, or once nobody has for a while. Then a group that writes entries gets its details,
// up to a bound, and one that is asked for by name in any case; one that has been idle for long gives them back.

#include <memory>
#include <set>
#include <span>
#include <vector>

#include "sofa/base/metrics.h"
#include "sofa/state/log/stats.h"
#include "sofa/state/raft/detail/group_metrics.h"

namespace sofa::raft::detail {

class NodeImpl;

class ServerMetrics {
 public:
  static constexpr size_t kMostDetailed = 64;                      ///< groups, each at most 0.3 MiB
  static constexpr Duration kForgotten = std::chrono::minutes(5);  ///< without a reader
  static constexpr Duration kIdle = std::chrono::minutes(15);      ///< without an entry, or a question for this group

  /// Of a group that writes entries; null while nobody wants to know, and past the bound.
  std::unique_ptr<GroupMetrics> begin(Instant now) { return wanted_ && detailed_ < kMostDetailed ? make(now) : nullptr; }
  /// Of one that was asked for; null past the bound.
  std::unique_ptr<GroupMetrics> begin_asked(Instant now);
  void ended() { --detailed_; }

  /// All values, by name. `all`: every member of the server.
  std::vector<MetricValue> read(std::span<NodeImpl* const> all, const std::string& address, const log::LogStats& log, Instant now);
  /// Once in a while: gives back what nobody wants any more.
  void tidy(std::span<NodeImpl* const> all, Instant now);
  bool is_wanted() const { return wanted_; }

  uint64_t elections = 0;       ///< that members here have begun
  uint64_t stalled = 0;         ///< see Core::stalled
  std::set<NodeImpl*> awake{};  ///< members that are not quiet

 private:
  std::unique_ptr<GroupMetrics> make(Instant now);

  bool wanted_ = false;
  Instant read_at_{};
  size_t detailed_ = 0;
};

}  // namespace sofa::raft::detail
