#include "sofa/rpc/detail/call_content.h"

#include "sofa/base/json.h"
#include "sofa/rpc/detail/json_codec.h"
#include "sofa/rpc/detail/protobuf_codec.h"
#include "sofa/rpc/detail/response_codec.h"

namespace sofa::rpc::detail {

OutgoingHead outgoing_head(const Attempt& attempt, const ClientIdentity& client, Duration left) {
  OutgoingHead head;
  head.service = client.service;
  head.method = attempt.spec.method;
  head.app = client.options.app;
  head.type = attempt.spec.oneway ? "oneway" : "sync";
  if (!attempt.spec.typed()) head.generic_type = attempt.spec.generic == GenericKind::objects ? "2" : "0";
  if (!attempt.options.baggage.empty()) head.baggage = &attempt.options.baggage;
  if (!attempt.options.headers.empty()) head.headers = &attempt.options.headers;
  head.served = attempt.served;
  if (attempt.deadline != kNoDeadline) {
    head.remaining_ms = std::max<int64_t>(0, std::chrono::duration_cast<std::chrono::milliseconds>(left).count());
  }
  return head;
}

Result<void> write_call_content(Buffer& out, const CallSpec& spec, const OutgoingHead& head) {
  if (!spec.typed() && spec.generic == GenericKind::maps) {
    return fail(Code::unimplemented, "GenericKind::maps is Dubbo's: call {} with GenericKind::objects, or over dubbo://", spec.method);
  }
  if (!spec.typed()) return write_generic_request(out, head, spec.signatures, spec.values);
  if (spec.codec == bolt::kCodecJson) return write_json_arguments(out, *spec.shape, spec.arguments);
  if (spec.codec == bolt::kCodecHessian) return write_request(out, head, spec.signatures, *spec.shape, spec.arguments);
  return write_message(out, *spec.shape->arguments[0].protobuf, spec.arguments[0], spec.method);
}

std::unexpected<Error> framework_error(std::string text) {
  if (text.starts_with("RPC-020100010")) return std::unexpected(Error(Code::not_found, std::move(text)));
  if (text.starts_with("RPC-020100011")) return std::unexpected(Error(Code::unimplemented, std::move(text)));
  // The server is stopping. It looks at no call then, so that each may be sent elsewhere, as one that was too many for it.
  if (text.starts_with("RPC-019990009")) {
    return std::unexpected(transport::with_status(Error(Code::unavailable, std::move(text)), bolt::Status::server_busy));
  }
  return std::unexpected(Error(Code::unknown, std::move(text)));
}

namespace {

Result<void> read_hessian(const CallSpec& spec, const bolt::HeaderMap& header, ByteSpan content, const hessian::ClassFilter& classes) {
  Result<void> done;
  if (spec.document != nullptr) {
    auto document = read_generic_response(content, header, &classes);
    if (document) {
      *spec.document = std::move(*document);
    } else {
      done = forward_error(document);
    }
  } else {
    done = read_response(content, header, spec.shape->result, spec.shape->plain_result, spec.result, &classes);
  }
  if (done || done.error().code() != Code::unknown || done.error().detail<JavaException>() != nullptr) return done;
  return framework_error(std::string(done.error().message()));
}

}  // namespace

Result<void> read_call_content(const CallSpec& spec, const bolt::HeaderMap& header, ByteSpan content, const hessian::ClassFilter& classes) {
  if (spec.codec == bolt::kCodecHessian) return read_hessian(spec, header, content, classes);
  if (header.get(kErrorHeader) == "true") {
    std::string text(as_text(content));
    if (spec.codec == bolt::kCodecJson) {
      if (auto unquoted = from_json<std::string>(text)) text = *unquoted;
    }
    return framework_error(std::move(text));
  }
  if (spec.codec == bolt::kCodecProtobuf) return read_message(content, *spec.shape->result.protobuf, spec.result, spec.method);
  if (spec.shape->result.type == nullptr) return {};
  return read_json_value(as_text(content), "result", *spec.shape->result.type, spec.result);
}

}  // namespace sofa::rpc::detail
