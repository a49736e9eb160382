#pragma once
// The gRPC channels of a client, one to each provider.

#include <algorithm>
#include <functional>
#include <memory>
#include <vector>

#include "sofa/grpc/client.h"
#include "sofa/io/task_group.h"
#include "sofa/rpc/detail/client_protocol.h"

namespace sofa::rpc::detail {

/// Belongs to the client's shard. Must be closed before it is destroyed.
class GrpcChannels {
 public:
  explicit GrpcChannels(grpc::ChannelOptions options) : options_(std::move(options)) {}

  /// Made when it is asked for first. It is in use as long as the caller keeps it. After close() there is none any more.
  Result<std::shared_ptr<grpc::Channel>> to(const io::Address& address) {
    if (closed_) return fail(Code::cancelled, "{}", kClientDestroyed);
    auto peer = std::ranges::find(peers_, address, &Peer::address);
    if (peer == peers_.end()) peer = peers_.insert(peer, {.address = address, .channel = std::make_shared<grpc::Channel>(address, options_)});
    peer->asked = io::Shard::current().now();
    return peer->channel;
  }
  /// Closes the channels that are not in use, were not asked for since `before`, and that `keep` does not hold.
  void forget_unused(Instant before, const std::function<bool(const io::Address&)>& keep) {
    const auto unused =
        std::ranges::partition(peers_, [&](const Peer& peer) { return peer.asked >= before || peer.channel.use_count() > 1 || keep(peer.address); });
    for (Peer& peer : unused) closing_.spawn("grpc channel end", end(std::move(peer.channel)));
    peers_.erase(unused.begin(), unused.end());
  }
  io::Task<void> close() {
    closed_ = true;
    for (const Peer& peer : peers_) co_await peer.channel->close();
    [[maybe_unused]] const auto joined = co_await closing_.join();
  }
  bool empty() const { return peers_.empty(); }

 private:
  struct Peer {
    io::Address address;
    std::shared_ptr<grpc::Channel> channel;
    Instant asked{};  // for it, last
  };
  static io::Task<void> end(std::shared_ptr<grpc::Channel> channel) { co_await channel->close(); }

  const grpc::ChannelOptions options_;
  std::vector<Peer> peers_;  // few
  io::TaskGroup closing_;
  bool closed_ = false;
};

}  // namespace sofa::rpc::detail
