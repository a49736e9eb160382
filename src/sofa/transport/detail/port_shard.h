#pragma once
// The part of a port on one shard: its connections, and the detection of their protocol.

#include <atomic>
#include <vector>

#include "sofa/base/log.h"
#include "sofa/io/task_group.h"
#include "sofa/transport/port.h"

namespace sofa::transport::detail {

/// What the shards of one port have in common.
struct PortShared {
  PortShared(std::vector<Protocol*> list, PortOptions port_options)
      : protocols(std::move(list)), options(std::move(port_options)), refusal_log(options.log_lines_per_second) {}
  const std::vector<Protocol*> protocols;
  const PortOptions options;
  std::atomic<uint32_t> open{0};  // accepted and not yet ended, on all shards
  LogRate refusal_log;
};

/// Made, used and destroyed on its shard.
class PortShard {
 public:
  explicit PortShard(PortShared& shared) : shared_(shared) {}

  /// Serves an accepted connection; the caller has counted it in shared.open.
  void take(io::AcceptedSocket socket);
  /// Tells every connection, waits for their end, cancels what is left after drain_timeout.
  io::Task<Result<int>> stop();
  ServerStats stats() const;

 private:
  io::Task<void> serve(io::AcceptedSocket socket);
  io::Task<CloseKind> serve_stream(io::Stream stream);
  class Listed;
  void list(Connection& connection);
  void unlist(Connection& connection);

  PortShared& shared_;
  bool draining_ = false;
  std::vector<Connection*> connections_;
  ServerStats ended_;  // without what open connections have counted
  io::TaskGroup group_;
};

}  // namespace sofa::transport::detail
