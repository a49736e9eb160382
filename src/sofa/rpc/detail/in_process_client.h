#pragma once
// The transport of a client whose service is an object of this process: the calls go to a ShardServer of its own, as those of a server's connections
// do, without the bytes between them.

#include "sofa/rpc/detail/client_protocol.h"
#include "sofa/rpc/detail/in_process_stream.h"
#include "sofa/rpc/detail/shard_server.h"
#include "sofa/rpc/in_process.h"

namespace sofa::rpc::detail {

class InProcessCall;
struct KeptCall;

class InProcessClient final : public ClientProtocol {
 public:
  InProcessClient(const ServiceNames& names, std::shared_ptr<Interface> service, const InProcessOptions& options);
  /// Checks the service. Before everything else.
  Result<void> open() { return server_.add_services(services_); }

  Task<Result<void>> reach(const io::Address&) override;
  bool is_live(const io::Address&) override { return !closing_.cancelled(); }
  Task<Result<void>> send(Attempt& attempt) override;
  Task<Result<std::unique_ptr<MessageStream>>> open_stream(const Provider& provider, const MethodSpec& method, const CallOptions& options) override;
  void forget_unused(Instant, const std::function<bool(const io::Address&)>&) override {}
  bool empty() const override { return true; }  // there is no connection that could be forgotten
  Task<void> close() override;

 private:
  http::Headers fields_of(const CallOptions& options, const Context* served) const;
  Result<const MethodEntry*> find(const MethodShape& shape, std::string_view method, std::span<const std::string_view> signatures) const;
  Result<CallsOfShard::Place> take_place();
  Task<Result<void>> serve(InProcessCall& call, const MethodEntry& entry, Deadline end);
  Result<void> send_oneway(const Attempt& attempt, const MethodEntry& entry);
  static Task<void> run_oneway(InProcessClient& self, CallsOfShard::Place place, std::unique_ptr<KeptCall> kept, http::Headers fields,
                               const MethodEntry& entry, Deadline end);
  static Task<void> run_stream(InProcessClient& self, CallsOfShard::Place place, std::shared_ptr<InProcessStream> stream, http::Headers fields,
                               const MethodEntry& entry, Deadline end);

  const ServerOptions options_;
  const std::string app_;
  const size_t stream_messages_;
  const Filters no_filters_;  // beside the service's own
  const std::vector<ServiceEntry> services_;
  Counters counters_;
  io::Scope closing_;  // cancelled with what a call is told of a client that is destroyed
  ShardServer server_;
};

}  // namespace sofa::rpc::detail
