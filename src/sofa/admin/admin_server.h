#pragma once
// AdminServer: the port on which a program is looked into and operated. One port: HTTP/1.1 and HTTP/2, with JSON
// and gRPC.
//
//   admin::AdminServer server({.port = 9910, .gate = gate});
//   server.add(std::make_shared<UsersPart>(users));
//   server.add_metrics(registry);
//   co_await or_return(server.start());
//
//   /v1/...          the operations of the parts (part.h)
//   gRPC             the same operations: sofa.admin.v1.<Part>/<Operation>, reflection ("api:read"), grpc.health.v1 (open to everybody)
//   /healthz /livez  200 while the program runs; /readyz: 200 when it takes traffic, else 503 with the reason. Open to everybody
//   /metrics         Prometheus' text or OpenMetrics; permission "metrics:read"
//   /openapi.json    the operations, with the permission of each; /docs shows it, /admin.proto is for gRPC. Permission "api:read"
//   /v1/events       what other paths answer, whenever it has changed; permission "events:read", and that of each path
//   /v1/routes       every route with its permission; permission "api:read"
//   /v1/session      who asks, what they may, and the token that pages need; open to everybody
//   anything else    the fallback (the console's files), open to everybody
//
// Closed before all of it: requests of foreign pages, and of this machine under a foreign name (http/page_guard.h). A page that changes something
// sends "x-csrf-token". Belongs to the shard that starts it; its port is served by all shards of the runtime.

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sofa/admin/gate.h"
#include "sofa/admin/part.h"
#include "sofa/admin/prometheus.h"
#include "sofa/io/tls.h"
#include "sofa/transport/protocol.h"

namespace sofa::admin {

/// Whether the program runs, and whether it takes traffic: ok, or why not. Asked on any shard; must not block.
struct Probes {
  std::function<Result<void>()> live{};
  std::function<Result<void>()> ready{};
};

struct AdminOptions {
  std::string host = "127.0.0.1";
  uint16_t port = 9910;                    ///< 0: a free one
  uint16_t further_ports = 0;              ///< when the port is taken: so many behind it are tried
  std::string port_option = "admin.port";  ///< what changes the port, for the error of a taken one
  std::string title = "Admin API";
  std::optional<io::TlsServerConfig> tls{};  ///< plain connections are closed then
  std::vector<std::string> hosts{};          ///< names of this machine, beside localhost (http::PageGuardOptions)
  std::shared_ptr<Gate> gate{};              ///< null: OpenGate
  Probes probes{};
  size_t max_body = size_t{4} << 20;  ///< bytes of a request's body
  size_t max_streams = 256;           ///< streams of events at once; over it 503; /v1/events is one, with up to 64 paths
  size_t max_connections = 1'000;
  bool access_log = false;  ///< a line in the log space "access" for each request
  Duration drain = std::chrono::seconds(2);
};

class AdminServer {
 public:
  explicit AdminServer(AdminOptions options);
  /// After stop().
  ~AdminServer();
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;

  // Before start().
  void add(std::shared_ptr<Part> part);
  void add_metrics(std::shared_ptr<MetricSource> source);
  /// The registry's metrics.
  void add_metrics(std::shared_ptr<MetricRegistry> registry);
  /// The values of all sources, and those of the process: what /metrics tells. From any shard.
  io::Task<Result<std::vector<MetricValue>>> read_metrics() const;
  /// A raw exchange behind the gate: a form of its own, or a proxy. `method` "*": all. The handler gets who asks.
  using Raw = std::function<io::Task<Result<void>>(http::Exchange& exchange, http::Body& body, const Caller& caller)>;
  void add_raw(std::string_view method, std::string_view pattern, std::string_view permission, Raw raw);
  /// Gets what nothing else takes.
  void set_fallback(std::shared_ptr<http::Handler> handler);
  /// A further protocol of the port, told apart by its first bytes.
  void add_protocol(std::shared_ptr<transport::Protocol> protocol);

  /// Opens the port. Fails when it is taken, with its holder and the option that changes it.
  io::Task<Result<void>> start();
  io::Task<Result<void>> stop();

  uint16_t port() const;
  Gate& gate() const;
  /// Every operation; the list that tests of access go through.
  const std::deque<Operation>& operations() const;
  /// Pattern and permission of what add_raw, /metrics and the descriptions are.
  struct RawRoute {
    std::string method, pattern, permission;
  };
  const std::vector<RawRoute>& raw_routes() const;
  /// What answers requests whose user the platform knows: for Attachment (attach.h) alone.
  http::Handler& attached_handler();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sofa::admin
