#include "sofa/rpc/detail/dubbo_client.h"

#include "sofa/rpc/detail/dubbo_codec.h"

namespace sofa::rpc::detail {

DubboClient::DubboClient(std::shared_ptr<const ClientIdentity> client, std::shared_ptr<io::TlsClientContext> tls)
    : SessionProtocol(client->options, std::move(tls)), client_(std::move(client)) {}

Task<Result<void>> DubboClient::send(Attempt& attempt) {
  const Deadline deadline = attempt.end();
  Instant now = attempt.begun;
  transport::DubboSessionRef session = live_session(attempt.provider().address);
  if (session == nullptr) {
    attempt.timer.enter(Stage::connect);
    session = co_await or_return(session_to(attempt.provider().address, deadline));
    now = io::Shard::current().clock().now_monotonic();
  }
  const Duration left = deadline == kNoDeadline ? attempt.timeout : deadline - now;
  attempt.timer.enter(Stage::serialize);
  Buffer body;
  co_await or_return(write_dubbo_call(body, *client_, attempt, left));
  if (attempt.spec.oneway) co_return session->oneway(body.span());
  transport::DubboCall call = session->call(body.span(), left);
  attempt.timer.enter(Stage::wait);
  auto answer = co_await call;
  attempt.timer.enter(Stage::deserialize);
  if (!answer) co_return forward_error(answer);
  co_return attempt.settle([&] { return read_dubbo_answer(*answer, attempt.spec, client_->options.classes, attempt.options.response); });
}

Task<Result<std::unique_ptr<MessageStream>>> DubboClient::open_stream(const Provider& provider, const MethodSpec&, const CallOptions&) {
  co_return fail(Code::unimplemented, "Dubbo 2 carries no streams; connect to tri://{}", provider.address.to_string());
}

}  // namespace sofa::rpc::detail
