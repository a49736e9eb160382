#pragma once
// One HTTP request and its answer, over a connection of its own.

#include "sample.h"
#include "sofa/http/fetch.h"

namespace sofa::rpc::testing {

struct HttpAnswer {
  int status = 0;
  http::Headers fields;
  std::string body;
};

/// Asks a server by HTTP/1.1 or HTTP/2, by its address unless the request has an authority.
inline Task<Result<HttpAnswer>> ask(const RunningServer& server, http::Version version, http::RequestHead request, std::string body = {}) {
  if (request.authority.empty()) request.authority = server.address().to_string();
  auto stream = co_await or_return(io::Stream::connect(server.address()));
  auto connection =
      co_await or_return(version == http::Version::http2 ? http::connect_http2(std::move(stream)) : http::connect_http1(std::move(stream)));
  auto answer = co_await http::fetch(*connection, std::move(request), Bytes::copy_of(body), size_t{64} << 20);
  co_await connection->close();
  if (!answer) co_return forward_error(answer);
  co_return HttpAnswer{answer->head.status, std::move(answer->head.headers), std::string(answer->body.text())};
}

}  // namespace sofa::rpc::testing
