// Groups over TLS: nodes, clients and commands that prove who they are, and those that cannot.
#include <gtest/gtest.h>

#include "sofa/base/testing/captured_log.h"
#include "sofa/io/testing/certificates.h"
#include "sofa/state/raft/testing/raft_cluster.h"

namespace sofa::raft::testing {
namespace {

using namespace std::chrono_literals;
using io::testing::Authority;

const Authority& authority() {
  static const Authority one;
  return one;
}
ServerTls tls_of(const Authority& signed_by) { return {.certificate = signed_by.issue(), .ca = authority().certificate()}; }
std::shared_ptr<io::TlsClientContext> client_tls(io::TlsCertificate certificate = authority().issue()) {
  return io::TlsClientContext::create({.ca = authority().certificate(), .certificate = std::move(certificate)}).value();
}

io::Task<void> expect_written(RaftCluster& cluster, std::string text, bool over_tls = true) {
  Client client("test", cluster.members(), {.timeout = 20s, .tls = over_tls ? client_tls() : nullptr});
  const auto written = co_await client.apply(Bytes::copy_of(text));
  EXPECT_TRUE(written) << written.error().to_string();
  const auto read = co_await client.ask(Bytes::copy_of("text"));
  EXPECT_TRUE(read && read->text().ends_with(text));
  co_await client.close();
}

void expect_says(const Error& error, std::string_view part) {
  EXPECT_NE(error.to_string().find(part), std::string::npos) << "'" << part << "' is not in: " << error.to_string();
}

TEST(RaftTls, NodesClientsAndCommandsProveWhoTheyAre) {
  on_shard([]() -> io::Task<void> {
    RaftCluster cluster(3);
    cluster.tls = tls_of(authority());
    co_await cluster.start_all();
    co_await expect_written(cluster, "a,");
    // Snapshots travel over the same connections.
    Node& leader = *co_await cluster.leader();
    for (int round = 0; round < 2; ++round) {
      EXPECT_TRUE(co_await leader.apply(Bytes::copy_of("b,")));
      EXPECT_TRUE(co_await leader.snapshot());
    }
    const int victim = (cluster.index_of(leader) + 1) % 3;
    co_await cluster.wipe(victim);
    co_await cluster.start(victim);
    EXPECT_TRUE(co_await eventually([&] { return cluster.machine(victim).text == "a,b,b,"; }));
    EXPECT_EQ(cluster.machine(victim).loads, 1);

    CliClient cli(10s, client_tls());
    const auto told = co_await cli.leader("test", cluster.members());
    EXPECT_TRUE(told) << told.error().to_string();
    co_await cli.close();
    co_await cluster.stop_all();
  });
}

TEST(RaftTls, WhoHasNoCertificateOfTheirsIsRefusedWithASentence) {
  CapturedLog log;
  on_shard([&]() -> io::Task<void> {
    RaftCluster cluster(3);
    cluster.tls = tls_of(authority());
    co_await cluster.start_all();
    co_await expect_written(cluster, "a,");

    CliClient nameless(2s, client_tls({}));
    const auto refused = co_await nameless.leader("test", cluster.members());
    EXPECT_FALSE(refused);
    if (!refused) expect_says(refused.error(), "set `certificate`");
    co_await nameless.close();
    EXPECT_TRUE(co_await eventually([&] { return log.contains("sent no certificate"); }));

    CliClient plain(1s);
    EXPECT_FALSE(co_await plain.leader("test", cluster.members()));
    co_await plain.close();

    // A node with another's certificate, then a plain one: neither hears of anything.
    const int stranger = (cluster.index_of(*co_await cluster.leader()) + 1) % 3;
    for (const bool is_plain : {false, true}) {
      co_await cluster.wipe(stranger);
      cluster.tls = is_plain ? std::nullopt : std::optional(tls_of(Authority("Stranger")));
      co_await cluster.start(stranger);
      cluster.tls = tls_of(authority());
      if (!is_plain) EXPECT_TRUE(co_await eventually([&] { return log.contains("is issued by 'CN=Stranger'"); }));
      co_await expect_written(cluster, "b,");
      EXPECT_EQ(cluster.node(stranger).core().log().last(), 0);
      EXPECT_TRUE(cluster.node(stranger).core().leader().is_nobody());
    }
    co_await cluster.restart(stranger);
    EXPECT_TRUE(co_await eventually([&] { return cluster.machine(stranger).text == "a,b,b,"; })) << "with its own it is a member";
    co_await cluster.stop_all();
  });
}

TEST(RaftTls, AGroupChangesOverWhileItRuns) {
  on_shard([]() -> io::Task<void> {
    RaftCluster cluster(3);
    co_await cluster.start_all();
    bool over_tls = false;  // when all nodes know it
    for (const auto& [takes_plain, sends_plain] : {std::pair(true, true), std::pair(true, false), std::pair(false, false)}) {
      cluster.tls = tls_of(authority());
      cluster.tls->takes_plain = takes_plain;
      cluster.tls->sends_plain = sends_plain;
      for (int i = 0; i < 3; ++i) {
        co_await expect_written(cluster, fmt::format("{}{}{},", takes_plain, sends_plain, i), over_tls);
        co_await cluster.restart(i);
      }
      over_tls = true;
    }
    co_await expect_written(cluster, "secure,");
    co_await cluster.stop_all();
  });
}

TEST(RaftTls, AServerSaysWhatIsWrongWithItsCertificates) {
  on_shard([]() -> io::Task<void> {
    log::testing::FaultFileSystem disk;
    ServerOptions options{.folder = "/data", .address = free_address(), .tls = tls_of(authority()), .files = &disk};
    options.tls->certificate.key = "/nowhere/server.key";
    const auto no_key = co_await Server::open(options);
    EXPECT_FALSE(no_key);
    if (!no_key) expect_says(no_key.error(), "/nowhere/server.key");
    options.tls = {.certificate = authority().issue()};
    const auto no_ca = co_await Server::open(options);
    EXPECT_FALSE(no_ca);
    if (!no_ca) expect_says(no_ca.error(), "set ca");
  });
}

}  // namespace
}  // namespace sofa::raft::testing
