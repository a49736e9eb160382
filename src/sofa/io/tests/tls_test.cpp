// The handshake: who is there, which certificate and which protocol.

#include "tls_fixture.h"

namespace sofa::io {
namespace {

TEST_F(Tls, CarriesBytesBothWaysAndTellsWhoIsThere) {
  run_ok(runtime_, [&]() -> Body {
    Pair pair = co_await or_return(secure_pair());
    EXPECT_TRUE(pair.client.is_secure() && pair.server.is_secure());
    EXPECT_EQ(pair.client.peer_certificate_name(), "localhost");
    EXPECT_EQ(pair.server.peer_certificate_name(), "");
    EXPECT_EQ(pair.client.alpn(), "");
    co_await or_return(pair.client.write(Bytes::literal("ping")));
    co_await or_return(pair.client.write(Bytes::literal("-pong")));
    EXPECT_EQ(co_await or_return(read_text(pair.server, 9)), "ping-pong");
    EXPECT_EQ(pair.server.write_now(as_bytes("back")), 4U);
    EXPECT_EQ(co_await or_return(read_text(pair.client, 4)), "back");
    co_return kOk;
  });
}

TEST_F(Tls, APlainStreamIsNotSecure) {
  run_ok(runtime_, []() -> Body {
    Pair pair = co_await or_return(connected_pair(loopback()));
    EXPECT_FALSE(pair.client.is_secure());
    EXPECT_EQ(pair.client.alpn(), "");
    EXPECT_EQ(pair.client.peer_certificate_name(), "");
    co_return kOk;
  });
}

TEST_F(Tls, ConnectsByNameAndVerifiesIt) {
  run_ok(runtime_, [&]() -> Body {
    const auto server = server_of(server_config());
    const auto client = client_of(client_config());
    Listener listener = co_await or_return(Listener::bind(loopback()));
    Result<Stream> accepted = fail(Code::internal, "not yet");
    TaskGroup group(co_await current_scope());
    group.spawn("accept", [](Listener& from, const TlsServerContext& context, Result<Stream>& out) -> Task<Result<void>> {
      Stream stream = co_await or_return(from.accept());
      out = co_await tls_accept(std::move(stream), Buffer(), context);
      co_return kOk;
    }(listener, *server, accepted));
    Stream stream = co_await or_return(tls_connect(Address::of("localhost", listener.local().port()), *client));
    co_await or_return(co_await group.join());
    EXPECT_TRUE(stream.is_secure());
    EXPECT_TRUE(accepted.has_value());
    co_return kOk;
  });
}

TEST_F(Tls, ShowsTheCertificateOfTheNameThatIsAskedFor) {
  run_ok(runtime_, [&]() -> Body {
    const auto issue = [](std::string name, std::string alternative) {
      return authority().issue({.common_name = std::move(name), .alternative_names = {std::move(alternative)}});
    };
    const auto server = server_of({.certificates = {issue("default", "DNS:default.example.com"), issue("exact", "DNS:a.example.com"),
                                                    issue("wild", "DNS:*.example.com"), issue("other", "DNS:*.other.org")}});
    TlsClientConfig blind{.verify = false};
    const auto client = client_of(blind);
    const std::pair<const char*, const char*> table[] = {
        {"a.example.com", "a.example.com"},
        {"A.Example.Com", "a.example.com"},
        {"b.example.com", "*.example.com"},
        {"x.other.org", "*.other.org"},
        {"x.y.other.org", "default.example.com"},
        {"unknown.net", "default.example.com"},
        {"default.example.com", "default.example.com"},
        {"127.0.0.1", "default.example.com"},
    };
    for (const auto& [asked, shown] : table) {
      Shaken both = co_await or_return(shake(*server, *client, asked));
      EXPECT_EQ(both.client.value().peer_certificate_name(), shown) << asked;
    }
    co_return kOk;
  });
}

TEST_F(Tls, AgreesOnAProtocolInTheServersOrder) {
  run_ok(runtime_, [&]() -> Body {
    TlsServerConfig config = server_config();
    config.alpn = {"h2", "http/1.1"};
    const auto server = server_of(config);
    const std::pair<std::vector<std::string>, const char*> table[] = {
        {{"http/1.1", "h2"}, "h2"}, {{"http/1.1"}, "http/1.1"}, {{}, ""}, {{"spdy/1", "http/1.1"}, "http/1.1"}};
    for (const auto& [offered, chosen] : table) {
      TlsClientConfig asking = client_config();
      asking.alpn = offered;
      Shaken both = co_await or_return(shake(*server, *client_of(asking)));
      EXPECT_EQ(both.client.value().alpn(), chosen);
      EXPECT_EQ(both.server.value().alpn(), chosen);
    }
    TlsClientConfig strange = client_config();
    strange.alpn = {"spdy/1"};
    Shaken neither = co_await or_return(shake(*server, *client_of(strange)));
    expect_says(neither.client.error(), {"speaks none of the protocols that were offered (ALPN)"});
    Shaken ignored = co_await or_return(shake(*server_of(server_config()), *client_of(strange)));
    EXPECT_EQ(ignored.client.value().alpn(), "");
    co_return kOk;
  });
}

TEST_F(Tls, TakesBytesOfTheHandshakeThatWereReadBefore) {
  run_ok(runtime_, [&]() -> Body {
    Pair pair = co_await or_return(connected_pair(loopback()));
    const auto server = server_of(server_config());
    const auto client = client_of(client_config());
    Result<Stream> connected = fail(Code::internal, "not yet");
    TaskGroup group(co_await current_scope());
    group.spawn("connect", [](Stream stream, const TlsClientContext& context, Result<Stream>& out) -> Task<void> {
      out = co_await tls_connect(std::move(stream), context);
    }(std::move(pair.client), *client, connected));
    Buffer first;
    co_await or_return(pair.server.read_some(first, 7));
    EXPECT_EQ(first.span()[0], kTlsFirstBytes[0]);
    EXPECT_EQ(first.span()[1], kTlsFirstBytes[1]);
    Stream accepted = co_await or_return(tls_accept(std::move(pair.server), std::move(first), *server));
    co_await or_return(co_await group.join());
    EXPECT_TRUE(connected.has_value());
    co_return kOk;
  });
}

}  // namespace
}  // namespace sofa::io
