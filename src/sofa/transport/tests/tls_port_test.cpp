// A port that speaks TLS beside plain connections, and a pool that connects to it.

#include "harness.h"
#include "sofa/base/testing/captured_log.h"
#include "sofa/io/testing/certificates.h"
#include "sofa/transport/bolt_protocol.h"
#include "sofa/transport/pool.h"
#include "sofa/transport/port.h"

namespace sofa::transport {
namespace {

using namespace std::chrono_literals;
using namespace testing;

const io::testing::Authority& authority() {
  static const io::testing::Authority one;
  return one;
}

std::shared_ptr<io::TlsServerContext> server_tls() { return io::TlsServerContext::create({.certificates = {authority().issue()}}).value(); }
std::shared_ptr<io::TlsClientContext> client_tls(std::vector<std::string> alpn = {}) {
  return io::TlsClientContext::create({.ca = authority().certificate(), .alpn = std::move(alpn)}).value();
}

PortOptions tls_port() {
  PortOptions options;
  options.tls = server_tls();
  return options;
}

io::Task<std::unique_ptr<Port>> open(std::vector<Protocol*> protocols, PortOptions options) {
  co_return std::move((co_await Port::open(loopback(), std::move(protocols), std::move(options))).value());
}
io::Task<io::Stream> plain_to(const Port& port) { co_return std::move((co_await io::Stream::connect(port.local())).value()); }
io::Task<io::Stream> secure_to(const Port& port, std::vector<std::string> alpn = {}) {
  co_return std::move((co_await io::tls_connect(port.local(), *client_tls(std::move(alpn)))).value());
}

/// The counters once `wanted` holds, or when patience ends.
template <class F>
io::Task<ServerStats> stats_when(Port& port, F wanted) {
  const Instant until = SystemClock::instance().now_monotonic() + kPatience;
  for (;;) {
    const ServerStats stats = (co_await port.stats()).value();
    if (wanted(stats) || SystemClock::instance().now_monotonic() > until) co_return stats;
    co_await io::yield();
  }
}
bool none_open(const ServerStats& stats) { return stats.open == 0 && stats.accepted > 0; }

/// Begins with its word, or is chosen by its name; answers with its name and what came first, and closes.
class WordProtocol : public Protocol {
 public:
  WordProtocol(std::string_view word, std::string_view alpn) : word_(word), alpn_(alpn) {}
  std::string_view name() const override { return word_; }
  std::string_view alpn() const override { return alpn_; }
  Detected detect(ByteSpan first) const override {
    const std::string_view seen = as_text(first).substr(0, word_.size());
    if (!word_.starts_with(seen)) return Detected::no;
    return seen.size() < word_.size() ? Detected::maybe : Detected::yes;
  }
  io::Task<void> serve(io::Stream stream, Buffer prefix, Connection& connection) override {
    const std::string answer = fmt::format("{}:{}:{}", word_, stream.is_secure() ? "secure" : "plain", as_text(prefix.span()));
    [[maybe_unused]] const auto queued = stream.write(Bytes::copy_of(answer));
    [[maybe_unused]] const auto closed = co_await stream.close_after_flush();
    connection.close_kind = CloseKind::local;
  }

