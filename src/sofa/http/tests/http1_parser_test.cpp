#include "sofa/http/detail/http1_parser.h"

#include <gtest/gtest.h>

#include "sofa/base/random.h"
#include "sofa/http/server.h"

namespace sofa::http::detail {
namespace {

/// What a parser makes of bytes that come in pieces.
template <class Parser>
std::string parse(Parser& parser, std::string_view bytes, size_t piece, size_t max_data = SIZE_MAX) {
  std::string out;
  Buffer in;
  for (size_t at = 0; at < bytes.size(); at += piece) {
    in.append(bytes.substr(at, piece));
    for (;;) {
      const Step step = parser.next(in, max_data);
      if (step == Step::need_more) break;
      if (step == Step::refused) return out + fmt::format("refused {}", parser.refusal().status);
      if (step == Step::data) out += as_text(parser.data());
      if (step == Step::end) out += fmt::format(" end({})\n", parser.trailers().size());
      if constexpr (std::is_same_v<Parser, RequestParser>) {
        if (step == Step::head) out += fmt::format("{} {} {}: ", parser.head().method, parser.head().authority, parser.head().target);
      } else {
        if (step == Step::head) out += fmt::format("{} {}: ", parser.head().status, parser.head().headers.size());
      }
    }
  }
  return out;
}

constexpr std::string_view kRequests =
    "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
    "POST /b?c=d HTTP/1.1\r\nhost: h:1\r\nContent-Length: 5\r\n\r\nhello"
    "POST http://other:2 HTTP/1.0\r\nContent-Length: 0\r\n\r\n"
    "PUT /e HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n5;a=\"b\"\r\nhello\r\n006\r\n world\r\n0\r\nX-T: 1\r\n\r\n"
    "GET /last HTTP/1.1\r\nHost:\r\n\r\n";
constexpr std::string_view kRead =
    "GET h /a:  end(0)\nPOST h:1 /b?c=d: hello end(0)\nPOST other:2 /:  end(0)\nPUT h /e: hello world end(1)\nGET  /last:  end(0)\n";

TEST(RequestParser, ReadsTheSameHoweverTheBytesAreCut) {
  for (size_t piece = 1; piece <= kRequests.size(); ++piece) {
    RequestParser parser{MessageLimits()};
    EXPECT_EQ(parse(parser, kRequests, piece), kRead) << "pieces of " << piece;
    EXPECT_TRUE(parser.idle());
  }
}

TEST(RequestParser, SkipsOneEmptyLineBeforeEachRequestHoweverTheBytesAreCut) {
  const std::string request = "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n";
  for (size_t piece = 1; piece <= 2 * request.size(); ++piece) {
    RequestParser two{MessageLimits()}, twice{MessageLimits()};
    EXPECT_EQ(parse(two, request + request, piece), "GET h /:  end(0)\nGET h /:  end(0)\n") << "pieces of " << piece;
    EXPECT_EQ(parse(twice, "\r\n" + request, piece), "refused 400") << "pieces of " << piece;
  }
}

TEST(RequestParser, TakesNoHostFromTheTargetThatItWouldNotTakeFromTheHeader) {
  RequestParser good{MessageLimits()}, bad{MessageLimits()};
  EXPECT_EQ(parse(good, "GET http://h:1/a HTTP/1.0\r\n\r\n", 1000), "GET h:1 /a:  end(0)\n");
  EXPECT_EQ(parse(bad, "GET http://h\x8b/a HTTP/1.0\r\n\r\n", 1000), "refused 400");
}

// In a buffer of just these bytes, so that AddressSanitizer sees a byte read too far.
TEST(RequestParser, WaitsForTheRestOfALastChunkAndNotForTheRestOfABadOne) {
  const std::string head = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const std::string_view chunk : {"0\r\n\r\n", "00\r\n\r\n", "0\r\nX: 1\r\n\r\n", "0;a\r\n\r\n"}) {
    for (size_t cut = 1; cut < chunk.size(); ++cut) {
      RequestParser parser{MessageLimits()};
      Buffer in(head.size());
      in.append(head);
      EXPECT_EQ(parser.next(in, 0), Step::head);
      Buffer part(cut);
      part.append(chunk.substr(0, cut));
      EXPECT_EQ(parser.next(part, 10), Step::need_more) << chunk << " cut at " << cut;
      part.append(chunk.substr(cut));
      EXPECT_EQ(parser.next(part, 10), Step::end) << chunk << " cut at " << cut;
    }
  }
  for (const std::string_view bad : {"g\r\n", "\r\n", "-0\r\n", "g"}) {
    RequestParser parser{MessageLimits()};
    EXPECT_EQ(parse(parser, head + std::string(bad), 1000), bad == "g" ? "POST h /: " : "POST h /: refused 400") << bad;
  }
}

TEST(RequestParser, GivesNoMoreDataThanAskedFor) {
  RequestParser parser{MessageLimits()};
  EXPECT_EQ(parse(parser, kRequests, 7, 1), kRead);
  RequestParser shut{MessageLimits()};
  Buffer in;
  in.append(kRequests.substr(kRequests.find("POST")));
  EXPECT_EQ(shut.next(in, 0), Step::head);
  EXPECT_EQ(shut.next(in, 0), Step::need_more);
  EXPECT_TRUE(shut.in_body());
  ASSERT_EQ(shut.next(in, 3), Step::data);
  EXPECT_EQ(as_text(shut.data()), "hel");
}

// What a reader in front of this one may take as one message, this one must not take as two, or refuse: any byte changed in a valid message.
TEST(RequestParser, ChangedBytesNeverCrashItAndCutsNeverChangeWhatItReads) {
  const uint64_t seed = system_seed();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  Random random(seed);
  for (int round = 0; round < 2000; ++round) {
    std::string bytes(kRequests);
    for (int i = 0; i < 3; ++i) bytes[random.uniform(bytes.size())] = static_cast<char>(random.uniform(256));
    RequestParser whole{MessageLimits()}, cut{MessageLimits()};
    const std::string read = parse(whole, bytes, bytes.size());
    EXPECT_EQ(parse(cut, bytes, 1 + random.uniform(20)), read) << to_hex(as_bytes(bytes));
  }
}

TEST(RequestParser, RefusesOverItsLimitsAsSoonAsTheyArePassed) {
  MessageLimits limits;
  limits.max_target = 100;
  limits.max_header_list = 200;
  limits.max_headers = 3;
  const auto status = [&](std::string bytes, uint64_t max_body = 10) {
    RequestParser parser(limits, max_body);
    return parse(parser, bytes, 1);
  };
  const std::string head = "POST / HTTP/1.1\r\nHost: h\r\n", a(250, 'a');
  EXPECT_EQ(status("GET /" + a), "refused 414");
  EXPECT_EQ(status("GET / HTTP/1.1\r\nX: " + a), "refused 431");
  EXPECT_EQ(status(head + "A: 1\r\nB: 2\r\nC: 3\r\n\r\n"), "refused 431");
  EXPECT_EQ(status(head + "Content-Length: 11\r\n\r\n"), "refused 413");
  EXPECT_EQ(status(head + "Transfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n6\r\nabcdef\r\n"), "POST h /: abcdefabcdrefused 413");
  EXPECT_EQ(status(head + "Transfer-Encoding: chunked\r\n\r\n0\r\nX: " + a), "POST h /: refused 431");
}

TEST(RequestParser, TellsWhatTheConnectionDoesNext) {
  const auto facts = [](std::string fields, std::string version = "1.1") {
    RequestParser parser{MessageLimits()};
    Buffer in;
    in.append("GET / HTTP/" + version + "\r\nHost: h\r\n" + fields + "\r\n");
    EXPECT_EQ(parser.next(in, 0), Step::head) << fields;
    return parser.facts();
  };
  EXPECT_TRUE(facts("").keep_alive);
  EXPECT_FALSE(facts("Connection: x, Close\r\n").keep_alive);
  EXPECT_FALSE(facts("", "1.0").keep_alive);
  EXPECT_TRUE(facts("Connection: keep-alive\r\n", "1.0").keep_alive);
  EXPECT_TRUE(facts("Connection: upgrade\r\nUpgrade: websocket\r\n").upgrade);
  EXPECT_FALSE(facts("Upgrade: websocket\r\n").upgrade);
  EXPECT_TRUE(facts("Expect: 100-Continue\r\nContent-Length: 1\r\n").expects_continue);
  EXPECT_FALSE(facts("Expect: 100-continue\r\n").expects_continue) << "there is no body";
}

TEST(ResponseParser, KnowsWhereBodiesEnd) {
  ResponseParser parser{MessageLimits()};
  EXPECT_EQ(parse(parser,
                  "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
                  "HTTP/1.1 204 \r\n\r\nHTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"
                  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\nHTTP/1.0 200 OK\r\nA: b\r\n\r\nto the end",
                  5),
            "100 0:  end(0)\n200 1: hi end(0)\n204 0:  end(0)\n304 1:  end(0)\n200 1: x end(0)\n200 1: to the end");
  EXPECT_TRUE(parser.ends_with_stream());
  ResponseParser head{MessageLimits()};
  head.answers_head_request(true);
  EXPECT_EQ(parse(head, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", 100), "200 1:  end(0)\n");
}

TEST(Http1Protocol, IsDetectedByAKnownMethodWordAndASpace) {
  struct Nothing : Handler {
    void handle(ExchangePtr) override {}
  } handler;
  const Http1Protocol protocol(handler);
  using transport::Detected;
  for (const std::string_view maybe : {"G", "GE", "GET", "P", "PU", "PATCH", "OPTIONS", "CONNEC"}) {
    EXPECT_EQ(protocol.detect(as_bytes(maybe)), Detected::maybe) << maybe;
  }
  for (const std::string_view yes : {"GET ", "GET /", "POST x", "DELETE ", "HEAD "}) EXPECT_EQ(protocol.detect(as_bytes(yes)), Detected::yes) << yes;
  for (const std::string_view no : {"X", "GETS", "get", "GET\t", "PRI * HTTP/2.0", "\x01", "\x16\x03", " GET", "BREW "}) {
    EXPECT_EQ(protocol.detect(as_bytes(no)), Detected::no) << no;
  }
}

}  // namespace
}  // namespace sofa::http::detail
