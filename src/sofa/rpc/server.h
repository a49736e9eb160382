#pragma once
// A server of services over Bolt (SOFARPC), Triple, Dubbo 2, HTTP ("/<unique name>/<method>", docs/protocols/http.md) and, for methods of protobuf
// messages, gRPC, gRPC-Web and Connect, all on one port: 20 lines make a program (examples/hello/server.cpp).
//
//   auto ledger = std::make_shared<Ledger>();
//   ledger->transfer = [&book](Transfer t) -> rpc::Task<Result<Receipt>> { co_return co_await book.apply(t); };
//   ledger->balance.bind(&book, &Book::balance);
//   return rpc::serve(argc, argv, rpc::Server{}.port(12200).add(ledger));
//
// A call runs in an io::Scope of its own, which is cancelled when its deadline passes or its caller is gone; nested calls inherit deadline, and trace
// context, from it. An answer that comes too late is not sent.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sofa/base/error.h"
#include "sofa/grpc/server.h"
#include "sofa/grpc/web.h"
#include "sofa/http/exchange.h"
#include "sofa/http/middleware.h"
#include "sofa/http/options.h"
#include "sofa/io/address.h"
#include "sofa/io/blocking_pool.h"
#include "sofa/io/task.h"
#include "sofa/io/tls.h"
#include "sofa/rpc/calls.h"
#include "sofa/rpc/context.h"
#include "sofa/rpc/filter.h"
#include "sofa/rpc/interface.h"
#include "sofa/wire/hessian/dialect.h"

