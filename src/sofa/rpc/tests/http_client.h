#pragma once
// One HTTP request and its answer, over a connection of its own.

#include "sample.h"
#include "sofa/http/body.h"
#include "sofa/http/client.h"

namespace sofa::rpc::testing {

struct HttpAnswer {
  int status = 0;
  http::Headers fields;
  std::string body;
};

inline Task<Result<HttpAnswer>> read_answer(http::ClientConnection& connection, http::RequestHead request, std::string body) {
  struct Nobody final : http::MessageSink {
    void on_data(ByteSpan) override {}
    void on_end(http::Headers&) override {}
    void on_abort(Error) override {}
  } nobody;
  auto exchange = co_await or_return(connection.start(std::move(request), nobody, body.empty()));
  http::Body reader(*exchange);
  if (!body.empty()) co_await or_return(exchange->send_data(Bytes::copy_of(body), true));
  const http::ResponseHead* const head = co_await or_return(reader.response());
  const Bytes bytes = co_await or_return(reader.read_all(size_t{64} << 20));
  co_return HttpAnswer{head->status, head->headers, std::string(bytes.text())};
}

/// Asks a server by HTTP/1.1 or HTTP/2.
inline Task<Result<HttpAnswer>> ask(const RunningServer& server, http::Version version, http::RequestHead request, std::string body = {}) {
  request.authority = server.address().to_string();
  auto stream = co_await or_return(io::Stream::connect(server.address()));
  auto connection =
      co_await or_return(version == http::Version::http2 ? http::connect_http2(std::move(stream)) : http::connect_http1(std::move(stream)));
  auto answer = co_await read_answer(*connection, std::move(request), std::move(body));
  co_await connection->close();
  co_return answer;
}

}  // namespace sofa::rpc::testing
