// HTTP/2 peers that mean harm, by raw frames: what is taken from them is bounded, GOAWAY says why, other connections go on.

#include "http2_frames.h"
#include "sofa/base/testing/captured_log.h"

namespace sofa::http {
namespace {

using namespace std::chrono_literals;
using namespace testing;
using transport::CloseKind;

constexpr uint32_t kEnhanceYourCalm = 11;

/// A server with small guards, and beside the attacker a client that behaves.
class Attacked {
 public:
  explicit Attacked(Handler& handler, Http2Options options = small_guards()) : protocol_(handler, options), served(protocol_) {}
  static Http2Options small_guards() {
    Http2Options options;
    options.flood_burst = 50;
    options.flood_per_second = 1;
    return options;
  }
  io::Task<void> open() {
    co_await served.open();
    bystander = std::move(connect_http2(co_await served.connect()).value());
  }
  /// Sends `bytes` behind a preface and SETTINGS, and reads to the end.
  io::Task<std::string> attack(std::string bytes) {
    io::Stream peer = co_await served.connect();
    [[maybe_unused]] const auto sent = peer.write(Bytes::copy_of(opening() + bytes));
    co_return co_await read_to_end(peer);
  }
  /// Whether the client beside gets its answer.
  io::Task<bool> bystander_is_served() {
    Recorder sink;
    auto exchange = bystander->start({.method = "GET", .authority = "test", .target = "/"}, sink, true);
    if (!exchange) co_return false;
    co_return co_await eventually([&] { return sink.done(); }) && sink.status == 200;
  }
  io::Task<transport::ServerStats> end() {
    co_await bystander->close();
    co_await served.stop();
    co_return (co_await served.port().stats()).value();
  }

 private:
  Http2Protocol protocol_;

