#include "sofa/admin/admin_server.h"

#include <algorithm>

#include "sofa/admin/detail/gatekeeper.h"
#include "sofa/admin/detail/grpc_face.h"
#include "sofa/admin/detail/page_headers.h"
#include "sofa/admin/detail/passed_on.h"
#include "sofa/admin/detail/watch.h"
#include "sofa/http/filter.h"
#include "sofa/http/page_guard.h"
#include "sofa/http/server.h"
#include "sofa/io/runtime.h"
#include "sofa/rest/openapi.h"
#include "sofa/transport/port.h"

namespace sofa::admin {

namespace {

/// What GET /v1/session says.
struct SessionInfo {
  std::string user{};
  std::string proof{};
  std::string csrf_token{};
  bool open = false;
  std::vector<std::string> permissions{};
  static void describe(Description<SessionInfo>& d) {
    d.doc("Who asks.");
    d.field("user", &SessionInfo::user).doc("empty: nobody is signed in");
    d.field("proof", &SessionInfo::proof).doc("how it was proved: password, token, session, certificate, nothing");
    d.field("csrf_token", &SessionInfo::csrf_token).doc("a page sends it as x-csrf-token with what changes something");
    d.field("open", &SessionInfo::open).doc("everybody may do everything, without signing in");
    d.field("permissions", &SessionInfo::permissions).doc("users:read; * for all; what begins with ! is taken away");
  }
};

/// One route of the server, as /v1/routes tells it.
struct RouteInfo {
  std::string method{}, pattern{}, permission{}, operation{};
  static void describe(Description<RouteInfo>& d) {
    d.java_type("sofa.RouteInfo").doc("What the port serves over HTTP.");
    d.field("method", &RouteInfo::method);
    d.field("pattern", &RouteInfo::pattern).doc("{name} stands for one segment, {name...} for all that follow");
    d.field("permission", &RouteInfo::permission).doc("that it needs; empty: open to everybody");
    d.field("operation", &RouteInfo::operation).doc("\"Users/GetUser\", of gRPC; empty: HTTP alone has it");
  }
};

constexpr size_t kMostHeld = size_t{64} << 20;  // bytes of requests that are not whole, and of answers that wait for their peers, of each

class RegistryMetrics final : public MetricSource {
 public:
  explicit RegistryMetrics(std::shared_ptr<MetricRegistry> registry) : registry_(std::move(registry)) {}
  io::Task<Result<std::vector<MetricValue>>> read() override { co_return registry_->read(); }

 private:
  const std::shared_ptr<MetricRegistry> registry_;
};

Result<void> answer_json(http::Exchange& exchange, int status, std::string json) {
  if (json.empty()) return exchange.send_response(status == 200 ? 204 : status, {}, true);
  return http::respond(exchange, status, "application/json", Bytes::copy_of(json));
}

}  // namespace

class AdminServer::Impl {
 public:
  explicit Impl(AdminOptions options)
      : options_(std::move(options)),
        gate_(options_.gate != nullptr ? options_.gate : std::make_shared<OpenGate>()),
        keeper_(*gate_),
        api_({.title = options_.title, .version = "1", .doc = "HTTP with JSON.", .max_body = options_.max_body, .describe = false}),
        streams_(options_.max_streams),
        watch_(api_, *gate_, streams_),
        headers_(api_),
        grpc_(headers_, {.keeper = keeper_, .streams = streams_, .ready = options_.probes.ready, .max_message = options_.max_body}),
        guard_(grpc_, {.origins = {}, .hosts = options_.hosts}),
        log_(guard_),
        http2_(first(), http2_options()),
        http1_(first(), http1_options(), http2_options()) {
    add_probe("/healthz", options_.probes.live);
    add_probe("/livez", options_.probes.live);
    add_probe("/readyz", options_.probes.ready);
    add_session();
    add_raw("GET", "/v1/events", "events:read",
            [this](http::Exchange& exchange, http::Body& body, const Caller& caller) { return watch_.serve(exchange, body, caller); });
    add_list_of_routes();
    add_raw("GET", "/metrics", "metrics:read",
            [this](http::Exchange& exchange, http::Body&, const Caller&) -> io::Task<Result<void>> { return answer_metrics(exchange); });
    add_raw("GET", "/openapi.json", "api:read", [this](http::Exchange& exchange, http::Body&, const Caller&) -> io::Task<Result<void>> {
      co_return answer_json(exchange, 200, rest::openapi(api_));
    });
    add_raw("GET", "/admin.proto", "api:read", [this](http::Exchange& exchange, http::Body&, const Caller&) -> io::Task<Result<void>> {
      co_return http::respond(exchange, 200, "text/plain; charset=utf-8", Bytes::copy_of(grpc_.schema().text()));
    });
    add_raw("GET", "/docs", "api:read", [](http::Exchange& exchange, http::Body&, const Caller&) -> io::Task<Result<void>> {
      co_return http::respond(exchange, 200, "text/html; charset=utf-8", Bytes::literal(rest::docs_page()),
                              {{"content-security-policy", detail::kPolicyOfDocs}});
    });
  }

