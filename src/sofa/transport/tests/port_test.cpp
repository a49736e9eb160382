#include "sofa/transport/port.h"

#include <deque>

#include "harness.h"
#include "sofa/base/testing/captured_log.h"
#include "sofa/transport/bolt_protocol.h"

namespace sofa::transport {
namespace {

using namespace std::chrono_literals;
using namespace testing;

io::Task<io::Stream> connect_to(const Port& port) { co_return std::move((co_await io::Stream::connect(port.local())).value()); }

io::Task<ServerStats> stats_of(Port& port) { co_return (co_await port.stats()).value(); }

/// Waits until the counters are as wanted.
template <class F>
io::Task<ServerStats> stats_when(Port& port, F wanted) {
  ServerStats stats;
  for (const Instant until = SystemClock::instance().now_monotonic() + kPatience; SystemClock::instance().now_monotonic() < until;) {
    stats = co_await stats_of(port);
    if (wanted(stats)) break;
    co_await io::yield();
  }
  co_return stats;
}

/// A protocol that begins with "NEW!", to show what adding one takes.
class NewProtocol : public Protocol {
 public:
  std::string_view name() const override { return "new"; }
  Detected detect(ByteSpan first) const override {
    const std::string_view word = "NEW!", seen = as_text(first).substr(0, word.size());
    if (!word.starts_with(seen)) return Detected::no;
    return seen.size() < word.size() ? Detected::maybe : Detected::yes;
  }
  io::Task<void> serve(io::Stream stream, Buffer prefix, Connection& connection) override {
    [[maybe_unused]] const auto queued = stream.write(Bytes::copy_of(prefix.span()));
    [[maybe_unused]] const auto closed = co_await stream.close_after_flush();
    connection.close_kind = CloseKind::local;
  }
};

class PortOver : public ::testing::TestWithParam<const char*> {};

TEST_P(PortOver, ServesBoltOnEveryShard) {
  const char* text = GetParam();
  on_shard(
      [text]() -> io::Task<void> {
        Answers answers;
        BoltProtocol bolt(answers.handlers);
        const io::Address address = std::string_view(text) == "unix" ? io::Address::unix_path(fmt::format("/tmp/sofa-port-{}.sock", ::getpid()))
                                                                     : io::Address::parse(text).value();
        auto port = std::move((co_await Port::open(address, {&bolt})).value());
        io::TaskGroup group;
        std::vector<SessionRef> sessions;
        for (int i = 0; i < 8; ++i) {
          sessions.push_back(Session::create(co_await connect_to(*port), SessionOptions::client()));
          group.spawn("client", sessions.back()->run());
        }
        for (const SessionRef& session : sessions) EXPECT_TRUE((co_await session->call(request_of("test.Ask", "x"))).value().ok());
        const ServerStats stats = co_await stats_of(*port);
        EXPECT_EQ(stats.accepted, 8u);
        EXPECT_EQ(stats.open, 8u);
        EXPECT_EQ(stats.sessions.requests_in, 8u) << "open connections count";
        co_await port->stop();
        EXPECT_TRUE(co_await group.join());
        for (const SessionRef& session : sessions) EXPECT_EQ(session->close_kind(), CloseKind::peer);
      },
      {.shards = 2});
}
INSTANTIATE_TEST_SUITE_P(Addresses, PortOver, ::testing::Values("127.0.0.1:0", "[::1]:0", "unix"));

TEST(Port, ShowsTheConnectionsOfAllShardsPageByPage) {
  on_shard(
      []() -> io::Task<void> {
        Answers answers;
        BoltProtocol bolt(answers.handlers);
        auto port = std::move((co_await Port::open(loopback(), {&bolt})).value());
        io::Stream silent = co_await connect_to(*port);
        co_await stats_when(*port, [](const ServerStats& s) { return s.open == 1; });
        std::deque<Served> clients;
        for (int i = 0; i < 4; ++i) {
          clients.emplace_back(co_await connect_to(*port), answers.handlers, SessionOptions::client());
          EXPECT_TRUE((co_await clients.back().session->call(request_of("test.Ask", "x"))).value().ok());
        }
        std::vector<ConnectionSnapshot> all;
        for (uint64_t from = 0;;) {
          const auto page = (co_await port->connections(from, 2)).value();
          if (page.empty()) break;
          EXPECT_LE(page.size(), 2u);
          from = page.back().id + 1;
          all.insert(all.end(), page.begin(), page.end());
        }
        EXPECT_EQ(all.size(), 5u);
        EXPECT_TRUE(std::ranges::is_sorted(all, std::less(), &ConnectionSnapshot::id));
        EXPECT_EQ(std::ranges::count(all, "bolt", &ConnectionSnapshot::protocol), 4);
        for (const ConnectionSnapshot& connection : all) {
          EXPECT_EQ(connection.local, port->local());
          EXPECT_EQ(connection.stats.requests_in, connection.protocol.empty() ? 0u : 1u) << "the silent one has no protocol yet";
        }
        for (Served& client : clients) co_await client.end();
        co_await port->stop();
        EXPECT_TRUE((co_await port->connections(0, 100)).value().empty());
      },
      {.shards = 2});
}

TEST(Port, ClosesStrangersAtOnceWithOneLine) {
  CapturedLog log;
  on_shard([]() -> io::Task<void> {
    Handlers handlers;
    BoltProtocol bolt(handlers);
    auto port = std::move((co_await Port::open(loopback(), {&bolt})).value());
    io::Stream stranger = co_await connect_to(*port);
    EXPECT_TRUE(stranger.write(Bytes::copy_of("Z")));
    EXPECT_EQ(co_await read_to_end(stranger), "");
    const ServerStats stats = co_await stats_when(*port, [](const ServerStats& s) { return s.open == 0; });
    EXPECT_EQ(stats.closed_as(CloseKind::unknown_protocol), 1u);
    co_await port->stop();
  });
  EXPECT_EQ(log.count("connection refused"), 1u);
  EXPECT_TRUE(log.contains("bytes=5a") && log.contains("peer=127.0.0.1:"));
}

TEST(Port, TellsAProtocolCloseWithPeerAndReasonInOneLine) {
  CapturedLog log;
  on_shard([]() -> io::Task<void> {
    Handlers handlers;
    BoltProtocol bolt(handlers);
    auto port = std::move((co_await Port::open(loopback(), {&bolt})).value());
    io::Stream stranger = co_await connect_to(*port);
    EXPECT_TRUE(stranger.write(bytes_of("02 09")));
    EXPECT_EQ(co_await read_to_end(stranger), "");
    const ServerStats stats = co_await stats_when(*port, [](const ServerStats& s) { return s.open == 0; });
    EXPECT_EQ(stats.closed_as(CloseKind::protocol_error), 1u);
    co_await port->stop();
  });
  EXPECT_EQ(log.count("connection closed"), 1u);
  EXPECT_TRUE(log.contains("version byte is 9") && log.contains("peer=127.0.0.1:"));
}

TEST(Port, CountsAHandlersExceptionAsItsOwnFaultAndTellsTheCaller) {
  struct Throws : Handler {
    void handle(IncomingRequest&, Responder&) override { throw std::out_of_range("no such account"); }
  };
  CapturedLog log;
  on_shard([]() -> io::Task<void> {
    Throws throws;
    Answers answers;
    EXPECT_TRUE(answers.handlers.add("test.Throws", throws));
    BoltProtocol bolt(answers.handlers);
    auto port = std::move((co_await Port::open(loopback(), {&bolt})).value());
    Served client(co_await connect_to(*port), answers.handlers, SessionOptions::client());
    Served other(co_await connect_to(*port), answers.handlers, SessionOptions::client());
    const auto answer = co_await client.session->call(request_of("test.Throws", ""));
    EXPECT_TRUE(answer && answer->status() == bolt::Status::server_exception);
    const ServerStats stats = co_await stats_when(*port, [](const ServerStats& s) { return s.closed_as(CloseKind::handler_fault) > 0; });
    EXPECT_EQ(stats.closed_as(CloseKind::handler_fault), 1u);
    EXPECT_EQ(stats.closed_as(CloseKind::protocol_error), 0u);
    EXPECT_EQ(stats.sessions.requests_in, 1u) << "the counters of its connection are kept";
    EXPECT_TRUE((co_await other.session->call(request_of("test.Ask", "x"))).has_value()) << "others do not notice";
    co_await client.end();
    co_await other.end();
    co_await port->stop();
  });
  EXPECT_EQ(log.count("connection closed"), 1u);
  EXPECT_TRUE(log.contains("test.Throws' threw an exception: no such account"));
}

TEST(Port, TellsProtocolsApartAlsoByteByByte) {
  on_shard([]() -> io::Task<void> {
    Handlers handlers;
    BoltProtocol bolt(handlers);
    NewProtocol added;
    auto port = std::move((co_await Port::open(loopback(), {&bolt, &added})).value());
    io::Stream client = co_await connect_to(*port);
    for (char c : std::string_view("NEW!")) {
      EXPECT_TRUE(client.write(Bytes::copy_of(std::string(1, c))));
      client.flush();
      co_await io::yield();
    }
    EXPECT_EQ(co_await read_to_end(client), to_hex(as_bytes("NEW!")));
    io::Stream wrong = co_await connect_to(*port);
    EXPECT_TRUE(wrong.write(Bytes::copy_of("NEX")));
    EXPECT_EQ(co_await read_to_end(wrong), "");
    co_await port->stop();
  });
}

TEST(Port, ClosesAConnectionThatDoesNotDecideInTime) {
  on_shard([]() -> io::Task<void> {
    NewProtocol added;
    PortOptions options;
    options.detect_timeout = 30ms;
    options.silent_timeout = 60ms;
    auto port = std::move((co_await Port::open(loopback(), {&added}, options)).value());
    io::Stream half = co_await connect_to(*port), silent = co_await connect_to(*port);
    EXPECT_TRUE(half.write(Bytes::copy_of("NE")));
    EXPECT_EQ(co_await read_to_end(half), "");
    EXPECT_EQ(co_await read_to_end(silent), "");
    const ServerStats stats = co_await stats_when(*port, [](const ServerStats& s) { return s.open == 0; });
    EXPECT_EQ(stats.closed_as(CloseKind::half_frame), 1u);
    EXPECT_EQ(stats.closed_as(CloseKind::idle), 1u);
    co_await port->stop();
  });
}

TEST(Port, RefusesConnectionsOverItsLimit) {
  on_shard([]() -> io::Task<void> {
    Handlers handlers;
    BoltProtocol bolt(handlers);
    PortOptions options;
    options.max_connections = 1;
    auto port = std::move((co_await Port::open(loopback(), {&bolt}, options)).value());
    io::Stream first = co_await connect_to(*port);
    [[maybe_unused]] const auto accepted = co_await stats_when(*port, [](const ServerStats& s) { return s.open == 1; });
    io::Stream second = co_await connect_to(*port);
    EXPECT_EQ(co_await read_to_end(second), "");
    EXPECT_EQ((co_await stats_of(*port)).refused, 1u);
    first.close();
    [[maybe_unused]] const auto gone = co_await stats_when(*port, [](const ServerStats& s) { return s.open == 0; });
    io::Stream third = co_await connect_to(*port);
    const ServerStats stats = co_await stats_when(*port, [](const ServerStats& s) { return s.open == 1; });
    EXPECT_EQ(stats.accepted, 2u);
    co_await port->stop();
  });
}

TEST(Port, NamesTheOptionWhenItsAddressIsTaken) {
  on_shard([]() -> io::Task<void> {
    Handlers handlers;
    BoltProtocol bolt(handlers);
    auto port = std::move((co_await Port::open(loopback(), {&bolt})).value());
    PortOptions options;
    options.option_name = "--bolt";
    auto second = co_await Port::open(port->local(), {&bolt}, options);
    EXPECT_FALSE(second);
    if (!second) EXPECT_NE(second.error().to_string().find("--bolt"), std::string::npos) << second.error().to_string();
    co_await port->stop();
  });
}

TEST(Port, StopsAfterAnsweringWhatIsInFlight) {
  on_shard([]() -> io::Task<void> {
    Answers answers;
    BoltProtocol bolt(answers.handlers);
    auto port = std::move((co_await Port::open(loopback(), {&bolt})).value());
    io::TaskGroup group;
    SessionRef client = Session::create(co_await connect_to(*port), SessionOptions::client());
    group.spawn("client", client->run());
    auto call = client->call(request_of("test.Later", ""));
    EXPECT_TRUE(co_await eventually([&] { return answers.later.waiting.size() == 1; }));
    bool stopped = false;
    group.spawn("stop", [](Port& p, bool& done) -> io::Task<void> {
      co_await p.stop();
      done = true;
    }(*port, stopped));
    EXPECT_TRUE(co_await eventually([&] { return !client->usable() || answers.later.waiting.size() == 1; }));
    EXPECT_FALSE(stopped);
    EXPECT_TRUE(answers.later.waiting[0].answer("test.A", {}, {}));
    EXPECT_TRUE((co_await call).value().ok());
    EXPECT_TRUE(co_await group.join());
    EXPECT_TRUE(stopped);
    answers.later.waiting.clear();
  });
}

TEST(Port, StopsAfterTheDrainTimeoutWhateverIsInFlight) {
  on_shard([]() -> io::Task<void> {
    Answers answers;
    BoltProtocol bolt(answers.handlers);
    PortOptions options;
    options.drain_timeout = 50ms;
    auto port = std::move((co_await Port::open(loopback(), {&bolt}, options)).value());
    io::TaskGroup group;
    SessionRef client = Session::create(co_await connect_to(*port), SessionOptions::client());
    group.spawn("client", client->run());
    auto call = client->call(request_of("test.Later", ""));
    EXPECT_TRUE(co_await eventually([&] { return answers.later.waiting.size() == 1; }));
    co_await port->stop();
    EXPECT_EQ((co_await call).error().code(), Code::unavailable);
    EXPECT_TRUE(co_await group.join());
    answers.later.waiting.clear();
  });
}

TEST(Port, ClosesTheConnectionWhoseHalfFrameExceedsTheBudgetOfAllShards) {
  CapturedLog log;
  on_shard(
      []() -> io::Task<void> {
        Answers answers;
        BoltProtocol bolt(answers.handlers, {.max_half_frame_bytes = 512 << 10});
        auto port = std::move((co_await Port::open(loopback(), {&bolt})).value());
        io::Stream first = co_await connect_to(*port), second = co_await connect_to(*port);  // on two shards
        for (io::Stream* stream : {&first, &second}) {
          EXPECT_TRUE(stream->write(bytes_of("01 01 0001 01 00000005 01 00000bb8 0001 0000 00100000 41")));
          EXPECT_TRUE(stream->write(Bytes::copy_of(std::string(300 << 10, 'x'))));
          stream->flush();
          // One after the other: two that grow at once may both find the budget full.
          [[maybe_unused]] const auto arrived = co_await stats_when(
              *port, [](const ServerStats& s) { return s.sessions.bytes_in >= 300 << 10 || s.closed_as(CloseKind::frame_budget) > 0; });
        }
        const ServerStats stats = co_await stats_when(*port, [](const ServerStats& s) { return s.closed_as(CloseKind::frame_budget) > 0; });
        EXPECT_EQ(stats.closed_as(CloseKind::frame_budget), 1u);
        EXPECT_EQ(stats.open, 1u);
        co_await port->stop();
      },
      {.shards = 2});
  EXPECT_EQ(log.count("connection closed"), 1u);
  EXPECT_TRUE(log.contains("kind=\"frame budget\"") && log.contains("max_half_frame_bytes 524288"));
}

TEST(Port, MayBeStoppedByManyAtOnceAndAgain) {
  on_shard(
      []() -> io::Task<void> {
        Answers answers;
        BoltProtocol bolt(answers.handlers);
        auto port = std::move((co_await Port::open(loopback(), {&bolt})).value());
        io::TaskGroup group;
        SessionRef client = Session::create(co_await connect_to(*port), SessionOptions::client());
        group.spawn("client", client->run());
        auto call = client->call(request_of("test.Later", ""));
        EXPECT_TRUE(co_await eventually([&] { return answers.later.waiting.size() == 1; }));
        int stopped = 0;
        for (unsigned i = 0; i < 4; ++i) {
          group.spawn("stop", [](Port& p, io::Shard& shard, int& done) -> io::Task<void> {
            EXPECT_TRUE((co_await io::on(shard, [&] { return p.stop(); })).has_value());
            ++done;
          }(*port, io::Shard::current().runtime().shard(i % 2), stopped));
        }
        EXPECT_TRUE(co_await eventually([&] { return !client->usable() || answers.later.waiting.size() == 1; }));
        for (int i = 0; i < 100; ++i) co_await io::yield();
        EXPECT_EQ(stopped, 0) << "a call is in flight";
        EXPECT_TRUE(answers.later.waiting[0].answer("test.A", {}, {}));
        EXPECT_TRUE((co_await call).value().ok());
        EXPECT_TRUE(co_await group.join());
        EXPECT_EQ(stopped, 4);
        EXPECT_TRUE((co_await port->stop()).has_value());
        EXPECT_EQ((co_await stats_of(*port)).accepted, 1u) << "the counters outlive the connections";
        answers.later.waiting.clear();
      },
      {.shards = 2});
}

TEST(Port, LogsNoFailureWhenItStops) {
  CapturedLog log;
  on_shard(
      []() -> io::Task<void> {
        Answers answers;
        BoltProtocol bolt(answers.handlers);
        for (int i = 0; i < 20; ++i) {
          auto port = std::move((co_await Port::open(loopback(), {&bolt})).value());
          io::TaskGroup group;
          SessionRef client = Session::create(co_await connect_to(*port), SessionOptions::client());
          group.spawn("client", client->run());
          if (i % 2 == 0) EXPECT_TRUE((co_await client->call(request_of("test.Ask", ""))).has_value());
          co_await port->stop();
          client->close();
          EXPECT_TRUE(co_await group.join());
        }
      },
      {.shards = 2});
  EXPECT_EQ(log.lines(), std::vector<std::string>{});
}

}  // namespace
}  // namespace sofa::transport
