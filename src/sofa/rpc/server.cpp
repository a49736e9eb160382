#include "sofa/rpc/server.h"

#include <ranges>

#include "sofa/http/page_guard.h"
#include "sofa/http/server.h"
#include "sofa/io/runtime.h"
#include "sofa/io/sync.h"
#include "sofa/rpc/detail/calls_service.h"
#include "sofa/rpc/detail/channelz_service.h"
#include "sofa/rpc/detail/dubbo_metadata.h"
#include "sofa/rpc/detail/dubbo_metadata_v2.h"
#include "sofa/rpc/detail/dubbo_service.h"
#include "sofa/rpc/detail/grpc_face.h"
#include "sofa/rpc/detail/http_face.h"
#include "sofa/rpc/detail/http_guest.h"
#include "sofa/rpc/detail/response_codec.h"
#include "sofa/rpc/detail/shard_server.h"
#include "sofa/rpc/detail/written_call.h"
#include "sofa/rpc/inspector.h"
#include "sofa/rpc/rest.h"
#include "sofa/transport/bolt_protocol.h"
#include "sofa/transport/dubbo_protocol.h"
#include "sofa/transport/port.h"
#include "sofa/transport/session.h"

namespace sofa::rpc {

namespace detail {

namespace {

/// A request of a class that is no SofaRequest (docs/protocols/bolt.md, section 1.5).
class UnknownClassHandler final : public transport::Handler {
 public:
  void handle(transport::IncomingRequest& request, transport::Responder& responder) override {
    answer_failure(responder, bolt::Status::server_exception, fmt::format("No user processor found for request: {}", request.frame.class_name()));
  }
};

/// Requests of all connections, each on its shard.
class ServiceHandler final : public transport::Handler {
 public:
  explicit ServiceHandler(unsigned shards) : shards_(shards) {}
  void handle(transport::IncomingRequest& request, transport::Responder& responder) override {
    shards_[io::Shard::current().index()]->handle(request, responder);
  }
  std::unique_ptr<ShardServer>& shard(unsigned index) { return shards_[index]; }
  const GrpcFace::Shards& shards() const { return shards_; }

