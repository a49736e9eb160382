#include "sofa/base/json.h"
#include "sofa/grpc/status.h"
#include "sofa/http/fetch.h"
#include "sofa/io/dns.h"
#include "sofa/io/stream.h"
#include "sofa/io/tls.h"
#include "sofa/tool/callee.h"
#include "sofa/tool/json_tree.h"

namespace sofa::tool {

namespace {

/// POST /SERVICE/METHOD with the arguments as the body. A connection serves one call at a time; those that rest are used again.
class HttpCallee final : public Callee {
 public:
  HttpCallee(const CallPlan& plan, std::string_view arguments) : plan_(plan), body_(Bytes::copy_of(arguments)) {
    const MethodName& method = plan.method;
    // SOFARPC's services have their version in the path (docs/protocols/sofarpc.md, section 7), those of a .proto do not.
    const bool java = means_java(plan, arguments);
    const std::string unique = method.unique_id.empty() ? "" : ":" + method.unique_id;
    request_.method = "POST";
    request_.scheme = plan.flags.tls_for(plan.target) ? "https" : "http";
    request_.authority = plan.target.address;
    request_.target =
        fmt::format("/{}{}/{}", method.service, java ? fmt::format(":{}{}", method.version.value_or("1.0"), unique) : "", method.method);
    request_.headers.add("content-type", "application/json");
    request_.headers.add("content-length", std::to_string(body_.size()));
    for (const auto& [key, value] : plan.flags.header) request_.headers.set(key, value);
    for (const auto& [key, value] : plan.flags.baggage) request_.headers.add("rpc_req_baggage." + key, value);
  }

  /// A first connection, so that nobody at the address is told before the first call.
  io::Task<Result<void>> open() {
    if (auto config = plan_.flags.tls_for(plan_.target)) tls_ = co_await io::or_return(io::TlsClientContext::open(std::move(*config)));
    idle_.push_back(co_await io::or_return(connect()));
    co_return Result<void>();
  }

  io::Task<Result<void>> call(Answer* answer) override {
    auto connection = co_await io::or_return(take_connection());
    auto done = co_await io::with_timeout(plan_.flags.call_timeout(), exchange(*connection, answer));
    if (connection->is_open() && connection->can_start()) {
      idle_.push_back(std::move(connection));
    } else {
      co_await connection->close();
    }
    co_return done;
  }

  io::Task<void> close() override {
    for (const auto& connection : idle_) co_await connection->close();
  }

 private:
  io::Task<Result<std::unique_ptr<http::ClientConnection>>> connect() {
    const io::Address address = co_await io::or_return(io::Address::parse(plan_.target.address));
    auto connecting = tls_ == nullptr ? io::Stream::connect(address) : io::tls_connect(address, *tls_);
    auto connected = co_await io::with_timeout(plan_.flags.call_timeout(), std::move(connecting));
    if (!connected) {
      co_return fail(Code::unavailable, "no server can be reached at {}; start one there or name another address: {}", plan_.target.to_string(),
                     connected.error().to_string());
    }
    co_return http::connect_http1(std::move(*connected));
  }

  io::Task<Result<std::unique_ptr<http::ClientConnection>>> take_connection() {
    while (!idle_.empty()) {
      auto connection = std::move(idle_.back());
      idle_.pop_back();
      if (connection->is_open()) co_return connection;
      co_await connection->close();
    }
    co_return co_await connect();
  }

  io::Task<Result<void>> exchange(http::ClientConnection& connection, Answer* answer) {
    const auto [head, bytes] = co_await io::or_return(http::fetch(connection, request_, body_, Input::kMost));
    if (answer != nullptr) {
      for (const http::HeaderField field : head.headers) answer->headers.emplace_back(field.name, field.value);
    }
    if (head.status >= 400 || head.headers.get_or("sofa_head_response_error") == "true") {
      co_return fail(grpc::code_of_http_status(head.status), "{} at {} answered {}: {}", request_.target, plan_.target.address, head.status,
                     bytes.text());
    }
    if (answer != nullptr) {
      const bool is_json = !bytes.empty() && JsonTree::parse(bytes.text(), "the answer").has_value();
      answer->json = bytes.empty() ? "null" : is_json ? std::string(bytes.text()) : json_quoted(bytes.text());
    }
    co_return Result<void>();
  }

  const CallPlan plan_;
  const Bytes body_;
  http::RequestHead request_;
  std::shared_ptr<io::TlsClientContext> tls_;  // null: plain
  std::vector<std::unique_ptr<http::ClientConnection>> idle_;
};

}  // namespace

io::Task<Result<std::unique_ptr<Callee>>> open_http(const CallPlan& plan, std::string_view arguments) {
  auto callee = std::make_unique<HttpCallee>(plan, arguments);
  co_await io::or_return(callee->open());
  co_return callee;
}

}  // namespace sofa::tool
