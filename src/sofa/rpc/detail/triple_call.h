#pragma once
// Calls of methods with Java types that come over gRPC in Triple's wrapper messages, as the typed part and the ShardServer see them.

#include <string_view>
#include <vector>

#include "sofa/rpc/detail/grpc_call.h"
#include "sofa/rpc/detail/triple_wrapper.h"

namespace sofa::rpc::detail {

class TripleCall final : public UnaryGrpcCall {
 public:
  /// `request` views the message of `call`.
  TripleCall(grpc::UnaryCall& call, TripleRequest request, const MethodEntry& entry, ShardServer& shard, CallTimer timer);

 private:
  Result<void> parse(void* const* into) const override;
  Result<void> write(Buffer& out, const void* result) const override;
  /// SOFARPC gets the status UNKNOWN with the exception's message, Dubbo the exception itself in an ordinary answer (docs/protocols/triple.md,
  /// section 4). An Error that is no exception is a status of its own code for both.
  void answer_error(Error error) override;
  /// Dubbo looks for attachments among the trailers alone.
  void send_header(std::string_view name, std::string_view value) override;
  bool is_dubbo() const { return request_.serializer == TripleSerializer::dubbo_hessian; }

  const TripleRequest request_;
};

/// The messages of a call that streams: each a wrapper message with one value. Those of the answer have the serializer of the request that came last.
class TripleMessages final : public StreamMessages {
 public:
  TripleMessages(grpc::StreamCall& call, const MethodEntry& entry, const ShardServer& shard) : StreamMessages(call, entry), shard_(shard) {}
  Error told(Error error) const override;

 private:
  Result<void> decode(ByteSpan bytes, void* into) override;
  Result<void> encode(Buffer& out, const void* message) override;

  const ShardServer& shard_;
  TripleSerializer serializer_ = TripleSerializer::sofa_hessian;
};

/// The same on the client.
class TripleClientMessages final : public ClientMessages {
 public:
  TripleClientMessages(ClientStreamParts parts, TripleSerializer serializer) : ClientMessages(std::move(parts)), serializer_(serializer) {}

 private:
  Result<void> decode(ByteSpan bytes, void* into) override;
  Result<void> encode(Buffer& out, const void* message) override;

  const TripleSerializer serializer_;
};

/// The methods behind one path. They are of services that differ in version or unique id, and of each service they are overloads.
class TripleRoute {
 public:
  /// `index` is that of the entry in the table of every shard. The strings of `entry` must live as long.
  void add(size_t index, const MethodEntry& entry);
  /// The services of the path that a caller with these headers means: those of the first rule of docs/protocols/triple.md, section 3, that any
  /// fulfils. Errors: unimplemented, with what was asked for.
  Result<std::string_view> find_service(const http::Headers& headers) const;
  /// The index of the overload. Without types it is found by the number of arguments. Errors: unimplemented, with the types.
  Result<size_t> find_method(std::string_view service, const TripleRequest& request) const;
  /// The only method of a service: those of protobuf messages, and those that stream, have no overloads.
  size_t find_only(std::string_view service) const;

 private:
  struct Candidate {
    size_t index;
    const MethodEntry* entry;
    std::string_view version, unique_id;  // of the service, in entry->service
  };
  std::vector<Candidate> candidates_;  // few
};

}  // namespace sofa::rpc::detail
