// A channel over TLS: its files are read again without a restart.

#include "loopback.h"
#include "sofa/io/report.h"
#include "sofa/io/testing/certificates.h"

namespace sofa::grpc {
namespace {

using namespace testing;
using io::testing::Authority;
using io::testing::PemFolder;
using ::testing::HasSubstr;

/// A server that wants certificates of `authority`, and closes each connection after its first calls.
struct StrictServer {
  const Authority authority;
  Loopback loopback{{}, {.max_age = 1ms}};

  io::Task<Result<void>> open() {
    transport::PortOptions options;
    options.tls = co_await io::or_return(
        io::TlsServerContext::open({.certificates = {authority.issue()}, .client_ca = authority.certificate(), .alpn = {"h2"}}));
    options.tls_only = true;
    co_return co_await loopback.open(io::Address::of("127.0.0.1", 0), options);
  }
};

io::Task<Result<Bytes>> answer_when(Channel& channel, const std::function<bool(const Result<Bytes>&)>& enough) {
  for (;;) {
    auto answer = co_await channel.unary("/t.T/Echo", Bytes::literal("a"), {.timeout = 1s});
    if (enough(answer)) co_return answer;
    co_await io::or_return(io::sleep_for(1ms));
  }
}

io::Task<Result<void>> change_files_under(StrictServer& server, Channel& channel, const PemFolder& folder) {
  const auto answers = [](const Result<Bytes>& answer) { return answer.has_value(); };
  const auto says = [](std::string text) {
    return [text = std::move(text)](const Result<Bytes>& answer) { return !answer && answer.error().to_string().find(text) != std::string::npos; };
  };
  co_await answer_when(channel, says("the certificate of host 127.0.0.1"));
  folder.put("ca.pem", server.authority.certificate());
  co_await answer_when(channel, says("it does not trust the issuer of our certificate"));
  folder.put("client", server.authority.issue({.common_name = "alice", .alternative_names = {}}));
  co_await io::or_return(answer_when(channel, answers));

  std::atomic<int> told = 0;
  io::set_report_sink([&](std::string_view line) {
    if (line.find("TLS goes on with the certificates that it has") != std::string_view::npos) ++told;
  });
  folder.put("client.key", "no key");
  co_await io::or_return(until([&] { return told > 0; }));
  const auto accepted = (co_await io::or_return(server.loopback.port->stats())).accepted;
  for (auto now = accepted; now < accepted + 3; now = (co_await io::or_return(server.loopback.port->stats())).accepted) {
    co_await io::or_return(answer_when(channel, answers));
  }
  EXPECT_EQ(told, 1) << "a broken file is told once";
  io::set_report_sink(nullptr);
  co_return Result<void>();
}

TEST(ChannelTls, ReadsItsFilesAgainWithoutARestartAndKeepsTheOldOnesWhenTheyAreBroken) {
  io::Runtime runtime({.shards = 1, .hold_limit = Duration::zero()});
  const auto run = []() -> io::Task<Result<void>> {
    StrictServer server;
    co_await io::or_return(server.open());
    const PemFolder folder;
    const Authority stranger("Stranger");
    folder.put("client", stranger.issue());
    const auto tls = co_await io::or_return(io::TlsClientContext::open(
        {.ca = folder.put("ca.pem", stranger.certificate()), .certificate = folder.files("client"), .reload_interval = 5ms}));
    Channel channel(server.loopback.port->local(), {.max_backoff = 10ms, .tls = tls});
    auto done = co_await io::with_timeout(20s, change_files_under(server, channel, folder));
    co_await channel.close();
    auto closed = co_await server.loopback.close();
    co_return done ? closed : done;
  };
  const auto done = runtime.block_on(run());
  EXPECT_TRUE(done) << done.error().to_string();
}

}  // namespace
}  // namespace sofa::grpc
