#pragma once
// sofa.rpc.v1.Calls on a server: what its Calls hold, over gRPC (rpc/proto/sofa_rpc/v1/calls.proto).

#include <map>
#include <memory>
#include <mutex>

#include "sofa/grpc/server.h"
#include "sofa/io/sync.h"
#include "sofa/rpc/calls.h"
#include "sofa/rpc/server.h"

namespace sofa::rpc::detail {

/// Whether a peer may ask for what a server has counted; permission_denied with a sentence.
Result<void> check_may_see(ShowCalls to_whom, const io::Address& peer);

/// Made on a shard; serves all of them.
class CallsService {
 public:
  /// `calls` may be null: then nothing is served.
  CallsService(std::shared_ptr<Calls> calls, ShowCalls to_whom);
  /// Fails when a service of that name is there already.
  Result<void> add_to(grpc::Server& server);
  /// Ends the calls that watch, which would hold up the end of the server. Any thread.
  void stop();

 private:
  static constexpr int kMostWatching = 32;

  struct Watch final : grpc::StreamHandler {
    explicit Watch(CallsService& of) : service(of) {}
    Task<Result<void>> handle(grpc::StreamCall& call) override { return service.watch(call); }
    CallsService& service;
  };
  struct Slowest final : grpc::StreamHandler {
    explicit Slowest(CallsService& of) : service(of) {}
    Task<Result<void>> handle(grpc::StreamCall& call) override { return service.slowest(call); }
    CallsService& service;
  };

  Task<Result<void>> watch(grpc::StreamCall& call);
  Task<Result<void>> slowest(grpc::StreamCall& call);
  Task<Result<void>> send_snapshots(grpc::StreamCall& call, Duration interval);
  /// The request, of a peer that may see the calls.
  Task<Result<Bytes>> admit(grpc::StreamCall& call) const;
  std::shared_ptr<io::Event> stopping_here();

  const std::shared_ptr<Calls> calls_;
  const ShowCalls to_whom_;
  const Instant begun_;
  Watch watch_{*this};
  Slowest slowest_{*this};
  std::atomic<int> watching_{0};
  std::mutex mutex_;
  bool stopped_ = false;
  std::map<io::Shard*, std::shared_ptr<io::Event>> stopping_;  // set on its shard
};

}  // namespace sofa::rpc::detail
