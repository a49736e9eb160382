#pragma once
// Calls that come over gRPC, as the typed part and the ShardServer see them.

#include <memory>

#include "sofa/grpc/client.h"
#include "sofa/grpc/server.h"
#include "sofa/rpc/detail/shard_server.h"
#include "sofa/rpc/streaming.h"

namespace sofa::rpc::detail {

/// A unary call whose method is known, whatever its messages are.
class UnaryGrpcCall : public ServerCall {
 public:
  UnaryGrpcCall(grpc::UnaryCall& call, const MethodEntry& entry, ShardServer& shard);

  bool read_arguments(void* const* into) final;
  void answer(const void* result) final;
  void answer(Error error) final;
  Context& context() final { return context_; }

 protected:
  ~UnaryGrpcCall() = default;
  virtual Result<void> read(void* const* into) const = 0;
  virtual Result<void> write(Buffer& out, const void* result) const = 0;
  virtual void answer_error(Error error) = 0;
  /// Sends a field of Context::put_response_header.
  virtual void send_header(std::string_view name, std::string_view value) { call_.add_header(name, value); }

  grpc::UnaryCall& call_;
  const MethodEntry& entry_;
  ShardServer& shard_;

 private:
  /// False for a caller that is gone.
  bool begin_answer();
  Context context_;
};

/// One whose argument and answer are protobuf messages.
class GrpcCall final : public UnaryGrpcCall {
 public:
  using UnaryGrpcCall::UnaryGrpcCall;

 private:
  Result<void> read(void* const* into) const override;
  Result<void> write(Buffer& out, const void* result) const override;
  void answer_error(Error error) override;
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
