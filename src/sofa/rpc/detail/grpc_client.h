#pragma once
// Calls of providers over gRPC: messages of protobuf as they are, methods with Java types in Triple's wrapper (docs/protocols/triple.md).

#include "sofa/rpc/detail/client_protocol.h"
#include "sofa/rpc/detail/grpc_channels.h"
#include "sofa/rpc/detail/triple_wrapper.h"

namespace sofa::rpc::detail {

class GrpcClient final : public ClientProtocol {
 public:
  /// `secure`: without `tls` there is no call.
  GrpcClient(std::shared_ptr<const ClientIdentity> client, std::shared_ptr<io::TlsClientContext> tls, bool secure = false);

  Task<Result<void>> reach(const io::Address& address) override;
  bool is_live(const io::Address& address) override;
  Task<Result<void>> send(Attempt& attempt) override;
  Task<Result<std::unique_ptr<MessageStream>>> open_stream(const Provider& provider, const MethodSpec& method, const CallOptions& options) override;
  void forget_unused(Instant before, const std::function<bool(const io::Address&)>& keep) override { channels_.forget_unused(before, keep); }
  bool empty() const override { return channels_.empty(); }
  Task<void> close() override;

 private:
  Result<std::shared_ptr<grpc::Channel>> channel_to(const io::Address& address);
  http::Headers metadata_of(const CallOptions& options, const Provider& provider, const Context* served) const;
  std::string path_of(bool wrapped, std::string_view method, std::string_view proto_method) const;
  static Task<void> send_oneway(std::shared_ptr<grpc::Channel> channel, std::string path, Bytes message, grpc::CallOptions options);
  static Result<void> write(Buffer& out, const CallSpec& spec, TripleSerializer serializer);
  Result<void> read(ByteSpan message, const http::Headers& headers, const CallSpec& spec) const;

  const std::shared_ptr<const ClientIdentity> client_;
  const bool lacks_tls_;
  GrpcChannels channels_;
  io::TaskGroup oneways_;
};

}  // namespace sofa::rpc::detail