namespace sofa::rpc {

/// A further port with the same services.
struct ProtocolPort {
  std::string protocol;               ///< the one that it speaks: one of protocols()
  uint16_t port = 0;                  ///< 0: a free one
  std::string option = "more_ports";  ///< what changes the port, for the error of a taken one
};

/// Who may ask the server for what it has counted (sofa.rpc.v1.Calls on its ports that speak h2; `sofa top`). Behind a proxy on the same machine
/// every peer is a loopback one.
enum class ShowCalls : uint8_t { nobody, loopback, anyone };

struct ServerOptions {
  std::string host = "127.0.0.1";            ///< address to listen on; closed to the network unless said otherwise
  uint16_t port = 12200;                     ///< 0: a free one
  unsigned shards = 1;                       ///< threads that serve connections; only for serve(): start() uses all shards of its runtime
  size_t max_frame = size_t{32} << 20;       ///< bytes of content of one message, of an answer over HTTP and gRPC, too
  size_t min_frame_rate = size_t{16} << 10;  ///< bytes a second that a big request comes with at least, or its connection is closed (transport)
  /// Received bytes of requests that are not whole, all connections together, of Bolt, of Dubbo and of HTTP each; over HTTP also the heads of all
  /// requests, and gRPC's messages until their calls end, as long as they are when decompressed. The one that grows over it: close; over HTTP 503, or
  /// RESOURCE_EXHAUSTED of gRPC.
  size_t max_half_frame_bytes = size_t{1} << 30;
  /// Bytes of answers that wait for their peers, all connections of all protocols together. Over it the connections are closed whose peers would need
  /// the longest for what waits for them: those that do not read.
  size_t max_unsent_bytes = size_t{1} << 30;
  size_t max_connections = 10'000;  ///< of each port; a further one is closed at once
  size_t max_calls = 10'000;        ///< running calls of one shard over all protocols, and requests that Server::http answers, from when they are
                                    ///< whole; over it callers get "busy" (status 4 of Bolt, 100 of Dubbo, UNAVAILABLE of gRPC, HTTP 503)
  size_t max_streams = 10'000;      ///< open calls of one shard that stream, which max_calls does not count; over it UNAVAILABLE
  size_t max_calls_per_connection = 1'000;    ///< of one connection of Bolt or Dubbo, likewise; of one of HTTP/2: http2.max_concurrent_streams
  size_t max_calls_of_all_shards = 65'536;    ///< what max_calls counts, of all shards together, likewise
  std::string port_option = "--port";         ///< what changes the port, for the error of a taken one
  std::optional<io::TlsServerConfig> tls{};   ///< TLS on its ports, beside plain connections
  bool tls_only = false;                      ///< with tls: plain connections are closed at once
  std::vector<std::string> protocols{};       ///< what the port speaks, told apart by the first bytes: of protocols(). Empty: all of them
  std::vector<ProtocolPort> more_ports{};     ///< ports beside it, each with one protocol; one of Dubbo takes text commands (telnet), too
  Duration drain = std::chrono::seconds(10);  ///< how long stop() waits for running calls before it cancels them
  http::Http1Options http1{.half_close_cancels = true};  ///< of connections that speak HTTP/1.1: timeouts, pipelining, the size of a body
  http::Http2Options http2{};                            ///< of connections that speak HTTP/2: streams, windows, keep-alive, age
  http::PingPolicy grpc_pings{};                         ///< how often gRPC's clients may PING (grpc::ServerOptions::pings)
  std::string application{};                ///< this application's name: consumers of Dubbo that a registry sends to it may then ask for its
                                            ///< services (org.apache.dubbo.metadata.MetadataService). Empty: they may not
  std::optional<http::CorsOptions> cors{};  ///< which pages of other origins may ask over HTTP; nothing: none, they get 403 (http/page_guard.h)
  std::vector<std::string> hosts{};         ///< names, beside localhost, by which programs of this machine call it over HTTP without TLS
                                            ///< ("orders.internal"); any other name gets 421, as a page may have pointed it here. "*": any
  bool access_log = false;                  ///< a line in the log space "access" for each request over HTTP/1.1 and HTTP/2 (http::AccessLog)
  bool count_calls = true;                  ///< by method: counts, latencies, stages, the slowest calls (calls.h)
  std::shared_ptr<Calls> calls{};           ///< where, with count_calls; null: in a log of this server alone
  ShowCalls show_calls = ShowCalls::loopback;
  /// Which classes the Hessian content of a request may name; by default all. One that is not admitted is status 0x12 with its name, and the
  /// connection lives. With an allow list: also those of the JDK that arguments use ("java.").
  hessian::ClassFilter classes{};
};

/// What a server speaks: "bolt" (versions 1 and 2), "dubbo" (Dubbo 2), "h2" (HTTP/2) and "http1" (HTTP/1.1): gRPC over the first, gRPC-Web, Connect
/// and the handler of Server::http over both.
const std::vector<std::string>& protocols();

/// What a running server has done; a snapshot, summed over the shards.
struct ServerStats {
  uint64_t calls = 0;    ///< requests that named a service and method of ours
  uint64_t errors = 0;   ///< of them answered with an error of any kind
  uint64_t refused = 0;  ///< unknown class, service, method, undecodable content
  uint64_t busy = 0;     ///< refused by a limit of running calls: status 4 of Bolt, 100 of Dubbo, UNAVAILABLE of gRPC
  uint64_t dropped = 0;  ///< waited longer than their timeout, or answered too late to be sent
};

struct ServiceOptions {
  std::string version = "1.0";
  std::string unique_id{};
  bool thread_safe = false;  ///< one object may serve several shards at the same time
  /// How many of its calls run at the same time on one shard, a stream until it ends; 0: as many as the server takes (max_calls). Further calls wait
  /// while their deadlines leave them time for it, and are refused as busy when they could not be answered in time: under overload what is answered
  /// is answered in time.
  size_t concurrents = 0;
  size_t max_waiting = 1'000;  ///< with concurrents: calls that wait on one shard; over it the last of the lowest priority is refused
  /// With concurrents: of a call that has to wait, by its service, method, headers and peer; the greatest goes first. Empty: all are alike. Called on
  /// the shard, for several shards at the same time; must not throw.
  std::function<int(const Context&)> priority{};
  /// Where the service's plain functions run, so that they may block: a call waits for a thread of the pool while the shard goes on; when its queue
  /// is full callers get "busy". Services may share one. An implementation that several threads call at once guards its state. Null: on the shard.
  /// Coroutines run on the shard in any case.
  std::shared_ptr<io::BlockingPool> pool{};
  std::vector<std::string> include{};  ///< the only methods that are served; empty: all
  std::vector<std::string> exclude{};  ///< methods that are not served: to callers they do not exist, and they need no implementation
  /// How long after the server's start the service is not there yet: until then callers are told what they are told of one that was never added.
  /// What describes a server (gRPC's reflection, Dubbo's metadata) names it from the start. Java: delay.
  Duration delay{};
  Filters filters{};                           ///< around this service's calls alone
  std::vector<std::string> without_filters{};  ///< names of the server's filters that do not stand around this service's calls
};

class Inspector;  // inspector.h
class RestRoutes;

/// Makes a middleware that stands before `next`, which outlives it.
using MakeMiddleware = std::function<std::unique_ptr<http::Middleware>(http::Handler& next)>;

namespace detail {
class RunningCore;
struct ServiceEntry {
  std::string name;        // unique name
  std::string proto_name;  // of its .proto
  std::function<std::shared_ptr<Interface>(unsigned shard)> make;
  bool any_shard;  // made once for each shard, or declared safe for all
  ServiceOptions options;
};
/// Who stands before all that comes over HTTP, and who answers HTTP beside the services.
struct HttpPart {
  std::vector<MakeMiddleware> middlewares{};  // the first sees a request first
  std::shared_ptr<http::Handler> handler;     // null: nobody
  std::function<Task<void>()> stop_shard{};   // empty: it has no tasks
  std::shared_ptr<RestRoutes> routes{};       // whose handler it is; null: it has no routes of services
};
}  // namespace detail

/// A server that listens. Destroy it after stop() has ended.
class RunningServer {
 public:
  explicit RunningServer(std::unique_ptr<detail::RunningCore> core);
  ~RunningServer();
  uint16_t port() const;
  /// The port of more_ports that speaks this protocol, the first if there are several; else the first port, when it speaks it; else 0.
  uint16_t port(std::string_view protocol) const;
  const io::Address& address() const;
  /// From any thread, also while it stops and after.
  ServerStats stats() const;
  /// Those that came over gRPC, and their messages.
  grpc::CallStats grpc_stats() const;
  /// What it has done, by method; null without ServerOptions::count_calls.
  const std::shared_ptr<Calls>& calls() const;
  /// What it tells of itself: services, connections. Lives as long as this.
  Inspector& inspector() const;
  /// Stops accepting, lets running calls end for `drain`, cancels what is left, closes all connections. From any shard, any number of times, also
  /// at once: each call ends when the server has stopped. Only a further call can fail, when its own scope is cancelled before.
  Task<Result<void>> stop();

