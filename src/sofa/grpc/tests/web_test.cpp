// Requests of Connect and gRPC-Web, seen by a peer that is a fake exchange.

#include "sofa/grpc/web.h"

#include "fake_exchange.h"

namespace sofa::grpc {
namespace {

using namespace testing;
using ::testing::HasSubstr;

/// Answers with the message and the metadata; refuses "refuse" with details; keeps "keep".
struct Repeat final : UnaryHandler {
  std::unique_ptr<UnaryCall> kept;
  int cancelled = 0;

  void handle(std::unique_ptr<UnaryCall> call) override {
    const std::string_view text = as_text(call->message());
    if (text == "refuse") {
      // google.rpc.Status{code: 5, details: [Any{"type.googleapis.com/a.B", "\x08\x01"}]}
      constexpr std::string_view kStatus = "\x08\x05\x1a\x1d\x0a\x17type.googleapis.com/a.B\x12\x02\x08\x01";
      return call->answer(Error(Code::not_found, "no account 7").with_detail(std::make_shared<StatusDetails>(Bytes::literal(kStatus))));
    }
    if (text == "keep") {
      kept = std::move(call);
      return kept->on_cancelled([](void* self) { ++static_cast<Repeat*>(self)->cancelled; }, this);
    }
    call->add_header("x-seen", call->metadata().get_or("x-ask"));
    call->add_trailer("x-last", "end");
    call->answer(call->message());
  }
};

/// Answers with as many messages as the request has bytes; "fail" fails at once, "broken" behind its first answer.
struct Count final : StreamHandler {
  io::Task<Result<void>> handle(StreamCall& call) override {
    const auto message = co_await io::or_return(call.read());
    const std::string text(message ? message->text() : "");
    if (text == R"("fail")") co_return fail(Code::not_found, "nothing to count");
    for (size_t i = 0; i < text.size(); ++i) {
      co_await io::or_return(call.write(Bytes::copy_of(std::to_string(i))));
      if (text == R"("broken")") co_return fail(Code::already_exists, "counted before");
    }
    co_return Result<void>();
  }
};

/// JSON and message are the same text.
struct Text final : JsonCodec {
  Result<void> read_request(std::string_view, std::string_view json, Buffer& out) const override {
    if (json.empty()) return fail(Code::invalid_argument, "the body is empty");
    return out.append(json), Result<void>();
  }
  Result<void> write_response(std::string_view, ByteSpan message, Buffer& out) const override { return out.append(message), Result<void>(); }
  bool is_free_of_side_effects(std::string_view) const override { return false; }
};

struct Web : ::testing::Test {
  Repeat repeat;
  Count count;
  const Text text;
  const JsonCodec* codec = nullptr;
  const Peer* awaited = nullptr;  // whose answer a task gives
  static constexpr int kMostTurns = 10'000;

  /// Calls the stream with JSON.
  void count_json(Peer& peer, std::string_view body, std::initializer_list<http::HeaderField> further = {}) {
    codec = &text;
    awaited = &peer;
    on_shard([&](WebHandler& web) {
      request(web, peer, "/test.Echo/Count", further, "application/json");
      if (peer.sink != nullptr) send_body(peer, body.empty() ? ByteSpan() : as_bytes(body));
    });
  }