  void add(std::shared_ptr<Part> part) {
    routes_.begin(part->name());
    const size_t before = routes_.operations().size();
    part->add_to(routes_);
    for (size_t i = before; i < routes_.operations().size(); ++i) serve(routes_.operations()[i]);
    parts_.push_back(std::move(part));
  }

  void add_raw(std::string_view method, std::string_view pattern, std::string_view permission, Raw raw) {
    raw_routes_.push_back({std::string(method), std::string(pattern), std::string(permission)});
    api_.router().add(method, pattern,
                      http::Router::Coroutine([this, permission = std::string(permission), raw = std::move(raw)](
                                                  http::Exchange& exchange, http::Body& body) -> io::Task<Result<void>> {
                        auto caller = co_await keeper_.admit(exchange, permission);
                        if (!caller) co_return keeper_.refuse(exchange, caller.error());
                        co_return co_await raw(exchange, body, *caller);
                      }));
  }

  void set_fallback(std::shared_ptr<http::Handler> handler) {
    fallback_ = std::move(handler);
    api_.router().set_fallback(*fallback_);
  }

  io::Task<Result<void>> start() {
    co_await io::or_return(grpc_.open(routes_.operations()));
    std::shared_ptr<io::TlsServerContext> tls;
    if (options_.tls) tls = co_await io::or_return(io::TlsServerContext::open(*options_.tls));
    for (uint16_t further = 0;; ++further) {
      auto opened = co_await open(static_cast<uint16_t>(options_.port + further), tls);
      if (opened || further == options_.further_ports || opened.error().code() != Code::already_exists) co_return opened;
    }
  }

  io::Task<Result<void>> stop() {
    if (port_ == nullptr) co_return Result<void>();
    auto stopped = co_await port_->stop();
    io::Runtime& runtime = io::Shard::current().runtime();
    for (unsigned i = 0; i < runtime.shard_count(); ++i) {
      (void)co_await io::on(runtime.shard(i), [this]() -> io::Task<Result<void>> {
        co_await grpc_.stop_shard();
        co_await api_.stop_shard();
        co_return Result<void>();
      });
    }
    port_ = nullptr;
    co_return stopped;
  }

  io::Task<Result<std::vector<MetricValue>>> read_metrics() const {
    std::vector<MetricValue> all = process_metrics();
    for (const auto& source : sources_) std::ranges::move(co_await io::or_return(co_await source->read()), std::back_inserter(all));
    co_return all;
  }

  AdminOptions options_;
  const std::shared_ptr<Gate> gate_;
  Routes routes_;
  std::vector<RawRoute> raw_routes_;
  std::vector<std::shared_ptr<MetricSource>> sources_;
  std::vector<std::shared_ptr<transport::Protocol>> protocols_;
  std::unique_ptr<transport::Port> port_;

  http::Handler& passed_on() { return passed_on_; }
  http::Handler& first() { return options_.access_log ? static_cast<http::Handler&>(log_) : guard_; }

