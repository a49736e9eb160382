#include "sofa/http/fetch.h"

#include "sofa/http/body.h"

namespace sofa::http {

namespace {

/// Until the Body takes its place, before anything can come.
struct NoSink final : MessageSink {
  void on_data(ByteSpan) override {}
  void on_end(Headers&) override {}
  void on_abort(Error) override {}
};

}  // namespace

io::Task<Result<Fetched>> fetch(ClientConnection& connection, RequestHead request, Bytes body, size_t most) {
  NoSink none;
  const bool has_body = !body.empty();
  auto exchange = co_await io::or_return(connection.start(std::move(request), none, !has_body));
  Body answer(*exchange);
  if (has_body) co_await io::or_return(exchange->send_data(std::move(body), true));
  ResponseHead head = *co_await io::or_return(answer.response());
  co_return Fetched{std::move(head), co_await io::or_return(answer.read_all(most))};
}

}  // namespace sofa::http
