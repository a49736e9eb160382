// Certificates that are believed and that are not, of both sides.

#include "tls_fixture.h"

namespace sofa::io {
namespace {

struct Distrust {
  const char* name;
  CertificateRequest request;
  bool known_issuer;
  std::string asked;
  std::vector<std::string_view> says;
};

class NotBelieved : public Tls, public ::testing::WithParamInterface<Distrust> {};

TEST_P(NotBelieved, EndsTheHandshakeWithHostAndReasonOnBothSides) {
  const Distrust& now = GetParam();
  Reports reports;
  run_ok(runtime_, [&]() -> Body {
    const Authority stranger("Stranger");
    const auto server = server_of({.certificates = {(now.known_issuer ? authority() : stranger).issue(now.request)}});
    const auto client = client_of(client_config());
    Shaken both = co_await or_return(shake(*server, *client, now.asked));
    EXPECT_FALSE(both.client.has_value() || both.server.has_value());
    if (both.client || both.server) co_return kOk;
    EXPECT_EQ(both.client.error().code(), Code::unauthenticated);
    expect_says(both.client.error(), {"the certificate of host " + now.asked, "127.0.0.1:"});
    for (std::string_view part : now.says) expect_says(both.client.error(), {part});
    expect_says(both.server.error(), {"127.0.0.1:", "refused TLS with the alert"});
    co_return kOk;
  });
}

INSTANTIATE_TEST_SUITE_P(
    Reasons, NotBelieved,
    ::testing::Values(Distrust{"WrongIssuer", {}, false, "localhost", {"is issued by 'CN=Stranger'", "not among the trusted ones", "`ca`"}},
                      Distrust{"Expired", {.begins = seconds(-7200), .ends = seconds(-3600)}, true, "localhost", {"is expired since 20", "renew it"}},
                      Distrust{
                          "NotYetValid", {.begins = seconds(3600), .ends = seconds(7200)}, true, "localhost", {"is not valid before 20", "clocks"}},
                      Distrust{"WrongName", {}, true, "other.example.com", {"is made for localhost, 127.0.0.1", "server_name"}},
                      Distrust{"WrongAddress", {.alternative_names = {"DNS:localhost"}}, true, "127.0.0.1", {"is made for localhost"}}),
    [](const auto& info) { return info.param.name; });

TEST_F(Tls, BelievesAnybodyWhenToldTo) {
  run_ok(runtime_, [&]() -> Body {
    const auto server = server_of(server_config({.begins = seconds(-7200), .ends = seconds(-3600)}));
    const auto client = client_of({.verify = false});
    Shaken both = co_await or_return(shake(*server, *client, "anything"));
    EXPECT_TRUE(both.client.has_value() && both.server.has_value());
    co_return kOk;
  });
}

TEST_F(Tls, TrustsTheSystemsListWhenNoneIsGiven) {
  run_ok(runtime_, [&]() -> Body {
    const auto server = server_of(server_config());
    const auto client = client_of({});
    Shaken both = co_await or_return(shake(*server, *client, "localhost"));
    EXPECT_FALSE(both.client.has_value());
    if (!both.client) EXPECT_EQ(both.client.error().code(), Code::unauthenticated);
    co_return kOk;
  });
}

TEST_F(Tls, KnowsTheClientByItsCertificate) {
  run_ok(runtime_, [&]() -> Body {
    TlsServerConfig config = server_config();
    config.client_ca = authority().certificate();
    TlsClientConfig alice = client_config();
    alice.certificate = authority().issue({.common_name = "alice", .alternative_names = {"URI:spiffe://bank/alice"}});
    TlsClientConfig bob = client_config();
    bob.certificate = authority().issue({.common_name = "bob", .alternative_names = {}});
    const auto server = server_of(config);
    Shaken with_alice = co_await or_return(shake(*server, *client_of(alice)));
    EXPECT_EQ(with_alice.server.value().peer_certificate_name(), "spiffe://bank/alice");
    Shaken with_bob = co_await or_return(shake(*server, *client_of(bob)));
    EXPECT_EQ(with_bob.server.value().peer_certificate_name(), "bob");
    co_return kOk;
  });
}

struct Refusal {
  Error client{Code::internal, "it was taken"};
  Error server{Code::internal, "it was taken"};
};

// With TLS 1.3 the client is done before the server has looked at its certificate: its first read tells, even when it has sent a lot meanwhile.
Task<Result<Refusal>> refusal_by(const TlsServerContext& server, TlsClientConfig config) {
  const auto client = client_of(std::move(config));
  Refusal refusal;
  TaskGroup group(co_await current_scope());
  Pair pair = co_await or_return(connected_pair(loopback()));
  group.spawn("accept", [](Stream stream, const TlsServerContext& context, Error& out) -> Task<void> {
    auto accepted = co_await tls_accept(std::move(stream), Buffer(), context);
    if (!accepted) out = accepted.error();
  }(std::move(pair.server), server, refusal.server));
  auto stream = co_await tls_connect(std::move(pair.client), *client, {.timeout = kShort, .server_name = "localhost"});
  if (stream) {
    [[maybe_unused]] const auto queued = stream->write(Bytes::copy_of(std::string(40'000, 'x')));
    Buffer in;
    if (auto got = co_await stream->read_some(in); !got) refusal.client = got.error();
    stream->close();
  }
  co_await or_return(co_await group.join());
  co_return refusal;
}

TEST_F(Tls, RefusesAClientWithoutACertificateOrWithAWrongOne) {
  Reports reports;
  run_ok(runtime_, [&]() -> Body {
    const Authority stranger("Stranger");
    TlsServerConfig config = server_config();
    config.client_ca = authority().certificate();
    const auto server = server_of(config);
    const Refusal none = co_await or_return(refusal_by(*server, client_config()));
    expect_says(none.client, {"alert", "(116)", "set `certificate`"});
    expect_says(none.server, {"the client at 127.0.0.1:", "sent no certificate"});
    EXPECT_EQ(none.server.code(), Code::unauthenticated);
    TlsClientConfig wrong = client_config();
    wrong.certificate = stranger.issue({.common_name = "mallory"});
    const Refusal unknown = co_await or_return(refusal_by(*server, wrong));
    expect_says(unknown.client, {"unknown CA", "does not trust the issuer of our certificate"});
    expect_says(unknown.server, {"the certificate of the client at 127.0.0.1:", "is issued by 'CN=Stranger'"});
    TlsClientConfig late = client_config();
    late.certificate = authority().issue({.common_name = "late", .begins = seconds(-7200), .ends = seconds(-3600)});
    const Refusal expired = co_await or_return(refusal_by(*server, late));
    expect_says(expired.client, {"our certificate is expired"});
    expect_says(expired.server, {"is expired since 20"});
    co_return kOk;
  });
}

TEST_F(Tls, ServesAClientWithoutACertificateWhenNoneIsRequired) {
  run_ok(runtime_, [&]() -> Body {
    TlsServerConfig config = server_config();
    config.client_ca = authority().certificate();
    config.require_client_certificate = false;
    const auto server = server_of(config);
    Shaken both = co_await or_return(shake(*server, *client_of(client_config())));
    EXPECT_EQ(both.server.value().peer_certificate_name(), "");
    co_return kOk;
  });
}

}  // namespace
}  // namespace sofa::io
