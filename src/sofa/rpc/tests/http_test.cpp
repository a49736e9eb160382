// What a server does with HTTP requests that are no gRPC.

#include <algorithm>

#include "http_client.h"
#include "sofa/base/testing/captured_log.h"
#include "sofa/http/router.h"

namespace sofa::rpc {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Http : public ::testing::TestWithParam<http::Version> {};
INSTANTIATE_TEST_SUITE_P(Versions, Http, ::testing::Values(http::Version::http1_1, http::Version::http2),
                         [](const auto& version) { return version.param == http::Version::http2 ? "Http2" : "Http1"; });

/// A server whose handler of "/relay" calls a service, which tells what it has seen.
struct Relay {
  std::vector<std::string> seen;
  Fixture inner;
  std::unique_ptr<RunningServer> outer;

  Task<Result<void>> open() {
    auto service = make_sample();
    service->hello = [this](Context& context, std::string name) {
      seen = {std::string(context.header("rpc_trace_context.sofaTraceId")), std::string(context.header("rpc_trace_context.sofaRpcId")),
              std::string(context.header("new_rpc_trace_context"))};
      return "hello " + name;
    };
    inner.server = co_await or_return(Server(ServerOptions{.port = 0}).add(service).start());
    inner.client = co_await or_return(connect<Sample>(at(inner.server)));
    auto router = std::make_shared<http::Router>();
    router->get("/relay", [this](http::Exchange& exchange, http::Body&) -> Task<Result<void>> {
      const std::string text = co_await or_return(inner.client->hello("bob"));
      co_return http::respond_text(exchange, 200, text);
    });
    outer = co_await or_return(Server(ServerOptions{.port = 0}).http(router).start());
    co_return Result<void>();
  }
  Task<Result<void>> close() {
    co_await or_return(outer->stop());
    co_return co_await inner.close();
  }
};

TEST_P(Http, CallsOfAHandlerCarryTheTraceContextOfItsRequest) {
  run_test([](http::Version version) -> Task<Result<void>> {
    Relay relay;
    co_await or_return(relay.open());
    auto answer =
        co_await or_return(ask(*relay.outer, version, {.target = "/relay", .headers = {{"SOFA-TraceId", "0a0fe8"}, {"sofa-rpcid", "0.1"}}}));
    EXPECT_EQ(answer.body, "hello bob\n");
    EXPECT_THAT(relay.seen, ElementsAre("0a0fe8", "0.1", ""));
    EXPECT_EQ(answer.fields.get_or("sofa-traceid"), "0a0fe8");
    EXPECT_EQ(answer.fields.get_or("sofa-rpcid"), "0.1");
    answer = co_await or_return(
        ask(*relay.outer, version,
            {.target = "/relay", .headers = {{"rpc_trace_context.sofatraceid", "0a0fe9"}, {"new_rpc_trace_context", "tcid=0a&spid=0"}}}));
    EXPECT_THAT(relay.seen, ElementsAre("0a0fe9", "", "tcid=0a&spid=0"));
    answer = co_await or_return(ask(*relay.outer, version, {.target = "/relay"}));
    EXPECT_THAT(relay.seen, ElementsAre("", "", ""));
    EXPECT_FALSE(answer.fields.contains("sofa-traceid"));
    co_return co_await relay.close();
  }(GetParam()));
}

std::string target_of(std::string_view method) { return fmt::format("/sofa.interop.InteropService:1.0/{}", method); }

Task<Result<HttpAnswer>> post(Fixture& fixture, http::Version version, std::string_view method, std::string body, http::Headers fields = {}) {
  return ask(*fixture.server, version, {.method = "POST", .target = target_of(method), .headers = std::move(fields)}, std::move(body));
}

TEST_P(Http, EveryMethodIsCalledByJsonOrByAQuery) {
  run_test([](http::Version version) -> Task<Result<void>> {
    Fixture fixture;
    co_await or_return(fixture.open());
    const auto answer = co_await or_return(post(fixture, version, "hello", R"(["bob", 2])"));
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, R"("hello bob,hello bob")");
    EXPECT_EQ((co_await or_return(post(fixture, version, "sleep", "[1]"))).body, R"("slept 1")") << "a coroutine";
    EXPECT_EQ((co_await or_return(ask(*fixture.server, version, {.target = target_of("add?a=1&b=2")}))).body, "3");
    EXPECT_EQ((co_await or_return(post(fixture, version, "transfer", R"({"id": "t", "cents": 1})"))).body, R"({"id":"t!","cents":2})");
    EXPECT_EQ(fixture.server->stats().calls, 4);
    co_return co_await fixture.close();
  }(GetParam()));
}

