#pragma once
// What gRPC and HTTP have in common on a client: channels to each provider.

#include <algorithm>
#include <vector>

#include "sofa/io/task_group.h"
#include "sofa/rpc/detail/client_protocol.h"

namespace sofa::rpc::detail {

/// What became of the connection or of the wait, in the words that decide on retries.
inline Error with_call_status(Error error) {
  const transport::Sent sent = transport::sent_of(error);
  if (error.code() == Code::unavailable) return transport::with_status(std::move(error), bolt::Status::comm_error, sent);
  if (error.code() == Code::deadline_exceeded) return transport::with_status(std::move(error), bolt::Status::timeout);
  return error;
}

/// C: grpc::Channel or http::Channel, with its options.
template <class C, class Options>
class ChannelProtocol : public ClientProtocol {
 public:
  /// `lacks_tls`: the scheme that needs TLS, when there is none: then there is no call. `channels`: to each provider, over which the calls go in
  /// turn.
  ChannelProtocol(Options options, std::string_view lacks_tls, unsigned channels = 1)
      : options_(std::move(options)), lacks_tls_(lacks_tls), channels_(std::max(1u, channels)) {}

  Task<Result<void>> reach(const io::Address& address) final {
    const auto channel = co_await or_return(channel_to(address));
    co_return co_await channel->connect();
  }
  bool is_live(const io::Address& address) final {
    if (closed_ || !lacks_tls_.empty()) return false;
    const auto& channels = peer(address).channels;
    for (const auto& channel : channels) {
      if (!channel->is_connected()) channel->start_connecting();
    }
    return std::ranges::any_of(channels, [](const auto& channel) { return channel->is_connected(); });
  }
  void forget_unused(Instant before, const std::function<bool(const io::Address&)>& keep) final {
    const auto unused =
        std::ranges::partition(peers_, [&](const Peer& peer) { return peer.asked >= before || peer.is_used() || keep(peer.address); });
    for (Peer& peer : unused) {
      for (auto& channel : peer.channels) closing_.spawn("rpc channel end", end(std::move(channel)));
    }
    peers_.erase(unused.begin(), unused.end());
  }
  bool empty() const final { return peers_.empty(); }
  Task<void> close() final {
    closed_ = true;
    oneways_.cancel(kClientDestroyed);
    [[maybe_unused]] const auto answered = co_await oneways_.join();
    for (const Peer& peer : peers_) {
      for (const auto& channel : peer.channels) co_await channel->close();
    }
    [[maybe_unused]] const auto joined = co_await closing_.join();
  }

 protected:
  /// Made when it is asked for first. It is in use as long as the caller keeps it. After close() there is none any more. Of several, one that is
  /// connected; the others are connected in the background.
  Result<std::shared_ptr<C>> channel_to(const io::Address& address) {
    if (!lacks_tls_.empty()) {
      return fail(Code::failed_precondition, "{}://{} needs TLS, for which this client was not set up: set ClientOptions::tls", lacks_tls_,
                  address.to_string());
    }
    if (closed_) return fail(Code::cancelled, "{}", kClientDestroyed);
    return peer(address).next();
  }
  /// A call whose answer nobody waits for; resource_exhausted when `most` are under way.
  Result<void> send_oneway(Task<void> call, size_t most) {
    if (oneways_.size() >= most) {
      return fail(Code::resource_exhausted, "{} oneway calls wait for their answer already (max_pending)", oneways_.size());
    }
    oneways_.spawn("oneway call", std::move(call));
    return {};
  }

 private:
  struct Peer {
    io::Address address;
    std::vector<std::shared_ptr<C>> channels;
    size_t turn = 0;
    Instant asked{};  // for it, last

    std::shared_ptr<C> next() {
      for (size_t i = 0; i < channels.size() && channels.size() > 1; ++i) {
        turn = (turn + 1) % channels.size();
        if (channels[turn]->is_connected()) break;
        channels[turn]->start_connecting();
      }
      return channels[turn];
    }
    bool is_used() const {
      return std::ranges::any_of(channels, [](const auto& channel) { return channel.use_count() > 1; });
    }
  };
  Peer& peer(const io::Address& address) {
    auto found = std::ranges::find(peers_, address, &Peer::address);
    if (found == peers_.end()) {
      found = peers_.insert(found, {.address = address, .channels = {}});
      for (unsigned i = 0; i < channels_; ++i) found->channels.push_back(std::make_shared<C>(address, options_));
    }
    found->asked = io::Shard::current().now();
    return *found;
  }
  static Task<void> end(std::shared_ptr<C> channel) { co_await channel->close(); }

  const Options options_;
  const std::string_view lacks_tls_;
  const unsigned channels_;
  std::vector<Peer> peers_;  // few
  io::TaskGroup closing_, oneways_;
  bool closed_ = false;
};

}  // namespace sofa::rpc::detail