 private:
  io::Task<Result<void>> open(uint16_t port, std::shared_ptr<io::TlsServerContext> tls) {
    std::vector<transport::Protocol*> protocols{&http2_, &http1_};
    for (const auto& more : protocols_) protocols.push_back(more.get());
    transport::PortOptions how{.option_name = options_.port_option};
    how.max_connections = static_cast<uint32_t>(options_.max_connections);
    how.drain_timeout = options_.drain;
    how.tls_only = tls != nullptr;  // a password or a token never crosses in clear
    how.tls = std::move(tls);
    port_ = co_await io::or_return(transport::Port::open(io::Address::of(options_.host, port), std::move(protocols), std::move(how)));
    co_return Result<void>();
  }

  void serve(const Operation& operation) {
    const auto answer = [this, &operation](const rest::Route& route, http::Exchange& exchange, http::Body& body) {
      return operation.streams ? answer_stream(operation, route, exchange, body) : answer_once(operation, route, exchange, body);
    };
    api_.add_route(operation.method, operation.pattern, *operation.request, operation.response, answer, operation.streams)
        .doc(operation.about)
        .name(operation.part + "_" + operation.name)
        .permission(operation.permission);
  }

  io::Task<Result<void>> answer_once(const Operation& operation, const rest::Route& route, http::Exchange& exchange, http::Body& body) {
    auto caller = co_await keeper_.admit(exchange, operation.permission);
    if (!caller) co_return keeper_.refuse(exchange, caller.error());
    const Operation::Fill fill = [&](void* into) { return route.read(exchange, body, into, options_.max_body); };
    auto json = co_await operation.run(fill, *caller, {});
    if (!json) co_return rest::answer_error(exchange, json.error());
    co_return answer_json(exchange, 200, std::move(*json));
  }

  io::Task<Result<void>> answer_stream(const Operation& operation, const rest::Route& route, http::Exchange& exchange, http::Body& body) {
    auto caller = co_await keeper_.admit(exchange, operation.permission);
    if (!caller) co_return keeper_.refuse(exchange, caller.error());
    const detail::Places::Place place(streams_);
    if (auto given = place.given(); !given) co_return rest::answer_error(exchange, given.error());
    bool open = false;
    const auto begin = [&]() -> Result<void> {
      if (std::exchange(open, true)) return {};
      return exchange.send_response(200, {{"content-type", "text/event-stream"}, {"cache-control", "no-store"}});
    };
    const Operation::Fill fill = [&](void* into) -> io::Task<Result<void>> {
      co_await io::or_return(co_await route.read(exchange, body, into, options_.max_body));
      co_return begin();  // the caller knows that it listens before there is an event
    };
    const Operation::Emit emit = [&](std::string json) -> io::Task<Result<void>> {
      co_return co_await body.write(Bytes::copy_of(fmt::format("data: {}\n\n", json)));
    };
    auto done = co_await operation.run(fill, *caller, emit);
    if (!done && !open) co_return rest::answer_error(exchange, done.error());
    if (done) co_return exchange.send_data({}, true);
    co_return std::unexpected(std::move(done.error()));
  }

  /// What the peers of all connections may make the server keep.
  http::Http2Options http2_options() const {
    http::Http2Options options;
    options.keep_alive_interval = std::chrono::seconds(30);  // a stream of events waits for ever for a peer that has vanished
    options.half_bodies = half_bodies_;
    options.unsent = unsent_;
    return options;
  }
  http::Http1Options http1_options() const {
    http::Http1Options options;
    options.half_close_cancels = true;  // so that a stream of events ends with its browser
    options.half_bodies = half_bodies_;
    options.unsent = unsent_;
    return options;
  }

  void add_probe(std::string_view path, const std::function<Result<void>()>& probe) {
    api_.router().get(path, [probe](const http::ExchangePtr& exchange) {
      const Result<void> well = probe ? probe() : Result<void>();
      (void)http::respond_text(*exchange, well ? 200 : 503, well ? "ok" : well.error().to_string(), {{"cache-control", "no-store"}});
    });
  }

  void add_session() {
    routes_.begin("Session");
    serve(routes_
              .get("GetSession", "/v1/session", "",
                   [this](Nothing, const Caller& caller) -> SessionInfo {
                     const Principal& who = caller.principal;
                     SessionInfo info{.user = who.name, .proof = std::string(to_string(who.proof)), .open = gate_->is_open()};
                     if (who.name.empty()) return info;
                     info.csrf_token = gate_->csrf_token(who);
                     info.permissions = gate_->permissions_of(who);
                     return info;
                   })
              .doc("Who asks, and what a page needs to change something."));
  }

