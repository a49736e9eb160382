#pragma once
// grpc.channelz.v1.Channelz on a server (docs/protocols/grpc.md, section 8): its calls over gRPC, and its ports and their connections of every
// protocol, to those whom ServerOptions::show_calls admits. Channels are the clients': there are none here.

#include <functional>
#include <vector>

#include "sofa/grpc/server.h"
#include "sofa/rpc/server.h"
#include "sofa/transport/port.h"

namespace sofa::rpc::detail {

/// Made on a shard; serves all of them.
class ChannelzService {
 public:
  struct Shown {
    grpc::CallStats calls;
    std::vector<transport::Port*> ports;  // in an order that stays
  };
  /// `shown` is called on `home` alone.
  ChannelzService(io::Shard& home, std::function<Shown()> shown, ShowCalls to_whom);
  /// Fails when a service of that name is there already.
  Result<void> add_to(grpc::Server& server);

 private:
  /// The fields of any of the requests by their numbers; 0 for one that is absent.
  struct Request {
    static Result<Request> read(ByteSpan message);
    uint64_t first = 0, second = 0, third = 0;
  };
  using Answer = Task<Result<Bytes>> (ChannelzService::*)(Request request) const;
  struct Method final : grpc::StreamHandler {
    Method(ChannelzService& of, std::string_view method, Answer how) : service(of), name(method), answer(how) {}
    Task<Result<void>> handle(grpc::StreamCall& call) override { return service.handle(call, answer); }
    ChannelzService& service;
    const std::string_view name;
    const Answer answer;
  };

  Task<Result<void>> handle(grpc::StreamCall& call, Answer answer);
  Task<Result<Bytes>> top_channels(Request request) const;
  Task<Result<Bytes>> no_channel(Request request) const;
  Task<Result<Bytes>> servers(Request request) const;
  Task<Result<Bytes>> server(Request request) const;
  Task<Result<Bytes>> server_sockets(Request request) const;
  Task<Result<Bytes>> socket(Request request) const;

  io::Shard& home_;
  const std::function<Shown()> shown_;
  const ShowCalls to_whom_;
  std::vector<std::unique_ptr<Method>> methods_;
};

}  // namespace sofa::rpc::detail