 private:
  const std::string_view word_, alpn_;
};

io::Task<std::string> text_to_end(io::Stream& stream) {
  std::vector<uint8_t> bytes;
  EXPECT_TRUE(from_hex(co_await read_to_end(stream), bytes));
  co_return std::string(as_text(bytes));
}

TEST(TlsPort, ServesBoltPlainAndOverTlsOnEveryShard) {
  on_shard(
      []() -> io::Task<void> {
        Answers answers;
        BoltProtocol bolt(answers.handlers);
        auto port = co_await open({&bolt}, tls_port());
        io::TaskGroup group;
        std::vector<SessionRef> sessions;
        for (int i = 0; i < 8; ++i) {
          io::Stream stream = co_await (i % 2 == 0 ? secure_to(*port) : plain_to(*port));
          sessions.push_back(Session::create(std::move(stream), SessionOptions::client()));
          group.spawn("client", sessions.back()->run());
        }
        const std::string big(1 << 20, 'b');
        for (const SessionRef& session : sessions) {
          const auto answer = co_await session->call(request_of("test.Ask", big));
          EXPECT_TRUE(answer.has_value() && answer->ok());
          if (answer) EXPECT_TRUE(as_text(answer->frame.content()) == big);
        }
        const ServerStats stats = (co_await port->stats()).value();
        EXPECT_EQ(stats.accepted, 8u);
        EXPECT_EQ(stats.secure, 4u);
        EXPECT_EQ(stats.sessions.requests_in, 8u);
        co_await port->stop();
        EXPECT_TRUE(co_await group.join());
        for (const SessionRef& session : sessions) EXPECT_EQ(session->close_kind(), CloseKind::peer);
      },
      {.shards = 2});
}

TEST(TlsPort, ChoosesTheProtocolByAlpnAndElseByTheFirstDecryptedBytes) {
  on_shard([]() -> io::Task<void> {
    WordProtocol first("FIRST!", "first/1"), second("SECOND!", "second/1"), nameless("THIRD!", "");
    auto port = co_await open({&first, &second, &nameless}, tls_port());
    const std::pair<std::vector<std::string>, const char*> by_name[] = {
        {{"second/1", "first/1"}, "FIRST!:secure:"}, {{"second/1"}, "SECOND!:secure:"}, {{"unknown", "second/1"}, "SECOND!:secure:"}};
    for (const auto& [offered, answer] : by_name) {
      io::Stream client = co_await secure_to(*port, offered);
      EXPECT_EQ(co_await text_to_end(client), answer);
    }
    for (const char* word : {"FIRST!", "SECOND!", "THIRD!"}) {
      io::Stream at_once = co_await secure_to(*port);
      EXPECT_TRUE(at_once.write(Bytes::copy_of(word)));
      EXPECT_EQ(co_await text_to_end(at_once), fmt::format("{0}:secure:{0}", word));
      io::Stream byte_by_byte = co_await secure_to(*port);
      for (const char c : std::string_view(word)) {
        EXPECT_EQ(byte_by_byte.write_now(as_bytes(std::string_view(&c, 1))), 1u);
        co_await io::yield();
      }
      EXPECT_EQ(co_await text_to_end(byte_by_byte), fmt::format("{0}:secure:{0}", word));
      io::Stream plain = co_await plain_to(*port);
      EXPECT_TRUE(plain.write(Bytes::copy_of(word)));
      EXPECT_EQ(co_await text_to_end(plain), fmt::format("{0}:plain:{0}", word));
    }
    co_await port->stop();
  });
}

TEST(TlsPort, RefusesAClientThatOffersOnlyUnknownProtocols) {
  CapturedLog log;
  on_shard([]() -> io::Task<void> {
    WordProtocol first("FIRST!", "first/1");
    auto port = co_await open({&first}, tls_port());
    const auto refused = co_await io::tls_connect(port->local(), *client_tls({"spdy/1"}));
    EXPECT_FALSE(refused.has_value());
    const ServerStats stats = co_await stats_when(*port, none_open);
    EXPECT_EQ(stats.closed_as(CloseKind::tls_failed), 1u);
    co_await port->stop();
  });
  EXPECT_EQ(log.count("connection refused"), 1u);
}

TEST(TlsPort, TakesNothingButTlsWhenToldSo) {
  CapturedLog log;
  on_shard([]() -> io::Task<void> {
    WordProtocol first("FIRST!", "");
    PortOptions options = tls_port();
    options.tls_only = true;
    auto port = co_await open({&first}, options);
    io::Stream plain = co_await plain_to(*port);
    EXPECT_TRUE(plain.write(Bytes::copy_of("FIRST!")));
    EXPECT_EQ(co_await text_to_end(plain), "");
    io::Stream secure = co_await secure_to(*port);
    EXPECT_TRUE(secure.write(Bytes::copy_of("FIRST!")));
    EXPECT_EQ(co_await text_to_end(secure), "FIRST!:secure:FIRST!");
    const ServerStats stats = co_await stats_when(*port, none_open);
    EXPECT_EQ(stats.closed_as(CloseKind::unknown_protocol), 1u);
    co_await port->stop();
  });
  EXPECT_TRUE(log.contains("tls_only"));
}

TEST(TlsPort, NeedsCertificatesToTakeTlsAlone) {
  on_shard([]() -> io::Task<void> {
    WordProtocol first("FIRST!", "");
    PortOptions options;
    options.tls_only = true;
    const auto port = co_await Port::open(loopback(), {&first}, options);
    EXPECT_FALSE(port.has_value());
    if (!port) EXPECT_NE(port.error().to_string().find("tls_only"), std::string::npos);
  });
}

TEST(TlsPort, ClosesStrangersAtOncePlainAndInsideTls) {
  CapturedLog log;
  on_shard([]() -> io::Task<void> {
    WordProtocol first("FIRST!", "");
    auto port = co_await open({&first}, tls_port());
    for (const char* hex : {"5a", "16 05 01", "15 03 01"}) {
      io::Stream stranger = co_await plain_to(*port);
      EXPECT_TRUE(stranger.write(bytes_of(hex)));
      EXPECT_EQ(co_await read_to_end(stranger), "") << hex;
    }
    io::Stream inside = co_await secure_to(*port);
    EXPECT_TRUE(inside.write(Bytes::copy_of("nothing known")));
    EXPECT_EQ(co_await read_to_end(inside), "");
    io::Stream nested = co_await secure_to(*port);
    EXPECT_TRUE(nested.write(bytes_of("16 03 01 00 05")));
    EXPECT_EQ(co_await read_to_end(nested), "") << "TLS inside TLS is nothing that is known";
    const ServerStats stats = co_await stats_when(*port, none_open);
    EXPECT_EQ(stats.closed_as(CloseKind::unknown_protocol), 5u);
    co_await port->stop();
  });
  EXPECT_EQ(log.count("its first bytes are no protocol of this port"), 5u);
}

TEST(TlsPort, ClosesWhoDoesNotDecideOrDoesNotEndItsHandshakeInTime) {
  CapturedLog log;
  on_shard([]() -> io::Task<void> {
    WordProtocol first("FIRST!", "");
    PortOptions options = tls_port();
    options.detect_timeout = 40ms;
    options.silent_timeout = 80ms;
    options.handshake_timeout = 60ms;
    auto port = co_await open({&first}, options);
    io::Stream half_byte = co_await plain_to(*port), half_hello = co_await plain_to(*port);
    EXPECT_TRUE(half_byte.write(bytes_of("16")));
    EXPECT_TRUE(half_hello.write(bytes_of("16 03 01 02 00 01")));
    io::Stream half_word = co_await secure_to(*port), silent = co_await secure_to(*port);
    EXPECT_TRUE(half_word.write(Bytes::copy_of("FIR")));
    for (io::Stream* stream : {&half_byte, &half_hello, &half_word, &silent}) EXPECT_EQ(co_await read_to_end(*stream), "");
    const ServerStats stats = co_await stats_when(*port, none_open);
    EXPECT_EQ(stats.closed_as(CloseKind::half_frame), 2u);
    EXPECT_EQ(stats.closed_as(CloseKind::tls_failed), 1u);
    EXPECT_EQ(stats.closed_as(CloseKind::idle), 1u);
    co_await port->stop();
  });
  EXPECT_TRUE(log.contains("did not end within 60 ms"));
}

TEST(TlsPort, StopsAtOnceWhateverStandsBeforeItsProtocol) {
  CapturedLog log;
  on_shard([]() -> io::Task<void> {
    WordProtocol first("FIRST!", "");
    auto port = co_await open({&first}, tls_port());
    io::Stream silent = co_await plain_to(*port), half_hello = co_await plain_to(*port), secure = co_await secure_to(*port);
    EXPECT_TRUE(half_hello.write(bytes_of("16 03 01 02 00 01")));
    half_hello.flush();
    [[maybe_unused]] const auto accepted = co_await stats_when(*port, [](const ServerStats& s) { return s.open == 3; });
    co_await port->stop();
    for (io::Stream* stream : {&silent, &half_hello, &secure}) EXPECT_EQ(co_await read_to_end(*stream), "");
  });
  EXPECT_EQ(log.lines(), std::vector<std::string>{});
}

TEST(TlsPort, APoolConnectsOverTls) {
  on_shard([]() -> io::Task<void> {
    Answers answers;
    BoltProtocol bolt(answers.handlers);
    PortOptions options = tls_port();
    options.tls_only = true;
    auto port = co_await open({&bolt}, options);
    PoolOptions pooled;
    pooled.tls = client_tls();
    ConnectionPool pool(pooled, Random(1));
    const SessionRef session = std::move((co_await pool.get(port->local())).value());
    EXPECT_TRUE((co_await session->call(request_of("test.Ask", "x"))).value().ok());
    co_await pool.close();
    co_await port->stop();
  });
}

TEST(TlsPort, APoolTellsWhyAServerIsNotBelieved) {
  CapturedLog log;
  on_shard([]() -> io::Task<void> {
    Answers answers;
    BoltProtocol bolt(answers.handlers);
    auto port = co_await open({&bolt}, tls_port());
    const io::testing::Authority stranger("Stranger");
    PoolOptions pooled;
    pooled.tls = io::TlsClientContext::create({.ca = stranger.certificate()}).value();
    pooled.reconnect = false;
    ConnectionPool pool(pooled, Random(1));
    const auto session = co_await pool.get(port->local());
    EXPECT_FALSE(session.has_value());
    if (!session) EXPECT_NE(session.error().to_string().find("is issued by 'CN=Test Root', which is not among the trusted ones"), std::string::npos);
    co_await pool.close();
    co_await port->stop();
  });
}

}  // namespace
}  // namespace sofa::transport