 private:
  GrpcFace::Shards shards_;
};

ServerOptions completed(ServerOptions options) {
  options.classes.always(std::string(kRequestClass));  // the envelope of a call is not the filter's affair
  if (!options.count_calls) options.calls = nullptr;
  if (options.count_calls && options.calls == nullptr) options.calls = std::make_shared<Calls>();
  if (options.http2.unsent == nullptr) options.http2.unsent = std::make_shared<transport::UnsentAnswers>(options.max_unsent_bytes);
  if (options.http2.half_bodies == nullptr) options.http2.half_bodies = std::make_shared<transport::ByteBudget>(options.max_half_frame_bytes);
  return options;
}

/// The services, and beside them what tells Dubbo's consumers of them. `application` may be null.
std::vector<ServiceEntry> with_metadata(std::vector<ServiceEntry> services, std::shared_ptr<const DubboApplication> application) {
  if (application == nullptr) return services;
  const ServiceId id{std::string(DubboMetadataService::kVersion), application->name()};
  auto service = make_dubbo_metadata_service(std::move(application));
  services.push_back({.name = unique_name(DubboMetadataService::kName, id),
                      .proto_name = std::string(DubboMetadataService::kName),
                      .make = [service = std::move(service)](unsigned) -> std::shared_ptr<Interface> { return service; },
                      .any_shard = true,
                      .options = {}});
  return services;
}

transport::BoltServerOptions bolt_options(const ServerOptions& options) {
  transport::BoltServerOptions bolt;
  bolt.session.limits.max_frame = options.max_frame;
  bolt.session.min_frame_rate = options.min_frame_rate;
  bolt.session.max_in_flight = static_cast<uint32_t>(options.max_calls_per_connection);
  bolt.max_in_flight = UINT32_MAX;  // ShardServer counts calls of all protocols together
  bolt.max_half_frame_bytes = options.max_half_frame_bytes;
  bolt.unsent = options.http2.unsent;
  return bolt;
}

transport::DubboServerOptions dubbo_options(const ServerOptions& options, bool text_commands) {
  transport::DubboServerOptions dubbo;
  dubbo.session.limits.max_frame = options.max_frame;
  dubbo.session.min_frame_rate = options.min_frame_rate;
  dubbo.session.max_in_flight = static_cast<uint32_t>(options.max_calls_per_connection);
  dubbo.max_in_flight = UINT32_MAX;  // as for Bolt
  dubbo.max_half_frame_bytes = options.max_half_frame_bytes;
  dubbo.unsent = options.http2.unsent;
  dubbo.text_commands = text_commands;
  return dubbo;
}

http::Http1Options http1_options(const ServerOptions& options) {
  http::Http1Options http1 = options.http1;
  http1.half_bodies = options.http2.half_bodies;
  http1.unsent = options.http2.unsent;
  return http1;
}

transport::PortOptions port_options(const ServerOptions& options, std::string option_name, std::shared_ptr<io::TlsServerContext> tls) {
  transport::PortOptions port;
  port.tls = std::move(tls);
  port.option_name = std::move(option_name);
  port.max_connections = static_cast<uint32_t>(options.max_connections);
  port.drain_timeout = options.drain;
  port.tls_only = options.tls_only;
  return port;
}

}  // namespace

/// What a Server was given.
struct ServerParts {
  ServerOptions options;
  Filters filters;
  std::vector<ServiceEntry> services;
  HttpPart http;
  std::shared_ptr<const grpc::JsonCodec> json;
  std::vector<std::function<void()>> on_stopping;
};

/// Everything that lives as long as the server listens.
class RunningCore final : public Inspector {
 public:
  explicit RunningCore(ServerParts parts)
      : options_(completed(std::move(parts.options))),
        filters_(std::move(parts.filters)),
        application_(options_.application.empty() ? nullptr : std::make_shared<DubboApplication>(options_.application)),
        services_(with_metadata(std::move(parts.services), application_)),
        home_(io::Shard::current()),
        runtime_(home_.runtime()),
        counters_(runtime_.shard_count()),
        running_(std::make_shared<CallsOfServer>(options_.max_calls_of_all_shards)),
        handler_(runtime_.shard_count()),
        bolt_(handlers_, bolt_options(options_)),
        json_(std::move(parts.json)),
        dubbo_service_([this]() -> ShardServer& { return *handler_.shard(io::Shard::current().index()); }, json_.get()),
        dubbo_(dubbo_service_, dubbo_options(options_, false)),
        dubbo_alone_(dubbo_service_, dubbo_options(options_, true)),
        http_(std::move(parts.http)),
        grpc_(options_, handler_.shards()),
        calls_service_(options_.calls, options_.show_calls),
        channelz_(
            home_, [this] { return shown(); }, options_.show_calls),
        metadata_v2_(application_),
        web_(grpc_.server(), json_.get()),
        face_(web_, handler_.shards(), json_.get()),
        http2_(put_middlewares_before(face_), options_.http2),
        http1_(first_handler(), http1_options(options_), options_.http2),
        on_stopping_(std::move(parts.on_stopping)) {
    if (http_.handler != nullptr) grpc_.server().set_fallback(guests_.emplace(*http_.handler, handler_.shards()));
  }

  Task<Result<void>> start();
  Task<Result<void>> open(std::shared_ptr<io::TlsServerContext> tls);
  /// From any shard.
  Task<Result<void>> stop() {
    return io::on(home_, [this] { return stop_here(); });
  }
  const io::Address& address() const { return address_; }
  uint16_t port(std::string_view protocol) const;
  ServerStats stats() const;
  grpc::CallStats grpc_stats() const { return grpc_.server().stats(); }
  const std::shared_ptr<Calls>& calls() const { return options_.calls; }

  // Inspector; what belongs to the home shard is done there.
  Task<Result<size_t>> open_connections() override {
    return io::on(home_, [this] { return count_connections(); });
  }
  Task<Result<std::vector<ServerConnection>>> connections(size_t most) override {
    return io::on(home_, [this, most] { return list_connections(most); });
  }
  Task<Result<std::vector<Served>>> methods() override {
    return io::on(home_, [this] { return list_methods(); });
  }
  Task<Result<WrittenAnswer>> call(WrittenCall call) override {
    return io::on(home_, [this, call = std::move(call)] { return call_here(call); });
  }

