#pragma once
// Calls that come over gRPC, as the typed part and the ShardServer see them.

#include <memory>

#include "sofa/grpc/client.h"
#include "sofa/grpc/server.h"
#include "sofa/rpc/detail/shard_server.h"
#include "sofa/rpc/streaming.h"

namespace sofa::rpc::detail {

/// A unary call whose method is known: its argument and its answer are protobuf messages.
class GrpcCall final : public ServerCall {
 public:
  GrpcCall(grpc::UnaryCall& call, const MethodEntry& entry, ShardServer& shard);

  bool read_arguments(void* const* into) override;
  void answer(const void* result) override;
  void answer(Error error) override;
  Context& context() override { return context_; }

 private:
  void add_headers();

  grpc::UnaryCall& call_;
  const MethodEntry& entry_;
  ShardServer& shard_;
  Context context_;
};

/// The messages of a call that streams.
class GrpcMessages final : public MessageStream {
 public:
  GrpcMessages(grpc::StreamCall& call, const MethodEntry& entry);
  Task<Result<bool>> read(void* into) override;
  Task<Result<void>> write(const void* message) override;
  Result<void> finish_writes() override { return {}; }

  Context& context() { return context_; }

 private:
  grpc::StreamCall& call_;
  const MethodEntry& entry_;
  bool answered_ = false;
  Context context_;
};

/// The messages of a call that streams, on the client. It keeps the channel in use.
class GrpcClientMessages final : public MessageStream {
 public:
  GrpcClientMessages(std::shared_ptr<grpc::Channel> channel, std::unique_ptr<grpc::ClientStream> stream, const MethodShape& shape,
                     std::string_view method)
      : channel_(std::move(channel)), stream_(std::move(stream)), shape_(shape), method_(method) {}
  Task<Result<bool>> read(void* into) override;
  Task<Result<void>> write(const void* message) override;
  Result<void> finish_writes() override { return stream_->finish_writes(); }

 private:
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<grpc::ClientStream> stream_;
  const MethodShape& shape_;
  const std::string_view method_;
};

/// An error as gRPC tells it: of a Java exception its message alone.
Error grpc_error(Error error);
/// A message in the bytes of protobuf, appended.
Result<void> write_message(Buffer& out, const ProtobufOps& protobuf, const void* message, std::string_view method);
Result<void> read_message(ByteSpan bytes, const ProtobufOps& protobuf, void* into, std::string_view method);

}  // namespace sofa::rpc::detail
