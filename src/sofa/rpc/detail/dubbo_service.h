#pragma once
// The face of a server's services to Dubbo: finds the method of a request by interface, version, group, name and parameter types, answers `$echo`,
// `$invoke` and lines of text (docs/protocols/dubbo.md, sections 6 to 8).

#include <memory>
#include <string>
#include <vector>

#include "sofa/rpc/detail/dubbo_call.h"

namespace sofa::rpc::detail {

/// The unique name ("interface:version[:unique_id]") of the exported service that a Dubbo consumer means: its group is our unique id, and no version
/// (also "0.0.0") is 1.0, which is what a service has that names none. Empty when there is none.
std::string dubbo_service_name(const ServiceTable& services, const dubbo::Call& call);

/// Serves the requests of all connections, each on its shard. Outlived by the shards.
class DubboService final : public transport::DubboHandler {
 public:
  /// `shard_server` gives what the current shard has. `json` (null: none) knows the messages of protobuf; it outlives this.
  DubboService(std::function<ShardServer&()> shard_server, const grpc::JsonCodec* json) : shard_server_(std::move(shard_server)), json_(json) {}

  void handle(transport::DubboRequest& request, transport::DubboResponder& responder) override;
  Task<std::string> command(std::string line, const io::Address& peer) override;

 private:
  Task<void> run(ShardServer& server, CallsOfShard::Place place, std::unique_ptr<DubboRequestParts> parts, transport::DubboResponder responder,
                 const MethodEntry& entry, Deadline deadline, CallTimer timer);
  const std::function<ShardServer&()> shard_server_;
  const grpc::JsonCodec* const json_;
};

}  // namespace sofa::rpc::detail
