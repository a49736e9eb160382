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

struct Web : ::testing::Test {
  Repeat repeat;

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
      WebHandler web(server, nullptr);
      co_await io::or_return(server.add_unary("/test.Echo/Repeat", repeat));
      body(web);
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
  EXPECT_EQ(peer.head.get("accept-post"), "application/proto, application/grpc-web+proto");
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
