// Peers that do not shake hands, or ask for more than is good.

#include <openssl/ssl.h>

#include "tls_fixture.h"

namespace sofa::io {
namespace {

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

/// The handshake of a raw client with our server, whose stream comes back.
Task<Result<Stream>> accept_raw(RawClient& client, Stream plain, const TlsServerContext& server) {
  Result<Stream> accepted = fail(Code::internal, "not yet");
  TaskGroup group(co_await current_scope());
  group.spawn("accept", accept_into(std::move(plain), server, accepted));
  co_await or_return(client.shake());
  co_await or_return(co_await group.join());
  co_return accepted;
}

TEST_F(Tls, RenegotiationIsRefusedAndCostsNothing) {
  run_ok(runtime_, [&]() -> Body {
    Pair pair = co_await or_return(connected_pair(loopback()));
    const auto server = server_of(server_config());
    RawClient client(std::move(pair.client), TLS1_2_VERSION);
    Stream ours = co_await or_return(accept_raw(client, std::move(pair.server), *server));
    TaskGroup group(co_await current_scope());
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
    Stream ours = co_await or_return(accept_raw(client, std::move(pair.server), *server));
    TaskGroup group(co_await current_scope());
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

}  // namespace
}  // namespace sofa::io
