#include "sofa/http/channel.h"

#include "http2_frames.h"
#include "sofa/io/listener.h"

namespace sofa::http {
namespace {

using namespace std::chrono_literals;
using namespace testing;

constexpr Duration kSoon = 50ms;

/// A channel to a server of either version, whose handler the test chooses.
class ChannelTest : public ::testing::TestWithParam<Version> {
 protected:
  io::Task<void> open(Handler& handler, ChannelOptions options = {}) {
    if (GetParam() == Version::http2) {
      protocol_ = std::make_unique<Http2Protocol>(handler);
    } else {
      protocol_ = std::make_unique<Http1Protocol>(handler);
    }
    served_.emplace(*protocol_);
    co_await served_->open();
    options.version = GetParam();
    channel_.emplace(served_->port().local(), options);
  }
  io::Task<Result<Response>> post(std::string_view body) { return channel_->exchange({.method = "POST", .target = "/a"}, Bytes::copy_of(body)); }
  io::Task<void> keep_answer(std::optional<Result<Response>>& into, std::string body = "kept") { into = co_await post(body); }
  io::Task<size_t> accepted() { co_return (co_await served_->port().stats())->accepted; }
  io::Task<void> close(Keeper* keeper = nullptr) {
    co_await channel_->close();
    if (keeper != nullptr) keeper->kept.clear();  // a server of HTTP/1.1 does not see that nobody waits any more
    co_await served_->stop();
    channel_.reset();
    served_.reset();
  }
  bool is_http2() const { return GetParam() == Version::http2; }

