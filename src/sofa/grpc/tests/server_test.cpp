// The server's rules, seen by a peer that is a fake exchange.

#include "fake_exchange.h"
#include "sofa/io/sync.h"

namespace sofa::grpc {
namespace {

using namespace std::chrono_literals;
using namespace testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Answers with the message in upper case, keeps "keep", drops "drop", refuses "refuse".
struct Shout final : UnaryHandler {
  std::unique_ptr<UnaryCall> kept;
  int cancelled = 0;

  void handle(std::unique_ptr<UnaryCall> call) override {
    const std::string text(as_text(call->message()));
    if (text == "drop") return;
    if (text == "refuse") return call->answer(Error(Code::not_found, "account 7 is unknown\n100%"));
    if (text == "keep") {
      kept = std::move(call);
      return kept->on_cancelled([](void* self) { ++static_cast<Shout*>(self)->cancelled; }, this);
    }
    if (text == "metadata") {
      call->add_header("x-seen", call->metadata().get_or("x-ask"));
      call->add_trailer("x-trail-bin", call->binary("x-ask-bin").value_or("none"));
    }
    if (text == "gzip") call->set_encoding(Encoding::gzip);
    std::string upper(text);
    for (char& c : upper) c = static_cast<char>(std::toupper(c));
    call->answer(as_bytes(upper));
  }
};

/// Keeps its call.
struct Hold final : UnaryHandler {
  std::unique_ptr<UnaryCall> kept;
  void handle(std::unique_ptr<UnaryCall> call) override { kept = std::move(call); }
};

/// Sends every message back twice; throws at "throw".
struct Twice final : StreamHandler {
  Result<void> last_read;
  io::Task<Result<void>> handle(StreamCall& call) override { return run(*this, call); }
  static io::Task<Result<void>> run(Twice& self, StreamCall& call) {
    for (;;) {
      auto message = co_await call.read();
      if (!message) self.last_read = std::unexpected(message.error());
      const auto next = co_await io::or_return(std::move(message));
      if (!next) co_return Result<void>();
      if (next->text() == "throw") throw std::runtime_error("thrown by the service");
      for (int i = 0; i < 2; ++i) co_await io::or_return(call.write(*next));
    }
  }
};

/// A server on one shard, and a body that runs there.
struct Rules : ::testing::Test {
  Shout shout;
  Twice twice;
  Hold hold;

