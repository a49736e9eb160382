#include "sofa/io/stream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fixture.h"

namespace sofa::io {
namespace {

class StreamOver : public testing::TestWithParam<std::string> {
 protected:
  Address address() const { return GetParam() == "unix" ? temporary_path() : *Address::parse(GetParam()); }
  Runtime runtime_{{.shards = 1}};
};
INSTANTIATE_TEST_SUITE_P(Families, StreamOver, testing::Values("127.0.0.1:0", "[::1]:0", "unix"));

TEST_P(StreamOver, CarriesBytesBothWays) {
  run_ok(runtime_, [&]() -> Body {
    Pair pair = co_await or_return(connected_pair(address()));
    co_await or_return(pair.client.write(Bytes::literal("ping")));
    co_await or_return(pair.client.write(Bytes::literal("-pong")));
    EXPECT_EQ(co_await or_return(read_text(pair.server, 9)), "ping-pong");
    co_await or_return(pair.server.write(Bytes::literal("back")));
    EXPECT_EQ(co_await or_return(read_text(pair.client, 4)), "back");
    EXPECT_EQ(pair.client.peer(), pair.server.local());
    co_return kOk;
  });
}

TEST_P(StreamOver, MovesMegabytesInOrderUnderBackPressure) {
  run_ok(runtime_, [&]() -> Body {
    constexpr size_t kTotal = 8 << 20;
    Pair pair = co_await or_return(connected_pair(address()));
    TaskGroup group(co_await current_scope());
    group.spawn("sender", send_numbers(pair.client, kTotal, 1000 * 64));
    EXPECT_EQ(co_await or_return(receive_numbers(pair.server)), kTotal);
    co_await or_return(co_await group.join());
    co_return kOk;
  });
}

TEST_P(StreamOver, ReadsAByteIntoAnEmptyBuffer) {
  run_ok(runtime_, [&]() -> Body {
    Pair pair = co_await or_return(connected_pair(address()));
    co_await or_return(pair.client.write(Bytes::literal("xy")));
    for (const char* expected : {"x", "y"}) {
      Buffer in;
      EXPECT_EQ(co_await or_return(pair.server.read_some(in, 1)), 1U);
      EXPECT_EQ(as_text(in.span()), expected);
    }
    co_return kOk;
  });
}

TEST_P(StreamOver, WritesAtOnceWhatFitsAndNothingPastTheQueue) {
  run_ok(runtime_, [&]() -> Body {
    Pair pair = co_await or_return(connected_pair(address()));
    EXPECT_EQ(pair.client.write_now(as_bytes("first ")), 6U);
    co_await or_return(pair.client.write(Bytes::literal("queued ")));
    EXPECT_EQ(pair.client.write_now(as_bytes("never")), 0U) << "it would overtake what is queued";
    EXPECT_EQ(co_await or_return(read_text(pair.server, 13)), "first queued ");
    const std::string big(64 << 20, 'x');  // more than any socket buffer
    size_t taken = 0;                      // the kernel moves bytes to the other end meanwhile and then takes more: until it is full
    while (const size_t n = pair.client.write_now(as_bytes(big).subspan(taken))) taken += n;
    EXPECT_GT(taken, 0U);
    EXPECT_LT(taken, big.size());
    co_await or_return(pair.client.write(Bytes::literal("end")));
    EXPECT_EQ(co_await or_return(read_text(pair.server, taken + 3)), big.substr(0, taken) + "end");
    pair.client.close();
    EXPECT_EQ(pair.client.write_now(as_bytes("never")), 0U);
    co_return kOk;
  });
}

TEST_P(StreamOver, TellsWheneverQueuedBytesWereOfferedToTheKernel) {
  run_ok(runtime_, [&]() -> Body {
    Pair pair = co_await or_return(connected_pair(address()));
    struct Watch {
      Stream& stream;
      std::vector<size_t> pending;
    } watch{pair.client, {}};
    pair.client.on_flushed(
        [](void* context) {
          auto& its = *static_cast<Watch*>(context);
          its.pending.push_back(its.stream.pending_write_bytes());
        },
        &watch);
    constexpr size_t kTotal = 12 << 20;  // more than the socket buffers
    EXPECT_EQ(pair.client.write_now(as_bytes("now")), 3U);
    EXPECT_TRUE(watch.pending.empty()) << "that was not queued";
    co_await or_return(pair.client.write(Bytes::copy_of(std::string(kTotal, 'x'))));
    pair.client.flush();
    EXPECT_EQ(watch.pending.size(), 1U);
    EXPECT_GT(watch.pending.front(), 0U);
    co_await or_return(read_text(pair.server, kTotal + 3));
    EXPECT_TRUE(std::ranges::is_sorted(watch.pending, std::greater<>()));
    EXPECT_EQ(watch.pending.back(), 0U);
    pair.client.on_flushed(nullptr, nullptr);
    const size_t told = watch.pending.size();
    co_await or_return(pair.client.write(Bytes::literal("more")));
    co_await or_return(read_text(pair.server, 4));
    EXPECT_EQ(watch.pending.size(), told);
    co_return kOk;
  });
}

TEST_P(StreamOver, ManySmallPartsLeaveInBatches) {
  run_ok(runtime_, [&]() -> Body {
    Pair pair = co_await or_return(connected_pair(address()));
    std::string expected;
    for (int i = 0; i < 3000; ++i) {
      const std::string part = fmt::format("{},", i);
      expected += part;
      co_await or_return(pair.client.write(Bytes::copy_of(part)));
    }
    const bool same = co_await or_return(read_text(pair.server, expected.size())) == expected;
    EXPECT_TRUE(same);
    co_return kOk;
  });
}

TEST_P(StreamOver, EndOfStreamIsSeenAlsoBehindData) {
  run_ok(runtime_, [&]() -> Body {
    Pair pair = co_await or_return(connected_pair(address()));
    co_await or_return(pair.client.write(Bytes::literal("last")));
    co_await or_return(co_await pair.client.close_after_flush());
    EXPECT_FALSE(pair.client.is_open());
    co_await or_return(co_await eventually([&] { return pair.server.peer_closed(); }));
    Buffer in;
    EXPECT_EQ(co_await or_return(pair.server.read_some(in)), 4U);
    EXPECT_EQ(co_await or_return(pair.server.read_some(in)), 0U);
    EXPECT_EQ(co_await or_return(pair.server.read_some(in)), 0U);
    co_return kOk;
  });
}

TEST_P(StreamOver, HalfClosedPeerStillReads) {
  run_ok(runtime_, [&]() -> Body {
    Pair pair = co_await or_return(connected_pair(address()));
    pair.client.shutdown_write();
    EXPECT_EQ(co_await or_return(read_text(pair.server, 1)), "");
    co_await or_return(pair.server.write(Bytes::literal("answer")));
    EXPECT_EQ(co_await or_return(read_text(pair.client, 6)), "answer");
    EXPECT_EQ(pair.client.write(Bytes::literal("more")).error().code(), Code::failed_precondition);
    co_return kOk;
  });
}

TEST_P(StreamOver, APeerThatNeverReadsFillsTheQueueAndThenStalls) {
  run_ok(runtime_, [&]() -> Body {
    StreamOptions options{.max_write_queue = 1 << 20, .write_stall_timeout = milliseconds(100)};
    Pair pair = co_await or_return(connected_pair(address(), options));
    const Bytes chunk = Bytes::copy_of(std::string(100'000, 'x'));
    Result<void> written;
    for (int i = 0; i < 1000 && written; ++i) {
      written = pair.client.write(chunk);
      co_await yield();
      pair.client.flush();
    }
    EXPECT_FALSE(written);
    EXPECT_EQ(written.error().code(), Code::resource_exhausted);
    EXPECT_LE(pair.client.pending_write_bytes(), size_t{1} << 20);
    auto drained = co_await pair.client.drained();
    EXPECT_EQ(drained.error().code(), Code::deadline_exceeded) << drained.error().to_string();
    EXPECT_FALSE(pair.client.is_open());
    co_return kOk;
  });
}

TEST_P(StreamOver, WaitsEndWithTheirScope) {
  run_ok(runtime_, [&]() -> Body {
    Pair pair = co_await or_return(connected_pair(address()));
    Buffer in;
    auto read = [&]() -> Task<Result<size_t>> { co_return co_await pair.client.read_some(in); };
    EXPECT_EQ((co_await with_timeout(milliseconds(5), read())).error().code(), Code::deadline_exceeded);
    // The stream lives on, and so does what arrives later.
    co_await or_return(pair.server.write(Bytes::literal("late")));
    EXPECT_EQ(co_await or_return(pair.client.read_some(in)), 4U);
    auto fill = [&]() -> Body {
      co_await or_return(pair.client.write(Bytes::copy_of(std::string(12 << 20, 'x'))));
      co_return co_await pair.client.drained();
    };
    EXPECT_EQ((co_await with_timeout(milliseconds(20), fill())).error().code(), Code::deadline_exceeded);
    co_return kOk;
  });
}

TEST_P(StreamOver, ClosingFailsTheWaitsAndMayDestroyTheStream) {
  run_ok(runtime_, [&]() -> Body {
    Pair pair = co_await or_return(connected_pair(address()));
    std::optional<Stream> doomed(std::move(pair.client));
    Result<size_t> got{0};
    TaskGroup group(co_await current_scope());
    group.spawn("reader", [](Stream& stream, Result<size_t>& result) -> Task<void> {
      Buffer in;
      result = co_await stream.read_some(in);
    }(*doomed, got));
    co_await or_return(sleep_for(milliseconds(2)));
    doomed.reset();
    co_await or_return(co_await group.join());
    EXPECT_EQ(got.error().code(), Code::unavailable);
    co_return kOk;
  });
}

TEST(Stream, AResetIsAnErrorOfTheReader) {
  Runtime runtime({.shards = 1});
  run_ok(runtime, []() -> Body {
    Pair pair = co_await or_return(connected_pair(loopback()));
    co_await or_return(pair.server.write(Bytes::literal("unread input makes close() send a reset")));
    co_await or_return(co_await eventually([&] {
      pair.server.flush();
      return pair.server.pending_write_bytes() == 0;
    }));
    co_await or_return(sleep_for(milliseconds(5)));
    pair.client.close();
    Buffer in;
    auto got = co_await pair.server.read_some(in);
    EXPECT_FALSE(got.has_value());
    EXPECT_FALSE(pair.server.is_open());
    co_return kOk;
  });
}

TEST(Stream, AConnectionNobodyListensForNamesTheAddress) {
  Runtime runtime({.shards = 1});
  run_ok(runtime, []() -> Body {
    Address free_port;
    {
      Listener listener = co_await or_return(Listener::bind(loopback()));
      free_port = listener.local();
    }
    auto stream = co_await Stream::connect(free_port);
    EXPECT_FALSE(stream.has_value());
    EXPECT_NE(stream.error().to_string().find(free_port.to_string()), std::string::npos) << stream.error().to_string();
    co_return kOk;
  });
}

TEST(Stream, ConnectTriesEachAddressOfAName) {
  Runtime runtime({.shards = 1});
  run_ok(runtime, []() -> Body {
    Listener listener = co_await or_return(Listener::bind(loopback()));
    Stream client = co_await or_return(Stream::connect(Address::of("localhost", listener.local().port())));
    EXPECT_TRUE(client.is_open());
    co_return kOk;
  });
}

TEST(Stream, ConnectBindsTheLocalAddress) {
  Runtime runtime({.shards = 1});
  run_ok(runtime, []() -> Body {
    Listener listener = co_await or_return(Listener::bind(loopback()));
    ConnectOptions options;
    options.bind = Address::of("127.0.0.1", 0);
    Stream client = co_await or_return(Stream::connect(listener.local(), options));
    EXPECT_EQ(client.local().host(), "127.0.0.1");
    EXPECT_NE(client.local().port(), 0);
    co_return kOk;
  });
}

int socket_option(int fd, int level, int name) {
  int value = -1;
  socklen_t length = sizeof value;
  EXPECT_EQ(::getsockopt(fd, level, name, &value, &length), 0);
  return value;
}

/// Adopts an accepted socket with these options and hands its descriptor to `look`.
template <class F>
Body with_adopted(StreamOptions options, F look) {
  Listener listener = co_await or_return(Listener::bind(loopback()));
  Stream client = co_await or_return(Stream::connect(listener.local()));
  AcceptedSocket socket = co_await or_return(listener.accept_socket());
  const Address peer = socket.peer();
  const int fd = socket.release();
  Stream server = co_await or_return(Stream::adopt(AcceptedSocket(fd, peer), options));
  look(fd);
  co_return kOk;
}

TEST(Stream, SetsItsTimeoutsAndKeepAliveOnTheSocket) {
  Runtime runtime({.shards = 1});
  StreamOptions options;
  options.user_timeout = milliseconds(2500);
  run_ok(runtime, [&] {
    return with_adopted(options, [](int fd) {
      EXPECT_EQ(socket_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 2500);
      EXPECT_EQ(socket_option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
      const int noticed_after =
          socket_option(fd, IPPROTO_TCP, TCP_KEEPIDLE) + socket_option(fd, IPPROTO_TCP, TCP_KEEPINTVL) * socket_option(fd, IPPROTO_TCP, TCP_KEEPCNT);
      EXPECT_LE(noticed_after, 90);  // "about a minute and a half" (stream.h)
      EXPECT_EQ(socket_option(fd, IPPROTO_TCP, TCP_NODELAY), 1);
    });
  });
}

TEST(Stream, LeavesTheSystemsSocketOptionsWhenTold) {
  Runtime runtime({.shards = 1});
  StreamOptions options;
  options.keep_alive = false;
  options.no_delay = false;
  run_ok(runtime, [&] {
    return with_adopted(options, [](int fd) {
      EXPECT_EQ(socket_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 0);
      EXPECT_EQ(socket_option(fd, SOL_SOCKET, SO_KEEPALIVE), 0);
      EXPECT_EQ(socket_option(fd, IPPROTO_TCP, TCP_NODELAY), 0);
    });
  });
}

TEST(Stream, AnUnansweredConnectEndsInItsTime) {
  Runtime runtime({.shards = 1});
  run_ok(runtime, []() -> Body {
    Unanswering silent = co_await or_return(unanswering());
    ConnectOptions connect;
    connect.timeout = milliseconds(50);
    auto stream = co_await Stream::connect(silent.address(), connect);
    EXPECT_FALSE(stream.has_value());
    EXPECT_EQ(stream.error().code(), Code::deadline_exceeded) << stream.error().to_string();
    EXPECT_NE(stream.error().to_string().find(silent.address().to_string()), std::string::npos) << stream.error().to_string();
    co_return kOk;
  });
}

TEST(Stream, ABusyStreamLetsOthersHaveTheirTurn) {
  Runtime runtime({.shards = 1});
  run_ok(runtime, []() -> Body {
    Pair pair = co_await or_return(connected_pair(loopback()));
    TaskGroup group(co_await current_scope());
    group.spawn("sender", send_numbers(pair.client, 4 << 20, 64 * 1024, 1 << 20));
    EXPECT_GT(co_await or_return(turns_beside_reading(pair.server)), 50U);
    co_await or_return(co_await group.join());
    co_return kOk;
  });
}

}  // namespace
}  // namespace sofa::io
