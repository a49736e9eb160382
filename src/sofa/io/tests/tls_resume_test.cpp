// Shorter handshakes: what a client keeps of its connections for the next ones.

#include "sofa/io/detail/tls_settings.h"
#include "sofa/io/listener.h"
#include "tls_fixture.h"

namespace sofa::io {
namespace {

/// One address that connections come to one after the other.
class Target {
 public:
  explicit Target(Listener listener) : listener_(std::move(listener)) {}
  static Task<Result<Target>> open() { co_return Target(co_await or_return(Listener::bind(loopback()))); }

  /// A connection whose both ends have heard each other: a ticket comes before the first byte.
  Task<Result<Shaken>> connect(const TlsServerContext& server, const TlsClientContext& client, std::string name = "") {
    Pair pair{co_await or_return(Stream::connect(listener_.local())), co_await or_return(listener_.accept())};
    Shaken both = co_await or_return(shake(server, client, std::move(pair), std::move(name)));
    if (!both.server) co_return forward_error(both.server);
    if (!both.client) co_return forward_error(both.client);
    co_await or_return(both.server->write(Bytes::literal("hello")));
    EXPECT_EQ(co_await or_return(read_text(*both.client, 5)), "hello");
    co_await or_return(both.client->write(Bytes::literal("there")));
    EXPECT_EQ(co_await or_return(read_text(*both.server, 5)), "there");
    EXPECT_EQ(both.client->is_resumed(), both.server->is_resumed());
    co_return both;
  }
  /// Whether the next connection is resumed.
  Task<Result<bool>> resumes(const TlsServerContext& server, const TlsClientContext& client, std::string name = "") {
    const Shaken both = co_await or_return(connect(server, client, std::move(name)));
    co_return both.client->is_resumed();
  }