 public:
  Served served;
  std::unique_ptr<ClientConnection> bystander;
};

std::string repeated(size_t times, const std::string& bytes) {
  std::string all;
  for (size_t i = 0; i < times; ++i) all += bytes;
  return all;
}

std::string rapid_reset(size_t times) {
  std::string all;
  for (uint32_t i = 0; i < times; ++i) all += get_request(2 * i + 1) + frame(kReset, 0, 2 * i + 1, be32(8));
  return all;
}

/// Resets that the server sends, for requests without a path.
std::string made_resets(size_t times) {
  std::string all;
  for (uint32_t i = 0; i < times; ++i) all += frame(kHeaders, kEndHeaders | kEndStream, 2 * i + 1, "\x82\x86");
  return all;
}

/// A table entry of 4,000 bytes, named again and again by one byte.
std::string hpack_bomb() {
  const std::string entry = std::string("\x40\x01x\x7f\xa1\x1e", 6) + std::string(4000, 'x');
  return frame(kHeaders, kEndHeaders | kEndStream, 1, kGet + entry + std::string(9000, '\xbe'));
}

struct Case {
  const char* name;
  std::string bytes;
  const char* reason;  // in the debug text
  size_t most_frames;  // that the server takes before it says GOAWAY
};

void PrintTo(const Case& attack, std::ostream* out) { *out << attack.name; }

class Http2Flood : public ::testing::TestWithParam<Case> {};

TEST_P(Http2Flood, EndsInGoawayThatNamesItAndHarmsNoOther) {
  const Case& attack = GetParam();
  CapturedLog log;
  on_shard([&]() -> io::Task<void> {
    Echo echo;
    Attacked server(echo);
    co_await server.open();
    const std::string answer = co_await server.attack(attack.bytes);
    const auto goaway = last_payload_of(answer, kGoaway);
    EXPECT_TRUE(goaway.has_value());
    if (goaway) EXPECT_EQ(goaway->substr(4, 4), be32(kEnhanceYourCalm)) << goaway->substr(8);
    if (goaway) EXPECT_NE(goaway->find(attack.reason), std::string::npos) << goaway->substr(8);
    EXPECT_TRUE(co_await server.bystander_is_served());
    const auto stats = co_await server.end();
    EXPECT_EQ(stats.closed_as(CloseKind::flood), 1u);
    EXPECT_LE(stats.sessions.frames_in, attack.most_frames + 8) << "with those of the client beside";
  });
  EXPECT_EQ(log.count("connection closed"), 1u);
  EXPECT_TRUE(log.contains(attack.reason));
}

constexpr size_t kFlood = 20'000;  // frames of a flood
constexpr size_t kBurst = 51;      // the first that is too much, small_guards()

/// Where nghttp2 must look into a frame to know it, the frames of one read come before its word.
constexpr size_t of_one_read(size_t frame_bytes) { return io::Stream::kDefaultRead / frame_bytes; }

INSTANTIATE_TEST_SUITE_P(
    Kinds, Http2Flood,
    ::testing::Values(Case{"rapid_reset", rapid_reset(kFlood), "RST_STREAM", 2 * kBurst + 1},
                      Case{"made_you_reset", made_resets(kFlood), "faults", of_one_read(11)},
                      Case{"continuation", frame(kHeaders, 0, 1, kGet) + repeated(kFlood, frame(kContinuation, 0, 1, "")), "CONTINUATION",
                           of_one_read(9)},
                      Case{"settings", repeated(kFlood, frame(kSettings, 0, 0, "")), "SETTINGS", kBurst + 1},
                      Case{"ping", repeated(kFlood, frame(kPing, 0, 0, "12345678")), "PING", kBurst + 1},
                      Case{"priority", repeated(kFlood, frame(kPriority, 0, 1, std::string("\0\0\0\0\x01", 5))), "PRIORITY", kBurst + 1},
                      Case{"empty_data", get_request(1, 0) + repeated(kFlood, frame(kData, 0, 1, "")), "empty DATA", kBurst + 2},
                      Case{"padding_only", get_request(1, 0) + repeated(kFlood, frame(kData, kPadded, 1, std::string(1, '\0'))), "DATA frames",
                           kBurst + of_one_read(10)},
                      Case{"unknown_frames", repeated(kFlood, frame(0xbb, 0, 0, "")), "unknown", kBurst + 1},
                      Case{"window_updates", get_request(1, 0) + repeated(kFlood, frame(kWindowUpdate, 0, 1, be32(1))), "WINDOW_UPDATE", kBurst + 2},
                      Case{"hpack_bomb", hpack_bomb(), "HPACK bomb", 2}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(Http2Hostile, TheUsualOptionsEndAFloodToo) {
  on_shard([]() -> io::Task<void> {
    Echo echo;
    Attacked server(echo, Http2Options());
    co_await server.open();
    const std::string answer = co_await server.attack(repeated(kFlood, frame(kPing, 0, 0, "12345678")));
    EXPECT_TRUE(last_payload_of(answer, kGoaway).has_value());
    const auto stats = co_await server.end();
    EXPECT_EQ(stats.closed_as(CloseKind::flood), 1u);
    EXPECT_LE(stats.sessions.frames_in, kFlood / 2) << "burst, and what comes back a second";
  });
}

TEST(Http2Hostile, AFloodThatComesSlowlyIsNone) {
  on_shard([]() -> io::Task<void> {
    Echo echo;
    Http2Options options = Attacked::small_guards();
    options.flood_per_second = 1'000'000;
    Attacked server(echo, options);
    co_await server.open();
    io::Stream peer = co_await server.served.connect();
    EXPECT_TRUE(peer.write(Bytes::copy_of(opening())));
    for (int i = 0; i < 500; ++i) {
      EXPECT_TRUE(peer.write(Bytes::copy_of(frame(kPing, 0, 0, fmt::format("{:08}", i)))));
      const std::string answer = co_await read_until(peer, [&](std::string_view seen) { return seen.contains(fmt::format("{:08}", i)); });
      EXPECT_NE(answer, "");
    }
    peer.close();
    const auto stats = co_await server.end();
    EXPECT_EQ(stats.closed_as(CloseKind::flood), 0u);
  });
}

TEST(Http2Hostile, APingAfterEachAnswerIsNoFlood) {
  on_shard([]() -> io::Task<void> {
    Echo echo;
    Attacked server(echo);
    co_await server.open();
    io::Stream peer = co_await server.served.connect();
    EXPECT_TRUE(peer.write(Bytes::copy_of(opening())));
    for (uint32_t i = 0; i < 200; ++i) {
      EXPECT_TRUE(peer.write(Bytes::copy_of(get_request(2 * i + 1) + frame(kPing, 0, 0, fmt::format("{:08}", i)))));
      const std::string answer = co_await read_until(peer, [&](std::string_view seen) { return seen.contains(fmt::format("{:08}", i)); });
      EXPECT_NE(answer, "");
    }
    peer.close();
    const auto stats = co_await server.end();
    EXPECT_EQ(stats.closed_as(CloseKind::flood), 0u);
  });
}

TEST(Http2Hostile, AWindowThatOverflowsEndsTheStreamOrTheConnection) {
  on_shard([]() -> io::Task<void> {
    Keeper keeper;
    Attacked server(keeper);
    co_await server.open();
    io::Stream peer = co_await server.served.connect();
    EXPECT_TRUE(peer.write(Bytes::copy_of(opening() + get_request(1) + frame(kWindowUpdate, 0, 1, be32(0x7fffffff)))));
    std::string answer = co_await read_until(peer, [](std::string_view seen) { return last_payload_of(seen, kReset).has_value(); });
    EXPECT_EQ(last_payload_of(answer, kReset), be32(3)) << "FLOW_CONTROL_ERROR";
    EXPECT_TRUE(co_await eventually([&] { return keeper.last_sink().failure.has_value(); }));
    EXPECT_EQ(keeper.last_sink().failure->detail<ResetDetail>()->code, 3u);
    EXPECT_TRUE(peer.write(Bytes::copy_of(frame(kWindowUpdate, 0, 0, be32(0x7fffffff)))));
    answer = co_await read_to_end(peer);
    EXPECT_EQ(last_payload_of(answer, kGoaway).value_or("12345678").substr(4, 4), be32(3));
    peer.close();
    const auto stats = co_await server.end();
    EXPECT_EQ(stats.closed_as(CloseKind::protocol_error), 1u);
  });
}

TEST(Http2Hostile, DataOverTheWindowEndsTheConnection) {
  on_shard([]() -> io::Task<void> {
    Keeper keeper;
    keeper.gives_back = false;
    Http2Options options;
    options.initial_window = 65535;
    options.connection_window = 65535;
    Attacked server(keeper, options);
    co_await server.open();
    const std::string answer = co_await server.attack(get_request(1, 0) + repeated(5, frame(kData, 0, 1, std::string(16384, 'x'))));
    EXPECT_EQ(last_payload_of(answer, kGoaway).value_or("12345678").substr(4, 4), be32(3)) << "FLOW_CONTROL_ERROR";
    const auto stats = co_await server.end();
    EXPECT_EQ(stats.closed_as(CloseKind::protocol_error), 1u);
  });
}

TEST(Http2Hostile, AMessageThatThePeersWindowHoldsBackIsGivenUp) {
  CapturedLog log;
  on_shard([]() -> io::Task<void> {
    Keeper keeper;
    Http2Options options;
    options.send_stall_timeout = 200ms;
    Attacked server(keeper, options);
    co_await server.open();
    io::Stream peer = co_await server.served.connect();
    EXPECT_TRUE(peer.write(Bytes::copy_of(opening(initial_window(0)) + get_request(1))));
    EXPECT_TRUE(co_await eventually([&] { return !keeper.kept.empty(); }));
    EXPECT_TRUE(keeper.last().send_response(200, {}));
    EXPECT_TRUE(keeper.last().send_data(Bytes::copy_of(std::string(1 << 20, 'x'))));
    const std::string answer = co_await read_until(peer, [](std::string_view seen) { return last_payload_of(seen, kReset).has_value(); });
    EXPECT_EQ(last_payload_of(answer, kReset), be32(kEnhanceYourCalm));
    EXPECT_EQ(keeper.last_sink().failure.value().code(), Code::deadline_exceeded);
    EXPECT_EQ(keeper.last().pending_bytes(), 0u) << "its memory is free";
    peer.close();
    co_await server.end();
  });
  EXPECT_EQ(log.count("exchange reset"), 1u);
}

TEST(Http2Hostile, AllMessagesTogetherQueueNoMoreThanTheLimit) {
  on_shard([]() -> io::Task<void> {
    Keeper keeper;
    Http2Options options;
    options.max_write_queue = 1 << 20;
    Attacked server(keeper, options);
    co_await server.open();
    io::Stream peer = co_await server.served.connect();
    EXPECT_TRUE(peer.write(Bytes::copy_of(opening(initial_window(0)) + get_request(1) + get_request(3))));
    EXPECT_TRUE(co_await eventually([&] { return keeper.kept.size() == 2; }));
    for (auto& one : keeper.kept) EXPECT_TRUE(one->exchange->send_response(200, {}));
    EXPECT_TRUE(keeper.kept[0]->exchange->send_data(Bytes::copy_of(std::string(700'000, 'x'))));
    EXPECT_EQ(keeper.kept[1]->exchange->send_data(Bytes::copy_of(std::string(700'000, 'x'))).error().code(), Code::resource_exhausted);
    keeper.kept[0]->exchange.reset();
    EXPECT_TRUE(keeper.kept[1]->exchange->send_data(Bytes::copy_of(std::string(700'000, 'x')))) << "what was dropped counts no more";
    peer.close();
    co_await server.end();
  });
}

/// What a peer that stops in the middle gets.
struct Slow {
  const char* name;
  std::string bytes;
  CloseKind kind;
};
void PrintTo(const Slow& slow, std::ostream* out) { *out << slow.name; }
class Http2Slow : public ::testing::TestWithParam<Slow> {};

TEST_P(Http2Slow, IsClosedInTime) {
  on_shard([]() -> io::Task<void> {
    Echo echo;
    Http2Options options;
    options.limits.head_timeout = 150ms;
    options.limits.idle_timeout = 300ms;
    Attacked server(echo, options);
    co_await server.served.open();
    const std::string answer = co_await server.attack(GetParam().bytes);
    EXPECT_TRUE(last_payload_of(answer, kGoaway).has_value());
    co_await server.served.stop();
    EXPECT_EQ((co_await server.served.port().stats()).value().closed_as(GetParam().kind), 1u);
  });
}
INSTANTIATE_TEST_SUITE_P(Kinds, Http2Slow,
                         ::testing::Values(Slow{"half_frame_head", std::string("\0\0", 2), CloseKind::half_frame},
                                           Slow{"half_header_block", frame(kHeaders, 0, 1, kGet), CloseKind::half_frame},
                                           Slow{"half_headers", get_request(1).substr(0, 12), CloseKind::half_frame},
                                           Slow{"silent", "", CloseKind::idle}),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(Http2Hostile, ABodyThatDoesNotComeIsGivenUpAndOneOfMessagesMayRest) {
  on_shard([]() -> io::Task<void> {
    Keeper keeper;
    Http2Options options;
    options.limits.body_stall_timeout = 200ms;
    Attacked server(keeper, options);
    co_await server.open();
    Recorder measured, open, silent;
    auto rests = server.bystander->start({.method = "POST", .authority = "test", .target = "/"}, open, false).value();
    EXPECT_TRUE(co_await eventually([&] { return keeper.kept.size() == 1; }));
    keeper.last().let_body_rest();
    auto unsaid = server.bystander->start({.method = "POST", .authority = "test", .target = "/"}, silent, false).value();
    auto stops =
        server.bystander->start({.method = "POST", .authority = "test", .target = "/", .headers = {{"content-length", "10"}}}, measured, false)
            .value();
    EXPECT_TRUE(stops->send_data(Bytes::copy_of("12345")));
    EXPECT_TRUE(co_await eventually([&] { return measured.done(); }));
    EXPECT_EQ(measured.failure.value().detail<ResetDetail>()->code, kEnhanceYourCalm);
    EXPECT_TRUE(co_await eventually([&] { return silent.done(); }));
    EXPECT_EQ(silent.failure.value().detail<ResetDetail>()->code, kEnhanceYourCalm) << "although no length was said";
    EXPECT_FALSE(open.done());
    EXPECT_EQ(server.bystander->running(), 1u);
    co_await server.end();
  });
}

TEST(Http2Hostile, AHandlerMayAnswerARequestWhoseBodyDoesNotCome) {
  on_shard([]() -> io::Task<void> {
    struct Told final : Handler {
      struct One final : MessageSink {
        explicit One(ExchangePtr its) : exchange(std::move(its)) {}
        void on_data(ByteSpan) override {}
        void on_end(Headers&) override {}
        void on_abort(Error error) override {
          EXPECT_EQ(error.code(), Code::deadline_exceeded);
          EXPECT_TRUE(respond_text(*exchange, 408, error.message()));
          delete this;
        }
        ExchangePtr exchange;
      };
      void handle(ExchangePtr exchange) override {
        Exchange& its = *exchange;
        its.set_sink(new One(std::move(exchange)));
      }
    } told;
    Http2Options options;
    options.limits.body_stall_timeout = 100ms;
    Attacked server(told, options);
    co_await server.open();
    Recorder sink;
    auto exchange = server.bystander->start({.method = "POST", .authority = "test", .target = "/"}, sink, false).value();
    EXPECT_TRUE(co_await eventually([&] { return sink.done(); }));
    EXPECT_EQ(sink.status, 408);
    EXPECT_NE(sink.body.find("body_stall_timeout"), std::string::npos) << sink.body;
    EXPECT_TRUE(co_await eventually([&] { return server.bystander->running() == 0; })) << "what still comes is reset";
    co_await server.end();
  });
}

TEST(Http2Hostile, TooLargeTrailersOfARequestThatRunsDoNotPromiseThatItDidNot) {
  on_shard([]() -> io::Task<void> {
    Keeper keeper;
    Http2Options options;
    options.limits.max_header_list = 1000;
    Attacked server(keeper, options);
    co_await server.open();
    Recorder sink;
    auto exchange = server.bystander->start({.method = "POST", .authority = "test", .target = "/"}, sink, false).value();
    EXPECT_TRUE(co_await eventually([&] { return !keeper.kept.empty(); }));
    Headers trailers;
    trailers.add("x-large", std::string(2000, 'x'));
    EXPECT_TRUE(exchange->send_trailers(trailers));
    EXPECT_TRUE(co_await eventually([&] { return sink.done(); }));
    const auto* reset = sink.failure.value().detail<ResetDetail>();
    EXPECT_EQ(reset->code, kEnhanceYourCalm);
    EXPECT_FALSE(reset->not_processed()) << "its client would send it again";
    EXPECT_EQ(keeper.last_sink().failure->code(), Code::resource_exhausted);
    co_await server.end();
  });
}

TEST(Http2Hostile, ABodyThatTricklesIsGivenUp) {
  ManualClock clock;
  on_shard(
      [&]() -> io::Task<void> {
        Keeper keeper;
        Http2Options options;
        options.limits.body_stall_timeout = 3s;
        options.limits.min_body_rate = 1000;
        Attacked server(keeper, options);
        co_await server.open();
        Recorder sink;
        auto exchange = server.bystander->start({.method = "POST", .authority = "test", .target = "/"}, sink, false).value();
        for (size_t second = 0; second < 9 && !sink.done(); ++second) {
          EXPECT_TRUE(exchange->send_data(Bytes::copy_of("x")));
          EXPECT_TRUE(co_await eventually([&] { return !keeper.kept.empty() && keeper.last_sink().body.size() == second + 1; }));
          clock.advance(1s);
          co_await due_timers();
          if (keeper.last_sink().done()) break;
        }
        EXPECT_EQ(keeper.last_sink().body.size(), 4u) << "the grace, and what its bytes have earned";
        EXPECT_NE(keeper.last_sink().failure.value().to_string().find("min_body_rate"), std::string::npos);
        EXPECT_TRUE(co_await eventually([&] { return sink.done(); }));
        co_await server.end();
      },
      {.shards = 1, .clock = &clock});
}

TEST(Http2Hostile, TheTimeInWhichTheHandlerDoesNotReadIsNoStallOfThePeer) {
  ManualClock clock;
  on_shard(
      [&]() -> io::Task<void> {
        Keeper keeper;
        keeper.gives_back = false;
        Http2Options options;
        options.initial_window = 10;
        Attacked server(keeper, options);
        co_await server.open();
        Recorder sink;
        RequestHead request{.method = "POST", .authority = "test", .target = "/", .headers = {{"content-length", "15"}}};
        auto exchange = server.bystander->start(std::move(request), sink, false).value();
        EXPECT_TRUE(exchange->send_data(Bytes::copy_of("0123456789")));
        EXPECT_TRUE(co_await eventually([&] { return !keeper.kept.empty() && keeper.last_sink().body.size() == 10; }));
        clock.advance(2 * options.limits.body_stall_timeout);
        co_await due_timers();
        keeper.last().consumed(10);
        clock.advance(options.limits.body_stall_timeout / 2);
        co_await due_timers();
        EXPECT_FALSE(keeper.last_sink().done());
        EXPECT_TRUE(exchange->send_data(Bytes::copy_of("abcde"), true));
        EXPECT_TRUE(co_await eventually([&] { return keeper.last_sink().done(); }));
        EXPECT_TRUE(keeper.last_sink().ended);
        co_await server.end();
      },
      {.shards = 1, .clock = &clock});
}

TEST(Http2Hostile, FramesOfAStreamThatThisSideHasResetAreNoFault) {
  on_shard([]() -> io::Task<void> {
    struct Refuser final : Handler {
      void handle(ExchangePtr exchange) override { exchange->reset(Reset::refused); }
    } refuser;
    Attacked server(refuser);
    co_await server.open();
    io::Stream peer = co_await server.served.connect();
    EXPECT_TRUE(peer.write(Bytes::copy_of(opening() + get_request(1, 0))));
    std::string answer = co_await read_until(peer, [](std::string_view seen) { return last_payload_of(seen, kReset).has_value(); });
    EXPECT_TRUE(peer.write(Bytes::copy_of(frame(kData, kEndStream, 1, "late") + frame(kPing, 0, 0, "12345678"))));
    answer = co_await read_until(peer, [](std::string_view seen) { return last_payload_of(seen, kPing).has_value(); });
    EXPECT_FALSE(last_payload_of(answer, kGoaway).has_value());
    peer.close();
    co_await server.end();
  });
}

TEST(Http2Hostile, AHandlerThatThrowsCostsItsConnectionAlone) {
  on_shard([]() -> io::Task<void> {
    struct Thrower final : Handler {
      void handle(ExchangePtr exchange) override {
        if (exchange->request().target != "/") throw std::runtime_error("boom");
        EXPECT_TRUE(exchange->send_response(200, {}, true));
      }
    } thrower;
    Attacked server(thrower);
    co_await server.open();
    auto other = std::move(connect_http2(co_await server.served.connect()).value());
    Recorder sink;
    auto exchange = other->start({.method = "GET", .authority = "test", .target = "/x"}, sink, true).value();
    EXPECT_TRUE(co_await eventually([&] { return sink.done(); }));
    EXPECT_TRUE(sink.failure.has_value());
    EXPECT_TRUE(co_await server.bystander_is_served());
    co_await other->close();
    const auto stats = co_await server.end();
    EXPECT_EQ(stats.closed_as(CloseKind::handler_fault), 1u);
  });
}

}  // namespace
}  // namespace sofa::http