  /// Of the router itself: what is served cannot be missing here. What no gate stands before has no permission.
  std::vector<RouteInfo> list_routes() {
    std::vector<RouteInfo> all;
    for (http::Router::Route& route : api_.router().routes()) {
      RouteInfo info{.method = std::move(route.method), .pattern = std::move(route.pattern)};
      const auto same = [&info](const auto& other) { return other.method == info.method && other.pattern == info.pattern; };
      if (const auto raw = std::ranges::find_if(raw_routes_, same); raw != raw_routes_.end()) info.permission = raw->permission;
      if (const auto typed = std::ranges::find_if(routes_.operations(), same); typed != routes_.operations().end()) {
        info.permission = typed->permission;
        info.operation = fmt::format("{}/{}", typed->part, typed->name);
      }
      all.push_back(std::move(info));
    }
    return all;
  }

  void add_list_of_routes() {
    routes_.begin("Api");
    serve(routes_.get("ListRoutes", "/v1/routes", "api:read", [this] { return list_routes(); })
              .doc("Every route of the port, with the permission that it needs."));
  }

  io::Task<Result<void>> answer_metrics(http::Exchange& exchange) {
    const MetricsFormat format = metrics_format_of(exchange.request().headers.get_or("accept"));
    const auto all = co_await read_metrics();
    if (!all) co_return rest::answer_error(exchange, all.error());
    co_return http::respond(exchange, 200, content_type_of(format), Bytes::copy_of(metrics_text(*all, format)), {{"cache-control", "no-store"}});
  }

  detail::Gatekeeper keeper_;
  rest::Api api_;
  std::vector<std::shared_ptr<Part>> parts_;
  std::shared_ptr<http::Handler> fallback_;
  detail::Places streams_;
  detail::Watch watch_;
  const std::shared_ptr<transport::ByteBudget> half_bodies_ = std::make_shared<transport::ByteBudget>(kMostHeld);
  const std::shared_ptr<transport::UnsentAnswers> unsent_ = std::make_shared<transport::UnsentAnswers>(kMostHeld);
  detail::PassedOn passed_on_{api_};
  detail::PageHeaders headers_;
  detail::GrpcFace grpc_;
  http::PageGuard guard_;
  http::AccessLog log_;
  http::Http2Protocol http2_;
  http::Http1Protocol http1_;
};

AdminServer::AdminServer(AdminOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
AdminServer::~AdminServer() = default;
void AdminServer::add(std::shared_ptr<Part> part) { impl_->add(std::move(part)); }
void AdminServer::add_metrics(std::shared_ptr<MetricSource> source) { impl_->sources_.push_back(std::move(source)); }
void AdminServer::add_metrics(std::shared_ptr<MetricRegistry> registry) { add_metrics(std::make_shared<RegistryMetrics>(std::move(registry))); }
io::Task<Result<std::vector<MetricValue>>> AdminServer::read_metrics() const { return impl_->read_metrics(); }
void AdminServer::add_raw(std::string_view method, std::string_view pattern, std::string_view permission, Raw raw) {
  impl_->add_raw(method, pattern, permission, std::move(raw));
}
void AdminServer::set_fallback(std::shared_ptr<http::Handler> handler) { impl_->set_fallback(std::move(handler)); }
void AdminServer::add_protocol(std::shared_ptr<transport::Protocol> protocol) { impl_->protocols_.push_back(std::move(protocol)); }
io::Task<Result<void>> AdminServer::start() { return impl_->start(); }
io::Task<Result<void>> AdminServer::stop() { return impl_->stop(); }
uint16_t AdminServer::port() const { return impl_->port_ == nullptr ? 0 : impl_->port_->local().port(); }
Gate& AdminServer::gate() const { return *impl_->gate_; }
const std::deque<Operation>& AdminServer::operations() const { return impl_->routes_.operations(); }
const std::vector<AdminServer::RawRoute>& AdminServer::raw_routes() const { return impl_->raw_routes_; }
http::Handler& AdminServer::attached_handler() { return impl_->passed_on(); }

}  // namespace sofa::admin