 private:
  Listener listener_;
};

TEST_F(Tls, ResumesTheSecondConnectionToAServerAndEveryFurtherOne) {
  run_ok(runtime_, [&]() -> Body {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
      Target target = co_await or_return(Target::open());
      const auto server = server_of(server_config());
      const auto client = client_of(client_config());
      SSL_CTX_set_max_proto_version(server->settings()->context.get(), version);
      EXPECT_FALSE(co_await or_return(target.resumes(*server, *client))) << version;
      for (int i = 0; i < 5; ++i) {
        Shaken both = co_await or_return(target.connect(*server, *client));
        EXPECT_TRUE(both.client->is_resumed()) << version << ", " << i;
        EXPECT_EQ(both.client->peer_certificate_name(), "localhost") << "who was verified is known";
      }
    }
    co_return kOk;
  });
}

TEST_F(Tls, AServerThatRefusesATicketGetsAWholeHandshake) {
  run_ok(runtime_, [&]() -> Body {
    Target target = co_await or_return(Target::open());
    const auto client = client_of(client_config());
    const auto server = server_of(server_config());
    EXPECT_FALSE(co_await or_return(target.resumes(*server, *client)));
    co_await or_return(server->reload());  // its keys of tickets are new
    EXPECT_FALSE(co_await or_return(target.resumes(*server, *client)));
    EXPECT_TRUE(co_await or_return(target.resumes(*server, *client)));
    const auto other = server_of(server_config());
    SSL_CTX_set_options(other->settings()->context.get(), SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(other->settings()->context.get(), 0);
    for (int i = 0; i < 3; ++i) EXPECT_FALSE(co_await or_return(target.resumes(*other, *client))) << "a server without tickets";
    co_return kOk;
  });
}

TEST_F(Tls, ATicketIsOfOneHostAtOneAddress) {
  run_ok(runtime_, [&]() -> Body {
    Target target = co_await or_return(Target::open()), elsewhere = co_await or_return(Target::open());
    const auto server = server_of(server_config({.alternative_names = {"DNS:a.example.com", "DNS:b.example.com"}}));
    const auto client = client_of(client_config());
    EXPECT_FALSE(co_await or_return(target.resumes(*server, *client, "a.example.com")));
    EXPECT_FALSE(co_await or_return(target.resumes(*server, *client, "b.example.com")));
    EXPECT_FALSE(co_await or_return(elsewhere.resumes(*server, *client, "a.example.com")));
    EXPECT_TRUE(co_await or_return(target.resumes(*server, *client, "a.example.com")));
    co_return kOk;
  });
}

TEST_F(Tls, AReloadForgetsWhatWasBelievedBefore) {
  run_ok(runtime_, [&]() -> Body {
    Target target = co_await or_return(Target::open());
    const testing::PemFolder folder;
    const auto server = server_of(server_config());
    const auto client = client_of({.ca = folder.put("ca.pem", authority().certificate())});
    EXPECT_FALSE(co_await or_return(target.resumes(*server, *client)));
    EXPECT_TRUE(co_await or_return(target.resumes(*server, *client)));
    folder.put("ca.pem", Authority("Stranger").certificate());
    co_await or_return(client->reload());
    EXPECT_FALSE((co_await target.connect(*server, *client)).has_value()) << "a ticket does not stand for a CA that is no longer trusted";
    co_return kOk;
  });
}

TEST_F(Tls, AResumedClientIsStillKnownByItsCertificate) {
  run_ok(runtime_, [&]() -> Body {
    Target target = co_await or_return(Target::open());
    TlsServerConfig strict = server_config();
    strict.client_ca = authority().certificate();
    TlsClientConfig alice = client_config();
    alice.certificate = authority().issue({.common_name = "alice", .alternative_names = {}});
    const auto server = server_of(std::move(strict));
    const auto client = client_of(std::move(alice));
    EXPECT_FALSE(co_await or_return(target.resumes(*server, *client)));
    Shaken both = co_await or_return(target.connect(*server, *client));
    EXPECT_TRUE(both.server->is_resumed());
    EXPECT_EQ(both.server->peer_certificate_name(), "alice");
    co_return kOk;
  });
}

TEST_F(Tls, KeepsAsManySessionsAsItMay) {
  run_ok(runtime_, [&]() -> Body {
    const auto server = server_of(server_config());
    TlsClientConfig none = client_config(), few = client_config();
    none.max_sessions = 0;
    few.max_sessions = 6;
    Target target = co_await or_return(Target::open());
    const auto forgetful = client_of(std::move(none)), client = client_of(std::move(few));
    for (int i = 0; i < 2; ++i) EXPECT_FALSE(co_await or_return(target.resumes(*server, *forgetful)));
    const detail::TlsSessions& kept = *client->settings()->sessions;
    for (size_t i = 0; i < 10; ++i) {
      Target another = co_await or_return(Target::open());
      EXPECT_FALSE(co_await or_return(another.resumes(*server, *client)));
      EXPECT_EQ(kept.size(), std::min<size_t>(i + 1, 6));
    }
    co_return kOk;
  });
}

constexpr long kLife = 1000;  // seconds

detail::SessionPtr session(long age) {
  detail::SessionPtr made(SSL_SESSION_new());
  static constexpr unsigned char kId[] = "an identity";
  SSL_SESSION_set1_id(made.get(), kId, sizeof kId);
  SSL_SESSION_set_time(made.get(), std::time(nullptr) - age);
  SSL_SESSION_set_timeout(made.get(), kLife);
  return made;
}

TEST(TlsSessions, GivesTheNewestOnceFourOfATargetAndNoneThatIsTooOld) {
  detail::TlsSessions sessions(100);
  std::vector<SSL_SESSION*> raw;
  for (int i = 0; i < 6; ++i) {
    auto one = session(0);
    raw.push_back(one.get());
    sessions.put("a", std::move(one));
  }
  EXPECT_EQ(sessions.size(), detail::TlsSessions::kMostOfOneTarget);
  for (size_t i = 6; i > 2; --i) EXPECT_EQ(sessions.take("a").get(), raw[i - 1]);
  EXPECT_EQ(sessions.take("a"), nullptr);
  sessions.put("b", session(kLife + 1));
  EXPECT_EQ(sessions.take("b"), nullptr);
  EXPECT_EQ(sessions.size(), 0u);
}

}  // namespace
}  // namespace sofa::io
