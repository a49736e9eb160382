#include "sofa/base/json.h"
#include "sofa/grpc/status.h"
#include "sofa/http/channel.h"
#include "sofa/tool/callee.h"
#include "sofa/tool/json_tree.h"
#include "sofa/tool/open_api.h"

namespace sofa::tool {

namespace {

constexpr uint32_t kMostConnections = 10'000;  // of `sofa bench`, one for each call under way

constexpr std::string_view kDescription = "/openapi.json";

/// POST /SERVICE/METHOD with the arguments as the body.
http::RequestHead request_of_method(const CallPlan& plan, std::string_view arguments) {
  const MethodName& method = plan.method;
  // SOFARPC's services have their version in the path (docs/protocols/sofarpc.md, section 7), those of a .proto do not.
  const std::string unique = method.unique_id.empty() ? "" : ":" + method.unique_id;
  const std::string version = means_java(plan, arguments) ? fmt::format(":{}{}", method.version.value_or("1.0"), unique) : "";
  http::RequestHead request{.method = "POST", .target = fmt::format("/{}{}/{}", method.service, version, method.method)};
  request.headers.add("content-type", "application/json");
  return request;
}

class HttpCallee final : public Callee {
 public:
  HttpCallee(const Target& target, const CallFlags& flags) : target_(target), flags_(flags) {}

  /// A first connection, so that nobody at the address is told before the first call.
  io::Task<Result<void>> open() {
    http::ChannelOptions options{.connect_timeout = flags_.call_timeout(), .max_running = kMostConnections, .max_body = Input::kMost};
    if (auto config = flags_.tls_for(target_)) options.tls = co_await io::or_return(io::TlsClientContext::open(std::move(*config)));
    channel_.emplace(co_await io::or_return(io::Address::parse(target_.address)), options);
    auto connected = co_await channel_->connect();
    if (!connected) {
      co_await channel_->close();
      co_return std::unexpected(
          std::move(connected.error())
              .wrap(fmt::format("no server can be reached at {}; start one there or name another address", target_.to_string())));
    }
    co_return Result<void>();
  }

  io::Task<Result<http::Response>> ask(http::RequestHead request, Bytes body) {
    co_return co_await io::with_timeout(flags_.call_timeout(), channel_->exchange(std::move(request), std::move(body)));
  }

  /// The routes of the server; none when it does not describe them.
  io::Task<Result<OpenApi>> describe() {
    const auto got = co_await io::or_return(ask({.method = "GET", .target = std::string(kDescription)}, Bytes()));
    if (got.status == 200) co_return OpenApi::parse(got.body.text());
    co_return OpenApi();
  }

  /// What call() sends.
  void prepare(http::RequestHead request, std::string_view body) {
    for (const auto& [key, value] : flags_.header) request.headers.set(key, value);
    for (const auto& [key, value] : flags_.baggage) request.headers.add("rpc_req_baggage." + key, value);
    request_ = std::move(request);
    body_ = Bytes::copy_of(body);
  }

  io::Task<Result<void>> prepare_route(const MethodName& route, std::string_view arguments) {
    const OpenApi api = co_await io::or_return(describe());
    const RouteRequest made = co_await io::or_return(api.request(route.verb, route.method, arguments));
    http::RequestHead request{.method = route.verb, .target = made.target};
    for (const auto& [name, value] : made.headers) request.headers.add(name, value);
    if (!made.body.empty()) request.headers.add("content-type", "application/json");
    prepare(std::move(request), made.body);
    co_return Result<void>();
  }

  io::Task<Result<void>> call(Answer* answer) override {
    auto got = co_await ask(request_, body_);
    if (!got) co_return forward_error(got);
    if (answer != nullptr) {
      for (const http::HeaderField field : got->headers) answer->headers.emplace_back(field.name, field.value);
    }
    if (got->status >= 400 || got->headers.get_or("sofa_head_response_error") == "true") {
      co_return fail(grpc::code_of_http_status(got->status), "{} at {} answered {}: {}", request_.target, target_.address, got->status,
                     got->body.text());
    }
    if (answer != nullptr) answer->json = json_of(got->body);
    co_return Result<void>();
  }

  io::Task<void> close() override {
    if (channel_) co_await channel_->close();
  }

 private:
  static std::string json_of(const Bytes& body) {
    if (body.empty()) return "null";
    return JsonTree::parse(body.text(), "the answer") ? std::string(body.text()) : json_quoted(body.text());
  }

  const Target target_;
  const CallFlags flags_;
  Bytes body_;
  http::RequestHead request_;
  std::optional<http::Channel> channel_;  // once it is open
};

}  // namespace

io::Task<Result<std::unique_ptr<Callee>>> open_http(const CallPlan& plan, std::string_view arguments) {
  auto callee = std::make_unique<HttpCallee>(plan.target, plan.flags);
  co_await io::or_return(callee->open());
  if (plan.method.verb.empty()) {
    callee->prepare(request_of_method(plan, arguments), arguments);
    co_return callee;
  }
  auto prepared = co_await callee->prepare_route(plan.method, arguments);
  if (prepared) co_return callee;
  co_await callee->close();
  co_return forward_error(prepared);
}

io::Task<Result<std::vector<ServiceMethods>>> list_routes(const Target& target, const CallFlags& flags) {
  HttpCallee callee(target, flags);
  co_await io::or_return(callee.open());
  auto api = co_await callee.describe();
  co_await callee.close();
  if (!api) co_return forward_error(api);
  co_return api->list();
}

}  // namespace sofa::tool
