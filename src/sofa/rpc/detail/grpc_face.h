#pragma once
// gRPC on a server: the methods of its services by path, each call on the ShardServer of its connection's shard. Methods of protobuf messages are
// gRPC's own, all others speak Triple's wrapper messages.

#include <memory>
#include <vector>

#include "sofa/grpc/server.h"
#include "sofa/rpc/detail/shard_server.h"

namespace sofa::rpc::detail {

class GrpcFace {
 public:
  using Shards = std::vector<std::unique_ptr<ShardServer>>;
  /// `shards` outlives it.
  GrpcFace(const ServerOptions& options, const Shards& shards);
  ~GrpcFace();

  /// Takes the methods in that all shards have; once, when they have their services. Fails when two methods of one path differ in kind.
  Result<void> add_methods();
  grpc::Server& server() { return server_; }
  const grpc::Server& server() const { return server_; }

 private:
  struct Path;
  const Shards& shards_;
  std::vector<std::unique_ptr<Path>> paths_;
  grpc::Server server_;
};

}  // namespace sofa::rpc::detail