  template <class F>
  void on_server(F body, ServerOptions options = {}) {
    io::Runtime runtime({.shards = 1, .hold_limit = Duration::zero()});
    const auto run = [&]() -> io::Task<Result<void>> {
      Server server(options);
      co_await io::or_return(server.add_unary("/test.Echo/Shout", shout));
      co_await io::or_return(server.add_stream("/test.Echo/Twice", twice));
      co_await io::or_return(server.add_unary("/test.Echo/Hold", hold));
      auto done = co_await io::with_timeout(20s, body(server));
      shout.kept.reset();
      hold.kept.reset();
      co_await server.stop_shard();
      co_return done;
    };
    const auto done = runtime.block_on(run());
    EXPECT_TRUE(done) << done.error().to_string();
  }
  static io::Task<Result<void>> until(const bool& flag) {
    while (!flag) co_await io::or_return(io::sleep_for(1ms));
    co_return Result<void>();
  }
};

TEST_F(Rules, AUnaryCallIsAnsweredWithHeadMessageAndTrailers) {
  on_server([](Server& server) -> io::Task<Result<void>> {
    Peer peer;
    request(server, peer, "/test.Echo/Shout");
    send_message(peer, "hello");
    EXPECT_EQ(peer.status, 200);
    EXPECT_EQ(peer.head.get("content-type"), "application/grpc");
    EXPECT_THAT(peer.messages(), ElementsAre("HELLO"));
    EXPECT_EQ(peer.grpc_status(), "0");
    EXPECT_TRUE(peer.ended && peer.destroyed);
    const CallStats stats = server.stats();
    EXPECT_EQ(stats.started, 1u);
    EXPECT_EQ(stats.succeeded, 1u);
    EXPECT_EQ(stats.messages_in, 1u);
    EXPECT_EQ(stats.messages_out, 1u);
    co_return Result<void>();
  });
}

TEST_F(Rules, AnErrorIsTrailersOnlyWithAnEncodedMessage) {
  on_server([](Server& server) -> io::Task<Result<void>> {
    Peer peer;
    request(server, peer, "/test.Echo/Shout");
    send_message(peer, "refuse");
    EXPECT_EQ(peer.status, 200);
    EXPECT_EQ(peer.head.get("grpc-status"), "5");
    EXPECT_EQ(peer.head.get("grpc-message"), "account 7 is unknown%0A100%25");
    EXPECT_TRUE(peer.data.empty() && peer.trailers.empty());
    EXPECT_EQ(server.stats().failed, 1u);
    co_return Result<void>();
  });
}

TEST_F(Rules, MetadataGoesBothWays) {
  on_server([](Server& server) -> io::Task<Result<void>> {
    Peer peer;
    request(server, peer, "/test.Echo/Shout", {{"x-ask", "plain"}, {"x-ask-bin", "AP8"}});
    send_message(peer, "metadata");
    EXPECT_EQ(peer.head.get("x-seen"), "plain");
    EXPECT_EQ(peer.trailers.get("x-trail-bin"), "AP8");
    co_return Result<void>();
  });
}

TEST_F(Rules, AnswersAreCompressedOnlyForClientsThatAcceptIt) {
  on_server([](Server& server) -> io::Task<Result<void>> {
    Peer plain, gzip;
    request(server, plain, "/test.Echo/Shout");
    send_message(plain, "gzip");
    EXPECT_FALSE(plain.head.contains("grpc-encoding"));
    EXPECT_THAT(plain.messages(), ElementsAre("GZIP"));
    request(server, gzip, "/test.Echo/Shout", {{"grpc-accept-encoding", "identity, deflate, gzip"}});
    send_message(gzip, "gzip");
    EXPECT_EQ(gzip.head.get("grpc-encoding"), "gzip");
    EXPECT_EQ(gzip.data.data()[0], 1);
    EXPECT_THAT(gzip.messages(Encoding::gzip), ElementsAre("GZIP"));
    co_return Result<void>();
  });
}

TEST_F(Rules, RequestsThatBreakARuleGetTheirStatusAndNothingOfTheServiceRuns) {
  on_server(
      [](Server& server) -> io::Task<Result<void>> {
        Buffer two;
        for (int i = 0; i < 2; ++i) two.append(*frame(as_bytes("a"), Encoding::identity));
        const Bytes good = *frame(as_bytes("a"), Encoding::identity), longer = *frame(as_bytes("12345678901"), Encoding::identity);
        const struct {
          const char* path;
          std::vector<std::pair<const char*, const char*>> fields;
          ByteSpan body;
          const char* status;
          const char* message;
        } cases[] = {
            {"/test.Echo/Missing", {}, good, "12", "the service has no method /test.Echo/Missing"},
            {"/test.Missing/Shout", {}, good, "12", "no service is served at /test.Missing/Shout"},
            {"/test.Echo/Shout", {{"grpc-encoding", "snappy"}}, good, "12", "grpc-encoding is 'snappy', which is none of identity,gzip"},
            {"/test.Echo/Shout", {{"grpc-timeout", "soon"}}, good, "13", "grpc-timeout is 'soon'"},
            {"/test.Echo/Shout", {{"grpc-timeout", "0m"}}, good, "4", "the caller's time for /test.Echo/Shout was over before it ran"},
            {"/test.Echo/Twice", {{"grpc-timeout", "0n"}}, good, "4", "the caller's time for /test.Echo/Twice was over before it ran"},
            {"/test.Echo/Shout", {}, {}, "13", "ended without a whole message"},
            {"/test.Echo/Shout", {}, good.span().first(3), "13", "ended without a whole message"},
            {"/test.Echo/Shout", {}, two.span(), "13", "more than one message"},
            {"/test.Echo/Shout", {}, longer, "8", "the message has 11 bytes, more than max_message (10)"},
        };
        for (const auto& c : cases) {
          Peer peer;
          if (c.fields.empty()) {
            request(server, peer, c.path);
          } else {
            request(server, peer, c.path, {{c.fields[0].first, c.fields[0].second}});
          }
          send_body(peer, c.body);
          EXPECT_EQ(peer.grpc_status(), c.status) << c.message;
          EXPECT_THAT(std::string(peer.grpc_message()), HasSubstr(c.message));
          EXPECT_TRUE(peer.destroyed) << c.message;
          if (c.fields.size() == 1 && std::string_view(c.fields[0].first) == "grpc-encoding") {
            EXPECT_EQ(peer.head.get("grpc-accept-encoding"), "identity,gzip");
          }
        }
        co_return Result<void>();
      },
      {.max_receive_message = 10});
}

TEST_F(Rules, RequestsThatAreNoGrpcGetAnHttpStatus) {
  on_server([](Server& server) -> io::Task<Result<void>> {
    Peer web, get, whole, plus;
    request(server, web, "/test.Echo/Shout", {}, "application/grpc-web");
    EXPECT_EQ(web.status, 415);
    request(server, get, "/test.Echo/Shout", {}, "application/grpc", "GET");
    EXPECT_EQ(get.status, 405);
    request(server, whole, "*", {}, "", "OPTIONS");
    EXPECT_EQ(whole.status, 200) << "a question about the server as a whole";
    request(server, plus, "/test.Echo/Shout", {}, "application/grpc+proto");
    send_message(plus, "a");
    EXPECT_EQ(plus.grpc_status(), "0");
    co_return Result<void>();
  });
}

TEST_F(Rules, OnlyClientsThatSayTheyAreGrpcsAreHeldToItsPolicyOfPings) {
  on_server(
      [](Server& server) -> io::Task<Result<void>> {
        for (const char* agent : {"grpc-go/1.60.1", "grpc-java-netty/1.62.2", "bank/2 grpc-python/1.66.0 grpc-c/43.0.0 (linux; chttp2)"}) {
          Peer held;
          request(server, held, "/test.Echo/Shout", {{"user-agent", agent}});
          EXPECT_TRUE(held.pings && held.pings->min_interval == 7s) << agent;
          held.sink->on_abort(Error(Code::unavailable, "reset"));
        }
        Peer dubbo, other;
        request(server, dubbo, "/test.Echo/Shout", {{"tri-consumer-appname", "shop"}});
        request(server, other, "/test.Echo/Shout", {{"user-agent", "proxy/1"}});
        EXPECT_FALSE(dubbo.pings || other.pings);
        for (Peer* peer : {&dubbo, &other}) peer->sink->on_abort(Error(Code::unavailable, "reset"));
        co_return Result<void>();
      },
      {.pings = {.min_interval = 7s}});
}

TEST_F(Rules, ADroppedCallIsInternal) {
  on_server([](Server& server) -> io::Task<Result<void>> {
    Peer peer;
    request(server, peer, "/test.Echo/Shout");
    send_message(peer, "drop");
    EXPECT_EQ(peer.grpc_status(), "13");
    co_return Result<void>();
  });
}

TEST_F(Rules, ADeadlineAnswersAndTellsTheHandler) {
  on_server([this](Server& server) -> io::Task<Result<void>> {
    Peer peer, half;
    request(server, peer, "/test.Echo/Shout", {{"grpc-timeout", "20m"}});
    send_message(peer, "keep");
    request(server, half, "/test.Echo/Shout", {{"grpc-timeout", "20m"}});
    co_await io::or_return(until(peer.ended));
    co_await io::or_return(until(half.destroyed));
    EXPECT_EQ(peer.grpc_status(), "4");
    EXPECT_EQ(half.grpc_status(), "4") << "also while its message is still on the way";
    EXPECT_EQ(shout.cancelled, 1);
    EXPECT_TRUE(shout.kept->is_cancelled());
    shout.kept->answer(as_bytes("too late"));
    shout.kept.reset();
    EXPECT_TRUE(peer.data.empty());
    co_return Result<void>();
  });
}

TEST_F(Rules, ACallerThatLeavesIsToldToTheHandler) {
  on_server([this](Server& server) -> io::Task<Result<void>> {
    Peer peer;
    request(server, peer, "/test.Echo/Shout");
    send_message(peer, "keep");
    peer.sink->on_abort(Error(Code::cancelled, "reset"));
    EXPECT_EQ(shout.cancelled, 1);
    shout.kept->answer(as_bytes("nobody hears this"));
    shout.kept.reset();
    EXPECT_FALSE(peer.status);
    EXPECT_TRUE(peer.destroyed);
    EXPECT_EQ(server.stats().cancelled, 1u);
    co_return Result<void>();
  });
}

TEST_F(Rules, AStreamIsReadAndWrittenMessageByMessage) {
  on_server([](Server& server) -> io::Task<Result<void>> {
    Peer peer;
    request(server, peer, "/test.Echo/Twice");
    const Bytes whole = *frame(as_bytes("one"), Encoding::identity);
    for (size_t i = 0; i < whole.size(); ++i) peer.sink->on_data(whole.span().subspan(i, 1));
    send_message(peer, "two");
    co_await io::or_return(until(peer.destroyed));
    EXPECT_THAT(peer.messages(), ElementsAre("one", "one", "two", "two"));
    EXPECT_EQ(peer.grpc_status(), "0");
    EXPECT_EQ(peer.consumed, 2 * whole.size());
    co_return Result<void>();
  });
}

TEST_F(Rules, AStreamThatIsNotReadKeepsItsWindowShut) {
  on_server([](Server& server) -> io::Task<Result<void>> {
    Peer peer;
    peer.write_blocked = true;
    request(server, peer, "/test.Echo/Twice");
    const Bytes message = *frame(as_bytes("one"), Encoding::identity);
    for (int i = 0; i < 5; ++i) peer.sink->on_data(message);
    for (int i = 0; i < 10; ++i) co_await io::yield();
    EXPECT_EQ(peer.consumed, message.size()) << "the handler waits in its first write";
    peer.write_blocked = false;
    peer.sink->on_writable();
    http::Headers none;
    peer.sink->on_end(none);
    co_await io::or_return(until(peer.destroyed));
    EXPECT_EQ(peer.consumed, 5 * message.size());
    EXPECT_EQ(peer.messages().size(), 10u);
    co_return Result<void>();
  });
}

TEST_F(Rules, AStreamEndsWithItsCallerItsDeadlineOrItsException) {
  on_server([this](Server& server) -> io::Task<Result<void>> {
    Peer left, late, thrown, cut;
    request(server, left, "/test.Echo/Twice");
    left.sink->on_abort(Error(Code::cancelled, "reset"));
    co_await io::or_return(until(left.destroyed));
    EXPECT_FALSE(left.status);
    EXPECT_EQ(twice.last_read.error().code(), Code::cancelled);
    request(server, late, "/test.Echo/Twice", {{"grpc-timeout", "10m"}});
    co_await io::or_return(until(late.destroyed));
    EXPECT_EQ(late.grpc_status(), "4");
    request(server, thrown, "/test.Echo/Twice");
    send_message(thrown, "throw");
    co_await io::or_return(until(thrown.destroyed));
    EXPECT_EQ(thrown.grpc_status(), "2");
    EXPECT_EQ(thrown.grpc_message(), "thrown by the service");
    request(server, cut, "/test.Echo/Twice");
    send_body(cut, as_bytes("ab"));
    co_await io::or_return(until(cut.destroyed));
    EXPECT_EQ(cut.grpc_status(), "13");
    co_return Result<void>();
  });
}

TEST_F(Rules, MoreThanMaxCallsAreUnavailableAndACallCountsFromItsWholeMessageOn) {
  on_server(
      [](Server& server) -> io::Task<Result<void>> {
        Peer silent, first, second, third;
        request(server, silent, "/test.Echo/Shout");
        request(server, first, "/test.Echo/Shout");
        request(server, second, "/test.Echo/Shout");
        EXPECT_FALSE(second.status) << "no message has come yet";
        send_message(first, "keep");
        send_message(second, "a");
        EXPECT_EQ(second.grpc_status(), "14");
        EXPECT_THAT(second.grpc_message(), HasSubstr("as many calls run as may (max_calls"));
        request(server, third, "/test.Echo/Shout");
        EXPECT_EQ(third.grpc_status(), "14") << "without waiting for its message";
        silent.sink->on_abort(Error(Code::unavailable, "gone"));
        co_return Result<void>();
      },
      {.max_calls = 1});
}

TEST_F(Rules, OpenStreamsHaveABoundOfTheirOwn) {
  on_server(
      [](Server& server) -> io::Task<Result<void>> {
        Peer open, refused, unary, again;
        request(server, open, "/test.Echo/Twice");
        request(server, refused, "/test.Echo/Twice");
        EXPECT_EQ(refused.grpc_status(), "14");
        EXPECT_THAT(refused.grpc_message(), HasSubstr("as many streams are open as may (max_streams"));
        request(server, unary, "/test.Echo/Shout");
        send_message(unary, "a");
        EXPECT_EQ(unary.grpc_status(), "0") << "a stream takes no place of a call";
        send_body(open, {});
        co_await io::or_return(until(open.destroyed));
        request(server, again, "/test.Echo/Twice");
        send_body(again, {});
        co_await io::or_return(until(again.destroyed));
        EXPECT_EQ(again.grpc_status(), "0");
        co_return Result<void>();
      },
      {.max_calls = 1, .max_streams = 1});
}

TEST_F(Rules, AMessageIsHeldAsLongAsItIsWhenDecompressed) {
  on_server([this](Server& server) -> io::Task<Result<void>> {
    const Bytes packed = co_await io::or_return(frame(as_bytes("keep" + std::string(100'000, '\0')), Encoding::gzip));
    Peer held, refused;
    request(server, refused, "/test.Echo/Shout", {{"grpc-encoding", "gzip"}});
    refused.most_held = 50'000;
    refused.sink->on_data(packed);
    EXPECT_EQ(refused.grpc_status(), "8") << "although " << packed.size() << " bytes came";
    request(server, held, "/test.Echo/Hold", {{"grpc-encoding", "gzip"}});
    send_body(held, packed);
    EXPECT_EQ(held.held, 100'004u);
    hold.kept->drop_message();
    EXPECT_EQ(held.held, 100'004u) << "what was read of it lives on";
    EXPECT_TRUE(hold.kept->message().empty());
    hold.kept.reset();
    co_return Result<void>();
  });
}

TEST_F(Rules, AnAnswerForWhichThereIsNoRoomIsAStatusBeforeAnyHead) {
  on_server([](Server& server) -> io::Task<Result<void>> {
    Peer peer;
    request(server, peer, "/test.Echo/Shout");
    peer.most_sent = 10;
    send_message(peer, std::string(100, 'a'));
    EXPECT_EQ(peer.grpc_status(), "8");
    EXPECT_THAT(peer.grpc_message(), HasSubstr("105 bytes are too many"));
    EXPECT_TRUE(peer.data.empty());
    EXPECT_EQ(peer.status, 200);
    co_return Result<void>();
  });
}

TEST_F(Rules, AMessageThatDoesNotComeIsDeadlineExceeded) {
  on_server([](Server& server) -> io::Task<Result<void>> {
    Peer slow, stream;
    request(server, slow, "/test.Echo/Shout");
    EXPECT_FALSE(slow.body_may_rest);
    slow.sink->on_abort(Error(Code::deadline_exceeded, "no byte of a body came in time (body_stall_timeout)"));
    EXPECT_EQ(slow.grpc_status(), "4");
    EXPECT_THAT(slow.grpc_message(), HasSubstr("body_stall_timeout"));
    EXPECT_TRUE(slow.destroyed);
    request(server, stream, "/test.Echo/Twice");
    EXPECT_TRUE(stream.body_may_rest);
    send_body(stream, {});
    co_return co_await until(stream.destroyed);
  });
}

}  // namespace
}  // namespace sofa::grpc
