// Targets of requests on a router: the first byte chooses the method, the rest is the target. What a route takes is found again by hand, segment by
// segment; what none takes has 400, 404 or 405.
#include "must.h"
#include "sofa/http/router.h"
#include "sofa/http/testing/recorded_exchange.h"

namespace {

using namespace sofa;
using fuzz::must;

std::vector<std::string> segments(std::string_view path) {
  std::vector<std::string> all;
  for (size_t at = 1; at <= path.size();) {
    const size_t end = std::min(path.find('/', at), path.size());
    all.emplace_back(path.substr(at, end - at));
    at = end + 1;
  }
  return all;
}

/// Whether the route is the pattern of this path, and its parameters are the path's own segments.
void check_match(std::string_view path, const http::RequestContext& context) {
  const auto raw = segments(path);
  const auto pattern = segments(context.route);
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i].ends_with("...}")) return must(!context.parameters.get("rest").contains('\0'));
    must(i < raw.size());
    const auto decoded = http::percent_decode(raw[i]);
    must(decoded.has_value() && *decoded != "." && *decoded != "..");
    if (!pattern[i].starts_with('{')) {
      must(*decoded == pattern[i]);
    } else {
      must(!decoded->empty() && context.parameters.get(pattern[i].substr(1, pattern[i].size() - 2)) == *decoded);
    }
  }
  must(raw.size() == pattern.size());
}

struct Routes {
  Routes() {
    for (const char* pattern :
         {"/", "/users", "/users/{id}", "/users/me", "/users/{id}/orders/{order}", "/files/{rest...}", "/a/{b}/c", "/{x}/{y}/z"}) {
      router.get(pattern, [this](http::ExchangePtr exchange) {
        check_match(exchange->request().path(), exchange->context());
        must(exchange->send_response(200, {}, true).has_value());
        matched = true;
      });
    }
    router.post("/users", [this](const http::ExchangePtr& exchange) { matched = exchange->send_response(201, {}, true).has_value(); });
  }
  http::Router router;
  bool matched = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  static Routes routes;
  static constexpr const char* kMethods[] = {"GET", "POST", "HEAD", "OPTIONS", "DELETE"};
  const std::string target = "/" + std::string(reinterpret_cast<const char*>(data + 1), size - 1);
  http::testing::RecordedExchange::Sent sent;
  auto exchange = std::make_unique<http::testing::RecordedExchange>(sent, kMethods[data[0] % std::size(kMethods)], target);
  const std::string query(exchange->request().query());
  routes.matched = false;
  (void)routes.router.wants_body(exchange->request());
  routes.router.handle(std::move(exchange));
  must(sent.exchange == nullptr && sent.ended);
  must(routes.matched ? sent.status == 200 || sent.status == 201
                      : sent.status == 400 || sent.status == 404 || sent.status == 405 || sent.status == 204);
  const auto value = http::query_parameter(query, "q");
  must(!value || !value->contains('\0'));
  return 0;
}
