#pragma once
// Calls of providers over gRPC: messages of protobuf as they are, methods with Java types in Triple's wrapper (docs/protocols/triple.md).

#include "sofa/grpc/client.h"
#include "sofa/rpc/detail/channel_protocol.h"
#include "sofa/rpc/detail/triple_wrapper.h"

namespace sofa::rpc::detail {

class GrpcClient final : public ChannelProtocol<grpc::Channel, grpc::ChannelOptions> {
 public:
  /// `secure`: without `tls` there is no call.
  GrpcClient(std::shared_ptr<const ClientIdentity> client, std::shared_ptr<io::TlsClientContext> tls, bool secure = false);

  Task<Result<void>> send(Attempt& attempt) override;
  Task<Result<std::unique_ptr<MessageStream>>> open_stream(const Provider& provider, const MethodSpec& method, const CallOptions& options) override;

 private:
  http::Headers metadata_of(const CallOptions& options, const Provider& provider, const Context* served) const;
  std::string path_of(bool wrapped, std::string_view method, std::string_view proto_method) const;
  static Task<void> without_answer(std::shared_ptr<grpc::Channel> channel, std::string path, Bytes message, grpc::CallOptions options);
  static Result<void> write(Buffer& out, const CallSpec& spec, TripleSerializer serializer);
  Result<void> read(ByteSpan message, const http::Headers& headers, const CallSpec& spec) const;

  const std::shared_ptr<const ClientIdentity> client_;
};

}  // namespace sofa::rpc::detail
