// Dubbo connections: what peers get, byte for byte (docs/protocols/dubbo.md), calls in both directions, drain, limits, text.

#include "harness.h"
#include "sofa/transport/dubbo_protocol.h"
#include "sofa/transport/port.h"

namespace sofa::transport {
namespace {

using namespace std::chrono_literals;
using namespace testing;

// A call with id 5 whose body is the Hessian string "hi", and the answer that holds it.
constexpr char kAsk[] = "dabb c2 00 0000000000000005 00000003 026869";
constexpr char kAnswer[] = "dabb 02 14 0000000000000005 00000003 026869";
constexpr char kHeartbeat[] = "dabb e2 00 000000000000002a 00000001 4e";
constexpr char kHeartbeatAck[] = "dabb 22 14 000000000000002a 00000001 4e";
constexpr char kReadonly[] = "dabb a2 00 0000000000000001 00000002 0152";

/// Echoes bodies, or keeps the responders.
struct DubboEcho : DubboHandler {
  void handle(DubboRequest& request, DubboResponder& responder) override {
    ++requests;
    if (keep) return waiting.push_back(std::move(responder));
    answer(responder, request.frame.body.span());
  }
  io::Task<std::string> command(std::string line, const io::Address&) override { co_return "you said " + line; }
  static void answer(DubboResponder& responder, ByteSpan body) {
    EXPECT_TRUE(responder.answer_with([&](Buffer& out) {
      out.append(body);
      return true;
    }));
  }
  std::atomic<size_t> requests = 0;
  bool keep = false;
  std::vector<DubboResponder> waiting;
};

class DubboServed {
 public:
  DubboServed(io::Stream stream, DubboHandler* handler, DubboSessionOptions options = DubboSessionOptions::server(), SessionShared* shared = nullptr)
      : session(DubboSession::create(std::move(stream), options, handler, shared)) {
    group_.spawn("served", run(session, end_result));
  }
  io::Task<void> end() {
    session->close();
    [[maybe_unused]] const auto joined = co_await group_.join();
  }
  DubboSessionRef session;
  std::optional<Result<void>> end_result;