 private:
  std::unique_ptr<detail::RunningCore> core_;
};

/// What to serve and where. A value: build it, then `serve` it or `start` it.
class Server {
 public:
  Server() = default;
  explicit Server(ServerOptions options) : options_(std::move(options)) {}

  Server&& host(std::string host) && { return options_.host = std::move(host), std::move(*this); }
  /// `protocols`: what it speaks, empty for all (ServerOptions::protocols).
  Server&& port(uint16_t port, std::vector<std::string> protocols = {}) && {
    options_.port = port;
    options_.protocols = std::move(protocols);
    return std::move(*this);
  }
  /// One more port, of one protocol: `.port(12200, {"bolt"}).also_port("h2", 50051)`.
  Server&& also_port(std::string protocol, uint16_t port) && {
    options_.more_ports.push_back({.protocol = std::move(protocol), .port = port});
    return std::move(*this);
  }
  /// Answers HTTP requests that are no calls of methods; without it they get 415. It serves all shards. Its tasks, if it has any (http::Router,
  /// rest::Api), are stopped with the server.
  template <std::derived_from<http::Handler> H>
  Server&& http(std::shared_ptr<H> handler) && {
    http_.stop_shard = nullptr;
    if constexpr (requires { handler->stop_shard(); }) http_.stop_shard = [handler] { return handler->stop_shard(); };
    http_.handler = std::move(handler);
    http_.routes = nullptr;
    return std::move(*this);
  }
  /// Puts a middleware before everything that comes over HTTP/1.1 and HTTP/2: gRPC, Triple, Connect, REST, SOFARPC's http, and what http() has. The
  /// first that was added sees a request first; ServerOptions::access_log and cors stand before all of them, so that a preflight, which has no
  /// credentials, passes, and behind these http::PageGuard. Bolt and Dubbo know no middlewares: filter() is for calls of every protocol.
  ///
  ///   .middleware([](http::Handler& next) { return std::make_unique<http::Authenticator>(next, check_token); })
  Server&& middleware(MakeMiddleware make) && { return http_.middlewares.push_back(std::move(make)), std::move(*this); }
  /// REST routes of the services (rest.h), in place of http(): the later of the two counts.
  Server&& rest(std::shared_ptr<RestRoutes> routes) &&;
  /// JSON for methods of protobuf messages, at their gRPC paths: `.json(grpc::protobuf_json())` (grpc_services). Without it they take the bytes of
  /// protobuf alone.
  Server&& json(std::shared_ptr<const grpc::JsonCodec> codec) && { return json_ = std::move(codec), std::move(*this); }
  /// Called once by start(), on its shard, with the names of all services as gRPC has them, before the port opens. It must not block.
  Server&& on_starting(std::function<void(const std::vector<std::string>& proto_services)> call) && {
    return on_starting_.push_back(std::move(call)), std::move(*this);
  }
  /// Called once when stop() begins, on the shard that started the server, before connections are told and running calls waited for: what lets
  /// streams that would run on end by themselves (grpc::Health::shut_down). It must not block.
  Server&& on_stopping(std::function<void()> call) && { return on_stopping_.push_back(std::move(call)), std::move(*this); }
  Server&& shards(unsigned shards) && { return options_.shards = shards, std::move(*this); }
  Server&& filter(std::shared_ptr<Filter> filter) && { return filters_.push_back(std::move(filter)), std::move(*this); }

