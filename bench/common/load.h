#pragma once
// What loads a server of the benchmarks (sofa/load), and its figures as one line of JSON.

#include <memory>
#include <string>

#include "sofa/base/description.h"
#include "sofa/rpc/client.h"

namespace bench {

using namespace sofa;

struct LoadOptions {
  std::string protocol = "bolt";
  std::string target = "127.0.0.1:12200";
  uint32_t connections = 64;
  uint32_t callers = 64;
  uint32_t size = 100;
  double seconds = 10;
  double warmup = 0;
  double rate = 0;
  std::string ca;
  std::string path = "/";
  std::string body;
  std::string answer;
  bool resume = false;

  static auto describe(Description<LoadOptions>& d) {
    d.doc("Loads a server of the benchmarks and prints \"measuring\" when its warm-up is over, and one line of JSON at the end.");
    d.field("protocol", &LoadOptions::protocol)
        .doc("bolt, tri, dubbo: EchoService; grpc: Echo; grpc-stream: its Talk; http: HTTP/1.1; handshake: TLS; visit: both, a connection a call");
    d.field("target", &LoadOptions::target).doc("HOST:PORT of the server");
    d.field("connections", &LoadOptions::connections).range(1, 10'000).doc("used by the callers in turn; http and handshake: one a caller");
    d.field("callers", &LoadOptions::callers).range(1, 100'000).doc("callers in all; open loop: calls that may run at once");
    d.field("size", &LoadOptions::size).range(0, 1 << 24).unit("bytes").doc("of the text that is echoed");
    d.field("seconds", &LoadOptions::seconds).range(0.1L, 3600).unit("seconds").doc("of measuring");
    d.field("warmup", &LoadOptions::warmup).range(0, 3600).unit("seconds").doc("of calls before measuring");
    d.field("rate", &LoadOptions::rate).at_least(0).unit("calls/s").doc("open loop at this rate; 0: closed loop");
    d.field("ca", &LoadOptions::ca).doc("PEM file of who signs the server's certificate: TLS");
    d.field("path", &LoadOptions::path).doc("http: what is asked for");
    d.field("body", &LoadOptions::body).doc("http: JSON to POST; empty: GET");
    d.field("answer", &LoadOptions::answer).doc("http: what every answer must be, to the byte");
    d.field("resume", &LoadOptions::resume).doc("visit: shorten handshakes by the tickets of connections before");
  }
};

/// What is called. Belongs to one shard.
class Target {
 public:
  virtual ~Target() = default;
  /// Connects, before the first call.
  virtual rpc::Task<Result<void>> open() = 0;
  /// One call of this caller, which has no other running. An answer that is not the expected one is an error.
  virtual rpc::Task<Result<void>> call(uint32_t caller) = 0;
  /// After the last call, whatever came before.
  virtual rpc::Task<void> close() { co_return; }
};

/// TLS that believes the authority of --ca and offers these protocols; nothing without one.
std::optional<io::TlsClientConfig> tls_of(const LoadOptions& options, std::vector<std::string> alpn = {});

std::unique_ptr<Target> make_echo_target(const LoadOptions& options);       // bolt, tri, dubbo
std::unique_ptr<Target> make_proto_target(const LoadOptions& options);      // grpc
std::unique_ptr<Target> make_stream_target(const LoadOptions& options);     // grpc-stream: one stream a caller
std::unique_ptr<Target> make_http_target(const LoadOptions& options);       // http
std::unique_ptr<Target> make_handshake_target(const LoadOptions& options);  // handshake: connect, shake hands, close
std::unique_ptr<Target> make_visit_target(const LoadOptions& options);      // visit: connect, shake hands, ask once, close

/// Runs the load and prints its figures. Errors say what could not begin, or the first call that failed and how many did.
rpc::Task<Result<void>> run_load(LoadOptions options, Target& target);

}  // namespace bench