  std::unique_ptr<transport::Protocol> protocol_;
  std::optional<Served> served_;
  std::optional<Channel> channel_;
};

TEST_P(ChannelTest, UsesOneConnectionForOneRequestAfterTheOther) {
  on_shard([this]() -> io::Task<void> {
    Echo echo;
    co_await open(echo);
    EXPECT_FALSE(channel_->is_connected());
    for (const std::string_view body : {"one", "", "three"}) {
      const auto answer = co_await post(body);
      if (!answer) ADD_FAILURE() << answer.error().to_string();
      EXPECT_EQ(answer->status, 200);
      EXPECT_EQ(answer->headers.get("content-type"), "text/plain");
      EXPECT_EQ(answer->body.text(), fmt::format("POST /a {}", body));
    }
    EXPECT_TRUE(channel_->is_connected());
    EXPECT_EQ(co_await accepted(), 1u);
    co_await close();
  });
}

TEST_P(ChannelTest, RunsRequestsBesideEachOtherUpToItsLimit) {
  on_shard([this]() -> io::Task<void> {
    Keeper keeper;
    co_await open(keeper, {.max_running = 3});
    io::TaskGroup group;
    std::vector<std::optional<Result<Response>>> answers(5);
    for (auto& answer : answers) group.spawn("request", keep_answer(answer));
    EXPECT_TRUE(co_await eventually([&] { return keeper.kept.size() == 3; }));
    EXPECT_EQ(co_await accepted(), is_http2() ? 1u : 3u);
    for (size_t i = 0; i < answers.size(); ++i) {
      EXPECT_TRUE(co_await eventually([&] { return keeper.kept.size() > i && keeper.kept[i]->sink.done(); }));
      EXPECT_TRUE(respond_text(*keeper.kept[i]->exchange, 200, "done"));
    }
    EXPECT_TRUE(co_await group.join());
    for (const auto& answer : answers) EXPECT_EQ((*answer)->body.text(), "done\n");
    EXPECT_EQ(co_await accepted(), is_http2() ? 1u : 3u);
    co_await close();
  });
}

TEST_P(ChannelTest, LetsNoMoreRequestsWaitThanItsLimit) {
  on_shard([this]() -> io::Task<void> {
    Keeper keeper;
    co_await open(keeper, {.max_running = 1, .max_waiting = 1});
    io::TaskGroup group;
    std::optional<Result<Response>> running, waiting;
    group.spawn("request", keep_answer(running));
    EXPECT_TRUE(co_await eventually([&] { return keeper.kept.size() == 1; }));
    group.spawn("request", keep_answer(waiting));
    co_await io::yield();
    EXPECT_EQ((co_await post("one too many")).error().code(), Code::resource_exhausted);
    co_await close(&keeper);
    EXPECT_TRUE(co_await group.join());
  });
}

TEST_P(ChannelTest, GivesUpAtTheDeadlineAndServesTheNext) {
  on_shard([this]() -> io::Task<void> {
    Keeper keeper;
    co_await open(keeper, {.max_running = 1});
    const auto late = co_await io::with_timeout(kSoon, post("x"));
    EXPECT_EQ(late.error().code(), Code::deadline_exceeded);
    io::TaskGroup group;
    std::optional<Result<Response>> next;
    group.spawn("request", keep_answer(next));
    EXPECT_TRUE(co_await eventually([&] { return keeper.kept.size() == 2 && keeper.last_sink().done(); }));
    EXPECT_TRUE(respond_text(keeper.last(), 200, "here"));
    EXPECT_TRUE(co_await group.join());
    EXPECT_EQ((*next)->body.text(), "here\n");
    co_await close(&keeper);
  });
}

TEST_P(ChannelTest, RefusesAnAnswerLongerThanItsLimit) {
  on_shard([this]() -> io::Task<void> {
    Echo echo;
    co_await open(echo, {.max_body = 100});
    const auto whole = co_await post(std::string(92, 'x'));
    EXPECT_EQ(whole->body.size(), 100u);
    const auto long_one = co_await post(std::string(93, 'x'));
    EXPECT_EQ(long_one.error().code(), Code::resource_exhausted);
    EXPECT_NE(long_one.error().to_string().find("longer than 100 bytes"), std::string::npos) << long_one.error().to_string();
    EXPECT_TRUE(co_await post("short"));
    co_await close();
  });
}

TEST_P(ChannelTest, SaysWhatCannotBeSent) {
  on_shard([this]() -> io::Task<void> {
    Echo echo;
    co_await open(echo);
    const auto refused = co_await channel_->exchange({.method = "POST", .target = "/a", .headers = {{"name", "two\nlines"}}}, Bytes::copy_of("x"));
    EXPECT_EQ(refused.error().code(), Code::invalid_argument) << refused.error().to_string();
    EXPECT_TRUE(co_await post("x"));
    co_await close();
  });
}

TEST_P(ChannelTest, ConnectsAgainAfterALossAndSaysWhenNobodyIsThere) {
  on_shard([this]() -> io::Task<void> {
    Echo echo;
    co_await open(echo);
    EXPECT_TRUE(co_await post("x"));
    co_await served_->stop();
    EXPECT_TRUE(co_await eventually([&] { return !channel_->is_connected(); }));
    const auto refused = co_await post("x");
    EXPECT_EQ(refused.error().code(), Code::unavailable);
    EXPECT_NE(refused.error().to_string().find("no connection to"), std::string::npos) << refused.error().to_string();
    co_await channel_->close();
    EXPECT_EQ((co_await post("x")).error().code(), Code::cancelled);
    channel_.reset();
    served_.reset();
  });
}

TEST_P(ChannelTest, EndsWhatRunsWhenItIsClosed) {
  on_shard([this]() -> io::Task<void> {
    Keeper keeper;
    co_await open(keeper, {.max_running = 1});
    io::TaskGroup group;
    std::optional<Result<Response>> running, waiting;
    group.spawn("request", keep_answer(running));
    group.spawn("request", keep_answer(waiting));
    EXPECT_TRUE(co_await eventually([&] { return keeper.kept.size() == 1; }));
    co_await close(&keeper);
    EXPECT_TRUE(co_await group.join());
    EXPECT_EQ(running->error().code(), Code::unavailable);
    EXPECT_EQ(waiting->error().code(), Code::cancelled);
  });
}

INSTANTIATE_TEST_SUITE_P(Versions, ChannelTest, ::testing::Values(Version::http1_1, Version::http2),
                         [](const auto& about) { return about.param == Version::http2 ? "Http2" : "Http1"; });

/// What a server answers, and closes.
io::Task<Result<Response>> answered(std::string_view bytes) {
  io::Listener listener = std::move(io::Listener::bind(loopback()).value());
  io::TaskGroup group;
  group.spawn("server", [](io::Listener& at, std::string_view said) -> io::Task<void> {
    io::Stream stream = std::move((co_await at.accept()).value());
    co_await read_until(stream, [](std::string_view seen) { return seen.ends_with("\r\n\r\nbody"); });
    EXPECT_TRUE(stream.write(Bytes::copy_of(said)));
    stream.flush();
    stream.shutdown_write();
    co_await read_to_end(stream);
  }(listener, bytes));
  Channel channel(listener.local());
  auto answer = co_await io::with_timeout(kPatience, channel.exchange({.method = "POST", .target = "/"}, Bytes::copy_of("body")));
  co_await channel.close();
  EXPECT_TRUE(co_await group.join());
  co_return answer;
}

TEST(Channel, TakesNoAnswerThatWasCutOff) {
  on_shard([]() -> io::Task<void> {
    for (const std::string_view cut : {"", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\n\r", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nfour",
                                       "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nfour\r\n"}) {
      const auto answer = co_await answered(cut);
      EXPECT_FALSE(answer) << cut;
      if (!answer) EXPECT_EQ(answer.error().code(), Code::unavailable) << answer.error().to_string();
    }
    const auto ended = co_await answered("HTTP/1.1 200 OK\r\n\r\nup to the end");
    EXPECT_EQ(ended->body.text(), "up to the end");
  });
}

TEST(Channel, TakesNoHttpForWhatIsNone) {
  on_shard([]() -> io::Task<void> {
    const auto answer = co_await answered("220 mail.example.com ESMTP\r\n\r\n");
    EXPECT_EQ(answer.error().code(), Code::unavailable);
    EXPECT_NE(answer.error().to_string().find("refused"), std::string::npos) << answer.error().to_string();
  });
}

/// What becomes of a request at a server of HTTP/2 that resets its first streams as not begun with (RFC 9113, 8.7); `requests`: how often it came.
io::Task<Result<Response>> answered_after(uint32_t resets, uint32_t& requests) {
  io::Listener listener = std::move(io::Listener::bind(loopback()).value());
  io::TaskGroup group;
  group.spawn("server", [](io::Listener& at, uint32_t most, uint32_t& came) -> io::Task<void> {
    constexpr uint32_t kRefusedStream = 7;
    io::Stream stream = std::move((co_await at.accept()).value());
    EXPECT_TRUE(stream.write(Bytes::copy_of(frame(kSettings, 0, 0, {}))));
    for (Buffer in;; ++came) {
      while (payloads_of(as_text(in.span()).substr(std::min(in.size(), kPreface.size())), kHeaders).size() == came) {
        const auto got = co_await io::with_timeout(kPatience, read_some(stream, in));
        if (!got || *got == 0) co_return;
      }
      const uint32_t id = 2 * came + 1;
      EXPECT_TRUE(stream.write(Bytes::copy_of(came < most ? frame(kReset, 0, id, be32(kRefusedStream))
                                                          : frame(kHeaders, kEndHeaders | kEndStream, id, "\x88"))));  // :status 200
      stream.flush();
    }
  }(listener, resets, requests));
  Channel channel(listener.local(), {.version = Version::http2});
  auto answer = co_await io::with_timeout(kPatience, channel.exchange({.method = "POST", .target = "/"}, Bytes::copy_of("body")));
  co_await channel.close();
  EXPECT_TRUE(co_await group.join());
  co_return answer;
}

TEST(Channel, SendsWhatTheServerHasNotBegunWithAtMostTwiceAgain) {
  on_shard([]() -> io::Task<void> {
    uint32_t requests = 0;
    const auto answer = co_await answered_after(2, requests);
    EXPECT_TRUE(answer && answer->status == 200);
    EXPECT_EQ(requests, 3u);
    requests = 0;
    const auto refused = co_await answered_after(3, requests);
    EXPECT_TRUE(!refused && refused.error().code() == Code::unavailable);
    EXPECT_EQ(requests, 3u);
  });
}

TEST(Channel, WaitsLongerAfterEachFailureBeforeItConnectsAgain) {
  ManualClock clock;
  on_shard(
      [&clock]() -> io::Task<void> {
        std::optional<io::Listener> listener = std::move(io::Listener::bind(loopback()).value());
        const io::Address address = listener->local();
        listener.reset();
        Channel channel(address);
        EXPECT_EQ((co_await channel.connect()).error().code(), Code::unavailable);
        clock.advance(61ms);  // the first wait is 50 ms and a fifth, at the most
        EXPECT_EQ((co_await channel.connect()).error().code(), Code::unavailable);
        listener = std::move(io::Listener::bind(address).value());
        clock.advance(79ms);  // the second is 100 ms less a fifth, at the least
        EXPECT_FALSE(co_await channel.connect()) << "it is not tried yet";
        clock.advance(42ms);
        EXPECT_TRUE(co_await channel.connect());
        co_await channel.close();
      },
      {.shards = 1, .clock = &clock});
}

TEST_P(ChannelTest, SendsInTheOrderInWhichRequestsWait) {
  on_shard([this]() -> io::Task<void> {
    Keeper keeper;
    co_await open(keeper, {.max_running = 1});
    io::TaskGroup group;
    std::vector<std::optional<Result<Response>>> answers(4);
    for (size_t i = 0; i < answers.size(); ++i) group.spawn("request", keep_answer(answers[i], std::to_string(i)));
    for (size_t i = 0; i < answers.size(); ++i) {
      EXPECT_TRUE(co_await eventually([&] { return keeper.kept.size() == i + 1 && keeper.last_sink().done(); }));
      EXPECT_EQ(keeper.last_sink().body, std::to_string(i));
      EXPECT_TRUE(respond_text(keeper.last(), 200, "done"));
    }
    EXPECT_TRUE(co_await group.join());
    co_await close();
  });
}

}  // namespace
}  // namespace sofa::http
