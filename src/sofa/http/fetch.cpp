#include "sofa/http/fetch.h"

namespace sofa::http {

namespace {

/// Until the Body takes its place, before anything can come.
struct NoSink final : MessageSink {
  void on_data(ByteSpan) override {}
  void on_end(Headers&) override {}
  void on_abort(Error) override {}
};

}  // namespace

Result<Asked> ask(ClientConnection& connection, RequestHead request, Bytes body) {
  NoSink none;
  const bool has_body = !body.empty();
  auto exchange = connection.start(std::move(request), none, !has_body);
  if (!exchange) return forward_error(exchange);
  Asked asked{.exchange = std::move(*exchange), .answer = nullptr};
  asked.answer = std::make_unique<Body>(*asked.exchange);
  if (!has_body) return asked;
  if (auto sent = asked.exchange->send_data(std::move(body), true); !sent) return forward_error(sent);
  return asked;
}

io::Task<Result<Fetched>> fetch(ClientConnection& connection, RequestHead request, Bytes body, size_t most) {
  const Asked asked = co_await io::or_return(ask(connection, std::move(request), std::move(body)));
  ResponseHead head = *co_await io::or_return(asked.answer->response());
  co_return Fetched{std::move(head), co_await io::or_return(asked.answer->read_all(most))};
}

}  // namespace sofa::http
