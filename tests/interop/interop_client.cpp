// interop-client HOST:PORT [--only NAME]: calls every method of the interop contract on a server, Java's or ours, and checks what comes back.
// Prints `ok name` or `FAIL name: why` for each check and `N passed, M failed`; exit code 0 only when none failed.
// interop-client dubbo://HOST:PORT: over Dubbo 2.
// interop-client tri://HOST:PORT[?serialization=hessian4]: over Triple; the serialization is that of Dubbo's server.
// interop-client http://HOST:PORT[?language=java], h2c://..., h2://...: over SOFARPC's HTTP; the language is that of the server.
// interop-client grpc://HOST:PORT: the gRPC service of section 3.
// interop-client HOST:PORT[,HOST:PORT] --load SECONDS [--callers N] [--connections N] [--retries N]: load instead of checks (load.h).
// interop-client HOST:PORT --idle SECONDS: the check of a connection that the server closes in this time of rest.

#include <cstdio>

#include "client_checks.h"
#include "load.h"
#include "sofa/base/flags.h"
#include "sofa/io/runtime.h"

namespace interop {

namespace {

using namespace std::chrono_literals;

struct Options {
  std::string only;
  std::string tls_ca;
  std::string tls_certificate;
  std::string tls_key;
  uint32_t load = 0;
  uint32_t callers = LoadOptions().callers;
  uint32_t connections = LoadOptions().connections;
  uint32_t retries = LoadOptions().retries;
  uint32_t idle = 0;
  static auto describe(sofa::Description<Options>& d) {
    d.doc("Checks every method of the interop contract on a server.");
    d.field("only", &Options::only).doc("runs the checks whose name contains this");
    d.field("tls_ca", &Options::tls_ca).doc("PEM file of who signs servers' certificates: connect over TLS");
    d.field("tls_certificate", &Options::tls_certificate).doc("PEM file of the client's certificate");
    d.field("tls_key", &Options::tls_key).doc("PEM file of its private key");
    d.field("load", &Options::load).doc("seconds of load in place of the checks");
    d.field("callers", &Options::callers).doc("of the load, that call one after another").range(1u, 10'000u);
    d.field("connections", &Options::connections).doc("of the load").range(1u, 1'000u);
    d.field("retries", &Options::retries).doc("of each call of the load").range(0u, 10u);
    d.field("idle", &Options::idle).doc("seconds of rest, in which the server closes the connection, before a call; in place of the checks");
  }
};

std::optional<sofa::io::TlsClientConfig> tls_of(const Options& options) {
  if (options.tls_ca.empty()) return std::nullopt;
  return sofa::io::TlsClientConfig{.ca = options.tls_ca, .certificate = {.certificate = options.tls_certificate, .key = options.tls_key}};
}

Task<Result<Peer>> connect(std::string target, std::optional<sofa::io::TlsClientConfig> tls) {
  const rpc::ClientOptions options{.app = "interop-client", .timeout = 20s, .connect_timeout = 10s, .max_frame = size_t{64} << 20, .tls = tls};
  rpc::ClientOptions blue = options;
  blue.unique_id = "blue";
  Peer peer;
  peer.target = target;
  peer.tls = tls;
  peer.service = co_await or_return(rpc::connect<InteropService>(target, options));
  peer.blue = co_await or_return(rpc::connect<InteropService>(target, blue));
  peer.protobuf = co_await or_return(rpc::connect<InteropPbService>(target, options));
  peer.extra = co_await or_return(rpc::connect<ExtraService>(target, options));
  rpc::ClientOptions json = options;
  json.codec = sofa::bolt::kCodecJson;
  peer.json = co_await or_return(rpc::connect<JsonService>(target, json));
  peer.by_hessian = co_await or_return(rpc::connect<JsonService>(target, options));
  peer.generic = co_await or_return(rpc::GenericClient::connect(target, std::string(InteropService::kName), options));
  co_return peer;
}

Task<int> run(std::string target, Options options) {
  if (options.load > 0) {
    const LoadOptions load{.seconds = options.load, .callers = options.callers, .connections = options.connections, .retries = options.retries};
    co_return co_await run_load(target, load) ? 0 : 1;
  }
  const bool triple = target.starts_with("tri://");
  const bool dubbo = target.starts_with("dubbo://");
  const bool http = target.starts_with("http://") || target.starts_with("h2");
  const bool grpc = target.starts_with("grpc://");
  auto peer = co_await (triple  ? connect_triple(target)
                        : dubbo ? connect_dubbo(target)
                        : grpc  ? connect_grpc(target)
                                : connect(target, tls_of(options)));
  if (!peer) {
    fmt::print("FAIL connect: {}\n0 passed, 1 failed\n", peer.error());
    co_return 1;
  }
  std::vector<Check> checks;
  if (options.idle > 0) {
    add_idle_check(*peer, std::chrono::seconds(options.idle), checks);
  } else if (dubbo) {
    add_dubbo_checks(*peer, checks);
  } else if (triple) {
    add_triple_checks(*peer, checks);
  } else if (http) {
    add_http_checks(*peer, checks);
  } else if (grpc) {
    add_proto_checks(*peer, checks);
    add_grpc_checks(*peer, checks);
  } else {
    add_value_checks(*peer, checks);
    add_object_checks(*peer, checks);
    add_call_checks(*peer, checks);
    add_extra_checks(*peer, checks);
    add_json_checks(*peer, checks);
  }
  std::erase_if(checks, [&](const Check& check) { return check.name.find(options.only) == std::string::npos; });
  co_return co_await run_checks(std::move(checks));
}

}  // namespace
}  // namespace interop

int main(int argc, char** argv) {
  interop::Options options;
  const auto flags = sofa::parse_flags(argc, argv, options, {.positional_name = "HOST:PORT", .max_positional = 1});
  if (const auto code = sofa::exit_code_of(flags)) return *code;
  if (flags->positional.empty()) {
    fmt::print("{}", flags->help_text);
    return 2;
  }
  std::string target = flags->positional.front();
  if (target.find("://") == std::string::npos) target = "bolt://" + target;
  return sofa::io::run(interop::run(std::move(target), options), {.shards = 1});
}
