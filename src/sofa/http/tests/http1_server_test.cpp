// HTTP/1.1's server on a port, and a raw peer.

#include "harness.h"

namespace sofa::http {
namespace {

using namespace testing;

TEST(Http1Server, TheTimeInWhichTheHandlerDoesNotReadIsNoStallOfThePeer) {
  ManualClock clock;
  on_shard(
      [&]() -> io::Task<void> {
        Keeper keeper;
        keeper.gives_back = false;
        Http1Options options;
        options.initial_window = 5;
        Http1Protocol protocol(keeper, options);
        Served served(protocol);
        co_await served.open();
        io::Stream peer = co_await served.connect();
        EXPECT_TRUE(peer.write(Bytes::copy_of("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhello")));
        EXPECT_TRUE(co_await eventually([&] { return !keeper.kept.empty() && keeper.last_sink().body == "hello"; }));
        clock.advance(2 * options.limits.body_stall_timeout);
        co_await due_timers();
        keeper.last().consumed(5);
        co_await due_timers();
        EXPECT_FALSE(keeper.last_sink().done());
        EXPECT_TRUE(peer.write(Bytes::copy_of("world")));
        EXPECT_TRUE(co_await eventually([&] { return keeper.last_sink().done(); }));
        EXPECT_TRUE(keeper.last_sink().ended);
        EXPECT_EQ(keeper.last_sink().body, "helloworld");
        EXPECT_TRUE(keeper.last().send_response(200, {}, true));
        peer.close();
        co_await served.stop();
      },
      {.shards = 1, .clock = &clock});
}

/// A body of 10 bytes that comes byte by byte, one a second, for `seconds`; how many of them the handler has got.
size_t bytes_taken_of_a_trickle(size_t min_body_rate, std::string_view framing, size_t seconds, std::string& answer, bool may_rest = false) {
  ManualClock clock;
  size_t taken = 0;
  on_shard(
      [&]() -> io::Task<void> {
        Keeper keeper;
        Http1Options options;
        options.limits.body_stall_timeout = std::chrono::seconds(3);
        options.limits.min_body_rate = min_body_rate;
        Http1Protocol protocol(keeper, options);
        Served served(protocol);
        co_await served.open();
        io::Stream peer = co_await served.connect();
        EXPECT_TRUE(peer.write(Bytes::copy_of(fmt::format("POST / HTTP/1.1\r\nHost: h\r\n{}\r\n\r\n", framing))));
        EXPECT_TRUE(co_await eventually([&] { return !keeper.kept.empty(); }));
        if (may_rest) keeper.last().let_body_rest();
        Recorder& sink = keeper.last_sink();
        const bool chunked = framing.starts_with("Transfer");
        for (size_t second = 0; second < seconds && !sink.done(); ++second) {
          EXPECT_TRUE(peer.write(Bytes::copy_of(chunked ? "1\r\nx\r\n" : "x")));
          EXPECT_TRUE(co_await eventually([&] { return sink.body.size() == second + 1; }));
          clock.advance(std::chrono::seconds(1));
          co_await due_timers();
        }
        taken = sink.body.size();
        if (sink.done()) {
          answer = co_await read_to_end(peer);
        } else {
          EXPECT_TRUE(keeper.last().send_response(200, {}, true));
        }
        peer.close();
        co_await served.stop();
      },
      {.shards = 1, .clock = &clock});
  return taken;
}

TEST(Http1Server, ABodyThatTricklesIsRefusedWhateverItsFraming) {
  for (const char* framing : {"Content-Length: 10", "Transfer-Encoding: chunked"}) {
    std::string answer;
    EXPECT_EQ(bytes_taken_of_a_trickle(1000, framing, 9, answer), 4u) << "the grace, and what its bytes have earned";
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 408 "));
    EXPECT_NE(answer.find("min_body_rate"), std::string::npos) << answer;
  }
}

TEST(Http1Server, ABodyThatComesAtTheLeastRateOrIsAStreamOfMessagesIsTaken) {
  std::string none;
  for (const char* framing : {"Content-Length: 10", "Transfer-Encoding: chunked"}) {
    EXPECT_EQ(bytes_taken_of_a_trickle(1, framing, 9, none), 9u);
    EXPECT_EQ(bytes_taken_of_a_trickle(0, framing, 9, none), 9u) << "no rate is asked for";
  }
  EXPECT_EQ(bytes_taken_of_a_trickle(1000, "Transfer-Encoding: chunked", 9, none, true), 9u) << "a stream of messages may rest";
  EXPECT_EQ(none, "");
}

/// Requests whose handler runs when their peer goes: one that another may follow, and two that are the last of their connections.
struct Request {
  const char* name;
  const char* head;
};
class Http1ServerPeerGone : public ::testing::TestWithParam<Request> {};
INSTANTIATE_TEST_SUITE_P(Requests, Http1ServerPeerGone,
                         ::testing::Values(Request{"Kept", "GET / HTTP/1.1\r\nHost: h\r\n\r\n"},
                                           Request{"Closing", "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"},
                                           Request{"Old", "GET / HTTP/1.0\r\n\r\n"}),
                         [](const auto& info) { return info.param.name; });

TEST_P(Http1ServerPeerGone, ItsEndIsToldOnceAndItsAnswerCanStillBeSent) {
  on_shard([]() -> io::Task<void> {
    Keeper keeper;
    Http1Protocol protocol(keeper, {.half_close_cancels = true});
    Served served(protocol);
    co_await served.open();
    io::Stream peer = co_await served.connect();
    EXPECT_TRUE(peer.write(Bytes::copy_of(GetParam().head)));
    EXPECT_TRUE(co_await eventually([&] { return !keeper.kept.empty() && keeper.last_sink().ended; }));
    EXPECT_EQ(keeper.last_sink().hang_ups, 0);
    peer.shutdown_write();
    EXPECT_TRUE(co_await eventually([&] { return keeper.last_sink().hang_ups == 1; }));
    EXPECT_FALSE(keeper.last_sink().failure);
    EXPECT_TRUE(respond_text(keeper.last(), 200, "all the same"));
    const std::string answer = co_await read_to_end(peer);
    EXPECT_TRUE(answer.ends_with("all the same\n")) << answer;
    EXPECT_EQ(keeper.last_sink().hang_ups, 1);
    co_await served.stop();
  });
}

/// A request that runs, and behind it one that may not begin before its answer.
constexpr std::string_view kRunningAndNext = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\nGET /next HTTP/1.1\r\nHost: h\r\n\r\n";

TEST(Http1Server, TheEndBehindARequestThatWaitsForItsTurnIsToldAndItsAnswerCanStillBeSent) {
  on_shard([]() -> io::Task<void> {
    Keeper keeper;
    Http1Protocol protocol(keeper, {.half_close_cancels = true});
    Served served(protocol);
    co_await served.open();
    io::Stream peer = co_await served.connect();
    EXPECT_TRUE(peer.write(Bytes::copy_of(kRunningAndNext)));
    EXPECT_TRUE(co_await eventually([&] { return !keeper.kept.empty() && keeper.last_sink().ended; }));
    co_await due_timers();
    EXPECT_EQ(keeper.last_sink().hang_ups, 0);
    peer.shutdown_write();
    EXPECT_TRUE(co_await eventually([&] { return keeper.last_sink().hang_ups == 1; }));
    EXPECT_EQ(keeper.kept.size(), 1u) << "the next one still waits";
    EXPECT_TRUE(keeper.last().send_response(204, {}, true));
    EXPECT_TRUE(co_await eventually([&] { return keeper.kept.size() == 2 && keeper.last_sink().hang_ups == 1; }));
    EXPECT_TRUE(respond_text(keeper.last(), 200, "all the same"));
    EXPECT_TRUE((co_await read_to_end(peer)).ends_with("all the same\n"));
    co_await served.stop();
  });
}

TEST(Http1Server, AResetBehindARequestThatWaitsForItsTurnAborts) {
  on_shard([]() -> io::Task<void> {
    Keeper keeper;
    Http1Protocol protocol(keeper);
    Served served(protocol);
    co_await served.open();
    io::Stream peer = co_await served.connect();
    EXPECT_TRUE(peer.write(Bytes::copy_of(kRunningAndNext)));
    EXPECT_TRUE(co_await eventually([&] { return !keeper.kept.empty() && keeper.last_sink().ended; }));
    EXPECT_TRUE(keeper.last().send_response(200, {}));
    EXPECT_TRUE(keeper.last().send_data(Bytes::copy_of("unread when it closes, so that the socket resets")));
    co_await due_timers();
    peer.close();
    EXPECT_TRUE(co_await eventually([&] { return keeper.last_sink().failure.has_value(); }));
    EXPECT_EQ(keeper.kept.size(), 1u);
    co_await served.stop();
  });
}

TEST_P(Http1ServerPeerGone, ItsResetAborts) {
  on_shard([]() -> io::Task<void> {
    Keeper keeper;
    Http1Protocol protocol(keeper);
    Served served(protocol);
    co_await served.open();
    io::Stream peer = co_await served.connect();
    EXPECT_TRUE(peer.write(Bytes::copy_of(GetParam().head)));
    EXPECT_TRUE(co_await eventually([&] { return !keeper.kept.empty() && keeper.last_sink().ended; }));
    EXPECT_TRUE(keeper.last().send_response(200, {}));
    EXPECT_TRUE(keeper.last().send_data(Bytes::copy_of("unread when it closes, so that the socket resets")));
    co_await due_timers();
    peer.close();
    EXPECT_TRUE(co_await eventually([&] { return keeper.last_sink().failure.has_value(); }));
    co_await served.stop();
  });
}

TEST_P(Http1ServerPeerGone, HalfAConnectionIsEnoughUnlessToldOtherwise) {
  on_shard([]() -> io::Task<void> {
    Keeper keeper;
    Http1Protocol protocol(keeper);
    Served served(protocol);
    co_await served.open();
    io::Stream peer = co_await served.connect();
    EXPECT_TRUE(peer.write(Bytes::copy_of(GetParam().head)));
    peer.shutdown_write();
    EXPECT_TRUE(co_await eventually([&] { return !keeper.kept.empty() && keeper.last_sink().ended; }));
    co_await due_timers();
    EXPECT_TRUE(keeper.last().send_response(204, {}, true));
    EXPECT_TRUE((co_await read_to_end(peer)).starts_with("HTTP/1.1 204"));
    EXPECT_EQ(keeper.last_sink().hang_ups, 0);
    co_await served.stop();
  });
}

}  // namespace
}  // namespace sofa::http
