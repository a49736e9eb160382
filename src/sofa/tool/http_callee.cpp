#include "sofa/base/json.h"
#include "sofa/grpc/status.h"
#include "sofa/http/channel.h"
#include "sofa/tool/callee.h"
#include "sofa/tool/json_tree.h"

namespace sofa::tool {

namespace {

constexpr uint32_t kMostConnections = 10'000;  // of `sofa bench`, one for each call under way

/// POST /SERVICE/METHOD with the arguments as the body.
class HttpCallee final : public Callee {
 public:
  HttpCallee(const CallPlan& plan, std::string_view arguments) : plan_(plan), body_(Bytes::copy_of(arguments)) {
    const MethodName& method = plan.method;
    // SOFARPC's services have their version in the path (docs/protocols/sofarpc.md, section 7), those of a .proto do not.
    const bool java = means_java(plan, arguments);
    const std::string unique = method.unique_id.empty() ? "" : ":" + method.unique_id;
    request_.method = "POST";
    request_.target =
        fmt::format("/{}{}/{}", method.service, java ? fmt::format(":{}{}", method.version.value_or("1.0"), unique) : "", method.method);
    request_.headers.add("content-type", "application/json");
    for (const auto& [key, value] : plan.flags.header) request_.headers.set(key, value);
    for (const auto& [key, value] : plan.flags.baggage) request_.headers.add("rpc_req_baggage." + key, value);
  }

  /// A first connection, so that nobody at the address is told before the first call.
  io::Task<Result<void>> open() {
    http::ChannelOptions options{.connect_timeout = plan_.flags.call_timeout(), .max_running = kMostConnections, .max_body = Input::kMost};
    if (auto config = plan_.flags.tls_for(plan_.target)) options.tls = co_await io::or_return(io::TlsClientContext::open(std::move(*config)));
    channel_.emplace(co_await io::or_return(io::Address::parse(plan_.target.address)), options);
    auto connected = co_await channel_->connect();
    if (!connected) {
      co_await channel_->close();
      co_return fail(Code::unavailable, "no server can be reached at {}; start one there or name another address: {}", plan_.target.to_string(),
                     connected.error().to_string());
    }
    co_return Result<void>();
  }

  io::Task<Result<void>> call(Answer* answer) override {
    auto got = co_await io::with_timeout(plan_.flags.call_timeout(), channel_->exchange(request_, body_));
    if (!got) co_return forward_error(got);
    if (answer != nullptr) {
      for (const http::HeaderField field : got->headers) answer->headers.emplace_back(field.name, field.value);
    }
    if (got->status >= 400 || got->headers.get_or("sofa_head_response_error") == "true") {
      co_return fail(grpc::code_of_http_status(got->status), "{} at {} answered {}: {}", request_.target, plan_.target.address, got->status,
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

  const CallPlan plan_;
  const Bytes body_;
  http::RequestHead request_;
  std::optional<http::Channel> channel_;  // once it is open
};

}  // namespace

io::Task<Result<std::unique_ptr<Callee>>> open_http(const CallPlan& plan, std::string_view arguments) {
  auto callee = std::make_unique<HttpCallee>(plan, arguments);
  co_await io::or_return(callee->open());
  co_return callee;
}

}  // namespace sofa::tool
