#include <unistd.h>

#include <cstdio>

#include "sofa/base/flags.h"
#include "sofa/io/runtime.h"
#include "sofa/rpc/server.h"

namespace sofa::rpc {

namespace {

struct ServeFlags {
  std::string host;
  uint16_t port = 0;
  uint32_t shards = 1;
  std::string tls_certificate{};
  std::string tls_key{};
  std::string tls_client_ca{};
  bool tls_only = false;
  bool count_calls = true;
  bool access_log = false;

  static auto describe(Description<ServeFlags>& d) {
    d.doc("Serves SOFARPC calls until SIGTERM or SIGINT.");
    d.field("host", &ServeFlags::host).doc("address to listen on; 0.0.0.0 or :: for all");
    d.field("port", &ServeFlags::port).doc("0 picks a free one");
    d.field("shards", &ServeFlags::shards).range(1, 1024).doc("threads that serve connections");
    d.field("tls_certificate", &ServeFlags::tls_certificate).doc("PEM file of the certificate and its chain: TLS beside plain connections");
    d.field("tls_key", &ServeFlags::tls_key).doc("PEM file of its private key");
    d.field("tls_client_ca", &ServeFlags::tls_client_ca).doc("PEM file of who signs clients' certificates, which are then required");
    d.field("tls_only", &ServeFlags::tls_only).doc("take no plain connections");
    d.field("count_calls", &ServeFlags::count_calls).doc("keep counts, latencies and the slowest calls of each method, which `sofa top` shows");
    d.field("access_log", &ServeFlags::access_log).doc("log a line for each request over HTTP/1.1 and HTTP/2");
  }
};

/// What asks for TLS and names no certificate must not end in plain connections.
Result<void> check_tls(const ServeFlags& flags) {
  if (!flags.tls_certificate.empty() && flags.tls_key.empty()) {
    return fail(Code::invalid_argument, "--tls-certificate does nothing without the certificate's private key; add --tls-key FILE");
  }
  if (!flags.tls_certificate.empty()) return {};
  for (const auto& [name, is_set] :
       {std::pair("--tls-key", !flags.tls_key.empty()), {"--tls-client-ca", !flags.tls_client_ca.empty()}, {"--tls-only", flags.tls_only}}) {
    if (is_set) return fail(Code::invalid_argument, "{} does nothing without a certificate; add --tls-certificate FILE and --tls-key FILE", name);
  }
  return {};
}

}  // namespace

Task<int> serve_until_stopped(Server server) {
  auto running = co_await std::move(server).start();
  if (!running) {
    std::fprintf(stderr, "cannot start: %s\n", running.error().to_string().c_str());
    co_return 1;
  }
  std::string ready = fmt::format("ready pid={}", getpid());
  for (const std::string& protocol : protocols()) {
    if (const uint16_t port = (*running)->port(protocol); port != 0) ready += fmt::format(" {}={}", protocol, port);
  }
  std::puts(ready.c_str());
  std::fflush(stdout);
  (void)co_await io::until_cancelled();
  // The scope of main is cancelled; stopping needs one that is not.
  io::Scope stopping(&io::Shard::current().root_scope(), "stop");
  const auto stopped = co_await (*running)->stop().in(stopping);
  if (!stopped) std::fprintf(stderr, "cannot stop in good order: %s\n", stopped.error().to_string().c_str());
  co_return stopped ? 0 : 1;
}

int serve(int argc, char** argv, Server server) {
  ServeFlags flags{.host = server.options().host, .port = server.options().port, .shards = server.options().shards};
  flags.count_calls = server.options().count_calls;
  flags.access_log = server.options().access_log;
  const auto parsed = parse_flags(argc, argv, flags);
  if (const auto code = exit_code_of(parsed)) return *code;
  if (const auto checked = check_tls(flags); !checked) {
    std::fprintf(stderr, "%s\n", checked.error().to_string().c_str());
    return 2;
  }
  server.options().host = flags.host;
  server.options().port = flags.port;
  server.options().count_calls = flags.count_calls;
  server.options().access_log = flags.access_log;
  if (!flags.tls_certificate.empty()) {
    server.options().tls =
        io::TlsServerConfig{.certificates = {{.certificate = flags.tls_certificate, .key = flags.tls_key}}, .client_ca = flags.tls_client_ca};
  }
  if (flags.tls_only) server.options().tls_only = true;
  const Duration stop_timeout = server.options().drain + std::chrono::seconds(2);
  return io::run(serve_until_stopped(std::move(server)), {.shards = flags.shards, .stop_timeout = stop_timeout});
}

}  // namespace sofa::rpc
