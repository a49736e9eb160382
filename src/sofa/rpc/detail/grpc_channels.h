#pragma once
// The gRPC channels of a client, one to each provider.

#include <memory>
#include <vector>

#include "sofa/grpc/client.h"

namespace sofa::rpc::detail {

/// Belongs to the client's shard. Must be closed before it is destroyed.
class GrpcChannels {
 public:
  explicit GrpcChannels(grpc::ChannelOptions options) : options_(std::move(options)) {}

  /// Made when it is asked for first.
  grpc::Channel& to(const io::Address& address) {
    for (const auto& peer : peers_) {
      if (peer->address == address) return peer->channel;
    }
    return peers_.emplace_back(std::make_unique<Peer>(address, options_))->channel;
  }
  io::Task<void> close() {
    for (const auto& peer : peers_) co_await peer->channel.close();
  }

 private:
  struct Peer {
    Peer(const io::Address& at, const grpc::ChannelOptions& options) : address(at), channel(at, options) {}
    const io::Address address;
    grpc::Channel channel;
  };
  const grpc::ChannelOptions options_;
  std::vector<std::unique_ptr<Peer>> peers_;  // few
};

}  // namespace sofa::rpc::detail
