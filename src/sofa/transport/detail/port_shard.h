#pragma once
// The part of a port on one shard: its connections.

#include <vector>

#include "sofa/io/task_group.h"
#include "sofa/transport/detail/identify.h"
#include "sofa/transport/port.h"

namespace sofa::transport::detail {

/// Made, used and destroyed on its shard.
class PortShard {
 public:
  explicit PortShard(PortShared& shared) : shared_(shared) {}

  /// Serves an accepted connection; the caller has counted it in shared.open.
  void take(io::AcceptedSocket socket);
  /// Tells every connection, waits for their end, cancels what is left after drain_timeout.
  io::Task<Result<int>> stop();
  ServerStats stats() const;
  /// As Port::connections.
  std::vector<ConnectionSnapshot> connections(uint64_t from, size_t most) const;

 private:
  io::Task<void> serve(io::AcceptedSocket socket);
  io::Task<CloseKind> serve_stream(io::Stream stream);
  void log_refusal(const Identified& connection, const io::Address& peer);
  class Listed;

  PortShared& shared_;
  bool draining_ = false;
  std::vector<Listed*> connections_;
  uint64_t accepted_ids_ = 0;  // given to connections of this shard
  ServerStats ended_;          // without what open connections have counted
  io::TaskGroup group_;
};

}  // namespace sofa::transport::detail
