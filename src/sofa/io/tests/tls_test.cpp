#include "sofa/io/tls.h"

#include <openssl/ssl.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "fixture.h"
#include "sofa/io/testing/certificates.h"

namespace sofa::io {
namespace {

using testing::Authority;
using testing::CertificateRequest;

const Authority& authority() {
  static const Authority one;
  return one;
}

std::shared_ptr<TlsServerContext> server_of(TlsServerConfig config) { return TlsServerContext::create(std::move(config)).value(); }
std::shared_ptr<TlsClientContext> client_of(TlsClientConfig config) { return TlsClientContext::create(std::move(config)).value(); }

TlsServerConfig server_config(const CertificateRequest& request = {}) { return {.certificates = {authority().issue(request)}}; }
TlsClientConfig client_config() { return {.ca = authority().certificate()}; }

/// What became of the two sides of one handshake.
struct Shaken {
  Result<Stream> client;
  Result<Stream> server;
};

constexpr Duration kShort = seconds(5);

Task<Result<Shaken>> shake(const TlsServerContext& server, const TlsClientContext& client, Pair pair, std::string name = "") {
  Result<Stream> accepted = fail(Code::internal, "not yet");
  TaskGroup group(co_await current_scope());
  group.spawn("accept", [](Stream stream, const TlsServerContext& context, Result<Stream>& out) -> Task<void> {
    out = co_await tls_accept(std::move(stream), Buffer(), context, {.timeout = kShort, .alpn = {}});
  }(std::move(pair.server), server, accepted));
  auto connected = co_await tls_connect(std::move(pair.client), client, {.timeout = kShort, .server_name = std::move(name)});
  co_await or_return(co_await group.join());
  co_return Shaken{std::move(connected), std::move(accepted)};
}

Task<Result<Shaken>> shake(const TlsServerContext& server, const TlsClientContext& client, std::string name = "", StreamOptions options = {}) {
  co_return co_await shake(server, client, co_await or_return(connected_pair(loopback(), options)), std::move(name));
}

/// Two ends of TLS, both in order.
Task<Result<Pair>> secure_pair(StreamOptions options = {}) {
  const auto server = server_of(server_config());
  const auto client = client_of(client_config());
  Shaken both = co_await or_return(shake(*server, *client, "", options));
  co_return Pair{co_await or_return(std::move(both.client)), co_await or_return(std::move(both.server))};
}

void expect_says(const Error& error, std::initializer_list<std::string_view> parts) {
  for (std::string_view part : parts)
    EXPECT_NE(error.to_string().find(part), std::string::npos) << "'" << part << "' is not in: " << error.to_string();
}

class Tls : public ::testing::Test {
 protected:
  Runtime runtime_{{.shards = 1, .hold_limit = Duration::zero()}};
};

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

// ---------------------------------------------------------------- certificates that are not believed

struct Distrust {
  const char* name;
  CertificateRequest request;
  bool known_issuer;
  std::string asked;
  std::vector<std::string_view> says;
};

class NotBelieved : public ::testing::TestWithParam<Distrust> {
 protected:
  Runtime runtime_{{.shards = 1, .hold_limit = Duration::zero()}};
};

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

// ---------------------------------------------------------------- mutual TLS

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

// ---------------------------------------------------------------- SNI, ALPN, versions

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

// ---------------------------------------------------------------- bytes in every shape

/// Passes on what comes from one stream to another in pieces of at most `piece` bytes, each in its own write, and at last the end.
Task<Result<void>> relay(Stream& from, Stream& to, size_t piece) {
  Buffer in;
  while (co_await or_return(from.read_some(in, piece)) > 0) {
    co_await or_return(to.write(in.take()));
    to.flush();
  }
  to.shutdown_write();
  co_return kOk;
}

TEST_F(Tls, APeerWhoseBytesComeOneAtATimeIsUnderstood) {
  run_ok(runtime_, [&]() -> Body {
    Pair left = co_await or_return(connected_pair(loopback()));
    Pair right = co_await or_return(connected_pair(loopback()));
    TaskGroup group(co_await current_scope());
    group.spawn("there", relay(left.server, right.client, 1));
    group.spawn("back", relay(right.client, left.server, 1));
    const auto server = server_of(server_config());
    const auto client = client_of(client_config());
    Shaken both = co_await or_return(shake(*server, *client, Pair{std::move(left.client), std::move(right.server)}));
    Stream ours = co_await or_return(std::move(both.client));
    Stream theirs = co_await or_return(std::move(both.server));
    const std::string text(5000, 't');
    co_await or_return(ours.write(Bytes::copy_of(text)));
    EXPECT_EQ(co_await or_return(read_text(theirs, text.size())), text);
    co_await or_return(theirs.write(Bytes::literal("ok")));
    ours.shutdown_write();
    theirs.shutdown_write();
    EXPECT_EQ(co_await or_return(read_text(ours, 10)), "ok");
    EXPECT_EQ(co_await or_return(read_text(theirs, 1)), "");
    co_await or_return(co_await group.join());
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

Task<Result<void>> send_numbers(Stream& stream, size_t total, size_t chunk) {
  uint8_t next = 0;
  for (size_t sent = 0; sent < total;) {
    const size_t size = std::min(chunk, total - sent);
    Buffer out(size);
    for (size_t i = 0; i < size; ++i) out.append_u8(next++);
    co_await or_return(stream.write(out.take()));
    co_await or_return(stream.drained(256 << 10));
    sent += size;
  }
  stream.shutdown_write();
  co_return kOk;
}

Task<Result<size_t>> receive_numbers(Stream& stream) {
  Buffer in;
  uint8_t expected = 0;
  size_t received = 0;
  size_t wrong = 0;
  while (size_t n = co_await or_return(stream.read_some(in))) {
    for (uint8_t byte : in.span()) wrong += byte != expected++;
    received += n;
    in.clear();
  }
  EXPECT_EQ(wrong, 0U);
  co_return received;
}

class TlsSizes : public ::testing::TestWithParam<size_t> {
 protected:
  Runtime runtime_{{.shards = 1, .hold_limit = Duration::zero()}};
};
INSTANTIATE_TEST_SUITE_P(Chunks, TlsSizes, ::testing::Values(100, 16384, 16385, 100'000, 1'000'000));

TEST_P(TlsSizes, MovesMegabytesBothWaysAtOnceUnderBackPressure) {
  run_ok(runtime_, [&]() -> Body {
    const size_t chunk = GetParam();
    const size_t total = chunk < 1000 ? 1 << 20 : 8 << 20;
    Pair pair = co_await or_return(secure_pair());
    TaskGroup group(co_await current_scope());
    group.spawn("there", send_numbers(pair.client, total, chunk));
    group.spawn("back", send_numbers(pair.server, total, chunk));
    size_t back = 0;
    group.spawn("receive", [](Stream& stream, size_t& out) -> Task<Result<void>> {
      out = co_await or_return(receive_numbers(stream));
      co_return kOk;
    }(pair.client, back));
    EXPECT_EQ(co_await or_return(receive_numbers(pair.server)), total);
    co_await or_return(co_await group.join());
    EXPECT_EQ(back, total);
    co_return kOk;
  });
}

TEST_F(Tls, WritesAtOnceWhatFitsAndNothingPastTheQueue) {
  run_ok(runtime_, [&]() -> Body {
    Pair pair = co_await or_return(secure_pair());
    const std::string big(64 << 20, 'x');  // more than any socket buffer
    const size_t taken = pair.client.write_now(as_bytes(big));
    EXPECT_GT(taken, 0U);
    EXPECT_LT(taken, big.size());
    EXPECT_GT(pair.client.pending_write_bytes(), 0U);
    EXPECT_LT(pair.client.pending_write_bytes(), 128U << 10) << "no more is encrypted than one batch ahead";
    EXPECT_EQ(pair.client.write_now(as_bytes("never")), 0U) << "the socket is full";
    co_await or_return(pair.client.write(Bytes::literal("end")));
    const bool same = co_await or_return(read_text(pair.server, taken + 3)) == big.substr(0, taken) + "end";
    EXPECT_TRUE(same);
    co_return kOk;
  });
}

TEST_F(Tls, APeerThatNeverReadsFillsTheQueueAndThenStalls) {
  run_ok(runtime_, [&]() -> Body {
    StreamOptions options{.max_write_queue = 1 << 20, .write_stall_timeout = milliseconds(100)};
    Pair pair = co_await or_return(secure_pair(options));
    const Bytes chunk = Bytes::copy_of(std::string(100'000, 'x'));
    Result<void> written;
    for (int i = 0; i < 1000 && written; ++i) {
      written = pair.client.write(chunk);
      co_await yield();
      pair.client.flush();
    }
    EXPECT_EQ(written.error().code(), Code::resource_exhausted);
    EXPECT_LE(pair.client.pending_write_bytes(), size_t{1} << 20);
    auto drained = co_await pair.client.drained();
    EXPECT_EQ(drained.error().code(), Code::deadline_exceeded) << drained.error().to_string();
    co_return kOk;
  });
}

TEST_F(Tls, ABusyStreamLetsOthersHaveTheirTurn) {
  run_ok(runtime_, []() -> Body {
    Pair pair = co_await or_return(secure_pair());
    TaskGroup group(co_await current_scope());
    group.spawn("sender", send_numbers(pair.client, 4 << 20, 64 * 1024));
    size_t turns = 0;
    bool done = false;
    group.spawn("counter", [](size_t& count, bool& stop) -> Task<void> {
      while (!stop) {
        ++count;
        co_await yield();
      }
    }(turns, done));
    Buffer in;
    while (co_await or_return(pair.server.read_some(in, 1024)) > 0) in.clear();
    done = true;
    EXPECT_GT(turns, 50U);
    co_await or_return(co_await group.join());
    co_return kOk;
  });
}

// ---------------------------------------------------------------- the ends of a stream

TEST_F(Tls, HalfClosedPeerStillReads) {
  run_ok(runtime_, []() -> Body {
    Pair pair = co_await or_return(secure_pair());
    co_await or_return(pair.client.write(Bytes::literal("last")));
    pair.client.shutdown_write();
    EXPECT_EQ(co_await or_return(read_text(pair.server, 100)), "last");
    co_await or_return(pair.server.write(Bytes::literal("answer")));
    EXPECT_EQ(co_await or_return(read_text(pair.client, 6)), "answer");
    EXPECT_EQ(pair.client.write(Bytes::literal("more")).error().code(), Code::failed_precondition);
    Buffer in;
    EXPECT_EQ(co_await or_return(pair.server.read_some(in)), 0U);
    EXPECT_EQ(co_await or_return(pair.server.read_some(in)), 0U);
    co_return kOk;
  });
}

TEST_F(Tls, ClosingTellsTheEnd) {
  run_ok(runtime_, []() -> Body {
    Pair flushed = co_await or_return(secure_pair());
    co_await or_return(flushed.client.write(Bytes::literal("last")));
    co_await or_return(co_await flushed.client.close_after_flush());
    EXPECT_EQ(co_await or_return(read_text(flushed.server, 100)), "last");
    Pair closed = co_await or_return(secure_pair());
    closed.client.close();
    Buffer in;
    EXPECT_EQ(co_await or_return(closed.server.read_some(in)), 0U);
    co_return kOk;
  });
}

TEST_F(Tls, AnEndWithoutCloseNotifyIsAnError) {
  run_ok(runtime_, [&]() -> Body {
    Pair left = co_await or_return(connected_pair(loopback()));
    Pair right = co_await or_return(connected_pair(loopback()));
    TaskGroup group(co_await current_scope());
    group.spawn("there", relay(left.server, right.client, 65536));
    group.spawn("back", relay(right.client, left.server, 65536));
    const auto server = server_of(server_config());
    const auto client = client_of(client_config());
    Shaken both = co_await or_return(shake(*server, *client, Pair{std::move(left.client), std::move(right.server)}));
    Stream theirs = co_await or_return(std::move(both.server));
    co_await or_return(both.client.value().write(Bytes::literal("pay 1000")));
    EXPECT_EQ(co_await or_return(read_text(theirs, 8)), "pay 1000");
    right.client.shutdown_write();  // the one in the middle cuts the connection
    Buffer in;
    auto got = co_await theirs.read_some(in);
    EXPECT_FALSE(got.has_value());
    if (!got) {
      EXPECT_EQ(got.error().code(), Code::data_loss);
      expect_says(got.error(), {"without TLS's close_notify", "cut short"});
    }
    EXPECT_FALSE(theirs.is_open());
    left.server.close();
    right.client.close();
    [[maybe_unused]] const auto joined = co_await group.join();
    co_return kOk;
  });
}

TEST_F(Tls, AChangedByteIsAnErrorAndClosesTheStream) {
  run_ok(runtime_, [&]() -> Body {
    Pair left = co_await or_return(connected_pair(loopback()));
    Pair right = co_await or_return(connected_pair(loopback()));
    const auto server = server_of(server_config());
    const auto client = client_of(client_config());
    TaskGroup group(co_await current_scope());
    CancelSource relays(co_await current_scope());
    group.spawn("there", relays.run(relay(left.server, right.client, 65536)));
    group.spawn("back", relay(right.client, left.server, 65536));
    Shaken both = co_await or_return(shake(*server, *client, Pair{std::move(left.client), std::move(right.server)}));
    Stream theirs = co_await or_return(std::move(both.server));
    relays.cancel();
    co_await yield();
    co_await or_return(both.client.value().write(Bytes::literal("pay 1000")));
    Buffer record;
    co_await or_return(left.server.read_some(record));
    std::string changed(as_text(record.span()));
    changed.back() = static_cast<char>(changed.back() ^ 1);
    co_await or_return(right.client.write(Bytes::copy_of(changed)));
    Buffer in;
    auto got = co_await theirs.read_some(in);
    EXPECT_FALSE(got.has_value());
    if (!got) expect_says(got.error(), {"bad record mac"});
    left.server.close();
    right.client.close();
    [[maybe_unused]] const auto joined = co_await group.join();
    co_return kOk;
  });
}

// ---------------------------------------------------------------- peers that do not shake hands

TEST_F(Tls, AStalledHandshakeEndsInItsTime) {
  run_ok(runtime_, [&]() -> Body {
    const auto server = server_of(server_config());
    const auto client = client_of(client_config());
    Pair silent = co_await or_return(connected_pair(loopback()));
    auto accepted = co_await tls_accept(std::move(silent.server), Buffer(), *server, {.timeout = milliseconds(50), .alpn = {}});
    EXPECT_EQ(accepted.error().code(), Code::deadline_exceeded);
    expect_says(accepted.error(), {"the TLS handshake with 127.0.0.1:", "did not end within 50 ms"});
    Pair half = co_await or_return(connected_pair(loopback()));
    co_await or_return(half.client.write(Bytes::literal("\x16\x03\x01\x02")));
    auto begun = co_await tls_accept(std::move(half.server), Buffer(), *server, {.timeout = milliseconds(50), .alpn = {}});
    EXPECT_EQ(begun.error().code(), Code::deadline_exceeded);
    Pair mute = co_await or_return(connected_pair(loopback()));
    auto connected = co_await tls_connect(std::move(mute.client), *client, {.timeout = milliseconds(50), .server_name = "localhost"});
    EXPECT_EQ(connected.error().code(), Code::deadline_exceeded);
    Buffer in;
    auto rest = co_await half.client.read_some(in);
    EXPECT_TRUE(!rest || *rest == 0) << "it is closed";
    co_return kOk;
  });
}

TEST_F(Tls, GarbageIsToldFromTls) {
  run_ok(runtime_, [&]() -> Body {
    const auto server = server_of(server_config());
    const auto client = client_of(client_config());
    const uint64_t seed = system_seed();
    SCOPED_TRACE(fmt::format("seed {}", seed));
    Random random(seed);
    for (const char* text :
         {"GET / HTTP/1.1\r\n\r\n", "\x01\x01\x00\x01", "\x16\x03\x01\xff\xff", "\x16\x03\x01\x00\x05hello", "\x17\x03\x03\x00\x01x"}) {
      Pair pair = co_await or_return(connected_pair(loopback()));
      co_await or_return(pair.client.write(Bytes::copy_of(std::string(text) + std::string(64, '\n'))));
      pair.client.shutdown_write();
      auto accepted = co_await tls_accept(std::move(pair.server), Buffer(), *server);
      EXPECT_FALSE(accepted.has_value()) << text;
    }
    for (int i = 0; i < 50; ++i) {
      Pair pair = co_await or_return(connected_pair(loopback()));
      std::string noise(1 + random.uniform(uint64_t{2000}), '\x16');
      for (size_t at = i % 2 == 0 ? 3 : 0; at < noise.size(); ++at) noise[at] = static_cast<char>(random.uniform(uint64_t{256}));
      if (i % 2 == 0 && noise.size() > 2) noise.replace(0, 3, "\x16\x03\x01");
      co_await or_return(pair.client.write(Bytes::copy_of(noise)));
      pair.client.shutdown_write();
      auto accepted = co_await tls_accept(std::move(pair.server), Buffer(), *server);
      EXPECT_FALSE(accepted.has_value());
    }
    Pair plain = co_await or_return(connected_pair(loopback()));
    co_await or_return(plain.server.write(Bytes::literal("HTTP/1.1 400 Bad Request\r\n\r\n")));
    auto connected = co_await tls_connect(std::move(plain.client), *client);
    expect_says(connected.error(), {"is not TLS", "plain text"});
    co_return kOk;
  });
}

/// A client of OpenSSL's own API over a plain stream, for what a well-behaved one does not do.
class RawClient {
 public:
  explicit RawClient(Stream stream, int max_version) : stream_(std::move(stream)), context_(SSL_CTX_new(TLS_client_method())) {
    SSL_CTX_set_max_proto_version(context_, max_version);
    SSL_CTX_set_min_proto_version(context_, TLS1_VERSION);
    SSL_CTX_set_security_level(context_, 0);
    ssl_ = SSL_new(context_);
    SSL_set_bio(ssl_, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    BIO_set_mem_eof_return(SSL_get_rbio(ssl_), -1);
    SSL_set_connect_state(ssl_);
  }
  ~RawClient() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
  }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  SSL* ssl() { return ssl_; }
  Stream& stream() { return stream_; }

  Result<void> send() {
    char* data = nullptr;
    const long size = BIO_get_mem_data(SSL_get_wbio(ssl_), &data);
    if (size > 0) {
      if (auto queued = stream_.write(Bytes::copy_of(std::string_view(data, static_cast<size_t>(size)))); !queued) return queued;
    }
    [[maybe_unused]] const int reset = BIO_reset(SSL_get_wbio(ssl_));
    stream_.flush();
    return {};
  }
  Task<Result<size_t>> receive() {
    Buffer in;
    const size_t got = co_await or_return(stream_.read_some(in));
    BIO_write(SSL_get_rbio(ssl_), in.data(), static_cast<int>(got));
    co_return got;
  }
  Task<Result<void>> shake() {
    for (;;) {
      const int done = SSL_do_handshake(ssl_);
      co_await or_return(send());
      if (done == 1) co_return kOk;
      if (SSL_get_error(ssl_, done) != SSL_ERROR_WANT_READ || co_await or_return(receive()) == 0) co_return fail(Code::unavailable, "no handshake");
    }
  }

 private:
  Stream stream_;
  SSL_CTX* context_;
  SSL* ssl_;
};

Task<Result<void>> accept_into(Stream stream, const TlsServerContext& context, Result<Stream>& out) {
  out = co_await tls_accept(std::move(stream), Buffer(), context);
  co_return kOk;
}

TEST_F(Tls, RenegotiationIsRefusedAndCostsNothing) {
  run_ok(runtime_, [&]() -> Body {
    Pair pair = co_await or_return(connected_pair(loopback()));
    const auto server = server_of(server_config());
    RawClient client(std::move(pair.client), TLS1_2_VERSION);
    Result<Stream> accepted = fail(Code::internal, "not yet");
    TaskGroup group(co_await current_scope());
    group.spawn("accept", accept_into(std::move(pair.server), *server, accepted));
    co_await or_return(client.shake());
    co_await or_return(co_await group.join());
    Stream ours = co_await or_return(std::move(accepted));
    EXPECT_EQ(SSL_renegotiate(client.ssl()), 1);
    EXPECT_EQ(SSL_do_handshake(client.ssl()), -1);
    co_await or_return(client.send());
    SSL_write(client.ssl(), "after", 5);
    Buffer in;
    group.spawn("read",
                [](Stream& stream, Buffer& into) -> Task<void> { [[maybe_unused]] const auto got = co_await stream.read_some(into); }(ours, in));
    co_await or_return(client.receive());
    EXPECT_EQ(SSL_do_handshake(client.ssl()), -1);
    EXPECT_EQ(SSL_get_error(client.ssl(), -1), SSL_ERROR_SSL) << "the server has answered no_renegotiation";
    EXPECT_TRUE(in.empty());
    client.stream().close();
    co_await or_return(co_await group.join());
    co_return kOk;
  });
}

TEST_F(Tls, OldVersionsAreRefused) {
  run_ok(runtime_, [&]() -> Body {
    TlsServerConfig newest = server_config();
    newest.min_version = TlsVersion::tls1_3;
    for (const auto& [config, version, works] :
         {std::tuple{server_config(), TLS1_1_VERSION, false}, {server_config(), TLS1_2_VERSION, true}, {newest, TLS1_2_VERSION, false}}) {
      Pair pair = co_await or_return(connected_pair(loopback()));
      const auto server = server_of(config);
      RawClient client(std::move(pair.client), version);
      Result<Stream> accepted = fail(Code::internal, "not yet");
      TaskGroup group(co_await current_scope());
      group.spawn("accept", accept_into(std::move(pair.server), *server, accepted));
      EXPECT_EQ((co_await client.shake()).has_value(), works);
      client.stream().shutdown_write();
      co_await or_return(co_await group.join());
      EXPECT_EQ(accepted.has_value(), works);
    }
    co_return kOk;
  });
}

TEST_F(Tls, AFloodOfKeyUpdatesThatNobodyReadsIsBounded) {
  run_ok(runtime_, [&]() -> Body {
    Pair pair = co_await or_return(connected_pair(loopback()));
    const auto server = server_of(server_config());
    RawClient client(std::move(pair.client), TLS1_3_VERSION);
    Result<Stream> accepted = fail(Code::internal, "not yet");
    TaskGroup group(co_await current_scope());
    group.spawn("accept", accept_into(std::move(pair.server), *server, accepted));
    co_await or_return(client.shake());
    co_await or_return(co_await group.join());
    Stream ours = co_await or_return(std::move(accepted));
    Buffer in;
    group.spawn("read", [](Stream& stream, Buffer& into) -> Task<void> {
      while (into.size() < 5) {
        auto got = co_await stream.read_some(into);
        if (!got || *got == 0) break;
      }
    }(ours, in));
    size_t most = 0;
    for (int i = 0; i < 5000; ++i) {
      SSL_key_update(client.ssl(), SSL_KEY_UPDATE_REQUESTED);
      SSL_do_handshake(client.ssl());
      co_await or_return(client.send());
      co_await yield();
      most = std::max(most, ours.pending_write_bytes());
    }
    SSL_write(client.ssl(), "after", 5);
    co_await or_return(client.send());
    co_await or_return(co_await group.join());
    EXPECT_EQ(as_text(in.span()), "after");
    EXPECT_LE(most, 512U << 10);
    co_return kOk;
  });
}

// ---------------------------------------------------------------- files, reload

/// A folder that goes with the test.
class Folder {
 public:
  Folder() {
    std::string name = "/tmp/sofa-tls-XXXXXX";
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  /// As tools that renew certificates do it: a new file takes the place of the old one.
  std::string put(const std::string& name, const std::string& text) const {
    const std::string path = path_ + "/" + name;
    std::ofstream(path + ".new") << text;
    std::filesystem::rename(path + ".new", path);
    return path;
  }
  void put(const TlsCertificate& pair) const {
    put("server.pem", pair.certificate);
    put("server.key", pair.key);
  }
  TlsCertificate files() const { return {.certificate = path_ + "/server.pem", .key = path_ + "/server.key"}; }

 private:
  std::string path_;
};

TlsCertificate named(const std::string& name) { return authority().issue({.common_name = name, .alternative_names = {"DNS:" + name}}); }

Task<Result<std::string>> name_shown_by(const TlsServerContext& server) {
  const auto client = client_of({.verify = false});
  Shaken both = co_await or_return(shake(server, *client, "localhost"));
  Stream stream = co_await or_return(std::move(both.client));
  co_return std::string(stream.peer_certificate_name());
}

TEST_F(Tls, ReadsItsFilesAgainWithoutARestart) {
  run_ok(runtime_, [&]() -> Body {
    const Folder folder;
    folder.put(named("first.example.com"));
    const auto server = server_of({.certificates = {folder.files()}});
    const auto client = client_of({.verify = false});
    Shaken old = co_await or_return(shake(*server, *client, "localhost"));
    folder.put(named("second.example.com"));
    EXPECT_EQ(co_await or_return(name_shown_by(*server)), "first.example.com") << "nobody has said reload";
    co_await or_return(server->reload());
    EXPECT_EQ(co_await or_return(name_shown_by(*server)), "second.example.com");
    co_await or_return(old.client.value().write(Bytes::literal("still here")));
    EXPECT_EQ(co_await or_return(read_text(old.server.value(), 10)), "still here");
    folder.put("server.key", named("third.example.com").key);
    auto mixed = server->reload();
    EXPECT_FALSE(mixed.has_value());
    if (!mixed) expect_says(mixed.error(), {"server.key", "does not belong to the certificate", "server.pem", "CN=second.example.com"});
    EXPECT_EQ(co_await or_return(name_shown_by(*server)), "second.example.com") << "what was good stays";
    co_return kOk;
  });
}

TEST_F(Tls, NoticesChangedFilesByItself) {
  Reports reports;
  run_ok(runtime_, [&]() -> Body {
    const Folder folder;
    folder.put(named("first.example.com"));
    const auto server = server_of({.certificates = {folder.files()}, .reload_interval = milliseconds(10)});
    TaskGroup group(co_await current_scope());
    group.spawn("watch", server->watch());
    folder.put("server.pem", "no certificate");
    co_await or_return(co_await eventually([&] { return reports.contain("TLS goes on with the certificates that it has"); }));
    EXPECT_EQ(co_await or_return(name_shown_by(*server)), "first.example.com");
    const size_t told = reports.size();
    folder.put(named("second.example.com"));
    co_await or_return(co_await eventually([&] { return reports.contain("were read again"); }));
    EXPECT_LE(reports.size(), told + 2) << "each change is told once";
    EXPECT_EQ(co_await or_return(name_shown_by(*server)), "second.example.com");
    group.cancel("the test ends");
    [[maybe_unused]] const auto joined = co_await group.join();
    co_return kOk;
  });
}

TEST(TlsFiles, WhatIsWrongWithThemIsSaid) {
  const Folder folder;
  const TlsCertificate good = named("a.example.com");
  const auto server_error = [](TlsCertificate certificate) {
    auto context = TlsServerContext::create({.certificates = {std::move(certificate)}});
    EXPECT_FALSE(context.has_value());
    return context ? Error(Code::internal, "it was taken") : context.error();
  };
  expect_says(server_error({.certificate = "/nowhere/server.pem", .key = good.key}),
              {"cannot read the certificate '/nowhere/server.pem'", "No such file"});
  expect_says(server_error({.certificate = folder.put("empty.pem", ""), .key = good.key}), {"empty.pem", "has no certificate in PEM form"});
  expect_says(server_error({.certificate = good.certificate, .key = folder.put("bad.key", "x")}), {"the private key", "bad.key", "cannot be read"});
  expect_says(server_error({.certificate = good.certificate, .key = named("b").key}), {"does not belong to the certificate", "CN=a.example.com"});
  expect_says(server_error({.certificate = good.certificate.substr(0, 200), .key = good.key}), {"certificate (given as PEM text)"});
  expect_says(TlsServerContext::create({}).error(), {"needs a certificate"});
  expect_says(TlsClientContext::create({.ca = "/nowhere/ca.pem"}).error(), {"list of trusted certificates '/nowhere/ca.pem'"});
}

TEST(TlsFiles, AnExpiredCertificateIsReportedAtTheStart) {
  Reports reports;
  const auto server = server_of(server_config({.common_name = "old.example.com", .begins = seconds(-7200), .ends = seconds(-3600)}));
  EXPECT_TRUE(reports.contain("CN=old.example.com") && reports.contain("is expired since"));
}

}  // namespace
}  // namespace sofa::io
