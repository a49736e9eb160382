#pragma once
// Calls that come over gRPC, as the typed part and the ShardServer see them.

#include <memory>

#include "sofa/grpc/client.h"
#include "sofa/grpc/server.h"
#include "sofa/rpc/detail/attempt.h"
#include "sofa/rpc/detail/shard_server.h"
#include "sofa/rpc/streaming.h"

namespace sofa::rpc::detail {

/// A unary call whose method is known, whatever its messages are.
class UnaryGrpcCall : public ServerCall {
 public:
  UnaryGrpcCall(grpc::UnaryCall& call, const MethodEntry& entry, ShardServer& shard, CallTimer timer);

  Context& context() final { return context_; }

 protected:
  ~UnaryGrpcCall() = default;
  virtual Result<void> parse(void* const* into) const = 0;
  virtual Result<void> write(Buffer& out, const void* result) const = 0;
  virtual void answer_error(Error error) = 0;
  /// Sends a field of Context::put_response_header.
  virtual void send_header(std::string_view name, std::string_view value) { call_.add_header(name, value); }

  grpc::UnaryCall& call_;
  const MethodEntry& entry_;
  ShardServer& shard_;

 private:
  bool read(void* const* into) final;
  std::optional<Code> send(const void* result) final;
  std::optional<Code> send(Error error) final;
  /// False for a caller that is gone.
  bool begin_answer();
  Context context_;
};

/// One whose argument and answer are protobuf messages.
class GrpcCall final : public UnaryGrpcCall {
 public:
  using UnaryGrpcCall::UnaryGrpcCall;

 private:
  Result<void> parse(void* const* into) const override;
  Result<void> write(Buffer& out, const void* result) const override;
  void answer_error(Error error) override;
};

/// The messages of a call that streams, whatever they are.
class StreamMessages : public MessageStream {
 public:
  StreamMessages(grpc::StreamCall& call, const MethodEntry& entry);
  Task<Result<bool>> read(void* into) final;
  Task<Result<void>> write(void* message) final;
  Result<void> finish_writes() final { return {}; }
  /// The error of the handler as the caller is told.
  virtual Error told(Error error) const = 0;

  Context& context() { return context_; }

 protected:
  virtual Result<void> decode(ByteSpan bytes, void* into) = 0;
  virtual Result<void> encode(Buffer& out, const void* message) = 0;
  const MethodEntry& entry_;

 private:
  grpc::StreamCall& call_;
  bool answered_ = false;
  Context context_;
};

/// Those of protobuf.
class GrpcMessages final : public StreamMessages {
 public:
  GrpcMessages(grpc::StreamCall& call, const MethodEntry& entry, const ShardServer&) : StreamMessages(call, entry) {}
  Error told(Error error) const override;

 private:
  Result<void> decode(ByteSpan bytes, void* into) override;
  Result<void> encode(Buffer& out, const void* message) override;
};

/// What a call that streams uses on the client, as long as it runs.
struct ClientStreamParts {
  std::shared_ptr<const ClientIdentity> client;
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<grpc::ClientStream> stream;
  MethodSpec method;
};

/// The same on the client.
class ClientMessages : public MessageStream {
 public:
  explicit ClientMessages(ClientStreamParts parts) : parts_(std::move(parts)) {}
  Task<Result<bool>> read(void* into) final;
  Task<Result<void>> write(void* message) final;
  Result<void> finish_writes() final { return parts_.stream->finish_writes(); }

 protected:
  virtual Result<void> decode(ByteSpan bytes, void* into) = 0;
  virtual Result<void> encode(Buffer& out, const void* message) = 0;
  const MethodSpec& method() const { return parts_.method; }
  const ClientOptions& options() const { return parts_.client->options; }

 private:
  const ClientStreamParts parts_;
};

class GrpcClientMessages final : public ClientMessages {
 public:
  using ClientMessages::ClientMessages;

 private:
  Result<void> decode(ByteSpan bytes, void* into) override;
  Result<void> encode(Buffer& out, const void* message) override;
};

/// An error as gRPC tells it: of a Java exception its message alone.
Error grpc_error(Error error);

}  // namespace sofa::rpc::detail
