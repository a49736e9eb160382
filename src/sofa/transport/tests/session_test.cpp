#include "sofa/transport/session.h"

#include "harness.h"

namespace sofa::transport {
namespace {

using namespace std::chrono_literals;
using namespace testing;
using bolt::Status;

class SessionOver : public ::testing::TestWithParam<const char*> {
 protected:
  static io::Address address() {
    const std::string_view text = GetParam();
    if (text == "unix") return io::Address::unix_path(fmt::format("/tmp/sofa-session-{}.sock", ::getpid()));
    return io::Address::parse(text).value();
  }
};

TEST_P(SessionOver, CallsPassBothWays) {
  on_shard([]() -> io::Task<void> {
    Answers answers;
    SessionPair pair(co_await connected(address()), answers.handlers);
    auto up = co_await pair.client->call(request_of("test.Ask", "up"));
    auto down = co_await pair.server->call(request_of("test.Ask", "down"));
    EXPECT_TRUE(up && up->ok() && as_text(up->frame.content()) == "up");
    EXPECT_TRUE(down && down->ok() && as_text(down->frame.content()) == "down");
    EXPECT_EQ(up->frame.class_name(), "test.Echo");
    co_await pair.end();
  });
}
INSTANTIATE_TEST_SUITE_P(Addresses, SessionOver, ::testing::Values("127.0.0.1:0", "[::1]:0", "unix"));

struct VersionRow {
  uint8_t protocol, version;
  bool crc;
};

TEST(Session, AnswersInTheVersionOfTheRequest) {
  for (const VersionRow row : {VersionRow{1, 1, false}, VersionRow{2, 1, false}, VersionRow{2, 2, true}}) {
    on_shard([row]() -> io::Task<void> {
      Answers answers;
      SessionOptions client = SessionOptions::client();
      client.protocol = row.protocol;
      client.version = row.version;
      SessionPair pair(co_await connected(), answers.handlers, client);
      Request request = request_of("test.Ask", "x");
      request.codec = bolt::kCodecProtobuf;
      auto up = co_await pair.client->call(request);
      auto down = co_await pair.server->call(request);
      for (auto* answer : {&up, &down}) {
        EXPECT_TRUE(*answer && (*answer)->ok());
        if (!*answer) continue;
        EXPECT_EQ((*answer)->frame.protocol, row.protocol);
        EXPECT_EQ((*answer)->frame.version, row.version);
        EXPECT_EQ((*answer)->frame.has_crc(), row.crc);
        EXPECT_EQ((*answer)->frame.codec, bolt::kCodecProtobuf);
      }
      co_await pair.end();
    });
  }
}

TEST(Session, PassesTheHeaderMap) {
  on_shard([]() -> io::Task<void> {
    Answers answers;
    SessionPair pair(co_await connected(), answers.handlers);
    Buffer header;
    bolt::append_header_pair(header, "k", "v");
    Request request = request_of("test.Ask", "");
    request.header = header.span();
    EXPECT_TRUE((co_await pair.client->call(request)).has_value());
    EXPECT_EQ(answers.echo.last_header, "v");
    co_await pair.end();
  });
}

TEST(Session, AnExceptionWhileEncodingTakesTheFrameBack) {
  struct Breaks : Handler {
    void handle(IncomingRequest&, Responder& responder) override {
      const auto encode = [](Buffer& out) -> bool {
        out.append(std::string(100'000, 'x'));
        throw std::bad_alloc();
      };
      EXPECT_THROW([[maybe_unused]] const auto sent = responder.answer_with("test.A", {}, encode), std::bad_alloc);
      EXPECT_FALSE(responder.answered());
      EXPECT_TRUE(responder.answer("test.Instead", {}, Bytes::copy_of("instead")));
    }
  };
  on_shard([]() -> io::Task<void> {
    Breaks breaks;
    Answers answers;
    EXPECT_TRUE(answers.handlers.add("test.Breaks", breaks));
    SessionPair pair(co_await connected(), answers.handlers);
    auto broken = co_await pair.client->call(request_of("test.Breaks", ""));
    EXPECT_TRUE(broken && broken->ok() && as_text(broken->frame.content()) == "instead");
    auto next = co_await pair.client->call(request_of("test.Ask", "next"));
    EXPECT_TRUE(next && as_text(next->frame.content()) == "next") << "what follows is a frame of its own";
    co_await pair.end();
  });
}

TEST(Session, AnswersLaterInAnyOrder) {
  on_shard([]() -> io::Task<void> {
    Answers answers;
    SessionPair pair(co_await connected(), answers.handlers);
    auto first = pair.client->call(request_of("test.Later", "1"));
    auto second = pair.client->call(request_of("test.Later", "2"));
    EXPECT_TRUE(co_await eventually([&] { return answers.later.waiting.size() == 2; }));
    EXPECT_EQ(pair.server->in_flight(), 2u);
    EXPECT_TRUE(answers.later.waiting[1].answer("test.A", {}, answers.later.contents[1]));
    EXPECT_EQ(answers.later.waiting[1].answer("test.A", {}, {}).error().code(), Code::failed_precondition) << "at most once";
    auto two = co_await second;
    EXPECT_FALSE(first.done());
    EXPECT_TRUE(answers.later.waiting[0].answer("test.A", {}, answers.later.contents[0]));
    auto one = co_await first;
    EXPECT_TRUE(one && as_text(one->frame.content()) == "1");
    EXPECT_TRUE(two && as_text(two->frame.content()) == "2");
    EXPECT_EQ(pair.server->in_flight(), 0u);
    answers.later.waiting.clear();
    co_await pair.end();
  });
}

TEST(Session, AnswersForAHandlerThatDropsTheRequest) {
  struct Dropper : Handler {
    void handle(IncomingRequest&, Responder&) override {}
  };
  on_shard([]() -> io::Task<void> {
    Dropper dropper;
    Later later;
    Handlers handlers;
    EXPECT_TRUE(handlers.add("test.Drop", dropper));
    EXPECT_TRUE(handlers.add("test.Later", later));
    SessionPair pair(co_await connected(), handlers);
    auto at_once = co_await pair.client->call(request_of("test.Drop", ""));
    EXPECT_EQ(at_once.value().status(), Status::server_exception);
    auto call = pair.client->call(request_of("test.Later", ""));
    EXPECT_TRUE(co_await eventually([&] { return later.waiting.size() == 1; }));
    later.waiting.clear();
    EXPECT_EQ((co_await call).value().status(), Status::server_exception);
    EXPECT_EQ(pair.server->in_flight(), 0u);
    co_await pair.end();
  });
}

TEST(Session, AnswersAnUnknownClassWithStatus2OrTheFallback) {
  on_shard([]() -> io::Task<void> {
    Handlers none;
    SessionPair pair(co_await connected(), none);
    auto answer = co_await pair.client->call(request_of("com.acme.Missing", ""));
    EXPECT_EQ(answer.value().status(), Status::server_exception);
    co_await pair.end();

    Echo echo;
    Handlers fallback;
    fallback.set_fallback(echo);
    SessionPair other(co_await connected(), fallback);
    EXPECT_TRUE((co_await other.client->call(request_of("com.acme.Missing", ""))).value().ok());
    co_await other.end();
  });
}

TEST(Session, TakesBackAnAnswerThatCannotBeEncoded) {
  struct GivesUp : Handler {
    void handle(IncomingRequest& request, Responder& responder) override {
      const auto answered = responder.answer_with("test.A", {}, [](Buffer& out) {
        out.append("half an ans");
        return false;
      });
      EXPECT_FALSE(answered.value());
      EXPECT_TRUE(responder.answer_error(Status::server_serial_exception, "test.Error", {}, request.frame.content_bytes()));
    }
  };
  on_shard([]() -> io::Task<void> {
    GivesUp handler;
    Handlers handlers;
    EXPECT_TRUE(handlers.add("test.Ask", handler));
    SessionOptions crc = SessionOptions::client();
    crc.protocol = crc.version = 2;
    SessionPair pair(co_await connected(), handlers, crc);
    auto answer = co_await pair.client->call(request_of("test.Ask", "why"));
    EXPECT_EQ(answer.value().status(), Status::server_serial_exception);
    EXPECT_EQ(answer->frame.class_name(), "test.Error");
    EXPECT_EQ(as_text(answer->frame.content()), "why");
    EXPECT_FALSE(answer->frame.has_crc()) << "error answers have switch 0";
    co_await pair.end();
  });
}

TEST(Session, AnswersNothingToOneway) {
  on_shard([]() -> io::Task<void> {
    Answers answers;
    SessionPair pair(co_await connected(), answers.handlers);
    EXPECT_TRUE(pair.client->oneway(request_of("test.Ask", "1")));
    EXPECT_TRUE(pair.client->oneway(request_of("com.acme.Missing", "2")));
    EXPECT_TRUE((co_await pair.client->call(request_of("test.Ask", "3"))).has_value());
    EXPECT_EQ(answers.echo.requests, 2u);
    EXPECT_EQ(pair.client->stats().frames_in, 1u);
    EXPECT_EQ(pair.server->stats().oneways_in, 2u);
    co_await pair.end();
  });
}

io::Task<void> call_many(SessionRef session, size_t count, size_t& good) {
  std::vector<std::unique_ptr<Call>> calls;
  calls.reserve(count);
  for (size_t i = 0; i < count; ++i) calls.push_back(std::unique_ptr<Call>(new Call(session->call(request_of("test.Ask", std::to_string(i))))));
  for (size_t i = 0; i < count; ++i) {
    auto answer = co_await *calls[i];
    good += answer && answer->ok() && as_text(answer->frame.content()) == std::to_string(i);
  }
}

TEST(Session, Carries64KPipelinedCallsInBothDirectionsAtOnce) {
  on_shard([]() -> io::Task<void> {
    Answers answers;
    SessionPair pair(co_await connected(), answers.handlers);
    constexpr size_t kCalls = 65536;
    size_t up = 0, down = 0;
    io::TaskGroup group;
    group.spawn("up", call_many(pair.client, kCalls, up));
    group.spawn("down", call_many(pair.server, kCalls, down));
    EXPECT_TRUE(co_await group.join());
    EXPECT_EQ(up, kCalls);
    EXPECT_EQ(down, kCalls);
    co_await pair.end();
  });
}

TEST(Session, CarriesBigContentsInBothDirectionsAtOnce) {
  on_shard([]() -> io::Task<void> {
    Answers answers;
    SessionPair pair(co_await connected(), answers.handlers);
    const std::string big(16 << 20, 'x');
    auto up = pair.client->call(request_of("test.Ask", big));
    auto down = pair.server->call(request_of("test.Ask", big));
    auto up_answer = co_await up;
    auto down_answer = co_await down;
    EXPECT_TRUE(up_answer && as_text(up_answer->frame.content()) == big);
    EXPECT_TRUE(down_answer && as_text(down_answer->frame.content()) == big);
    co_await pair.end();
  });
}

TEST(Session, SkipsIdsThatArePendingWhenTheyWrap) {
  on_shard([]() -> io::Task<void> {
    Answers answers;
    SessionPair pair(co_await connected(), answers.handlers);
    pair.client->set_next_id(0xffffffff);
    auto last = pair.client->call(request_of("test.Later", ""));
    auto zero = pair.client->call(request_of("test.Later", ""));
    EXPECT_EQ(last.id(), 0xffffffffu);
    EXPECT_EQ(zero.id(), 0u);
    pair.client->set_next_id(0xfffffffe);
    auto before = pair.client->call(request_of("test.Ask", "a"));
    auto after = pair.client->call(request_of("test.Ask", "b"));
    EXPECT_EQ(before.id(), 0xfffffffeu);
    EXPECT_EQ(after.id(), 1u) << "0xffffffff and 0 are pending";
    EXPECT_TRUE((co_await before).has_value());
    EXPECT_TRUE((co_await after).has_value());
    EXPECT_TRUE(co_await eventually([&] { return answers.later.waiting.size() == 2; }));
    answers.later.waiting.clear();
    EXPECT_TRUE((co_await last).has_value());
    EXPECT_TRUE((co_await zero).has_value());
    co_await pair.end();
  });
}

TEST(Session, EndsACallAfterItsTimeoutAndDropsTheLateAnswer) {
  on_shard([]() -> io::Task<void> {
    Answers answers;
    SessionPair pair(co_await connected(), answers.handlers);
    auto late = co_await pair.client->call(request_of("test.Later", "", 20ms));
    EXPECT_FALSE(late);
    EXPECT_EQ(late.error().code(), Code::deadline_exceeded);
    EXPECT_EQ(status_of(late.error()), Status::timeout);
    answers.later.waiting.clear();
    EXPECT_TRUE((co_await pair.client->call(request_of("test.Ask", ""))).has_value());
    EXPECT_EQ(pair.client->stats().timeouts, 1u);
    EXPECT_EQ(pair.client->stats().late_responses, 1u);
    auto never_sent = co_await pair.client->call(request_of("test.Ask", "", 0ms));
    EXPECT_EQ(never_sent.error().code(), Code::deadline_exceeded);
    EXPECT_EQ(pair.client->stats().calls_out, 2u);
    co_await pair.end();
  });
}

TEST(Session, ForgetsACallWhoseCallerIsCancelled) {
  on_shard([]() -> io::Task<void> {
    Answers answers;
    SessionPair pair(co_await connected(), answers.handlers);
    auto calling = [](SessionRef session) -> io::Task<Result<void>> {
      [[maybe_unused]] Response answer = co_await io::or_return(session->call(request_of("test.Later", "")));
      co_return Result<void>{};
    };
    auto ended = co_await io::with_timeout(20ms, calling(pair.client));
    EXPECT_EQ(ended.error().code(), Code::deadline_exceeded);
    EXPECT_EQ(status_of(ended.error()), Status::timeout);
    EXPECT_EQ(pair.client->pending_calls(), 0u);
    EXPECT_TRUE(co_await eventually([&] { return answers.later.waiting.size() == 1; }));
    answers.later.waiting.clear();
    co_await pair.end();
  });
}

TEST(Session, EndsPendingCallsWhenThePeerCloses) {
  on_shard([]() -> io::Task<void> {
    Answers answers;
    SessionPair pair(co_await connected(), answers.handlers);
    auto call = pair.client->call(request_of("test.Later", ""));
    EXPECT_TRUE(co_await eventually([&] { return answers.later.waiting.size() == 1; }));
    io::Scope work(&pair.server->scope());
    EXPECT_FALSE(work.cancelled());
    pair.server->close();
    EXPECT_TRUE(work.cancelled()) << "work for a caller that is gone is cancelled";
    auto ended = co_await call;
    EXPECT_EQ(ended.error().code(), Code::unavailable);
    EXPECT_EQ(status_of(ended.error()), Status::connection_closed);
    EXPECT_EQ(ended.error().message(), fmt::format("connection to {} closed by peer while call was pending", pair.client->peer().to_string()));
    EXPECT_TRUE(answers.later.waiting[0].answer("test.A", {}, {})) << "an answer to a closed connection goes nowhere";
    auto refused = co_await pair.client->call(request_of("test.Later", ""));
    EXPECT_EQ(refused.error().code(), Code::unavailable);
    EXPECT_EQ(status_of(refused.error()), Status::comm_error);
    EXPECT_EQ(pair.client->oneway(request_of("test.Later", "")).error().code(), Code::unavailable);
    EXPECT_EQ(pair.client->close_kind(), CloseKind::peer);
    co_await pair.end();
  });
}

TEST(Session, RefusesRequestsOverItsLimit) {
  on_shard([]() -> io::Task<void> {
    Answers answers;
    SessionOptions server = SessionOptions::server();
    server.max_in_flight = 2;
    SessionPair pair(co_await connected(), answers.handlers, SessionOptions::client(), server);
    auto one = pair.client->call(request_of("test.Later", "")), two = pair.client->call(request_of("test.Later", ""));
    EXPECT_TRUE(pair.client->oneway(request_of("test.Later", "")));
    auto over = co_await pair.client->call(request_of("test.Later", ""));
    EXPECT_EQ(over.value().status(), Status::server_busy);
    EXPECT_EQ(over->frame.class_size, 0u);
    EXPECT_TRUE(over->frame.content().empty());
    EXPECT_EQ(answers.later.waiting.size(), 2u) << "the oneway request was dropped";
    EXPECT_EQ(pair.server->stats().busy, 2u);
    answers.later.waiting.clear();
    auto again = pair.client->call(request_of("test.Later", ""));
    EXPECT_TRUE(co_await eventually([&] { return answers.later.waiting.size() == 1; }));
    answers.later.waiting.clear();
    EXPECT_NE((co_await again).value().status(), Status::server_busy);
    EXPECT_TRUE((co_await one).has_value() && (co_await two).has_value());
    co_await pair.end();
  });
}

TEST(Session, RefusesRequestsOverTheLimitOfTheServer) {
  on_shard([]() -> io::Task<void> {
    Answers answers;
    SessionShared shared(1);
    SessionPair a(co_await connected(), answers.handlers, SessionOptions::client(), SessionOptions::server(), &shared);
    SessionPair b(co_await connected(), answers.handlers, SessionOptions::client(), SessionOptions::server(), &shared);
    auto first = a.client->call(request_of("test.Later", ""));
    EXPECT_TRUE(co_await eventually([&] { return answers.later.waiting.size() == 1; }));
    EXPECT_EQ((co_await b.client->call(request_of("test.Later", ""))).value().status(), Status::server_busy);
    answers.later.waiting.clear();
    EXPECT_TRUE((co_await first).has_value());
    EXPECT_EQ(shared.in_flight, 0u);
    co_await a.end();
    co_await b.end();
  });
}

TEST(Session, LimitsItsOwnPendingCalls) {
  on_shard([]() -> io::Task<void> {
    Answers answers;
    SessionOptions client = SessionOptions::client();
    client.max_pending_calls = 1;
    client.max_write_queue = 1000;
    SessionPair pair(co_await connected(), answers.handlers, client);
    auto big = co_await pair.client->call(request_of("test.Later", std::string(1001, 'x')));
    EXPECT_EQ(big.error().code(), Code::resource_exhausted);
    auto one = pair.client->call(request_of("test.Later", ""));
    auto two = co_await pair.client->call(request_of("test.Later", ""));
    EXPECT_EQ(two.error().code(), Code::resource_exhausted);
    EXPECT_EQ(status_of(two.error()), Status::client_send_error);
    auto wrong = co_await pair.client->call(request_of(std::string(40000, 'c'), ""));
    EXPECT_FALSE(wrong);
    EXPECT_TRUE(pair.client->is_open());
    EXPECT_TRUE(co_await eventually([&] { return answers.later.waiting.size() == 1; }));
    answers.later.waiting.clear();
    EXPECT_TRUE((co_await one).has_value());
    co_await pair.end();
  });
}

TEST(Session, ACallWhoseFrameOverfillsTheWriteQueueEndsWithTheConnection) {
  on_shard([]() -> io::Task<void> {
    Answers answers;
    SessionOptions client = SessionOptions::client();
    client.max_write_queue = 1000;
    SessionPair pair(co_await connected(), answers.handlers, client);
    Request request = request_of("test.Later", std::string(1000, 'x'));  // fits, but not with its head
    request.timeout = std::chrono::hours(1);
    auto answer = co_await pair.client->call(request);
    EXPECT_EQ(status_of(answer.error()), Status::connection_closed);
    EXPECT_EQ(pair.client->close_kind(), CloseKind::slow_reader);
    EXPECT_EQ(pair.client->pending_calls(), 0u);
    co_await pair.end();
  });
}

TEST(Session, DrainsByAnsweringWhatIsInFlight) {
  on_shard([]() -> io::Task<void> {
    Answers answers;
    SessionPair pair(co_await connected(), answers.handlers);
    auto pending = pair.client->call(request_of("test.Later", ""));
    EXPECT_TRUE(co_await eventually([&] { return answers.later.waiting.size() == 1; }));
    pair.server->drain();
    EXPECT_EQ((co_await pair.client->call(request_of("test.Ask", ""))).value().status(), Status::server_busy) << "go elsewhere";
    EXPECT_TRUE(pair.server->is_open());
    EXPECT_TRUE(answers.later.waiting[0].answer("test.A", {}, Bytes::copy_of("done")));
    auto answer = co_await pending;
    EXPECT_TRUE(answer && as_text(answer->frame.content()) == "done");
    EXPECT_TRUE(co_await eventually([&] { return pair.client_end && pair.server_end; }));
    EXPECT_TRUE(pair.client_end->has_value() && pair.server_end->has_value());
    answers.later.waiting.clear();
    co_await pair.end();
  });
}

TEST(Session, LeavesAConnectionWhosePeerSaidGoAway) {
  on_shard([]() -> io::Task<void> {
    Answers answers;
    SessionOptions server = SessionOptions::server();
    server.send_goaway = true;
    SessionPair pair(co_await connected(), answers.handlers, SessionOptions::client(), server);
    auto pending = pair.client->call(request_of("test.Later", ""));
    EXPECT_TRUE(co_await eventually([&] { return answers.later.waiting.size() == 1; }));
    pair.server->drain();
    EXPECT_TRUE(co_await eventually([&] { return pair.client->told_to_go(); }));
    EXPECT_FALSE(pair.client->usable());
    EXPECT_EQ((co_await pair.client->call(request_of("test.Later", ""))).error().code(), Code::unavailable);
    EXPECT_TRUE(answers.later.waiting[0].answer("test.A", {}, {}));
    EXPECT_TRUE((co_await pending).value().ok());
    EXPECT_TRUE(co_await eventually([&] { return pair.client_end && pair.server_end; }));
    answers.later.waiting.clear();
    co_await pair.end();
  });
}

TEST(Session, AnswersAPeerThatKnowsGoAwayUntilItHasHeardAndSaysNothingToOthers) {
  on_shard([]() -> io::Task<void> {
    Answers answers;
    SessionOptions client;
    client.announce_goaway = true;
    SessionPair pair(co_await connected(), answers.handlers, client);
    auto pending = pair.client->call(request_of("test.Later", ""));
    EXPECT_TRUE(co_await eventually([&] { return answers.later.waiting.size() == 1; }));
    EXPECT_EQ(pair.server->stats().heartbeats_in, 1u);
    pair.server->drain();
    auto crossing = pair.client->call(request_of("test.Ask", "on its way"));  // it has not read the GoAway
    EXPECT_TRUE((co_await crossing).value().ok());
    EXPECT_TRUE(pair.client->told_to_go());
    EXPECT_TRUE(pair.server->is_open()) << "the client closes, after its last answer";
    const auto late = co_await pair.client->call(request_of("test.Ask", ""));
    EXPECT_EQ(sent_of(late.error()), Sent::no_closed);
    EXPECT_TRUE(answers.later.waiting[0].answer("test.A", {}, {}));
    EXPECT_TRUE((co_await pending).value().ok());
    EXPECT_TRUE(co_await eventually([&] { return pair.client_end && pair.server_end; }));
    EXPECT_EQ(pair.server->stats().busy, 0u);
    answers.later.waiting.clear();
    co_await pair.end();
  });
}

}  // namespace
}  // namespace sofa::transport