/// A browser asks nobody before it sends these.
TEST_P(Http, APageOfAnotherOriginCallsNoMethod) {
  run_test([](http::Version version) -> Task<Result<void>> {
    Fixture fixture;
    co_await or_return(fixture.open({.cors = http::CorsOptions{.origins = {"https://app.example"}}}));
    const std::string own = "http://" + fixture.server->address().to_string();
    struct Case {
      http::Headers fields;
      int status;
    };
    const std::vector<Case> cases = {
        {{{"origin", "https://evil.example"}, {"content-type", "text/plain"}}, 403},
        {{{"origin", "null"}}, 403},
        {{{"sec-fetch-site", "cross-site"}}, 403},
        {{{"sec-fetch-site", "same-site"}}, 403},
        {{{"sec-fetch-site", "same-origin"}}, 200},
        {{{"sec-fetch-site", "none"}}, 200},
        {{{"origin", own}, {"sec-fetch-site", "same-origin"}, {"content-type", "text/plain"}}, 200},
        {{{"origin", "https://app.example"}, {"sec-fetch-site", "cross-site"}, {"content-type", "application/json"}}, 200},
        {{}, 200}};
    uint64_t calls = 0;
    for (const auto& [fields, status] : cases) {
      const auto posted = co_await or_return(post(fixture, version, "hello", R"(["bob", 2])", fields));
      EXPECT_EQ(posted.status, status) << posted.body;
      const auto got = co_await or_return(ask(*fixture.server, version, {.target = target_of("add?a=1&b=2"), .headers = fields}));
      EXPECT_EQ(got.status, status) << got.body;
      calls += status == 200 ? 2 : 0;
      EXPECT_EQ(fixture.server->stats().calls, calls) << "what is refused must not run";
    }
    co_return co_await fixture.close();
  }(GetParam()));
}

TEST_P(Http, ToSofarpcsClientsWhatAServiceReturnsAsAnErrorIs200WithAHeader) {
  run_test([](http::Version version) -> Task<Result<void>> {
    Fixture fixture;
    co_await or_return(fixture.open());
    const http::Headers sofa{{"sofa_head_serialize_type", "json"}};
    auto answer = co_await or_return(post(fixture, version, "fail", R"("java")", sofa));
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.fields.get_or("sofa_head_response_error"), "true");
    EXPECT_EQ(answer.body, "java.lang.IllegalArgumentException: boom 1\n");
    answer = co_await or_return(post(fixture, version, "fail", R"("plain")", sofa));
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.fields.get_or("sofa_cpp_error_code"), "not_found");
    answer = co_await or_return(post(fixture, version, "fail", R"("throw")", sofa));
    EXPECT_THAT(answer.body, HasSubstr("thrown by the service"));
    co_return co_await fixture.close();
  }(GetParam()));
}