  /// Adds a service. Its implementations run on the shards of the connections: with more than one shard it must be `thread_safe`.
  template <ServiceInterface T>
  Server&& add(std::shared_ptr<T> service, ServiceOptions options = {}) && {
    auto make = [service = std::move(service)](unsigned) -> std::shared_ptr<Interface> { return service; };
    return add_entry(T::kName, proto_name_of<T>(), std::move(make), options.thread_safe, options), std::move(*this);
  }
  /// Adds a service that is made once for each shard, so that its state needs no locks: `add<Echo>([](unsigned shard) { return make_echo(); })`.
  template <ServiceInterface T, std::invocable<unsigned> F>
  Server&& add(F make, ServiceOptions options = {}) && {
    return add_entry(T::kName, proto_name_of<T>(), std::move(make), true, options), std::move(*this);
  }

  const ServerOptions& options() const { return options_; }
  /// The names of the services that were added, as gRPC has them.
  std::vector<std::string> proto_services() const;
  ServerOptions& options() { return options_; }

  /// Checks the services and listens. Await it on a shard; all shards of its runtime serve connections.
  /// Errors name the service and method: without implementation, two methods of one name and signature, a type with Links outside a Graph, one
  /// service twice; or the port and who holds it.
  Task<Result<std::unique_ptr<RunningServer>>> start() &&;

 private:
  void add_entry(std::string_view interface, std::string_view proto_name, std::function<std::shared_ptr<Interface>(unsigned)> make, bool any_shard,
                 const ServiceOptions& options);
  ServerOptions options_;
  Filters filters_;
  std::vector<detail::ServiceEntry> services_;
  detail::HttpPart http_;
  std::shared_ptr<const grpc::JsonCodec> json_;
  std::vector<std::function<void(const std::vector<std::string>&)>> on_starting_;
  std::vector<std::function<void()>> on_stopping_;
};

/// The main() of a server program: reads --port, --host, --shards, --access-log, --tls-certificate and its like, and --help, starts, prints
/// `ready pid=N bolt=PORT dubbo=PORT h2=PORT http1=PORT`, and ends after SIGTERM or SIGINT when the running calls have ended. Returns the exit code:
/// 0, 1 (could not start), 2 (wrong options).
int serve(int argc, char** argv, Server server);
/// The same for a program that has options of its own: call it from the main task, with the server ready to start. The exit code: 0, or 1.
Task<int> serve_until_stopped(Server server);

}  // namespace sofa::rpc