 private:
  Task<Result<void>> start_shard(unsigned index);
  Task<Result<void>> listen(std::shared_ptr<io::TlsServerContext> tls);
  Result<std::vector<transport::Protocol*>> choose(const std::vector<std::string>& names);
  /// Each before the next, down to `last`. The handler that sees every request.
  http::Handler& put_middlewares_before(http::Handler& last);
  http::Handler& first_handler() { return *middlewares_.back(); }
  ChannelzService::Shown shown() const;
  Task<Result<size_t>> count_connections() const;
  Task<Result<std::vector<ServerConnection>>> list_connections(size_t most) const;
  Task<Result<std::vector<Served>>> list_methods();
  Task<Result<WrittenAnswer>> call_here(WrittenCall call);
  Task<Result<void>> stop_here();
  Task<Result<void>> stop_shard(unsigned index);

  const ServerOptions options_;
  const Filters filters_;
  const std::shared_ptr<DubboApplication> application_;  // null: it has no name
  const std::vector<ServiceEntry> services_;
  io::Shard& home_;
  io::Runtime& runtime_;
  std::vector<Counters> counters_;  // of each shard
  const std::shared_ptr<CallsOfServer> running_;
  ServiceHandler handler_;
  UnknownClassHandler unknown_class_;
  transport::Handlers handlers_;
  transport::BoltProtocol bolt_;
  const std::shared_ptr<const grpc::JsonCodec> json_;  // null: none
  DubboService dubbo_service_;
  transport::DubboProtocol dubbo_;        // beside others
  transport::DubboProtocol dubbo_alone_;  // on a port of its own: with text commands
  const HttpPart http_;
  std::optional<HttpGuests> guests_;  // before the handler of http_
  GrpcFace grpc_;
  CallsService calls_service_;
  ChannelzService channelz_;
  DubboMetadataV2 metadata_v2_;
  grpc::WebHandler web_;
  HttpFace face_;
  std::vector<std::unique_ptr<http::Middleware>> middlewares_;  // the last sees a request first
  http::Http2Protocol http2_;
  http::Http1Protocol http1_;
  const std::vector<std::function<void()>> on_stopping_;
  std::vector<std::shared_ptr<transport::Port>> ports_;  // the first is that of the options, then more_ports
  io::Address address_;
  bool routes_joined_ = false;
  bool routes_shared_ = false;  // when it stops: another server still has its routes, and stops their tasks
  bool stopping_ = false;
  io::Event stopped_;
};

http::Handler& RunningCore::put_middlewares_before(http::Handler& last) {
  http::Handler* next = &last;
  const auto add = [&](std::unique_ptr<http::Middleware> middleware) { next = middlewares_.emplace_back(std::move(middleware)).get(); };
  for (const MakeMiddleware& make : std::views::reverse(http_.middlewares)) add(make(*next));
  const std::vector<std::string> origins = options_.cors ? options_.cors->origins : std::vector<std::string>();
  add(std::make_unique<http::PageGuard>(*next, http::PageGuardOptions{.origins = origins, .hosts = options_.hosts}));
  if (options_.cors) add(std::make_unique<http::Cors>(*next, *options_.cors));
  if (options_.access_log) add(std::make_unique<http::AccessLog>(*next));
  return *next;
}

Task<Result<void>> RunningCore::start() {
  for (const ServiceEntry& service : services_) {
    if (service.any_shard || runtime_.shard_count() == 1) continue;
    co_return fail(
        Code::failed_precondition,
        "service {} is one object, but {} shards would use it; declare it thread_safe or add it by a function that makes one for each shard",
        service.name, runtime_.shard_count());
  }
  std::shared_ptr<io::TlsServerContext> tls;
  if (options_.tls) tls = co_await or_return(io::TlsServerContext::open(*options_.tls));
  auto opened = co_await open(std::move(tls));
  if (opened) co_return opened;
  // What belongs to a shard ends there, also when the caller's scope is cancelled.
  io::Scope stopping(&io::Shard::current().root_scope(), "stop");
  [[maybe_unused]] const auto stopped = co_await stop().in(stopping);
  co_return opened;
}

/// From here on there is something to stop.
Task<Result<void>> RunningCore::open(std::shared_ptr<io::TlsServerContext> tls) {
  for (unsigned i = 0; i < runtime_.shard_count(); ++i) {
    co_await or_return(io::on(runtime_.shard(i), [this, i] { return start_shard(i); }));
  }
  if (application_ != nullptr) application_->set_services(handler_.shard(home_.index())->services());
  co_await or_return(handlers_.add(std::string(kRequestClass), handler_));
  handlers_.set_fallback(unknown_class_);
  if (http_.routes != nullptr) {
    co_await or_return(http_.routes->join(handler_.shard(home_.index())->services()));
    routes_joined_ = true;
  }
  co_await or_return(grpc_.add_methods());
  co_await or_return(calls_service_.add_to(grpc_.server()));
  co_await or_return(channelz_.add_to(grpc_.server()));
  co_await or_return(metadata_v2_.add_to(grpc_.server()));
  co_await or_return(listen(std::move(tls)));
  address_ = ports_.front()->local();
  if (application_ != nullptr) application_->set_ports(port("dubbo"), port("h2"));
  co_return Result<void>();
}

Task<Result<void>> RunningCore::listen(std::shared_ptr<io::TlsServerContext> tls) {
  std::vector<transport::Protocol*> protocols = co_await or_return(choose(options_.protocols));
  ports_.push_back(co_await or_return(
      transport::Port::open(io::Address::of(options_.host, options_.port), std::move(protocols), port_options(options_, options_.port_option, tls))));
  for (const ProtocolPort& more : options_.more_ports) {
    protocols = co_await or_return(choose({more.protocol}));
    ports_.push_back(co_await or_return(
        transport::Port::open(io::Address::of(options_.host, more.port), std::move(protocols), port_options(options_, more.option, tls))));
  }
  co_return Result<void>();
}

/// The protocols of a port by their names; all for none.
Result<std::vector<transport::Protocol*>> RunningCore::choose(const std::vector<std::string>& names) {
  const std::vector<transport::Protocol*> known{&bolt_, &dubbo_, &http2_, &http1_};
  if (names.empty()) return known;
  std::vector<transport::Protocol*> chosen;
  for (const std::string& name : names) {
    const auto found = std::ranges::find(known, std::string_view(name), &transport::Protocol::name);
    if (found == known.end()) return fail(Code::invalid_argument, "a server does not speak '{}'; it speaks {}", name, fmt::join(protocols(), ", "));
    chosen.push_back(*found);
  }
  if (chosen.size() == 1 && chosen.front() == &dubbo_) return std::vector<transport::Protocol*>{&dubbo_alone_};
  return chosen;
}

uint16_t RunningCore::port(std::string_view protocol) const {
  const auto at = std::ranges::find(options_.more_ports, protocol, &ProtocolPort::protocol);
  if (at != options_.more_ports.end()) return ports_[1 + static_cast<size_t>(at - options_.more_ports.begin())]->local().port();
  const std::vector<std::string>& spoken = options_.protocols.empty() ? protocols() : options_.protocols;
  return std::ranges::find(spoken, protocol) == spoken.end() ? 0 : address_.port();
}

Task<Result<void>> RunningCore::start_shard(unsigned index) {
  auto& shard = handler_.shard(index);
  shard = std::make_unique<ShardServer>(options_, filters_, counters_[index], running_);
  co_return shard->add_services(services_);
}

/// To channelz; on the home shard.
ChannelzService::Shown RunningCore::shown() const {
  ChannelzService::Shown all{.calls = grpc_stats(), .ports = {}};
  for (const auto& port : ports_) all.ports.push_back(port.get());
  return all;
}

/// It shares the ports: a stop that comes meanwhile may let them go.
Task<Result<size_t>> RunningCore::count_connections() const {
  const auto ports = ports_;
  size_t open = 0;
  for (const auto& port : ports) open += (co_await or_return(port->stats())).open;
  co_return open;
}

/// Likewise.
Task<Result<std::vector<ServerConnection>>> RunningCore::list_connections(size_t most) const {
  const auto ports = ports_;
  std::vector<ServerConnection> all;
  for (const auto& port : ports) {
    for (const transport::ConnectionSnapshot& one : co_await or_return(port->connections(0, most))) {
      all.push_back({.id = one.id,
                     .peer = one.peer,
                     .local = one.local,
                     .protocol = one.protocol,
                     .secure = one.secure,
                     .shard = one.shard,
                     .opened = one.opened,
                     .requests = one.stats.requests_in,
                     .bytes_in = one.stats.bytes_in,
                     .bytes_out = one.stats.bytes_out});
    }
  }
  co_return all;
}

Task<Result<std::vector<Inspector::Served>>> RunningCore::list_methods() {
  std::vector<Served> all;
  if (const auto& shard = handler_.shard(home_.index()); shard != nullptr) {
    for (const auto& entry : shard->services().entries()) all.push_back({entry->service, entry->method});
  }
  co_return all;
}

Task<Result<WrittenAnswer>> RunningCore::call_here(WrittenCall call) {
  const auto& shard = handler_.shard(home_.index());
  if (shard == nullptr || stopping_) co_return fail(Code::unavailable, "the server is stopping");
  co_return co_await run_written_call(*shard, std::move(call), json_.get());
}

// The first does it; others, and what they destroy afterwards, wait for its end.
Task<Result<void>> RunningCore::stop_here() {
  if (std::exchange(stopping_, true)) co_return co_await stopped_.wait();
  for (const auto& call : on_stopping_) call();
  calls_service_.stop();
  // All at once: each port has the whole drain.
  io::TaskGroup stopping(io::Shard::current().root_scope());
  for (const auto& port : ports_) stopping.spawn("port stop", port->stop());
  [[maybe_unused]] const auto joined = co_await stopping.join();
  routes_shared_ = http_.routes != nullptr && !(routes_joined_ && http_.routes->leave());
  for (unsigned i = 0; i < runtime_.shard_count(); ++i) {
    if (!handler_.shard(i)) continue;
    co_await or_return(io::on(runtime_.shard(i), [this, i] { return stop_shard(i); }));
  }
  ports_.clear();
  stopped_.set();
  co_return Result<void>();
}

Task<Result<void>> RunningCore::stop_shard(unsigned index) {
  auto& shard = handler_.shard(index);
  if (http_.stop_shard && !routes_shared_) co_await http_.stop_shard();
  co_await shard->stop();
  co_await grpc_.server().stop_shard();
  shard.reset();
  co_return Result<void>();
}

ServerStats RunningCore::stats() const {
  ServerStats stats;
  for (const Counters& counters : counters_) {
    stats.calls += counters.calls.value();
    stats.errors += counters.errors.value();
    stats.refused += counters.refused.value();
    stats.busy += counters.busy.value();
    stats.dropped += counters.dropped.value();
  }
  return stats;
}

}  // namespace detail

RunningServer::RunningServer(std::unique_ptr<detail::RunningCore> core) : core_(std::move(core)) {}
RunningServer::~RunningServer() = default;
uint16_t RunningServer::port() const { return core_->address().port(); }
uint16_t RunningServer::port(std::string_view protocol) const { return core_->port(protocol); }
const io::Address& RunningServer::address() const { return core_->address(); }
ServerStats RunningServer::stats() const { return core_->stats(); }
grpc::CallStats RunningServer::grpc_stats() const { return core_->grpc_stats(); }
const std::shared_ptr<Calls>& RunningServer::calls() const { return core_->calls(); }
Inspector& RunningServer::inspector() const { return *core_; }
Task<Result<void>> RunningServer::stop() { return core_->stop(); }

const std::vector<std::string>& protocols() {
  static const std::vector<std::string> kNames = {"bolt", "dubbo", "h2", "http1"};
  return kNames;
}

Server&& Server::rest(std::shared_ptr<RestRoutes> routes) && {
  auto self = std::move(*this).http(routes->shared_api());
  self.http_.routes = std::move(routes);
  return *this = std::move(self), std::move(*this);
}

std::vector<std::string> Server::proto_services() const {
  std::vector<std::string> names;
  for (const detail::ServiceEntry& service : services_) names.push_back(service.proto_name);
  return names;
}

void Server::add_entry(std::string_view interface, std::string_view proto_name, std::function<std::shared_ptr<Interface>(unsigned)> make,
                       bool any_shard, const ServiceOptions& options) {
  services_.push_back({unique_name(interface, {options.version, options.unique_id}), std::string(proto_name), std::move(make), any_shard, options});
}

namespace {

Task<Result<std::unique_ptr<RunningServer>>> start_core(detail::ServerParts parts) {
  auto core = std::make_unique<detail::RunningCore>(std::move(parts));
  co_await or_return(core->start());
  co_return std::make_unique<RunningServer>(std::move(core));
}

}  // namespace

Task<Result<std::unique_ptr<RunningServer>>> Server::start() && {
  for (const auto& call : on_starting_) call(proto_services());
  return start_core({.options = std::move(options_),
                     .filters = std::move(filters_),
                     .services = std::move(services_),
                     .http = std::move(http_),
                     .json = std::move(json_),
                     .on_stopping = std::move(on_stopping_)});
}

}  // namespace sofa::rpc
