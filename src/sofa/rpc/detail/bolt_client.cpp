#include "sofa/rpc/detail/bolt_client.h"

#include "sofa/rpc/detail/call_content.h"
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

std::unexpected<Error> status_error(const bolt::Frame& frame) {
  const std::string sentence = frame.class_name() == kServerExceptionClass ? read_server_exception(frame.content()) : std::string();
  const Code code = frame.status == bolt::Status::server_busy ? Code::resource_exhausted
                    : frame.status == bolt::Status::timeout   ? Code::deadline_exceeded
                                                              : Code::internal;
  std::string text = fmt::format("the server answered '{}'", to_string(frame.status));
  if (!sentence.empty()) text += ": " + sentence;
  return std::unexpected(transport::with_status(Error(code, std::move(text)), frame.status));
}

}  // namespace

BoltClient::BoltClient(std::shared_ptr<const ClientIdentity> client, std::shared_ptr<io::TlsClientContext> tls)
    : SessionProtocol(client->options, std::move(tls)), client_(std::move(client)) {}

Result<void> BoltClient::write_request_parts(const CallSpec& spec, const OutgoingHead& head) {
  reuse(header_);
  reuse(content_);
  write_request_header(header_, head);
  return write_call_content(content_, spec, head);
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
  const OutgoingHead head = outgoing_head(attempt, *client_, left);
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
  return read_call_content(attempt.spec, *header, frame.content(), client_->options.classes);
}

Task<Result<std::unique_ptr<MessageStream>>> BoltClient::open_stream(const Provider& provider, const MethodSpec&, const CallOptions&) {
  co_return fail(Code::unimplemented, "Bolt carries no streams; connect to tri://{}", provider.address.to_string());
}

}  // namespace sofa::rpc::detail
