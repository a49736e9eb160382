// Calls over TLS, with the client known by its certificate.

#include "sample.h"
#include "sofa/io/testing/certificates.h"

namespace sofa::rpc {
namespace {

using namespace testing;
using io::testing::Authority;
using ::testing::HasSubstr;

struct TlsServer {
  Authority authority;
  std::unique_ptr<RunningServer> running;

  Task<Result<void>> start(bool mutual, bool only = true) {
    Server server;
    server.options().port = 0;
    server.options().tls = io::TlsServerConfig{.certificates = {authority.issue()}, .client_ca = mutual ? authority.certificate() : ""};
    server.options().tls_only = only;
    running = co_await or_return(std::move(server).add(make_sample()).start());
    co_return Result<void>();
  }
  std::string target() const { return fmt::format("bolt://localhost:{}", running->port()); }
  ClientOptions client() const {
    ClientOptions options;
    options.tls = io::TlsClientConfig{.ca = authority.certificate()};
    return options;
  }
};

TEST(TlsCall, GoesOverTlsAndOverNothingElse) {
  run_test([]() -> Task<Result<void>> {
    TlsServer server;
    co_await or_return(server.start(false));
    auto client = co_await or_return(connect<Sample>(server.target(), server.client()));
    EXPECT_EQ(co_await or_return(client->hello("bob")), "hello bob");
    const std::string big(3 << 20, 'x');
    EXPECT_TRUE(co_await or_return(client->echo(big)) == big);
    auto plain = co_await or_return(connect<Sample>(server.target()));
    EXPECT_FALSE((co_await plain->hello("bob")).has_value());
    co_return co_await server.running->stop();
  }());
}

TEST(TlsCall, StandsBesidePlainCallsOnOnePort) {
  run_test([]() -> Task<Result<void>> {
    TlsServer server;
    co_await or_return(server.start(false, false));
    auto secure = co_await or_return(connect<Sample>(server.target(), server.client()));
    auto plain = co_await or_return(connect<Sample>(server.target()));
    EXPECT_EQ(co_await or_return(secure->hello("bob")), "hello bob");
    EXPECT_EQ(co_await or_return(plain->hello("bob")), "hello bob");
    co_return co_await server.running->stop();
  }());
}

TEST(TlsCall, NeedsTheClientsCertificateWhenTheServerAsksForIt) {
  run_test([]() -> Task<Result<void>> {
    TlsServer server;
    co_await or_return(server.start(true));
    ClientOptions known = server.client();
    known.tls->certificate = server.authority.issue({.common_name = "alice", .alternative_names = {}});
    auto client = co_await or_return(connect<Sample>(server.target(), known));
    EXPECT_EQ(co_await or_return(client->hello("bob")), "hello bob");
    auto unknown = co_await connect<Sample>(server.target(), server.client());
    const auto refused = unknown ? co_await (*unknown)->hello("bob") : Result<std::string>(std::unexpected(unknown.error()));
    EXPECT_FALSE(refused.has_value());
    if (!refused) EXPECT_THAT(refused.error().to_string(), HasSubstr("it wants a certificate of ours"));
    co_return co_await server.running->stop();
  }());
}

TEST(TlsCall, NamesHostAndReasonWhenTheServerIsNotBelieved) {
  run_test([]() -> Task<Result<void>> {
    TlsServer server;
    co_await or_return(server.start(false));
    const Authority stranger("Stranger");
    ClientOptions options;
    options.tls = io::TlsClientConfig{.ca = stranger.certificate()};
    const auto client = co_await connect<Sample>(server.target(), options);
    EXPECT_FALSE(client.has_value());
    if (!client) EXPECT_THAT(client.error().to_string(), HasSubstr("the certificate of host localhost"));
    options.tls = io::TlsClientConfig{.ca = "/nowhere/ca.pem"};
    const auto unread = co_await connect<Sample>(server.target(), options);
    EXPECT_FALSE(unread.has_value());
    if (!unread) EXPECT_THAT(unread.error().to_string(), HasSubstr("'/nowhere/ca.pem'"));
    co_return co_await server.running->stop();
  }());
}

}  // namespace
}  // namespace sofa::rpc
