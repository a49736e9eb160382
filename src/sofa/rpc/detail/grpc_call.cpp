#include "sofa/rpc/detail/grpc_call.h"

#include "sofa/rpc/detail/channel_protocol.h"
#include "sofa/rpc/detail/protobuf_codec.h"
#include "sofa/rpc/exception.h"

namespace sofa::rpc::detail {

Error grpc_error(Error error) {
  const auto* thrown = error.detail<JavaException>();
  if (thrown == nullptr) return error;
  return Error(error.code(), thrown->message.value_or(thrown->class_name));
}

UnaryGrpcCall::UnaryGrpcCall(grpc::UnaryCall& call, const MethodEntry& entry, ShardServer& shard, CallTimer timer)
    : ServerCall(std::move(timer)), call_(call), entry_(entry), shard_(shard) {
  ServerCallAccess::fill(context_, entry.service, entry.method->name(), call);
}

bool UnaryGrpcCall::read(void* const* into) {
  const auto done = parse(into);
  if (done) return call_.drop_message(), true;
  shard_.counters().refused.add();
  timer().end(Code::invalid_argument, done.error().message());
  call_.answer(done.error());
  return false;
}

bool UnaryGrpcCall::begin_answer() {
  if (call_.is_cancelled()) return shard_.counters().dropped.add(), false;
  for (const auto& [name, value] : context_.response_headers()) send_header(name, value);
  return true;
}

std::optional<Code> UnaryGrpcCall::send(const void* result) {
  if (!begin_answer()) return Code::cancelled;
  Result<void> written;
  call_.answer_with([&](Buffer& out) { return written = write(out, result); });
  return written ? std::nullopt : std::optional(written.error().code());
}

std::optional<Code> UnaryGrpcCall::send(Error error) {
  shard_.counters().errors.add();
  const Code code = error.code();
  if (!begin_answer()) return Code::cancelled;
  answer_error(std::move(error));
  return code;
}

Result<void> GrpcCall::parse(void* const* into) const {
  return read_message(call_.message(), *entry_.method->shape().arguments[0].protobuf, into[0], entry_.method->name());
}

Result<void> GrpcCall::write(Buffer& out, const void* result) const {
  return write_message(out, *entry_.method->shape().result.protobuf, result, entry_.method->name());
}

void GrpcCall::answer_error(Error error) { call_.answer(grpc_error(std::move(error))); }

StreamMessages::StreamMessages(grpc::StreamCall& call, const MethodEntry& entry) : entry_(entry), call_(call) {
  ServerCallAccess::fill(context_, entry.service, entry.method->name(), call);
}

Task<Result<bool>> StreamMessages::read(void* into) {
  const auto message = co_await or_return(call_.read());
  if (!message) co_return false;
  co_await or_return(decode(*message, into));
  co_return true;
}

Task<Result<void>> StreamMessages::write(void* message) {
  if (!std::exchange(answered_, true)) {
    for (const auto& [name, value] : context_.response_headers()) call_.add_header(name, value);
  }
  Buffer out;
  co_await or_return(encode(out, message));
  co_return co_await call_.write(out.take());
}

Error GrpcMessages::told(Error error) const { return grpc_error(std::move(error)); }

Result<void> GrpcMessages::decode(ByteSpan bytes, void* into) {
  return read_message(bytes, *entry_.method->shape().arguments[0].protobuf, into, entry_.method->name());
}

Result<void> GrpcMessages::encode(Buffer& out, const void* message) {
  return write_message(out, *entry_.method->shape().result.protobuf, message, entry_.method->name());
}

Task<Result<bool>> ClientMessages::read(void* into) {
  const auto message = co_await parts_.stream->read();
  if (!message) co_return std::unexpected(with_call_status(message.error()));
  if (!*message) co_return false;
  co_await or_return(decode(**message, into));
  co_return true;
}

Task<Result<void>> ClientMessages::write(void* message) {
  Buffer out;
  co_await or_return(encode(out, message));
  co_return co_await parts_.stream->write(out.take());
}

Result<void> GrpcClientMessages::decode(ByteSpan bytes, void* into) {
  return read_message(bytes, *method().shape.result.protobuf, into, method().name);
}

Result<void> GrpcClientMessages::encode(Buffer& out, const void* message) {
  return write_message(out, *method().shape.arguments[0].protobuf, message, method().name);
}

}  // namespace sofa::rpc::detail
