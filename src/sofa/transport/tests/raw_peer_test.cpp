// What peers get that speak Bolt badly, slowly or not at all (docs/protocols/bolt.md, section 8), byte for byte.

#include "harness.h"
#include "sofa/io/sync.h"

namespace sofa::transport {
namespace {

using namespace std::chrono_literals;
using namespace testing;

constexpr char kHeartbeat[] = "01 01 0000 01 00000001 01 ffffffff 0000 0000 00000000";
constexpr char kHeartbeatAck[] = "01 00 0000 01 00000001 01 0000 0000 0000 00000000";
constexpr char kHeartbeatV2[] = "02 01 01 0000 01 00000001 01 00 ffffffff 0000 0000 00000000";
constexpr char kHeartbeatAckV2[] = "02 01 00 0000 01 00000001 01 00 0000 0000 0000 00000000";
// Class "A", content "hi".
constexpr char kAsk[] = "01 01 0001 01 00000005 01 00000bb8 0001 0000 00000002 41 6869";
constexpr char kAnswer[] = "01 00 0002 01 00000005 01 0000 0009 0000 00000002 746573742e4563686f 6869";

struct RawRow {
  const char* what;
  const char* sent;
  const char* received;  // then the end of the stream
  CloseKind kind;
};

const RawRow kRefused[] = {
    {"unknown first byte", "5a", "", CloseKind::protocol_error},
    {"unknown first byte after a good frame", "01010000010000000101ffffffff0000000000000000 5a", kHeartbeatAck, CloseKind::protocol_error},
    {"bad version", "02 07", "", CloseKind::protocol_error},
    {"bad CRC", "02 02 01 0001 01 00000001 01 01 00000000 0000 0000 00000000 00000000", "", CloseKind::protocol_error},
    {"negative length", "01 01 0001 01 00000001 01 00000000 0000 0000 ffffffff", "", CloseKind::protocol_error},
    {"class over 32767", "01 01 0001 01 00000001 01 00000000 8000 0000 00000000", "", CloseKind::protocol_error},
    {"header over 32767", "01 01 0001 01 00000001 01 00000000 0000 8000 00000000", "", CloseKind::protocol_error},
    {"unknown command", "01 01 0007 01 00000001 01 00000000 0000 0000 00000000", "", CloseKind::protocol_error},
    {"content over max_frame", "01 01 0001 01 00000009 0b 00000bb8 0001 0000 02000001", "01 00 0002 01 00000009 01 0009 0000 0000 00000000",
     CloseKind::too_large},
    {"content over max_frame in v2 with CRC", "02 02 01 0001 01 00000009 0b 01 00000bb8 0001 0000 7fffffff",
     "02 02 00 0002 01 00000009 01 00 0009 0000 0000 00000000", CloseKind::too_large},
    {"oneway content over max_frame", "01 02 0001 01 00000009 0b ffffffff 0001 0000 02000001", "", CloseKind::too_large},
    {"cut header map", "01 01 0001 01 00000009 01 00000bb8 0001 0003 00000000 41 000000", "01 00 0002 01 00000009 01 0009 0000 0000 00000000",
     CloseKind::bad_header},
    {"negative length in the header map", "01 01 0001 01 00000009 01 00000bb8 0001 0004 00000000 41 fffffffe",
     "01 00 0002 01 00000009 01 0009 0000 0000 00000000", CloseKind::bad_header},
};

TEST(RawPeer, GetsTheAnswerOfTheTableAndTheEnd) {
  for (const RawRow& row : kRefused) {
    for (const bool slowly : {false, true}) {
      SCOPED_TRACE(std::string(row.what) + (slowly ? ", byte by byte" : ""));
      on_shard([&row, slowly]() -> io::Task<void> {
        Answers answers;
        StreamPair streams = co_await connected();
        Served served(std::move(streams.server), answers.handlers);
        const Bytes sent = bytes_of(row.sent);
        for (size_t at = 0, step = slowly ? 1 : sent.size(); at < sent.size() && streams.client.is_open(); at += step) {
          if (!streams.client.write(sent.slice(at, step))) break;
          streams.client.flush();
          co_await io::yield();
        }
        EXPECT_EQ(co_await read_to_end(streams.client), hex_of(row.received));
        EXPECT_EQ(served.session->close_kind(), row.kind);
        EXPECT_EQ(answers.echo.requests, 0u);
        streams.client.close();
        co_await served.end();
        EXPECT_FALSE(served.end_result->has_value()) << "the reason is told";
      });
    }
  }
}

TEST(RawPeer, GetsHeartbeatsAnsweredByteForByteAlsoByteByByte) {
  struct Row {
    const char *sent, *received;
  };
  for (const Row& row : {Row{kHeartbeat, kHeartbeatAck}, Row{kHeartbeatV2, kHeartbeatAckV2}, Row{kAsk, kAnswer}}) {
    for (const size_t step : {size_t{1}, size_t{100}}) {
      on_shard([row, step]() -> io::Task<void> {
        Answers answers;
        StreamPair streams = co_await connected();
        Served served(std::move(streams.server), answers.handlers);
        const Bytes sent = bytes_of(row.sent), expected = bytes_of(row.received);
        for (size_t at = 0; at < sent.size(); at += step) {
          EXPECT_TRUE(streams.client.write(sent.slice(at, std::min(step, sent.size() - at))));
          streams.client.flush();
          const uint64_t before = at;
          EXPECT_TRUE(co_await eventually([&] { return served.session->stats().bytes_in > before; }));
        }
        EXPECT_EQ(co_await read_bytes(streams.client, expected.size()), to_hex(expected));
        co_await served.end();
      });
    }
  }
}

TEST(RawPeer, GetsAnswersAfterItHasClosedItsWritingSide) {
  on_shard([]() -> io::Task<void> {
    Answers answers;
    StreamPair streams = co_await connected();
    Served served(std::move(streams.server), answers.handlers);
    EXPECT_TRUE(streams.client.write(bytes_of(std::string(kAsk) + kHeartbeat)));
    streams.client.shutdown_write();
    EXPECT_EQ(co_await read_to_end(streams.client), hex_of(std::string(kAnswer) + kHeartbeatAck));
    EXPECT_TRUE(co_await eventually([&] { return served.end_result.has_value(); }));
    EXPECT_EQ(served.session->close_kind(), CloseKind::peer);
    co_await served.end();
  });
}

TEST(RawPeer, MixesBothVersionsAndGetsEachAnsweredInItsOwn) {
  on_shard([]() -> io::Task<void> {
    Answers answers;
    StreamPair streams = co_await connected();
    Served served(std::move(streams.server), answers.handlers);
    EXPECT_TRUE(streams.client.write(bytes_of(std::string(kHeartbeatV2) + kAsk + kHeartbeat)));
    const std::string expected = hex_of(std::string(kHeartbeatAckV2) + kAnswer + kHeartbeatAck);
    EXPECT_EQ(co_await read_bytes(streams.client, expected.size() / 2), expected);
    co_await served.end();
  });
}

TEST(RawPeer, IsAnsweredHeartbeatsWhenTheServerIsBusy) {
  on_shard([]() -> io::Task<void> {
    Later later;
    Handlers handlers;
    EXPECT_TRUE(handlers.add("A", later));
    SessionOptions options = SessionOptions::server();
    options.max_in_flight = 1;
    StreamPair streams = co_await connected();
    Served served(std::move(streams.server), handlers, options);
    EXPECT_TRUE(streams.client.write(bytes_of(std::string(kAsk) + kAsk + kHeartbeat)));
    const std::string expected = hex_of(std::string("01 00 0002 01 00000005 01 0004 0000 0000 00000000") + kHeartbeatAck);
    EXPECT_EQ(co_await read_bytes(streams.client, expected.size() / 2), expected);
    later.waiting.clear();
    co_await served.end();
  });
}

TEST(SilentPeer, IsClosedAfterTheIdleTimeout) {
  with_manual_clock([](ManualClock& clock) -> io::Task<void> {
    Handlers handlers;
    StreamPair streams = co_await connected();
    Served served(std::move(streams.server), handlers);
    co_await pass(clock, 60s);
    EXPECT_TRUE(streams.client.write(bytes_of(kHeartbeat)));
    streams.client.flush();
    EXPECT_TRUE(co_await eventually([&] { return served.session->stats().heartbeats_in == 1; }));
    co_await pass(clock, 88s);
    EXPECT_TRUE(served.session->is_open()) << "any byte proves life";
    co_await pass(clock, 4s);
    EXPECT_EQ(served.session->close_kind(), CloseKind::idle);
    co_await served.end();
  });
}

TEST(SilentPeer, OfAClientIsPingedAndClosedAfterThreeMisses) {
  with_manual_clock([](ManualClock& clock) -> io::Task<void> {
    Handlers handlers;
    StreamPair streams = co_await connected();
    Served client(std::move(streams.client), handlers, SessionOptions::client());
    co_await pass(clock, 14s);
    EXPECT_EQ(client.session->stats().heartbeats_out, 0u);
    co_await pass(clock, 2s);
    EXPECT_EQ(co_await read_bytes(streams.server, 22), hex_of(kHeartbeat));
    EXPECT_TRUE(streams.server.write(bytes_of(kHeartbeatAck)));
    streams.server.flush();
    EXPECT_TRUE(co_await eventually([&] { return client.session->stats().frames_in == 1; }));
    co_await pass(clock, 16s);
    EXPECT_EQ(client.session->stats().heartbeats_out, 2u);
    co_await pass(clock, 42s);
    EXPECT_EQ(client.session->stats().heartbeats_out, 4u) << "three in a row";
    EXPECT_TRUE(client.session->is_open());
    co_await pass(clock, 4s);
    EXPECT_EQ(client.session->close_kind(), CloseKind::idle);
    co_await client.end();
  });
}

TEST(HalfOpenPeer, IsClosedWhenAHeadIsNotWholeInTime) {
  with_manual_clock([](ManualClock& clock) -> io::Task<void> {
    Handlers handlers;
    StreamPair streams = co_await connected();
    Served served(std::move(streams.server), handlers);
    const Bytes head = bytes_of(kHeartbeat);
    for (size_t at = 0; at < 8; ++at) {  // a byte a second does not help
      EXPECT_TRUE(streams.client.write(head.slice(at, 1)));
      streams.client.flush();
      EXPECT_TRUE(co_await eventually([&] { return served.session->stats().bytes_in == at + 1; }));
      co_await pass(clock, 1s);
    }
    EXPECT_TRUE(served.session->is_open());
    co_await pass(clock, 4s);
    EXPECT_EQ(served.session->close_kind(), CloseKind::half_frame);
    co_await served.end();
  });
}

TEST(HalfOpenPeer, MayTakeLongForABodyAsLongAsItMovesWhenNoRateIsAsked) {
  with_manual_clock([](ManualClock& clock) -> io::Task<void> {
    Answers answers;
    StreamPair streams = co_await connected();
    SessionOptions patient = SessionOptions::server();
    patient.min_frame_rate = 0;
    Served served(std::move(streams.server), answers.handlers, patient);
    const Bytes ask = bytes_of("01 01 0001 01 00000005 01 00000bb8 0001 0000 00000004 41 68696869");
    EXPECT_TRUE(streams.client.write(ask.slice(0, 23)));
    for (size_t at = 23; at < ask.size(); ++at) {
      streams.client.flush();
      EXPECT_TRUE(co_await eventually([&] { return served.session->stats().bytes_in == at; }));
      co_await pass(clock, 8s);
      EXPECT_TRUE(served.session->is_open());
      EXPECT_TRUE(streams.client.write(ask.slice(at, 1)));
    }
    streams.client.flush();
    EXPECT_TRUE(co_await eventually([&] { return answers.echo.requests == 1; }));
    EXPECT_TRUE(streams.client.write(bytes_of("01 01 0001 01 00000005 01 00000bb8 0001 0000 00000004 41 68")));
    streams.client.flush();
    co_await eventually([&] { return served.session->stats().bytes_in == 27 + 24; });
    co_await pass(clock, 12s);
    EXPECT_EQ(served.session->close_kind(), CloseKind::half_frame) << "a body that stands still";
    co_await served.end();
  });
}

/// Sends the head of a frame of 1000 bytes of content, then `bytes_a_second` of it each second; the seconds until it was closed or complete.
io::Task<int> drip(ManualClock& clock, io::Stream& client, const Session& session, size_t bytes_a_second) {
  EXPECT_TRUE(client.write(bytes_of("01 01 0001 01 00000005 01 00000bb8 0001 0000 000003e8 41")));
  int seconds = 0;
  for (size_t sent = 0; sent < 1000 && session.is_open(); sent += bytes_a_second, ++seconds) {
    const uint64_t before = session.stats().bytes_in;
    if (!client.write(Bytes::copy_of(std::string(std::min(bytes_a_second, 1000 - sent), 'x')))) break;
    client.flush();
    EXPECT_TRUE(co_await eventually([&] { return session.stats().bytes_in > before || !session.is_open(); }));
    co_await pass(clock, 1s);
  }
  co_return seconds;
}

TEST(HalfOpenPeer, IsClosedWhenItsBodyDripsIn) {
  struct Row {
    size_t bytes_a_second;
    int at_least, at_most;  // seconds
    CloseKind kind;
  };
  // 10 bytes a second after 10 s of grace: a drip of 1 ends after 14 s, one of 8 after 62 s, one of 12 completes.
  for (const Row row : {Row{1, 13, 15, CloseKind::half_frame}, Row{8, 60, 66, CloseKind::half_frame}, Row{12, 84, 84, CloseKind::open}}) {
    with_manual_clock([row](ManualClock& clock) -> io::Task<void> {
      Answers answers;
      SessionOptions options = SessionOptions::server();
      options.min_frame_rate = 10;
      StreamPair streams = co_await connected();
      Served served(std::move(streams.server), answers.handlers, options);
      const int seconds = co_await drip(clock, streams.client, *served.session, row.bytes_a_second);
      EXPECT_TRUE(seconds >= row.at_least && seconds <= row.at_most) << row.bytes_a_second << " bytes a second took " << seconds << " s";
      EXPECT_EQ(served.session->close_kind(), row.kind);
      EXPECT_EQ(answers.echo.requests, row.kind == CloseKind::open ? 1u : 0u);
      co_await served.end();
    });
  }
}

/// Sends the head of a frame of 1 MiB and `bytes` of its content.
void begin_frame(io::Stream& client, size_t bytes) {
  EXPECT_TRUE(client.write(bytes_of("01 01 0001 01 00000005 01 00000bb8 0001 0000 00100000 41")));
  EXPECT_TRUE(client.write(Bytes::copy_of(std::string(bytes, 'x'))));
  client.flush();
}

TEST(HalfFrames, HaveABudgetOverAllConnectionsThatIsGivenBack) {
  on_shard([]() -> io::Task<void> {
    Answers answers;
    constexpr size_t kBudget = 512 << 10, kPart = 300 << 10;
    SessionShared shared(1000, 50, kBudget);
    StreamPair first = co_await connected(), second = co_await connected(), third = co_await connected();
    Served a(std::move(first.server), answers.handlers, SessionOptions::server(), &shared);
    Served b(std::move(second.server), answers.handlers, SessionOptions::server(), &shared);
    begin_frame(first.client, kPart);
    EXPECT_TRUE(co_await eventually([&] { return a.session->stats().bytes_in > kPart; }));
    EXPECT_GT(shared.half_frames.held(), kPart - (32 << 10));
    begin_frame(second.client, kPart);
    EXPECT_TRUE(co_await eventually([&] { return b.end_result.has_value(); }));
    EXPECT_EQ(b.session->close_kind(), CloseKind::frame_budget);
    EXPECT_NE(b.end_result->error().message().find("(max_half_frame_bytes 524288)"), std::string_view::npos) << b.end_result->error().message();
    EXPECT_TRUE(a.session->is_open());
    EXPECT_LE(shared.half_frames.held(), kPart + (32 << 10)) << "the closed connection holds nothing";
    a.session->close();
    EXPECT_TRUE(co_await eventually([&] { return a.end_result.has_value(); }));
    EXPECT_EQ(shared.half_frames.held(), 0u);

    Served c(std::move(third.server), answers.handlers, SessionOptions::server(), &shared);
    begin_frame(third.client, kPart);
    EXPECT_TRUE(co_await eventually([&] { return c.session->stats().bytes_in > kPart; }));
    EXPECT_GT(shared.half_frames.held(), 0u);
    EXPECT_TRUE(third.client.write(Bytes::copy_of(std::string((1 << 20) - kPart, 'x'))));
    third.client.flush();
    EXPECT_TRUE(co_await eventually([&] { return c.end_result.has_value() || answers.echo.requests == 1; }));
    EXPECT_EQ(c.session->close_kind(), CloseKind::frame_budget) << "a frame larger than the budget";
    EXPECT_TRUE(co_await eventually([&] { return c.end_result.has_value(); }));
    EXPECT_EQ(shared.half_frames.held(), 0u);
    co_await a.end();
    co_await b.end();
    co_await c.end();
  });
}

TEST(HalfFrames, CountOnlyUntilTheyAreWhole) {
  on_shard([]() -> io::Task<void> {
    Answers answers;
    SessionShared shared(1000, 50, 2 << 20);
    StreamPair streams = co_await connected();
    Served served(std::move(streams.server), answers.handlers, SessionOptions::server(), &shared);
    for (size_t round = 1; round <= 4; ++round) {
      begin_frame(streams.client, 600 << 10);
      EXPECT_TRUE(co_await eventually([&] { return shared.half_frames.held() > (500 << 10); }));
      EXPECT_TRUE(streams.client.write(Bytes::copy_of(std::string(424 << 10, 'x'))));
      streams.client.flush();
      EXPECT_TRUE(co_await eventually([&] { return answers.echo.requests == round; }));
      EXPECT_EQ(shared.half_frames.held(), 0u);
    }
    EXPECT_TRUE(served.session->is_open());
    co_await served.end();
  });
}

TEST(PeerThatNeverReads, IsClosedAndOthersDoNotNotice) {
  on_shard([]() -> io::Task<void> {
    Answers answers;
    SessionOptions options = SessionOptions::server();
    options.write_high_water = 64 << 10;
    options.max_write_queue = 512 << 10;
    options.read_pause = 5ms;
    StreamPair streams = co_await connected();
    Served served(std::move(streams.server), answers.handlers, options);
    SessionPair other(co_await connected(), answers.handlers);
    // Requests of 10 KB without end, none of whose answers is read.
    const Bytes request = Bytes::copy_of(bytes_of("01 01 0001 01 00000005 01 00000bb8 0001 0000 00002710 41").text()),
                content = Bytes::copy_of(std::string(10000, 'x'));
    const Clock& clock = SystemClock::instance();
    for (const Instant until = clock.now_monotonic() + kPatience; served.session->is_open() && clock.now_monotonic() < until;) {
      if (streams.client.is_open() && streams.client.pending_write_bytes() < (1 << 20)) {
        for (int i = 0; i < 10; ++i) {
          if (!streams.client.write(request) || !streams.client.write(content)) break;
        }
      }
      const Instant asked = clock.now_monotonic();
      EXPECT_TRUE((co_await other.client->call(request_of("test.Ask", "x"))).has_value());
      EXPECT_LT(clock.now_monotonic() - asked, 2s);
    }
    EXPECT_EQ(served.session->close_kind(), CloseKind::slow_reader);
    co_await served.end();
    co_await other.end();
  });
}

TEST(PeerThatReadsSlowly, IsReadSlowlyInTurn) {
  on_shard([]() -> io::Task<void> {
    Answers answers;
    SessionOptions server = SessionOptions::server();
    server.write_high_water = 256 << 10;
    server.max_write_queue = 4 << 20;
    SessionPair pair(co_await connected(), answers.handlers, SessionOptions::client(), server);
    // 64 MB of answers through a queue of at most 4 MB.
    std::vector<std::unique_ptr<Call>> calls;
    const std::string content(64 << 10, 'x');
    size_t good = 0;
    for (int round = 0; round < 16; ++round) {
      for (int i = 0; i < 64; ++i) calls.push_back(std::unique_ptr<Call>(new Call(pair.client->call(request_of("test.Ask", content)))));
      for (auto& call : calls) good += (co_await *call).has_value();
      calls.clear();
    }
    EXPECT_EQ(good, 1024u);
    EXPECT_TRUE(pair.server->is_open());
    co_await pair.end();
  });
}

}  // namespace
}  // namespace sofa::transport
