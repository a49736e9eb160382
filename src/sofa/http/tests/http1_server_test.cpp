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
size_t bytes_taken_of_a_trickle(size_t min_body_rate, std::string_view framing, size_t seconds, std::string& answer) {
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

TEST(Http1Server, ABodyOfASaidLengthThatTricklesIsRefused) {
  std::string answer;
  EXPECT_EQ(bytes_taken_of_a_trickle(1000, "Content-Length: 10", 9, answer), 4u) << "the grace, and what its bytes have earned";
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 408 "));
  EXPECT_NE(answer.find("min_body_rate"), std::string::npos) << answer;
}

TEST(Http1Server, ABodyThatComesAtTheLeastRateOrIsAStreamOfMessagesIsTaken) {
  std::string none;
  EXPECT_EQ(bytes_taken_of_a_trickle(1, "Content-Length: 10", 9, none), 9u);
  EXPECT_EQ(bytes_taken_of_a_trickle(0, "Content-Length: 10", 9, none), 9u) << "no rate is asked for";
  EXPECT_EQ(bytes_taken_of_a_trickle(1000, "Transfer-Encoding: chunked", 9, none), 9u) << "messages may rest";
  EXPECT_EQ(none, "");
}

}  // namespace
}  // namespace sofa::http
