#pragma once
// NodeWatch: watches the nodes that quiet members count on, each node once for all of its members (raft_core/quiet.cpp). Belongs to a shard.

#include <map>
#include <string>
#include <vector>

#include "sofa/base/clock.h"
#include "sofa/io/task.h"
#include "sofa/state/raft/detail/peers.h"

namespace sofa::raft::detail {

class NodeWatch {
 public:
  struct Watcher {
    virtual ~Watcher() = default;
    /// The node answers no more, or its connection has ended, as with a new start. It is not watched for this one any more.
    virtual void node_lost(const std::string& address) = 0;
  };

  /// A node that has not answered for `lost_after` is lost; it is asked every `interval`.
  NodeWatch(Peers& peers, Duration interval, Duration lost_after) : peers_(peers), interval_(interval), lost_after_(lost_after) {}

  void add(Watcher& who, const std::string& address);
  void remove(Watcher& who);
  /// Until its scope is cancelled.
  io::Task<void> run();

 private:
  struct Watched {
    std::vector<Watcher*> watchers{};
    transport::SessionRef session{};  // over which it was last asked
    Instant answered{};
    bool asked = false;
  };
  void look(const std::string& address, Watched& one);
  void lost(const std::string& address);

  Peers& peers_;
  const Duration interval_, lost_after_;
  std::map<std::string, Watched> watched_;
};

}  // namespace sofa::raft::detail
