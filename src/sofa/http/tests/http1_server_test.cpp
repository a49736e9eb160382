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

}  // namespace
}  // namespace sofa::http