 private:
  static io::Task<void> run(DubboSessionRef session, std::optional<Result<void>>& end) { end = co_await session->run(); }
  io::TaskGroup group_;
};

struct Row {
  const char* what;
  const char* sent;
  const char* received;
};

const Row kAnswered[] = {
    {"heartbeat", kHeartbeat, kHeartbeatAck},
    {"heartbeat that wants no answer, then a call", "dabb a2 00 000000000000002a 00000001 4e dabb c2 00 0000000000000005 00000003 026869", kAnswer},
    {"heartbeat of fastjson2 keeps its own null", "dabb f7 00 000000000000002a 00000002 9191", "dabb 37 14 000000000000002a 00000002 9191"},
    {"call", kAsk, kAnswer},
    {"id with bit 63 set", "dabb c2 00 c3c3947abe63964e 00000001 4e", "dabb 02 14 c3c3947abe63964e 00000001 4e"},
    {"call without two-way, then one with it", "dabb 82 00 0000000000000004 00000001 4e dabb c2 00 0000000000000005 00000003 026869", kAnswer},
};

TEST(DubboPeer, GetsTheAnswerOfTheTableAlsoByteByByte) {
  for (const Row& row : kAnswered) {
    for (const bool slowly : {false, true}) {
      SCOPED_TRACE(std::string(row.what) + (slowly ? ", byte by byte" : ""));
      on_shard([&row, slowly]() -> io::Task<void> {
        DubboEcho echo;
        StreamPair streams = co_await connected();
        DubboServed served(std::move(streams.server), &echo);
        const Bytes sent = bytes_of(row.sent);
        for (size_t at = 0, step = slowly ? 1 : sent.size(); at < sent.size(); at += step) {
          EXPECT_TRUE(streams.client.write(sent.slice(at, step)));
          streams.client.flush();
          co_await io::yield();
        }
        EXPECT_EQ(co_await read_bytes(streams.client, bytes_of(row.received).size()), hex_of(row.received));
        co_await served.end();
      });
    }
  }
}

TEST(DubboPeer, OfAnotherSerializationIsToldSoAndTheConnectionLives) {
  on_shard([]() -> io::Task<void> {
    DubboEcho echo;
    StreamPair streams = co_await connected();
    DubboServed served(std::move(streams.server), &echo);
    EXPECT_TRUE(streams.client.write(bytes_of("dabb d7 00 0000000000000009 00000002 9191")));
    EXPECT_TRUE(streams.client.write(bytes_of(kAsk)));
    Buffer expected;
    const size_t offset = dubbo::begin_frame(expected, {.request = false, .status = dubbo::Status::bad_request, .id = 9});
    dubbo::write_sentence(expected, "serialization id 23 (fastjson2) is not spoken here; call with serialization hessian2 (id 2)");
    EXPECT_TRUE(dubbo::end_frame(expected, offset));
    EXPECT_EQ(co_await read_bytes(streams.client, expected.size() + bytes_of(kAnswer).size()), to_hex(expected.span()) + hex_of(kAnswer));
    EXPECT_EQ(echo.requests, 1u);
    co_await served.end();
  });
}

TEST(DubboPeer, ThatSendsNoFrameIsClosed) {
  on_shard([]() -> io::Task<void> {
    DubboEcho echo;
    StreamPair streams = co_await connected();
    DubboServed served(std::move(streams.server), &echo);
    EXPECT_TRUE(streams.client.write(bytes_of("dabb e2 00 000000000000002a 00000001 4e 5a")));
    EXPECT_EQ(co_await read_to_end(streams.client), hex_of(kHeartbeatAck));
    EXPECT_EQ(served.session->close_kind(), CloseKind::protocol_error);
    co_await served.end();
  });
}

TEST(DubboPeer, WithABodyOverTheLimitIsToldSoAndClosed) {
  on_shard([]() -> io::Task<void> {
    DubboEcho echo;
    StreamPair streams = co_await connected();
    DubboSessionOptions options = DubboSessionOptions::server();
    options.limits.max_frame = 16;
    DubboServed served(std::move(streams.server), &echo, options);
    EXPECT_TRUE(streams.client.write(bytes_of("dabb c2 00 0000000000000005 00000011")));
    Buffer expected;
    const size_t offset = dubbo::begin_frame(expected, {.request = false, .status = dubbo::Status::bad_request, .id = 5});
    dubbo::write_sentence(expected, "body of frame 5 has 17 bytes, over max_frame 16");
    EXPECT_TRUE(dubbo::end_frame(expected, offset));
    EXPECT_EQ(co_await read_to_end(streams.client), to_hex(expected.span()));
    EXPECT_EQ(served.session->close_kind(), CloseKind::too_large);
    streams.client.close();
    co_await served.end();
  });
}

TEST(DubboPeer, OverTheLimitOfRunningRequestsIsToldBusy) {
  on_shard([]() -> io::Task<void> {
    DubboEcho echo;
    echo.keep = true;
    StreamPair streams = co_await connected();
    DubboSessionOptions options = DubboSessionOptions::server();
    options.max_in_flight = 1;
    DubboServed served(std::move(streams.server), &echo, options);
    EXPECT_TRUE(streams.client.write(bytes_of("dabb c2 00 0000000000000001 00000001 4e dabb c2 00 0000000000000002 00000001 4e")));
    EXPECT_EQ((co_await read_bytes(streams.client, 16)).substr(0, 24), hex_of("dabb 02 64 0000000000000002"));
    EXPECT_EQ(served.session->stats().busy, 1u);
    echo.waiting.clear();
    co_await served.end();
  });
}

TEST(DubboPeer, ThatStopsInsideAFrameIsClosedInTime) {
  with_manual_clock([](ManualClock& clock) -> io::Task<void> {
    DubboEcho echo;
    StreamPair streams = co_await connected();
    DubboServed served(std::move(streams.server), &echo);
    EXPECT_TRUE(streams.client.write(bytes_of("dabb c2 00")));
    EXPECT_TRUE(co_await eventually([&] { return served.session->stats().bytes_in == 4; }));
    co_await pass(clock, 11s);
    EXPECT_EQ(served.session->close_kind(), CloseKind::half_frame);
    co_await served.end();
  });
}

TEST(DubboPeer, ThatIsSilentForThreeMinutesIsClosed) {
  with_manual_clock([](ManualClock& clock) -> io::Task<void> {
    DubboEcho echo;
    StreamPair streams = co_await connected();
    DubboServed served(std::move(streams.server), &echo);
    co_await next_turn();
    co_await pass(clock, 170s, 10s);
    EXPECT_TRUE(served.session->is_open());
    co_await pass(clock, 20s);
    EXPECT_EQ(served.session->close_kind(), CloseKind::idle);
    co_await served.end();
  });
}

TEST(DubboDrain, SaysReadonlyServesTheGraceAndWhatRunsThenEnds) {
  with_manual_clock([](ManualClock& clock) -> io::Task<void> {
    DubboEcho echo;
    echo.keep = true;
    StreamPair streams = co_await connected();
    DubboServed served(std::move(streams.server), &echo);
    EXPECT_TRUE(streams.client.write(bytes_of("dabb c2 00 0000000000000001 00000001 4e")));
    EXPECT_TRUE(co_await eventually([&] { return echo.waiting.size() == 1; }));
    served.session->drain();
    EXPECT_EQ(co_await read_bytes(streams.client, 18), hex_of(kReadonly));
    EXPECT_TRUE(streams.client.write(bytes_of("dabb c2 00 0000000000000002 00000001 4e")));
    EXPECT_TRUE(co_await eventually([&] { return echo.waiting.size() == 2; }));
    co_await pass(clock, 1s, 100ms);
    EXPECT_TRUE(served.session->is_open()) << "two requests run";
    for (DubboResponder& responder : echo.waiting) DubboEcho::answer(responder, bytes_of("4e"));
    EXPECT_EQ(co_await read_to_end(streams.client), hex_of("dabb 02 14 0000000000000001 00000001 4e dabb 02 14 0000000000000002 00000001 4e"));
    EXPECT_EQ(served.session->close_kind(), CloseKind::local);
    echo.waiting.clear();
    streams.client.close();
    co_await served.end();
  });
}

TEST(DubboCalls, AreAnsweredAndEndByTimeoutByReadonlyAndByTheEndOfTheConnection) {
  on_shard([]() -> io::Task<void> {
    DubboEcho echo;
    StreamPair streams = co_await connected();
    DubboServed server(std::move(streams.server), &echo);
    DubboServed client(std::move(streams.client), nullptr, DubboSessionOptions::client());
    const auto answer = co_await client.session->call(bytes_of("026869"), kPatience);
    EXPECT_TRUE(answer && answer->status == dubbo::Status::ok && answer->body == bytes_of("026869"));

    echo.keep = true;
    const auto late = co_await client.session->call(bytes_of("4e"), 5ms);
    EXPECT_EQ(late.error().code(), Code::deadline_exceeded);
    EXPECT_EQ(client.session->pending_calls(), 0u);

    DubboCall pending = client.session->call(bytes_of("4e"), kPatience);
    EXPECT_TRUE(co_await eventually([&] { return echo.waiting.size() == 2; }));
    server.session->drain();
    EXPECT_TRUE(co_await eventually([&] { return !client.session->usable(); })) << "READONLY has come";
    const auto refused = co_await client.session->call(bytes_of("4e"), kPatience);
    EXPECT_EQ(refused.error().code(), Code::unavailable);
    for (DubboResponder& responder : echo.waiting) DubboEcho::answer(responder, bytes_of("4e"));
    const auto in_time = co_await pending;
    EXPECT_TRUE(in_time && in_time->status == dubbo::Status::ok) << "what ran when READONLY came is answered";
    echo.waiting.clear();
    co_await client.end();
    co_await server.end();
  });
}

TEST(DubboCalls, PendingWhenThePeerClosesEndWithConnectionClosed) {
  on_shard([]() -> io::Task<void> {
    StreamPair streams = co_await connected();
    DubboServed client(std::move(streams.client), nullptr, DubboSessionOptions::client());
    DubboCall pending = client.session->call(bytes_of("4e"), kPatience);
    EXPECT_NE(co_await read_bytes(streams.server, 17), "");
    streams.server.close();
    const auto answer = co_await pending;
    EXPECT_FALSE(answer.has_value());
    const auto* status = answer.error().detail<TransportStatus>();
    EXPECT_TRUE(status != nullptr && status->status == bolt::Status::connection_closed);
    co_await client.end();
  });
}

TEST(DubboCalls, ASilentServerIsAskedForASignOfLifeAndClosedAfterThree) {
  with_manual_clock([](ManualClock& clock) -> io::Task<void> {
    StreamPair streams = co_await connected();
    DubboServed client(std::move(streams.client), nullptr, DubboSessionOptions::client());
    co_await next_turn();
    co_await pass(clock, 61s);
    EXPECT_EQ(co_await read_bytes(streams.server, 17), hex_of("dabb e2 00 0000000000000001 00000001 4e"));
    co_await pass(clock, 200s);
    EXPECT_EQ(client.session->close_kind(), CloseKind::idle);
    co_await client.end();
  });
}

TEST(DubboPort, TakesTextWhereItIsAloneAndNotWhereItIsNot) {
  on_shard([]() -> io::Task<void> {
    DubboEcho echo;
    DubboProtocol alone(echo, {.text_commands = true}), shared(echo);
    const uint8_t letter[] = {'l'}, magic[] = {0xda, 0xbb}, half[] = {0xda}, other[] = {0xda, 0xbc};
    EXPECT_EQ(shared.detect(letter), Detected::no);
    EXPECT_EQ(shared.detect(half), Detected::maybe);
    EXPECT_EQ(shared.detect(magic), Detected::yes);
    EXPECT_EQ(shared.detect(other), Detected::no);
    EXPECT_EQ(alone.detect(letter), Detected::yes);

    auto port = std::move((co_await Port::open(loopback(), {&alone}, {.option_name = "--dubbo"})).value());
    io::Stream client = std::move((co_await io::Stream::connect(port->local(), {})).value());
    EXPECT_TRUE(client.write(Bytes::copy_of("ls\r\nls -l\r\nexit\r\n")));
    const std::string all = co_await read_to_end(client);
    EXPECT_EQ(all, to_hex(as_bytes("you said ls\r\ndubbo>you said ls -l\r\ndubbo>")));
    EXPECT_TRUE(co_await port->stop());
  });
}

}  // namespace
}  // namespace sofa::transport
