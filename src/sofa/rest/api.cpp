#include "sofa/rest/api.h"

#include "sofa/http/content_coding.h"
#include "sofa/rest/openapi.h"

namespace sofa::rest {

namespace {

Result<void> answer_problem(http::Exchange& exchange, int status, std::string_view more, std::string_view detail, http::Headers fields) {
  const std::string problem = fmt::format(R"({{"status":{},{}"detail":{}}})", status, more, json_quoted(detail));
  return http::respond(exchange, status, "application/problem+json", Bytes::copy_of(problem), std::move(fields));
}

void refuse(http::Exchange& exchange, int status, std::string_view sentence, http::Headers fields) {
  [[maybe_unused]] const auto sent = answer_problem(exchange, status, "", sentence, std::move(fields));
}

io::Task<Result<void>> refuse_coding(http::Exchange& exchange, std::string sentence) {
  co_return answer_problem(exchange, 415, "", sentence, http::accepted_codings());
}

}  // namespace

Api::Api(About about) : about_(std::move(about)) {
  router_.set_refuse(refuse);
  if (!about_.describe) return;
  router_.get("/openapi.json", [this](const http::ExchangePtr& exchange) {
    [[maybe_unused]] const auto sent = http::respond(*exchange, 200, "application/json", Bytes::copy_of(openapi(*this)));
  });
  router_.get("/docs", [](const http::ExchangePtr& exchange) {
    [[maybe_unused]] const auto sent = http::respond(*exchange, 200, "text/html; charset=utf-8", Bytes::literal(docs_page()));
  });
}

Route& Api::add_route(std::string_view method, std::string_view pattern, const Type& request, const Type* response, Serve serve, bool events) {
  Route& route = routes_.emplace_back(method, pattern, request, response, events);
  router_.add(method, pattern, http::Router::Coroutine([&route, serve = std::move(serve)](http::Exchange& exchange, http::Body& body) {
                const std::string why = route.has_body() ? http::undecoded(exchange.request()) : std::string();
                return why.empty() ? serve(route, exchange, body) : refuse_coding(exchange, why);
              }));
  return route;
}

Result<void> answer_error(http::Exchange& exchange, const Error& error, http::Headers fields) {
  const auto* said = error.detail<HttpStatus>();
  const int status = said != nullptr ? said->status : http::status_of(error.code());
  return answer_problem(exchange, status, fmt::format(R"("code":"{}",)", to_string(error.code())), error.to_string(), std::move(fields));
}

Result<void> Events::open() {
  if (std::exchange(open_, true)) return {};
  return exchange_.send_response(200, {{"content-type", "text/event-stream"}, {"cache-control", "no-store"}});
}

io::Task<Result<void>> Events::send_json(Result<std::string> json, std::string name) {
  if (!json) co_return forward_error(json);
  co_await io::or_return(open());
  // JSON has no line breaks of its own here, so that one data line holds it.
  const std::string event = name.empty() ? fmt::format("data: {}\n\n", *json) : fmt::format("event: {}\ndata: {}\n\n", name, *json);
  co_return co_await body_.write(Bytes::copy_of(event));
}

}  // namespace sofa::rest
