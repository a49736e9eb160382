#include "sofa/http/websocket.h"

#include "harness.h"
#include "sofa/base/random.h"
#include "sofa/http/detail/websocket_codec.h"

namespace sofa::http {
namespace {

using namespace std::chrono_literals;
using namespace testing;
using detail::append_frame;
using detail::DeflateRules;
using detail::Opcode;
using detail::WebSocketReader;
using Event = WebSocketReader::Event;

constexpr uint8_t kMask[4] = {0x37, 0xfa, 0x21, 0x3d};

std::string bytes(std::string_view hex) {
  std::string digits;
  for (const char c : hex) {
    if (c != ' ') digits += c;
  }
  std::vector<uint8_t> out;
  EXPECT_TRUE(from_hex(digits, out)) << hex;
  return {out.begin(), out.end()};
}

/// What a reader makes of bytes in pieces.
std::string read(WebSocketReader reader, std::string_view in, size_t piece = 1000) {
  std::string out;
  Buffer buffer;
  for (size_t at = 0; at < in.size(); at += piece) {
    buffer.append(in.substr(at, piece));
    for (;;) {
      const Event event = reader.next(buffer);
      if (event == Event::need_more) break;
      if (event == Event::failed) return out + fmt::format("failed {}", reader.close_code());
      const Bytes payload = reader.take_payload();
      if (event == Event::close) return out + fmt::format("close {} '{}'", reader.close_code(), payload.text());
      const char* kind = event == Event::ping ? "ping" : event == Event::pong ? "pong" : reader.opcode() == Opcode::text ? "text" : "binary";
      out += fmt::format("{} '{}' ", kind, payload.text());
    }
  }
  return out;
}
std::string from_server(std::string_view hex) { return read(WebSocketReader(false, 1000, nullptr), bytes(hex)); }
std::string from_client(std::string_view hex) { return read(WebSocketReader(true, 1000, nullptr), bytes(hex)); }
std::string deflated(std::string_view hex, bool takeover = false) {
  const DeflateRules rules{.peer_takeover = takeover};
  return read(WebSocketReader(false, 1000, &rules), bytes(hex));
}

TEST(WebSocketCodec, ReadsTheExamplesOfTheRfcs) {
  EXPECT_EQ(from_server("81 05 48 65 6c 6c 6f"), "text 'Hello' ");
  EXPECT_EQ(from_client("81 85 37 fa 21 3d 7f 9f 4d 51 58"), "text 'Hello' ");
  EXPECT_EQ(from_server("01 03 48 65 6c 80 02 6c 6f"), "text 'Hello' ");
  EXPECT_EQ(from_server("89 05 48 65 6c 6c 6f"), "ping 'Hello' ");
  EXPECT_EQ(from_client("8a 85 37 fa 21 3d 7f 9f 4d 51 58"), "pong 'Hello' ");
  EXPECT_EQ(deflated("c1 07 f2 48 cd c9 c9 07 00"), "text 'Hello' ");
  EXPECT_EQ(deflated("41 03 f2 48 cd 80 04 c9 c9 07 00"), "text 'Hello' ");
  EXPECT_EQ(deflated("c1 07 f2 48 cd c9 c9 07 00 c1 05 f2 00 11 00 00", true), "text 'Hello' text 'Hello' ") << "with the window kept";
  EXPECT_EQ(deflated("c1 0b 00 05 00 fa ff 48 65 6c 6c 6f 00"), "text 'Hello' ") << "a block that is not compressed";
  EXPECT_EQ(deflated("c1 08 f3 48 cd c9 c9 07 00 00"), "text 'Hello' ") << "a final block";
  EXPECT_EQ(deflated("c1 0d f2 48 05 00 00 00 ff ff ca c9 c9 07 00"), "text 'Hello' ") << "two blocks";
  EXPECT_EQ(detail::websocket_accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(WebSocketCodec, ControlFramesMayStandInTheMiddleOfAMessage) {
  EXPECT_EQ(from_server("01 01 61 89 01 70 00 01 62 8a 00 80 01 63"), "ping 'p' pong '' text 'abc' ");
  EXPECT_EQ(from_server("01 01 61 88 00"), "close 1005 ''");
}

struct Fault {
  const char* what;
  const char* hex;
  int code;
};

TEST(WebSocketCodec, RefusesWhatBreaksTheRules) {
  for (const Fault& fault : std::vector<Fault>{{"a masked frame of a server", "81 85 37 fa 21 3d 7f 9f 4d 51 58", 1002},
                                               {"a reserved bit", "91 01 61", 1002},
                                               {"a compressed frame without agreement", "c1 07 f2 48 cd c9 c9 07 00", 1002},
                                               {"opcode 3", "83 00", 1002},
                                               {"opcode 11", "8b 00", 1002},
                                               {"a fragmented ping", "09 00", 1002},
                                               {"a ping of 126 bytes", "89 7e 00 7e", 1002},
                                               {"a ping with a reserved bit", "c9 00", 1002},
                                               {"a continuation of nothing", "80 01 61", 1002},
                                               {"a message inside another", "01 01 61 81 01 62", 1002},
                                               {"16 bits of length for 125", "82 7e 00 7d", 1002},
                                               {"64 bits of length for 65535", "82 7f 00 00 00 00 00 00 ff ff", 1002},
                                               {"the highest bit of a length", "82 7f 80 00 00 00 00 00 00 00", 1002},
                                               {"a message over the limit", "82 7e 03 e9", 1009},
                                               {"fragments over the limit", "02 01 61 80 7e 03 e8", 1009},
                                               {"text that is no UTF-8", "81 02 c3 28", 1007},
                                               {"text that ends in a character", "81 02 e4 bd", 1007},
                                               {"half a close code", "88 01 03", 1002},
                                               {"close code 999", "88 02 03 e7", 1002},
                                               {"close code 1005", "88 02 03 ed", 1002},
                                               {"close code 1006", "88 02 03 ee", 1002},
                                               {"close code 2999", "88 02 0b b7", 1002},
                                               {"close code 5000", "88 02 13 88", 1002},
                                               {"a reason that is no UTF-8", "88 03 03 e8 ff", 1007}}) {
    EXPECT_EQ(from_server(fault.hex), fmt::format("failed {}", fault.code)) << fault.what;
  }
  EXPECT_EQ(from_client("81 05 48 65 6c 6c 6f"), "failed 1002") << "a client's frame without a mask";
  EXPECT_EQ(deflated("41 01 f2 c0 01 48"), "failed 1002") << "the bit of compression on a continuation";
  EXPECT_EQ(deflated("c1 03 ff ff ff"), "failed 1007") << "no DEFLATE";
  EXPECT_EQ(from_server("88 02 03 e8"), "close 1000 ''");
  EXPECT_EQ(from_server("88 05 0f a0 62 79 65"), "close 4000 'bye'");
}

TEST(WebSocketCodec, RefusesAMessageThatGrowsOverTheLimit) {
  const DeflateRules rules;
  detail::MessageDeflater deflater(rules);
  Buffer out;
  append_frame(out, Opcode::binary, deflater.deflate(as_bytes(std::string(1 << 20, 'x'))).span(), true, nullptr);
  EXPECT_LT(out.size(), 10'000u);
  EXPECT_EQ(read(WebSocketReader(false, 100'000, &rules), as_text(out.span())), "failed 1009");
}

TEST(WebSocketCodec, ReadsWhatItWroteHoweverItIsCut) {
  const uint64_t seed = system_seed();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  Random random(seed);
  for (const bool takeover : {false, true}) {
    const DeflateRules rules{.own_takeover = takeover, .peer_takeover = takeover, .own_window_bits = takeover ? 9 : 15};
    detail::MessageDeflater deflater(rules);
    std::string expected;
    Buffer out;
    for (const size_t size : {0, 1, 125, 126, 127, 1000, 65535, 65536, 70000}) {
      std::string text(size, 'a');
      for (char& c : text) c = static_cast<char>('a' + random.uniform(3));
      expected += fmt::format("text '{}' text '{}' ", text, text);
      append_frame(out, Opcode::text, as_bytes(text), false, kMask);
      append_frame(out, Opcode::text, deflater.deflate(as_bytes(text)).span(), true, kMask);
    }
    const std::string_view all = as_text(out.span());
    EXPECT_EQ(read(WebSocketReader(true, 100'000, &rules), all, all.size()), expected);
    EXPECT_EQ(read(WebSocketReader(true, 100'000, &rules), all, 1 + random.uniform(300)), expected);
  }
}

TEST(WebSocketCodec, AgreesOnCompression) {
  const auto answer = [](std::string_view offer, bool takeover = true) {
    const auto made = detail::answer_deflate_offer(offer, takeover);
    return made ? made->header : "none";
  };
  EXPECT_EQ(answer("permessage-deflate"), "permessage-deflate");
  EXPECT_EQ(answer("permessage-deflate", false), "permessage-deflate; server_no_context_takeover; client_no_context_takeover");
  EXPECT_EQ(answer("permessage-deflate; client_max_window_bits"), "permessage-deflate");
  EXPECT_EQ(answer("x, permessage-deflate; server_max_window_bits=10"), "permessage-deflate; server_max_window_bits=10");
  EXPECT_EQ(answer("permessage-deflate; server_max_window_bits=8, permessage-deflate"), "permessage-deflate");
  EXPECT_EQ(answer("permessage-deflate; server_no_context_takeover"), "permessage-deflate; server_no_context_takeover");
  for (const std::string_view none : {"", "x-webkit-deflate-frame", "permessage-deflate; unknown", "permessage-deflate; server_max_window_bits",
                                      "permessage-deflate; server_max_window_bits=16", "permessage-deflate; server_no_context_takeover=1",
                                      "permessage-deflate; client_max_window_bits; client_max_window_bits=10"}) {
    EXPECT_EQ(answer(none), "none") << none;
  }
  EXPECT_TRUE(detail::read_deflate_answer("permessage-deflate; client_max_window_bits=9", true));
  EXPECT_EQ(detail::read_deflate_answer("permessage-deflate; client_max_window_bits=9", true)->own_window_bits, 9);
  EXPECT_FALSE(detail::read_deflate_answer("permessage-deflate; client_max_window_bits", true));
  EXPECT_FALSE(detail::read_deflate_answer("permessage-deflate, permessage-deflate", true));
  EXPECT_FALSE(detail::read_deflate_answer("x", true));
}

/// A server that sends back what it gets, until the goodbye.
struct EchoSockets final : Handler {
  explicit EchoSockets(WebSocketOptions with = {}) : options(std::move(with)) {}
  void handle(ExchangePtr exchange) override {
    auto socket = WebSocket::accept(std::move(exchange), options);
    if (!socket) {
      refusals.push_back(socket.error().to_string());
      return;
    }
    tasks.spawn("echo", serve(std::move(*socket)));
  }
  io::Task<void> serve(std::unique_ptr<WebSocket> socket) {
    for (;;) {
      auto message = co_await socket->read();
      if (!message) ends.push_back(message.error().to_string());
      if (!message || !*message) break;
      if (!co_await socket->write(std::move(**message))) break;
    }
    codes.push_back(socket->peer_close_code());
  }
  WebSocketOptions options;
  std::vector<std::string> refusals, ends;
  std::vector<int> codes;
  io::TaskGroup tasks;
};

/// The echo on a port, and a client's connection to it.
struct Line {
  explicit Line(WebSocketOptions options = {}, const Http1Options& http = {}) : echo(std::move(options)), protocol(echo, http), served(protocol) {}
  io::Task<void> open() {
    co_await served.open();
    client = std::move(connect_http1(co_await served.connect()).value());
  }
  io::Task<void> end() {
    if (client != nullptr) co_await client->close();
    co_await served.stop();
    [[maybe_unused]] const auto joined = co_await echo.tasks.join();
  }
  EchoSockets echo;
  Http1Protocol protocol;
  Served served;
  std::unique_ptr<ClientConnection> client;
};

constexpr std::string_view kHandshake =
    "GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

RequestHead to(std::string_view target) {
  RequestHead head;
  head.target = target;
  head.authority = "test";
  return head;
}

TEST(WebSocket, CarriesMessagesBothWaysAndClosesInOrder) {
  on_shard([]() -> io::Task<void> {
    for (const bool takeover : {false, true}) {
      Line line({.context_takeover = takeover, .protocols = {"b", "a"}});
      co_await line.open();
      auto socket =
          std::move((co_await WebSocket::connect(*line.client, to("/chat"), {.context_takeover = takeover, .protocols = {"a", "b"}})).value());
      EXPECT_EQ(socket->protocol(), "b") << "the server's order";
      EXPECT_TRUE(socket->compresses());
      for (const size_t size : {0, 5, 300, 100'000, 3'000'000}) {
        for (const auto kind : {WebSocket::Kind::text, WebSocket::Kind::binary}) {
          const std::string text(size, 'x');
          EXPECT_TRUE(co_await socket->write({kind, Bytes::copy_of(text)}));
          auto back = co_await socket->read();
          EXPECT_TRUE(back && *back && (*back)->kind == kind && (*back)->data.text() == text) << size;
        }
      }
      EXPECT_EQ((co_await socket->write_text("\xff")).error().code(), Code::invalid_argument);
      EXPECT_TRUE(co_await socket->close(4000, "done"));
      EXPECT_EQ(socket->peer_close_code(), 4000);
      EXPECT_TRUE(co_await eventually([&] { return line.echo.codes.size() == 1; }));
      EXPECT_EQ(line.echo.codes[0], 4000);
      EXPECT_EQ((co_await socket->write_text("late")).error().code(), Code::failed_precondition);
      socket.reset();
      co_await line.end();
    }
  });
}

TEST(WebSocket, ReadsNoFurtherThanItsReader) {
  on_shard([]() -> io::Task<void> {
    Line line;
    co_await line.open();
    auto socket = std::move((co_await WebSocket::connect(*line.client, to("/"), {.max_unread = 100'000, .compress = false})).value());
    const std::string text(50'000, 'x');
    io::TaskGroup group;
    group.spawn("writer", [](WebSocket& to_socket, const std::string& message) -> io::Task<void> {
      for (int i = 0; i < 400; ++i) EXPECT_TRUE(co_await to_socket.write_text(message));
    }(*socket, text));
    for (int i = 0; i < 400; ++i) {
      auto back = co_await socket->read();
      EXPECT_TRUE(back && *back && (*back)->data.text() == text);
    }
    EXPECT_TRUE(co_await group.join());
    EXPECT_TRUE(co_await socket->close());
    socket.reset();
    co_await line.end();
  });
}

/// A server that says ten messages of 1,000 bytes at once, then `end` decides.
struct Talker final : Handler {
  using End = io::Task<void> (*)(WebSocket& socket);
  explicit Talker(End how) : end(how) {}
  void handle(ExchangePtr exchange) override {
    tasks.spawn("talk", talk(WebSocket::accept(std::move(exchange), {.compress = false, .close_timeout = 1ms}).value()));
  }
  io::Task<void> talk(std::unique_ptr<WebSocket> socket) {
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(co_await socket->write_text(std::string(1000, 'x')));
    co_await end(*socket);
  }
  const End end;
  io::TaskGroup tasks;
};

/// Lets `test` use a client's socket to a Talker that holds one of its messages unread.
template <class F>
void with_talker(Talker::End end, F test) {
  on_shard([&]() -> io::Task<void> {
    Talker talker(end);
    Http1Protocol protocol(talker);
    Served served(protocol);
    co_await served.open();
    auto client = std::move(connect_http1(co_await served.connect()).value());
    auto socket = std::move((co_await WebSocket::connect(*client, to("/"), {.max_unread = 1000})).value());
    co_await test(*socket, *client);
    socket.reset();
    EXPECT_TRUE(co_await talker.tasks.join());
    co_await client->close();
    co_await served.stop();
  });
}

TEST(WebSocket, ClosesInOrderWhenMoreComesThanItHoldsUnread) {
  const auto wait_for_goodbye = [](WebSocket& socket) -> io::Task<void> { EXPECT_FALSE((co_await socket.read()).value().has_value()); };
  with_talker(wait_for_goodbye, [](WebSocket& socket, ClientConnection&) -> io::Task<void> {
    EXPECT_TRUE((co_await socket.read()).value().has_value());
    EXPECT_TRUE(co_await socket.close());
    EXPECT_EQ(socket.peer_close_code(), 1000);
  });
}

TEST(WebSocket, GivesAllThatCameBeforeThePeerLeft) {
  const auto read_ten = [](WebSocket& socket, ClientConnection& client) -> io::Task<void> {
    EXPECT_TRUE(co_await eventually([&] { return !client.is_open(); }));
    EXPECT_FALSE(co_await socket.write_text("to nobody"));
    for (int i = 0; i < 10; ++i) {
      const auto message = co_await socket.read();
      EXPECT_TRUE(message && *message) << i;
    }
  };
  const auto say_goodbye = [](WebSocket& socket) -> io::Task<void> { [[maybe_unused]] const auto unanswered = co_await socket.close(); };
  with_talker(say_goodbye, [&](WebSocket& socket, ClientConnection& client) -> io::Task<void> {
    co_await read_ten(socket, client);
    const auto goodbye = co_await socket.read();
    EXPECT_TRUE(goodbye && !*goodbye);
    EXPECT_EQ(socket.peer_close_code(), 1000);
  });
  const auto leave = [](WebSocket&) -> io::Task<void> { co_return; };
  with_talker(leave, [&](WebSocket& socket, ClientConnection& client) -> io::Task<void> {
    co_await read_ten(socket, client);
    EXPECT_EQ((co_await socket.read()).error().code(), Code::unavailable);
    EXPECT_EQ(socket.peer_close_code(), 1006);
  });
}

TEST(WebSocket, UnfinishedMessagesOfAllConnectionsHaveOneBudget) {
  on_shard([]() -> io::Task<void> {
    Line line({}, {.half_bodies = std::make_shared<transport::ByteBudget>(60'000)});
    co_await line.open();
    const std::string opening = std::string(kHandshake) + "\x82\xfe\xea\x60" + std::string(4, '\0');  // a message of 60,000 bytes
    io::Stream first = co_await line.served.connect(), second = co_await line.served.connect();
    EXPECT_TRUE(first.write(Bytes::copy_of(opening + std::string(20'000, 'x'))));
    EXPECT_NE(co_await read_until(first, [](std::string_view seen) { return seen.contains("\r\n\r\n"); }), "");
    EXPECT_TRUE(second.write(Bytes::copy_of(opening + std::string(50'000, 'x'))));
    EXPECT_TRUE((co_await read_to_end(second)).contains("\x03\xf5")) << "try again later";
    EXPECT_EQ(line.echo.ends.size(), 1u);
    EXPECT_TRUE(first.write(Bytes::copy_of(std::string(40'000, 'x'))));
    const std::string echoed = co_await read_until(first, [](std::string_view seen) { return seen.size() >= 60'004; });
    EXPECT_EQ(echoed.size(), 60'004u) << "the first is taken whole";
    first.close();
    co_await line.end();
  });
}

TEST(WebSocket, APeerThatBreaksTheRulesOrLeavesIsToldApart) {
  on_shard([]() -> io::Task<void> {
    Line line;
    co_await line.open();
    const auto upgraded = [&](std::string_view then) -> io::Task<std::string> {
      io::Stream raw = co_await line.served.connect();
      EXPECT_TRUE(raw.write(Bytes::copy_of(std::string(kHandshake) + std::string(then))));
      if (then.empty()) raw.shutdown_write();
      const std::string all = co_await read_to_end(raw);
      EXPECT_NE(all.find("sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), std::string::npos) << all;
      co_return to_hex(as_bytes(all.substr(all.find("\r\n\r\n") + 4, 4)));
    };
    EXPECT_EQ((co_await upgraded(bytes("81 05 48 65 6c 6c 6f"))).substr(4), "03ea") << "1002 with a reason";
    EXPECT_EQ((co_await upgraded(bytes("81 82 00 00 00 00 c3 28"))).substr(4), "03ef");
    EXPECT_EQ(co_await upgraded(bytes("88 82 00 00 00 00 03 e8")), "880203e8") << "a goodbye is answered with its code";
    EXPECT_EQ(co_await upgraded(bytes("89 81 00 00 00 00 70 88 80 00 00 00 00")), "8a017088")
        << "a ping is answered, then the goodbye without a code";
    co_await upgraded("");
    EXPECT_TRUE(co_await eventually([&] { return line.echo.codes.size() == 5; }));
    EXPECT_EQ(line.echo.codes[2], 1000);
    EXPECT_EQ(line.echo.codes[3], 1005);
    EXPECT_EQ(line.echo.codes[4], 1006);
    EXPECT_EQ(line.echo.ends.size(), 3u);
    co_await line.end();
  });
}

TEST(WebSocket, RefusesHandshakesWithTheirStatus) {
  on_shard([]() -> io::Task<void> {
    Line line;
    co_await line.open();
    const auto ask = [&](Headers headers) -> io::Task<std::string> {
      std::string text = "GET / HTTP/1.1\r\nHost: h\r\nConnection: close, upgrade\r\n";
      for (const HeaderField field : headers) text += fmt::format("{}: {}\r\n", field.name, field.value);
      io::Stream raw = co_await line.served.connect();
      EXPECT_TRUE(raw.write(Bytes::copy_of(text + "\r\n")));
      co_return (co_await read_to_end(raw)).substr(9, 3);
    };
    const HeaderField upgrade{"upgrade", "websocket"}, version{"sec-websocket-version", "13"}, key{"sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="};
    EXPECT_EQ(co_await ask({version, key}), "426");
    EXPECT_EQ(co_await ask({upgrade, {"sec-websocket-version", "8"}, key}), "426");
    EXPECT_EQ(co_await ask({upgrade, version}), "400");
    EXPECT_EQ(co_await ask({upgrade, version, {"sec-websocket-key", "c2hvcnQ="}}), "400");
    EXPECT_EQ(co_await ask({upgrade, version, key, {"origin", "https://evil.example"}}), "403");
    EXPECT_EQ(co_await ask({upgrade, version, key}), "400") << "of a connection that ends";
    EXPECT_EQ(line.echo.refusals.size(), 6u);
    co_await line.end();
  });
}

TEST(WebSocket, GivesUpAPeerThatAnswersNoPing) {
  ManualClock clock;
  on_shard(
      [&]() -> io::Task<void> {
        Line line({.ping_interval = 30ms, .ping_timeout = 300ms});
        co_await line.open();
        auto quiet = std::move((co_await WebSocket::connect(*line.client, to("/"), {})).value());
        const auto pass = [&clock](Duration by) -> io::Task<void> {
          clock.advance(by);
          for (int turn = 0; turn < 4; ++turn) co_await due_timers();  // and what a ping brings with it
        };
        for (int i = 0; i < 20; ++i) co_await pass(30ms);
        EXPECT_TRUE(co_await quiet->write_text("still here")) << "pings are answered by themselves";
        EXPECT_TRUE((co_await quiet->read()).value().has_value());
        io::Stream raw = co_await line.served.connect();
        EXPECT_TRUE(raw.write(Bytes::copy_of(std::string(kHandshake))));
        co_await read_until(raw, [](std::string_view seen) { return seen.contains("\r\n\r\n"); });
        co_await pass(30ms);
        EXPECT_EQ(co_await read_until(raw, [](std::string_view seen) { return seen.size() == 2; }), std::string_view("\x89\x00", 2));
        co_await pass(299ms);
        EXPECT_TRUE(line.echo.codes.empty());
        co_await pass(1ms);
        EXPECT_TRUE(co_await eventually([&] { return line.echo.codes.size() == 1; }));
        EXPECT_EQ(line.echo.codes[0], 1006);
        quiet.reset();
        co_await line.end();
      },
      {.shards = 1, .clock = &clock});
}

TEST(WebSocket, SaysGoodbyeWhenItsServerDrains) {
  on_shard([]() -> io::Task<void> {
    Line line;
    co_await line.open();
    auto socket = std::move((co_await WebSocket::connect(*line.client, to("/"), {})).value());
    io::TaskGroup group;
    group.spawn("stop", line.served.stop());
    EXPECT_FALSE((co_await socket->read()).value().has_value());
    EXPECT_EQ(socket->peer_close_code(), 1001);
    EXPECT_TRUE(co_await eventually([&] { return line.echo.codes.size() == 1; }));
    EXPECT_EQ(line.echo.codes[0], 1001) << "the answer to it";
    EXPECT_TRUE(line.echo.ends.empty());
    socket.reset();
    EXPECT_TRUE(co_await group.join());
    co_await line.end();
  });
}

TEST(WebSocket, GivesUpAPeerThatAnswersNoGoodbyeOfADrainingServer) {
  ManualClock clock;
  on_shard(
      [&]() -> io::Task<void> {
        Line line;
        co_await line.open();
        io::Stream mute = co_await line.served.connect();
        EXPECT_TRUE(mute.write(Bytes::copy_of(std::string(kHandshake))));
        co_await read_until(mute, [](std::string_view seen) { return seen.contains("\r\n\r\n"); });
        io::TaskGroup group;
        group.spawn("stop", line.served.stop());
        EXPECT_TRUE((co_await read_until(mute, [](std::string_view seen) { return !seen.empty(); })).starts_with("\x88"));
        EXPECT_TRUE(line.echo.codes.empty());
        clock.advance(WebSocketOptions().close_timeout);
        co_await due_timers();
        EXPECT_TRUE(co_await eventually([&] { return line.echo.codes.size() == 1; }));
        EXPECT_EQ(line.echo.codes[0], 1006);
        EXPECT_TRUE(co_await group.join());
        co_await line.end();
      },
      {.shards = 1, .clock = &clock});
}

TEST(WebSocket, TellsWhatAServerAnsweredInstead) {
  on_shard([]() -> io::Task<void> {
    Echo echo;
    Http1Protocol protocol(echo);
    Served served(protocol);
    co_await served.open();
    auto client = std::move(connect_http1(co_await served.connect()).value());
    auto socket = co_await WebSocket::connect(*client, to("/"), {});
    EXPECT_FALSE(socket.has_value());
    EXPECT_NE(socket.error().to_string().find("answered 200 instead of switching"), std::string::npos) << socket.error().to_string();
    co_await client->close();
    co_await served.stop();
  });
}

}  // namespace
}  // namespace sofa::http
