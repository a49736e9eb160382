#include "sofa/rpc/detail/bolt_client.h"

#include "sofa/base/json.h"
#include "sofa/rpc/detail/json_codec.h"
#include "sofa/rpc/detail/protobuf_codec.h"
#include "sofa/rpc/detail/response_codec.h"

namespace sofa::rpc::detail {

namespace {

/// Empties a buffer that is written anew for each call; one that grew for a big call is given back.
void reuse(Buffer& buffer) {
  constexpr size_t kKept = 64 * 1024;
  buffer.clear();
  if (buffer.room() > kKept) buffer = Buffer();
  buffer.reserve(512);
}

/// What the framework of a server says in place of the service (docs/protocols/sofarpc.md, section 2.2).
std::unexpected<Error> framework_error(std::string text) {
  if (text.starts_with("RPC-020100010")) return std::unexpected(Error(Code::not_found, std::move(text)));
  if (text.starts_with("RPC-020100011")) return std::unexpected(Error(Code::unimplemented, std::move(text)));
  // The server is stopping. It looks at no call then, so that each may be sent elsewhere, as one that was too many for it.
  if (text.starts_with("RPC-019990009")) {
    return std::unexpected(transport::with_status(Error(Code::unavailable, std::move(text)), bolt::Status::server_busy));
  }
  return std::unexpected(Error(Code::unknown, std::move(text)));
}

std::unexpected<Error> status_error(const bolt::Frame& frame) {
  const std::string sentence = frame.class_name() == kServerExceptionClass ? read_server_exception(frame.content()) : std::string();
  const Code code = frame.status == bolt::Status::server_busy ? Code::resource_exhausted
                    : frame.status == bolt::Status::timeout   ? Code::deadline_exceeded
                                                              : Code::internal;
  std::string text = fmt::format("the server answered '{}'", to_string(frame.status));
  if (!sentence.empty()) text += ": " + sentence;
  return std::unexpected(transport::with_status(Error(code, std::move(text)), frame.status));
}

int64_t milliseconds(Duration d) { return std::chrono::duration_cast<std::chrono::milliseconds>(d).count(); }

}  // namespace

BoltClient::BoltClient(std::shared_ptr<const ClientIdentity> client, std::shared_ptr<io::TlsClientContext> tls)
    : SessionProtocol(client->options, std::move(tls)), client_(std::move(client)) {}

OutgoingHead BoltClient::outgoing_head(const Attempt& attempt) const {
  OutgoingHead head;
  head.service = client_->service;
  head.method = attempt.spec.method;
  head.app = client_->options.app;
  head.type = attempt.spec.oneway ? "oneway" : "sync";
  if (!attempt.spec.typed()) head.generic_type = attempt.spec.generic == GenericKind::objects ? "2" : "0";
  if (!attempt.options.baggage.empty()) head.baggage = &attempt.options.baggage;
  if (!attempt.options.headers.empty()) head.headers = &attempt.options.headers;
  head.served = attempt.served;
  return head;
}

Result<void> BoltClient::write_content(Buffer& out, const CallSpec& spec, const OutgoingHead& head) const {
  if (!spec.typed() && spec.generic == GenericKind::maps) {
    return fail(Code::unimplemented, "GenericKind::maps is Dubbo's: call {} with GenericKind::objects, or over dubbo://", spec.method);
  }
  if (!spec.typed()) return write_generic_request(out, head, spec.signatures, spec.values);
  if (spec.codec == bolt::kCodecJson) return write_json_arguments(out, *spec.shape, spec.arguments);
  if (spec.codec == bolt::kCodecHessian) return write_request(out, head, spec.signatures, *spec.shape, spec.arguments);
  return write_message(out, *spec.shape->arguments[0].protobuf, spec.arguments[0], spec.method);
}

Result<void> BoltClient::write_request_parts(const CallSpec& spec, const OutgoingHead& head) {
  reuse(header_);
  reuse(content_);
  write_request_header(header_, head);
  return write_content(content_, spec, head);
}

transport::Request BoltClient::take_request(const CallSpec& spec, Duration timeout) {
  return {.class_name = kRequestClass, .header = header_.span(), .content = content_.take(), .codec = spec.codec, .timeout = timeout};
}

Task<Result<void>> BoltClient::send(Attempt& attempt) {
  const Deadline deadline = attempt.end();
  Instant now = attempt.begun;
  transport::SessionRef session = live_session(attempt.provider().address);
  if (session == nullptr) {
    attempt.timer.enter(Stage::connect);
    session = co_await or_return(session_to(attempt.provider().address, deadline));
    now = io::Shard::current().clock().now_monotonic();
  }
  attempt.timer.enter(Stage::serialize);
  const Duration left = deadline == kNoDeadline ? attempt.timeout : deadline - now;
  OutgoingHead head = outgoing_head(attempt);
  if (attempt.deadline != kNoDeadline) head.remaining_ms = std::max<int64_t>(0, milliseconds(left));
  co_await or_return(write_request_parts(attempt.spec, head));
  if (attempt.spec.oneway) co_return session->oneway(take_request(attempt.spec, left));
  transport::Call call = session->call(take_request(attempt.spec, left));
  attempt.timer.enter(Stage::wait);
  auto answer = co_await call;
  attempt.timer.enter(Stage::deserialize);
  if (!answer) co_return forward_error(answer);
  co_return attempt.settle([&] { return read_answer(attempt, answer->frame); });
}

Result<void> BoltClient::read_answer(const Attempt& attempt, const bolt::Frame& frame) const {
  if (frame.status != bolt::Status::success) return status_error(frame);
  auto header = bolt::HeaderMap::parse(frame.header());
  if (!header) return forward_error(header);
  if (CallResponse* response = attempt.options.response; response != nullptr) {
    for (const auto& [key, value] : *header) take_response_header(*response, key, value);
  }
  return read_content(attempt.spec, *header, frame.content());
}

Result<void> BoltClient::read_content(const CallSpec& spec, const bolt::HeaderMap& header, ByteSpan content) const {
  if (spec.codec == bolt::kCodecHessian) return read_hessian(spec, header, content);
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

Result<void> BoltClient::read_hessian(const CallSpec& spec, const bolt::HeaderMap& header, ByteSpan content) const {
  const hessian::ClassFilter* classes = &client_->options.classes;
  Result<void> done;
  if (spec.document != nullptr) {
    auto document = read_generic_response(content, header, classes);
    if (document) {
      *spec.document = std::move(*document);
    } else {
      done = forward_error(document);
    }
  } else {
    done = read_response(content, header, spec.shape->result, spec.shape->plain_result, spec.result, classes);
  }
  if (done || done.error().code() != Code::unknown || done.error().detail<JavaException>() != nullptr) return done;
  return framework_error(std::string(done.error().message()));
}

Task<Result<std::unique_ptr<MessageStream>>> BoltClient::open_stream(const Provider& provider, const MethodSpec&, const CallOptions&) {
  co_return fail(Code::unimplemented, "Bolt carries no streams; connect to tri://{}", provider.address.to_string());
}

}  // namespace sofa::rpc::detail
