#include "sofa/base/json.h"
#include "sofa/rpc/detail/json_codec.h"
#include "sofa/rpc/detail/protobuf_codec.h"
#include "sofa/rpc/detail/response_codec.h"
#include "sofa/rpc/detail/shard_server.h"
#include "sofa/transport/session.h"

namespace sofa::rpc::detail {

void answer_failure(transport::Responder& responder, bolt::Status status, std::string_view sentence) {
  Buffer content;
  // The exception is a fixed class with a text: writing it cannot fail.
  [[maybe_unused]] const auto written = write_server_exception(content, sentence);
  [[maybe_unused]] const auto sent = responder.answer_error(status, kServerExceptionClass, {}, content.take());
}

bool is_past(Deadline deadline) {
  constexpr Duration kLongTurn = std::chrono::seconds(1);
  if (deadline == kNoDeadline) return false;
  const io::Shard& shard = io::Shard::current();
  return deadline - shard.now() < kLongTurn && shard.clock().now_monotonic() > deadline;
}

bool BoltCall::too_late() const { return is_past(context_.deadline()); }

Result<void> BoltCall::read_content(void* const* into) {
  const MethodShape& shape = entry_.method->shape();
  switch (frame_.codec) {
    case bolt::kCodecHessian:
      if (shape.result.protobuf != nullptr) break;
      return rpc::detail::read_arguments(frame_.content(), at_, shape, into, entry_.method->name(), &classes_);
    case bolt::kCodecProtobuf:
      if (shape.result.protobuf == nullptr) break;
      return read_message(frame_.content(), *shape.arguments[0].protobuf, into[0], entry_.method->name());
    case bolt::kCodecJson:
      if (shape.result.protobuf != nullptr) break;
      return read_json_arguments(as_text(frame_.content()), shape, into);
    default:
      break;
  }
  return fail(Code::invalid_argument, "{} does not understand serializer {}; use {}", entry_.method->name(), frame_.codec,
              shape.result.protobuf != nullptr ? "11 (protobuf)" : "1 (hessian2) or 12 (json)");
}

bool BoltCall::read(void* const* into) {
  auto done = read_content(into);
  if (done) return true;
  counters_.refused.add();
  timer().end(Code::invalid_argument, done.error().message());
  answer_failure(responder_, bolt::Status::server_deserial_exception, done.error().to_string());
  return false;
}

Result<void> BoltCall::write(Buffer& out, const void* result) const {
  const MethodShape& shape = entry_.method->shape();
  if (frame_.codec == bolt::kCodecHessian) return write_value_response(out, shape.result, shape.plain_result, result, context_.response_headers());
  if (frame_.codec == bolt::kCodecProtobuf) return write_message(out, *shape.result.protobuf, result, entry_.method->name());
  return write_json_result(out, shape.result, result);
}

std::optional<Code> BoltCall::send(const void* result) {
  if (responder_.answered()) return Code::cancelled;
  if (too_late()) {
    counters_.dropped.add();
    responder_.discard();
    return Code::deadline_exceeded;
  }
  Buffer header;
  if (!context_.response_headers().empty()) write_response_header(header, context_.response_headers());
  Result<void> written;
  auto sent = responder_.answer_with(kResponseClass, header.span(), [&](Buffer& out) {
    written = write(out, result);
    return written.has_value();
  });
  if (sent && *sent) return std::nullopt;
  counters_.errors.add();
  const std::string sentence = written ? sent.error().to_string() : written.error().to_string();
  if (!responder_.answered()) answer_failure(responder_, bolt::Status::server_serial_exception, sentence);
  return Code::internal;
}

std::optional<Code> BoltCall::send(Error error) {
  if (responder_.answered()) return Code::cancelled;
  counters_.errors.add();
  if (too_late()) {
    counters_.dropped.add();
    responder_.discard();
    return Code::deadline_exceeded;
  }
  answer_exception(error);
  return error.code();
}

void BoltCall::answer_exception(const Error& error) {
  if (error.detail<Refused>() != nullptr) {
    [[maybe_unused]] const auto sent = responder_.answer_error(bolt::Status::server_busy);  // which has no place for a sentence
    return;
  }
  const auto* thrown = error.detail<JavaException>();
  context_.put_response_header(std::string(kErrorHeader), "true");
  if (thrown == nullptr) context_.put_response_header(std::string(kCodeHeader), std::string(to_string(error.code())));
  const std::string sentence = error.to_string();
  Buffer header;
  write_response_header(header, context_.response_headers());
  Result<void> written;
  auto sent = responder_.answer_with(kResponseClass, header.span(), [&](Buffer& out) {
    if (frame_.codec == bolt::kCodecHessian) {
      written = write_exception_response(out, thrown != nullptr ? *thrown : JavaException("java.lang.RuntimeException", sentence),
                                         context_.response_headers());
    } else if (frame_.codec == bolt::kCodecJson) {
      out.append(json_quoted(sentence));
    } else {
      out.append(sentence);
    }
    return written.has_value();
  });
  if (sent && *sent) return;
  if (!responder_.answered()) answer_failure(responder_, bolt::Status::server_serial_exception, sentence);
}

}  // namespace sofa::rpc::detail
