#include "sofa/http/middleware.h"

#include "harness.h"
#include "sofa/base/testing/captured_log.h"
#include "sofa/http/content_coding.h"
#include "sofa/http/router.h"
#include "sofa/http/static_files.h"
#include "sofa/http/testing/recorded_exchange.h"

namespace sofa::http {
namespace {

using namespace testing;
using Sent = RecordedExchange::Sent;

/// Answers 200 "ok" at once.
struct Ok final : Handler {
  void handle(ExchangePtr exchange) override {
    principal = exchange->context().principal;
    EXPECT_TRUE(respond_text(*exchange, 200, "ok"));
  }
  std::string principal;
};

/// For handlers that answer at once: an exchange that is kept writes into what its test holds.
Sent ask(Handler& handler, std::string method, std::string target, Headers headers = {}) {
  Sent sent;
  handler.handle(std::make_unique<RecordedExchange>(sent, std::move(method), std::move(target), std::move(headers)));
  EXPECT_EQ(sent.exchange, nullptr) << "kept by the handler";
  return sent;
}

TEST(Cors, AnswersThePreflightOfAnAllowedOrigin) {
  Ok ok;
  Cors cors(ok, {.origins = {"https://a.example"}, .headers = {"content-type", "x-token"}, .exposed = {"x-id"}, .credentials = true});
  const Sent sent = ask(cors, "OPTIONS", "/x", {{"origin", "https://a.example"}, {"access-control-request-method", "PUT"}});
  EXPECT_EQ(sent.status, 204);
  EXPECT_EQ(sent.headers.get("access-control-allow-origin"), "https://a.example");
  EXPECT_EQ(sent.headers.get("access-control-allow-headers"), "content-type, x-token");
  EXPECT_TRUE(sent.headers.has_token("access-control-allow-methods", "PUT"));
  EXPECT_EQ(sent.headers.get("access-control-allow-credentials"), "true");
  EXPECT_EQ(sent.headers.get("access-control-max-age"), "600");
  EXPECT_EQ(sent.headers.get("vary"), "origin");
}

TEST(Cors, MarksAnswersForAllowedOriginsAndLeavesOthersAsTheyAre) {
  Ok ok;
  Cors cors(ok, {.origins = {"https://a.example"}, .exposed = {"x-id"}});
  const Sent allowed = ask(cors, "GET", "/x", {{"origin", "https://a.example"}});
  EXPECT_EQ(allowed.headers.get("access-control-allow-origin"), "https://a.example");
  EXPECT_EQ(allowed.headers.get("access-control-expose-headers"), "x-id");
  EXPECT_EQ(allowed.body, "ok\n");
  for (const auto& headers : {Headers{{"origin", "https://b.example"}}, Headers{}, Headers{{"origin", "https://a.example.evil"}}}) {
    const Sent other = ask(cors, "GET", "/x", headers);
    EXPECT_FALSE(other.headers.contains("access-control-allow-origin"));
    EXPECT_EQ(other.body, "ok\n");
  }
  Cors any(ok, {.origins = {"*"}});
  EXPECT_EQ(ask(any, "GET", "/x", {{"origin", "https://b.example"}}).headers.get("access-control-allow-origin"), "*");
}

TEST(CorsDeathTest, CredentialsForEveryOriginEndTheProgram) {
  Ok ok;
  EXPECT_DEATH(Cors(ok, {.origins = {"*"}, .credentials = true}), "name the origins");
}

TEST(Authenticator, LetsThroughWhatItsHookAccepts) {
  Ok ok;
  Authenticator door(
      ok,
      [](Exchange& exchange) -> Result<std::string> {
        const std::string_view token = exchange.request().headers.get_or("authorization");
        if (token.empty()) return fail(Code::unauthenticated, "a token is needed");
        if (token != "Bearer good") return fail(Code::permission_denied, "the token is not good here");
        return "alice";
      },
      "Bearer realm=\"test\"");
  const Sent nobody = ask(door, "GET", "/");
  EXPECT_EQ(nobody.status, 401);
  EXPECT_EQ(nobody.headers.get("www-authenticate"), "Bearer realm=\"test\"");
  EXPECT_EQ(nobody.body, "a token is needed\n");
  EXPECT_EQ(ask(door, "GET", "/", {{"authorization", "Bearer bad"}}).status, 403);
  EXPECT_EQ(ask(door, "GET", "/", {{"authorization", "Bearer good"}}).status, 200);
  EXPECT_EQ(ok.principal, "alice");
}

TEST(Limits, RefusesWhatIsOverThem) {
  Sent one, two, later;
  Keeper keeper;
  Limits limits(keeper, {.max_in_flight = 2, .max_body = 10});
  EXPECT_EQ(ask(limits, "POST", "/", {{"content-length", "11"}}).status, 413);
  limits.handle(std::make_unique<RecordedExchange>(one, "POST", "/"));
  limits.handle(std::make_unique<RecordedExchange>(two, "POST", "/"));
  EXPECT_EQ(limits.in_flight(), 0u) << "their bodies have still to come";
  Headers none;
  one.exchange->sink()->on_end(none);
  two.exchange->sink()->on_end(none);
  const Sent third = ask(limits, "POST", "/");
  EXPECT_EQ(third.status, 503);
  EXPECT_EQ(third.headers.get("retry-after"), "1");
  EXPECT_FALSE(limits.wants_body({}));
  one.exchange->sink()->on_data(as_bytes("12345"));
  EXPECT_EQ(keeper.kept[0]->sink.body, "12345");
  EXPECT_EQ(one.consumed, 5u);
  one.exchange->sink()->on_data(as_bytes("678901"));
  EXPECT_EQ(one.status, 413);
  EXPECT_EQ(keeper.kept[0]->sink.failure->code(), Code::resource_exhausted);
  EXPECT_TRUE(keeper.kept[1]->exchange->send_response(200, {}));
  two.exchange->sink()->on_data(as_bytes("12345678901"));
  EXPECT_TRUE(two.reset) << "the head of another answer has left";
  keeper.kept.clear();
  EXPECT_EQ(limits.in_flight(), 0u);
  limits.handle(std::make_unique<RecordedExchange>(later, "POST", "/"));
  EXPECT_EQ(later.status, 0) << "kept, not refused";
  keeper.kept.clear();  // what is counted goes before the one who counts
}

TEST(Limits, ABodyThatDoesNotComeTakesNoPlace) {
  Sent slow, answered, quick, whole;
  Keeper keeper;
  Limits limits(keeper, {.max_in_flight = 1});
  for (Sent* sent : {&slow, &answered, &quick}) limits.handle(std::make_unique<RecordedExchange>(*sent, "POST", "/"));
  Headers none;
  quick.exchange->sink()->on_end(none);
  EXPECT_TRUE(keeper.kept[2]->sink.ended);
  EXPECT_EQ(limits.in_flight(), 1u);
  slow.exchange->sink()->on_end(none);
  EXPECT_EQ(slow.status, 503) << "it is whole when another has its place";
  EXPECT_EQ(keeper.kept[0]->sink.failure->code(), Code::resource_exhausted);
  EXPECT_TRUE(keeper.kept[1]->exchange->send_response(200, {}));
  EXPECT_EQ(limits.in_flight(), 2u) << "an answer counts, too, although its request goes on";
  answered.exchange->sink()->on_end(none);
  EXPECT_TRUE(keeper.kept[1]->sink.ended);
  keeper.kept.clear();
  EXPECT_EQ(limits.in_flight(), 0u);
}

TEST(AccessLog, WritesOneLineWhenAnExchangeEnds) {
  CapturedLog log;
  on_shard([]() -> io::Task<void> {
    Ok ok;
    Router router;
    router.get("/users/{id}", ok);
    Authenticator door(router, [](Exchange&) -> Result<std::string> { return "alice"; });
    AccessLog logged(door);
    ask(logged, "GET", "/users/7?x=1");
    Sent slow;
    Keeper keeper;
    AccessLog given_up(keeper);
    given_up.handle(std::make_unique<RecordedExchange>(slow, "GET", "/slow"));
    keeper.kept.clear();  // what is logged goes before the one who logs
    co_return;
  });
  EXPECT_EQ(log.lines().size(), 2u);
  EXPECT_TRUE(log.contains("method=GET target=\"/users/7?x=1\" route=/users/{id} status=200 bytes=3 us=")) << log.lines()[0];
  EXPECT_TRUE(log.contains("principal=alice ended=yes"));
  EXPECT_TRUE(log.contains("target=/slow route=\"\" status=0 bytes=0")) << log.lines()[1];
}

class StaticFilesTest : public ::testing::Test {
 protected:
  StaticFilesTest() {
    files.add("index.html", "text/html", Bytes::literal("<p>"));
    files.add("docs/index.html", "text/html", Bytes::literal("<p>docs"));
    files.add("a.txt", "text/plain", Bytes::literal("0123456789"), "max-age=60");
    router.get("/f/{path...}", files);
  }
  Sent get(std::string path, Headers headers = {}) { return ask(router, "GET", std::move(path), std::move(headers)); }
  StaticFiles files;
  Router router;
};

TEST_F(StaticFilesTest, AreFoundByTheirPathAndFoldersByTheirIndex) {
  EXPECT_EQ(get("/f/a.txt").body, "0123456789");
  EXPECT_EQ(get("/f/a.txt").headers.get("cache-control"), "max-age=60");
  EXPECT_EQ(get("/f/").body, "<p>");
  EXPECT_EQ(get("/f/docs/").body, "<p>docs");
  EXPECT_EQ(get("/f/docs").status, 404);
  EXPECT_EQ(get("/f/b.txt").status, 404);
  EXPECT_EQ(ask(files, "POST", "a.txt").status, 405);
}

TEST_F(StaticFilesTest, AreNotSentAgainToWhoHasThem) {
  const std::string tag(get("/f/a.txt").headers.get_or("etag"));
  EXPECT_NE(tag, get("/f/").headers.get_or("etag"));
  for (const std::string& tags : {tag, "W/" + tag, "\"x\", " + tag, std::string("*")}) {
    const Sent sent = get("/f/a.txt", {{"if-none-match", tags}});
    EXPECT_EQ(sent.status, 304) << tags;
    EXPECT_EQ(sent.headers.get("etag"), tag);
    EXPECT_EQ(sent.body, "");
  }
  EXPECT_EQ(get("/f/a.txt", {{"if-none-match", "\"x\""}}).status, 200);
}

TEST_F(StaticFilesTest, AreSentInPart) {
  const auto part = [&](std::string range, Headers more = {}) {
    more.add("range", range);
    const Sent sent = get("/f/a.txt", more);
    return fmt::format("{} {} {}", sent.status, sent.headers.get_or("content-range"), sent.body);
  };
  EXPECT_EQ(part("bytes=2-4"), "206 bytes 2-4/10 234");
  EXPECT_EQ(part("bytes=7-"), "206 bytes 7-9/10 789");
  EXPECT_EQ(part("bytes=7-99"), "206 bytes 7-9/10 789");
  EXPECT_EQ(part("bytes=-3"), "206 bytes 7-9/10 789");
  EXPECT_EQ(part("bytes=-30"), "206 bytes 0-9/10 0123456789");
  EXPECT_EQ(part("bytes=10-"), "416 bytes */10 ");
  EXPECT_EQ(part("bytes=-0"), "416 bytes */10 ");
  for (const std::string ignored : {"bytes=4-2", "bytes=a-b", "bytes=1-2,4-5", "lines=1-2", "bytes=-", "bytes=3"}) {
    EXPECT_EQ(part(ignored), "200  0123456789") << ignored;
  }
  EXPECT_EQ(part("bytes=2-4", {{"if-range", "\"old\""}}), "200  0123456789");
  const Sent head = ask(router, "HEAD", "/f/a.txt", {{"range", "bytes=2-4"}});
  EXPECT_EQ(fmt::format("{} {}", head.status, head.headers.get_or("content-length")), "200 10") << "parts are of GET alone";
}

constexpr std::string_view kLongText = "a text that is long enough to get shorter: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

StaticFile compressed_file() {
  Buffer out;
  EXPECT_TRUE(make_compressor(ContentCoding::gzip)->compress(as_bytes(kLongText), Compressor::Flush::end, out));
  return {.content_type = "text/javascript", .content = out.take(), .coding = ContentCoding::gzip, .headers = {{"x-more", "1"}}};
}

TEST_F(StaticFilesTest, AreSentCompressedToWhoTakesItAndDecompressedToOthers) {
  const StaticFile file = compressed_file();
  files.add("b.js", file);
  for (const std::string taken : {"gzip", "br, gzip;q=0.5", "deflate,gzip"}) {
    const Sent sent = get("/f/b.js", {{"accept-encoding", taken}});
    EXPECT_EQ(sent.headers.get("content-encoding"), "gzip") << taken;
    EXPECT_EQ(sent.body, file.content.text()) << taken;
  }
  for (const std::string refused : {"", "br", "gzip;q=0", "gzip;q=0.000"}) {
    const Sent sent = get("/f/b.js", {{"accept-encoding", refused}});
    EXPECT_FALSE(sent.headers.contains("content-encoding")) << refused;
    EXPECT_EQ(sent.body, kLongText) << refused;
    EXPECT_EQ(sent.headers.get("vary"), "accept-encoding");
    EXPECT_EQ(sent.headers.get("x-more"), "1");
  }
}

TEST_F(StaticFilesTest, HaveATagOfTheirOwnForEachCoding) {
  files.add("b.js", compressed_file());
  const std::string packed(get("/f/b.js", {{"accept-encoding", "gzip"}}).headers.get_or("etag"));
  const std::string plain(get("/f/b.js").headers.get_or("etag"));
  EXPECT_NE(packed, plain);
  EXPECT_EQ(get("/f/b.js", {{"accept-encoding", "gzip"}, {"if-none-match", packed}}).status, 304);
  EXPECT_EQ(get("/f/b.js", {{"accept-encoding", "gzip"}, {"if-none-match", plain}}).status, 200);
  EXPECT_EQ(get("/f/b.js", {{"if-none-match", plain}}).status, 304);
}

TEST_F(StaticFilesTest, AreAnsweredByOnePageWhereAPageIsAskedForAndNoneIsThere) {
  files.set_page("index.html");
  EXPECT_EQ(get("/f/some/where", {{"accept", "text/html,*/*"}}).body, "<p>");
  EXPECT_EQ(get("/f/a.txt", {{"accept", "text/html"}}).body, "0123456789");
  EXPECT_EQ(get("/f/some/where.js", {{"accept", "*/*"}}).status, 404);
}

}  // namespace
}  // namespace sofa::http