TEST_P(Http, ToAllOthersAnErrorIsTheStatusOfItsCodeAndJson) {
  run_test([](http::Version version) -> Task<Result<void>> {
    Fixture fixture;
    co_await or_return(fixture.open());
    auto answer = co_await or_return(post(fixture, version, "fail", R"(["plain"])"));
    EXPECT_EQ(answer.status, 404) << "so that curl -f fails";
    EXPECT_EQ(answer.fields.get_or("content-type"), "application/json");
    EXPECT_THAT(answer.body, HasSubstr(R"({"code":"not_found","message":")"));
    answer = co_await or_return(post(fixture, version, "fail", R"(["java"])"));
    EXPECT_EQ(answer.status, 400) << "the code that fits IllegalArgumentException";
    EXPECT_EQ(answer.body, R"({"code":"invalid_argument","message":"java.lang.IllegalArgumentException: boom 1"})");
    answer = co_await or_return(post(fixture, version, "nothing", "[]"));
    EXPECT_EQ(answer.status, 404);
    EXPECT_THAT(answer.body, HasSubstr(R"("message":")")) << "also what is refused before the service is called";
    co_return co_await fixture.close();
  }(GetParam()));
}

TEST_P(Http, BaggageAndTheTraceContextComeAndGo) {
  run_test([](http::Version version) -> Task<Result<void>> {
    Fixture fixture;
    co_await or_return(fixture.open());
    const auto answer = co_await or_return(
        post(fixture, version, "baggage", R"(["color"])", {{"rpc_req_baggage.color", "blue"}, {"sofa-traceid", "0a"}, {"sofa-rpcid", "0"}}));
    EXPECT_EQ(answer.body, R"("blue")");
    EXPECT_EQ(answer.fields.get_or("rpc_resp_baggage.answer"), "got-blue");
    EXPECT_EQ(answer.fields.get_or("sofa-traceid"), "0a");
    co_return co_await fixture.close();
  }(GetParam()));
}

Result<std::string> check_token(http::Exchange& exchange) {
  if (exchange.request().headers.get_or("authorization") != "Bearer secret") return fail(Code::unauthenticated, "say who you are");
  return "ada";
}

/// Notes its name for each request.
class Mark final : public http::Middleware {
 public:
  Mark(http::Handler& next, std::string& seen, char name) : Middleware(next), seen_(seen), name_(name) {}
  void handle(http::ExchangePtr exchange) override {
    seen_ += name_;
    next().handle(std::move(exchange));
  }

 private:
  std::string& seen_;
  const char name_;
};

TEST_P(Http, MiddlewaresStandBeforeMethodsAndPagesInTheirOrder) {
  run_test([](http::Version version) -> Task<Result<void>> {
    std::string seen;
    Fixture fixture;
    auto router = std::make_shared<http::Router>();
    router->get("/page", [](const http::ExchangePtr& exchange) { [[maybe_unused]] const auto sent = http::respond_text(*exchange, 200, "page"); });
    fixture.server = co_await or_return(Server(ServerOptions{.port = 0})
                                            .add(make_sample(fixture.seen), {.thread_safe = true})
                                            .http(router)
                                            .middleware([&seen](http::Handler& next) { return std::make_unique<Mark>(next, seen, 'a'); })
                                            .middleware([&seen](http::Handler& next) { return std::make_unique<Mark>(next, seen, 'b'); })
                                            .middleware([](http::Handler& next) { return std::make_unique<http::Authenticator>(next, check_token); })
                                            .start());
    EXPECT_EQ((co_await or_return(post(fixture, version, "echo", R"(["x"])"))).status, 401);
    EXPECT_EQ((co_await or_return(ask(*fixture.server, version, {.target = "/page"}))).status, 401);
    EXPECT_EQ(seen, "abab");
    const http::Headers token{{"authorization", "Bearer secret"}};
    EXPECT_EQ((co_await or_return(post(fixture, version, "echo", R"(["x"])", token))).body, R"("x")");
    EXPECT_EQ((co_await or_return(ask(*fixture.server, version, {.target = "/page", .headers = token}))).body, "page\n");
    co_return co_await fixture.server->stop();
  }(GetParam()));
}

TEST(HttpCalls, TheAccessLogHasALineForEachRequest) {
  CapturedLog log;
  run_test([]() -> Task<Result<void>> {
    Fixture fixture;
    co_await or_return(fixture.open({.cors = http::CorsOptions{.origins = {"https://app.example"}}, .access_log = true}));
    co_await or_return(post(fixture, http::Version::http2, "echo", R"(["x"])"));
    const http::Headers preflight{{"origin", "https://app.example"}, {"access-control-request-method", "POST"}};
    co_await or_return(ask(*fixture.server, http::Version::http1_1, {.method = "OPTIONS", .target = "/", .headers = preflight}));
    co_return co_await fixture.close();
  }());
  EXPECT_EQ(log.count("access request"), 2u);
  EXPECT_EQ(log.count("method=POST target=/sofa.interop.InteropService:1.0/echo"), 1u);
  EXPECT_EQ(log.count("status=200"), 1u);
}

TEST(HttpCalls, TheBoundsOfHttp1AreOptionsOfTheServer) {
  run_test([]() -> Task<Result<void>> {
    Fixture fixture;
    co_await or_return(fixture.open({.http1 = {.max_body = 10}}));
    EXPECT_EQ((co_await or_return(post(fixture, http::Version::http1_1, "echo", R"(["longer than ten"])"))).status, 413);
    EXPECT_EQ((co_await or_return(post(fixture, http::Version::http2, "echo", R"(["longer than ten"])"))).status, 200);
    co_return co_await fixture.close();
  }());
}

/// A request to the handler of Server::http or to a method of gRPC, whose body does not come.
class BodiesThatDoNotCome : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Types, BodiesThatDoNotCome, ::testing::Values("text/plain", "application/grpc"),
                         [](const auto& info) { return std::string_view(info.param) == "text/plain" ? "Guest" : "Grpc"; });

TEST_P(BodiesThatDoNotCome, TakeNoPlaceOfCalls) {
  run_test([](std::string type) -> Task<Result<void>> {
    auto router = std::make_shared<http::Router>();
    size_t guests = 0;
    router->post("/guest", [&guests](http::Exchange& exchange, http::Body& body) -> Task<Result<void>> {
      ++guests;
      co_await or_return(body.read_all(100));
      co_return http::respond_text(exchange, 200, "read");
    });
    Fixture fixture;
    fixture.server = co_await or_return(Server(ServerOptions{.port = 0, .max_calls = 1}).add(make_sample(fixture.seen)).http(router).start());
    struct Nothing final : http::MessageSink {
      void on_data(ByteSpan) override {}
      void on_end(http::Headers&) override { ended = true; }
      void on_abort(Error) override { ended = true; }
      bool ended = false;
    } sinks[20];
    auto connection = co_await or_return(http::connect_http2(co_await or_return(io::Stream::connect(fixture.server->address()))));
    std::vector<http::ExchangePtr> open;
    const std::string target = type == "text/plain" ? "/guest" : "/sofa.interop.InteropService/hello";
    for (Nothing& sink : sinks) {
      http::RequestHead head{.method = "POST", .authority = "localhost", .target = target, .headers = {{"content-type", type}}};
      open.push_back(co_await or_return(connection->start(std::move(head), sink, false)));
    }
    // A head that came while a call runs would be refused at once.
    if (type == "text/plain") EXPECT_TRUE(co_await eventually([&] { return guests == std::size(sinks); }));
    for (int i = 0; i < 3; ++i) EXPECT_EQ((co_await or_return(post(fixture, http::Version::http2, "sleep", "[1]"))).body, R"("slept 1")");
    EXPECT_EQ((co_await or_return(ask(*fixture.server, http::Version::http2, {.method = "POST", .target = "/guest"}, "x"))).body, "read\n");
    EXPECT_TRUE(std::ranges::none_of(sinks, &Nothing::ended));
    EXPECT_EQ(fixture.server->stats().busy, 0);
    open.clear();
    co_await connection->close();
    co_return co_await fixture.close();
  }(GetParam()));
}

TEST_P(Http, AnAnswerOverMaxFrameIsAnError) {
  CapturedLog log;
  run_test([](http::Version version) -> Task<Result<void>> {
    Fixture fixture;
    auto service = make_sample();
    service->echo = [](Text) -> Result<Text> { return std::string(2000, 'x'); };
    fixture.server = co_await or_return(Server(ServerOptions{.port = 0, .max_frame = 1000}).add(service).start());
    const auto large = co_await or_return(post(fixture, version, "echo", R"(["x"])"));
    EXPECT_EQ(large.status, 500);
    EXPECT_THAT(large.body, HasSubstr("the answer is too large: 2002 bytes, over max_frame (1000)"));
    EXPECT_EQ(fixture.server->stats().errors, 1);
    co_return co_await fixture.close();
  }(GetParam()));
  EXPECT_TRUE(log.contains("answer not sent"));
}

TEST_P(Http, WhatIsTooMuchIsRefused) {
  run_test([](http::Version version) -> Task<Result<void>> {
    Fixture fixture;
    co_await or_return(fixture.open({.max_frame = 1000, .max_calls = 0}));
    auto answer = co_await or_return(post(fixture, version, "echo", fmt::format(R"(["{}"])", std::string(2000, 'x'))));
    EXPECT_EQ(answer.status, 413);
    EXPECT_THAT(answer.body, HasSubstr("1000 bytes"));
    answer = co_await or_return(post(fixture, version, "sleep", "[1]"));
    EXPECT_EQ(answer.status, 503);
    EXPECT_EQ(fixture.server->stats().busy, 1);
    EXPECT_EQ((co_await or_return(post(fixture, version, "echo", R"(["x"])"))).status, 200) << "a plain function needs no task";
    co_return co_await fixture.close();
  }(GetParam()));
}

TEST_P(Http, ACallThatTheLimitOfItsServiceRefusesIsBusy) {
  run_test([](http::Version version) -> Task<Result<void>> {
    Fixture fixture;
    fixture.server = co_await or_return(
        Server(ServerOptions{.port = 0}).add(make_sample(fixture.seen), {.thread_safe = true, .concurrents = 1, .max_waiting = 0}).start());
    io::TaskGroup group(co_await io::current_scope());
    group.spawn("runs", [](Fixture& served, http::Version spoken) -> Task<void> {
      const auto answer = co_await post(served, spoken, "sleep", "[200]");
      EXPECT_TRUE(answer && answer->status == 200);
    }(fixture, version));
    EXPECT_TRUE(co_await eventually([&] { return fixture.server->stats().calls > 0; }));
    const auto answer = co_await or_return(post(fixture, version, "sleep", "[1]"));
    EXPECT_EQ(answer.status, 503);
    EXPECT_THAT(answer.body, HasSubstr("concurrents"));
    co_await or_return(group.join());
    co_return co_await fixture.server->stop();
  }(GetParam()));
}

}  // namespace
}  // namespace sofa::rpc
