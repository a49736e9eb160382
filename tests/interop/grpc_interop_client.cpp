// grpc-interop-client --server-port P [--server-host H] --test-case NAME...: the cases of gRPC's interoperability tests (grpc.testing.TestService)
// on a server of any language. Prints `ok name` or `FAIL name: why` for each case and `N passed, M failed`; exit code 0 only when none failed.

#include <algorithm>

#include "grpc_cases.h"
#include "sofa/base/flags.h"
#include "sofa/io/runtime.h"

namespace interop {

namespace {

using namespace std::chrono_literals;

struct Options {
  std::string server_host = "127.0.0.1";
  uint16_t server_port = 0;
  std::vector<std::string> test_case;
  bool use_tls = false;
  std::string tls_ca;
  std::string tls_certificate;
  std::string tls_key;
  uint32_t heartbeat_ms = 15'000;
  static auto describe(sofa::Description<Options>& d) {
    d.doc("Runs cases of gRPC's interoperability tests on a server.");
    d.field("server_host", &Options::server_host).doc("name or address");
    d.field("server_port", &Options::server_port).doc("its port");
    d.field("test_case", &Options::test_case).doc("a case; repeated for several");
    d.field("use_tls", &Options::use_tls).doc("connect over TLS: grpcs://");
    d.field("tls_ca", &Options::tls_ca).doc("PEM file of who signs servers' certificates; empty: the system's list");
    d.field("tls_certificate", &Options::tls_certificate).doc("PEM file of the client's certificate");
    d.field("tls_key", &Options::tls_key).doc("PEM file of its private key");
    d.field("heartbeat_ms", &Options::heartbeat_ms).doc("ClientOptions::heartbeat of the stubs");
  }
};

sofa::io::TlsClientConfig tls_of(const Options& options) {
  return {.ca = options.tls_ca, .certificate = {.certificate = options.tls_certificate, .key = options.tls_key}};
}

/// The checks of these names, in their order; a name that is none fails.
std::vector<Check> named(const std::vector<std::string>& names, const TestServer& server) {
  std::vector<Check> all = stub_cases(server), bytes = bytes_cases(server), chosen;
  std::ranges::move(bytes, std::back_inserter(all));
  const auto unknown = [](std::string name) -> Task<Result<void>> { co_return sofa::fail(Code::not_found, "there is no case '{}'", name); };
  for (const std::string& name : names) {
    const auto found = std::ranges::find(all, name, &Check::name);
    chosen.push_back(found != all.end() ? *found : Check{name, [=] { return unknown(name); }});
  }
  return chosen;
}

Task<int> run(Options options) {
  const std::string target = fmt::format("{}:{}", options.server_host, options.server_port);
  sofa::grpc::ChannelOptions channel_options;
  rpc::ClientOptions client{.timeout = 20s, .connect_timeout = 5s, .heartbeat = std::chrono::milliseconds(options.heartbeat_ms)};
  if (options.use_tls) {
    client.tls = tls_of(options);
    auto context = co_await sofa::io::TlsClientContext::open(*client.tls);
    if (!context) {
      fmt::print("FAIL tls: {}\n0 passed, 1 failed\n", context.error());
      co_return 1;
    }
    channel_options.tls = std::move(*context);
  }
  sofa::grpc::Channel channel(sofa::io::Address::of(options.server_host, options.server_port), std::move(channel_options));
  const TestServer server{.target = (options.use_tls ? "grpcs://" : "grpc://") + target, .options = std::move(client), .channel = &channel};
  const int code = co_await run_checks(named(options.test_case, server));
  co_await channel.close();
  co_return code;
}

}  // namespace
}  // namespace interop

int main(int argc, char** argv) {
  interop::Options options;
  const auto flags = sofa::parse_flags(argc, argv, options);
  if (const auto code = sofa::exit_code_of(flags)) return *code;
  return sofa::io::run(interop::run(options), {.shards = 1});
}