  /// Sends a body and gives back what the peer has seen.
  void ask(Peer& peer, std::string_view content_type, ByteSpan body, std::initializer_list<http::HeaderField> further = {}) {
    on_shard([&](WebHandler& web) {
      request(web, peer, "/test.Echo/Repeat", further, content_type);
      if (peer.sink != nullptr) send_body(peer, body);
    });
  }
  template <class F>
  void on_shard(F body) {
    io::Runtime runtime({.shards = 1, .hold_limit = Duration::zero()});
    const auto run = [&]() -> io::Task<Result<void>> {
      Server server;
      WebHandler web(server, codec);
      co_await io::or_return(server.add_unary("/test.Echo/Repeat", repeat));
      co_await io::or_return(server.add_stream("/test.Echo/Count", count));
      body(web);
      for (int turn = 0; awaited != nullptr && !awaited->ended && turn < kMostTurns; ++turn) co_await io::yield();
      repeat.kept.reset();
      co_await server.stop_shard();
      co_return Result<void>();
    };
    EXPECT_TRUE(runtime.block_on(run()));
  }
};

TEST_F(Web, MetadataAndTrailersOfAUnaryConnectCallAreFieldsOfTheHead) {
  Peer peer;
  ask(peer, "application/proto", as_bytes("hello"), {{"x-ask", "plain"}, {"connect-protocol-version", "1"}});
  EXPECT_EQ(peer.status, 200);
  EXPECT_EQ(as_text(peer.data.span()), "hello");
  EXPECT_EQ(peer.head.get("x-seen"), "plain");
  EXPECT_EQ(peer.head.get("trailer-x-last"), "end");
  EXPECT_FALSE(peer.head.contains("grpc-status"));
  EXPECT_TRUE(peer.ended && peer.destroyed);
}

TEST_F(Web, AnErrorOfConnectHasItsDetails) {
  Peer peer;
  ask(peer, "application/proto", as_bytes("refuse"));
  EXPECT_EQ(peer.status, 404);
  EXPECT_EQ(as_text(peer.data.span()), R"({"code":"not_found","message":"no account 7","details":[{"type":"a.B","value":"CAE"}]})");
}

TEST_F(Web, JsonWithoutACodecIs415WithWhatIsTaken) {
  Peer peer;
  ask(peer, "application/json", as_bytes("{}"));
  EXPECT_EQ(peer.status, 415);
  EXPECT_EQ(peer.head.get("accept-post"), "application/proto, application/grpc, application/grpc-web+proto");
}

TEST_F(Web, AFormIs415WithTheTypesAndWhatCurlNeeds) {
  codec = &text;
  Peer peer;
  ask(peer, "application/x-www-form-urlencoded", as_bytes("{}"));
  EXPECT_EQ(peer.status, 415);
  EXPECT_THAT(std::string(as_text(peer.data.span())), ::testing::AllOf(HasSubstr("application/json, "), HasSubstr("--json")));
}

TEST_F(Web, AnUnknownPathIs404WithTheServicesThatThereAre) {
  on_shard([](WebHandler& web) {
    for (const std::string path : {"/", "/test.Echo", "/favicon.ico"}) {
      Peer peer;
      request(web, peer, path, {}, "", "GET");
      EXPECT_EQ(peer.status, 404) << path;
      EXPECT_THAT(std::string(as_text(peer.data.span())),
                  ::testing::AllOf(HasSubstr(path), HasSubstr("test.Echo"), HasSubstr("POST /SERVICE/METHOD")));
    }
    Peer head;
    request(web, head, "/", {}, "", "HEAD");
    EXPECT_EQ(head.status, 404);
    EXPECT_TRUE(head.ended && head.data.empty()) << "HEAD has no body";
  });
}

TEST_F(Web, AnotherVerbOnAMethodIs405) {
  on_shard([](WebHandler& web) {
    Peer peer;
    request(web, peer, "/test.Echo/Repeat", {}, "", "GET");
    EXPECT_EQ(peer.status, 405);
    EXPECT_EQ(peer.head.get("allow"), "POST");
    EXPECT_THAT(std::string(as_text(peer.data.span())), HasSubstr("by POST, not by GET"));
  });
}

TEST_F(Web, AStreamThatIsCalledWithJsonAnswersInLines) {
  Peer peer;
  count_json(peer, R"("abc")");
  EXPECT_EQ(peer.status, 200);
  EXPECT_EQ(peer.head.get("content-type"), "application/x-ndjson");
  EXPECT_EQ(as_text(peer.data.span()), "0\n1\n2\n3\n4\n");
  EXPECT_TRUE(peer.ended && peer.destroyed);
}

TEST_F(Web, AStreamThatIsCalledWithJsonAnswersInEventsForThoseWhoAcceptThem) {
  Peer peer;
  count_json(peer, "12", {{"accept", "text/event-stream"}});
  EXPECT_EQ(peer.head.get("content-type"), "text/event-stream");
  EXPECT_EQ(as_text(peer.data.span()), "data: 0\n\ndata: 1\n\n");
  Peer broken;
  count_json(broken, R"("broken")", {{"accept", "text/event-stream"}});
  EXPECT_EQ(as_text(broken.data.span()),
            "data: 0\n\nevent: error\ndata: {\"error\":{\"code\":\"already_exists\",\"message\":\"counted before\"}}\n\n");
}

TEST_F(Web, TheErrorOfAStreamIsItsLastLineAndBeforeTheFirstAnswerItsStatus) {
  Peer late, early, unread;
  count_json(late, R"("broken")");
  EXPECT_EQ(late.status, 200);
  EXPECT_EQ(as_text(late.data.span()), "0\n{\"error\":{\"code\":\"already_exists\",\"message\":\"counted before\"}}\n");
  count_json(early, R"("fail")");
  EXPECT_EQ(early.status, 404);
  EXPECT_EQ(as_text(early.data.span()), "{\"error\":{\"code\":\"not_found\",\"message\":\"nothing to count\"}}\n");
  count_json(unread, "");
  EXPECT_EQ(unread.status, 400);
  EXPECT_TRUE(late.ended && early.ended && unread.ended && unread.destroyed);
}

TEST_F(Web, AClientOfConnectIsToldTheTypesOfAStream) {
  Peer peer;
  count_json(peer, "1", {{"connect-protocol-version", "1"}});
  EXPECT_EQ(peer.status, 415);
  EXPECT_THAT(std::string(peer.head.get_or("accept-post")), HasSubstr("application/connect+json"));
}

TEST_F(Web, ACallerThatGoesCancelsItsCall) {
  on_shard([&](WebHandler& web) {
    Peer peer;
    request(web, peer, "/test.Echo/Repeat", {}, "application/proto");
    send_body(peer, as_bytes("keep"));
    ASSERT_FALSE(peer.destroyed);
    peer.sink->on_abort(Error(Code::unavailable, "reset"));
    EXPECT_EQ(repeat.cancelled, 1);
    repeat.kept.reset();
    EXPECT_TRUE(peer.destroyed);
    EXPECT_FALSE(peer.status) << "nobody is there to be answered";
  });
}

TEST_F(Web, Base64OfGrpcWebMayBeCutAnywhere) {
  on_shard([&](WebHandler& web) {
    Peer peer;
    request(web, peer, "/test.Echo/Repeat", {}, "application/grpc-web-text");
    for (const char c : std::string_view("AAAAAAVoZWxsbw==")) peer.sink->on_data(as_bytes({&c, 1}));
    http::Headers none;
    peer.sink->on_end(none);
    EXPECT_THAT(std::string(as_text(peer.data.span())), HasSubstr("AAAAAAVoZWxsbw=="));
    EXPECT_EQ(peer.consumed, 16u) << "every byte of the body has its window back";
    EXPECT_TRUE(peer.ended && peer.destroyed);
  });
}

}  // namespace
}  // namespace sofa::grpc
