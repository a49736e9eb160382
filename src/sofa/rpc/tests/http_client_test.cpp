// Clients over http://, h2c:// and h2:// (docs/protocols/http.md, section 3).

#include "http_client.h"
#include "servers.h"
#include "sofa/http/server.h"
#include "sofa/io/task_group.h"
#include "sofa/io/testing/certificates.h"
#include "sofa/transport/port.h"

namespace sofa::rpc {
namespace {

using namespace testing;
using ::testing::AnyOf;
using ::testing::HasSubstr;

/// A server with the sample service, called by one of the schemes.
class HttpClientTest : public ::testing::TestWithParam<std::string> {
 public:
  bool is_secure() const { return GetParam() == "h2"; }
  Task<Result<void>> open(ClientOptions options = {}, ServerOptions server_options = {}) {
    server_options.port = 0;
    if (is_secure()) server_options.tls = io::TlsServerConfig{.certificates = {authority_.issue()}};
    server_ = co_await or_return(Server(server_options).add(make_sample(seen_), {.thread_safe = true}).start());
    client_ = co_await or_return(connect<Sample>(target(), with_tls(std::move(options))));
    co_return Result<void>();
  }
  ClientOptions with_tls(ClientOptions options) const {
    if (is_secure()) options.tls = io::TlsClientConfig{.ca = authority_.certificate()};
    return options;
  }
  std::string target() const { return fmt::format("{}://localhost:{}", GetParam(), server_->port()); }
  Task<Result<void>> close() {
    client_.reset();
    co_return co_await server_->stop();
  }

  io::testing::Authority authority_;
  std::shared_ptr<Seen> seen_ = std::make_shared<Seen>();
  std::unique_ptr<RunningServer> server_;
  std::shared_ptr<Sample> client_;
};

TEST_P(HttpClientTest, CallsEveryKindOfMethod) {
  for (const uint8_t codec : {bolt::kCodecHessian, bolt::kCodecJson}) {
    run_test([](HttpClientTest& test, uint8_t written) -> Task<Result<void>> {
      co_await or_return(test.open({.codec = written}));
      Sample& client = *test.client_;
      EXPECT_EQ(co_await or_return(client.hello("bob")), "hello bob");
      EXPECT_EQ(co_await or_return(client.hello_times("中文", 2)), "hello 中文,hello 中文");
      EXPECT_EQ(co_await or_return(client.add(INT32_MAX, 1)), INT32_MIN);
      EXPECT_EQ(co_await or_return(client.echo(std::nullopt)), std::nullopt);
      EXPECT_EQ(co_await or_return(client.echo("")), "");
      co_await or_return(client.ping());
      EXPECT_EQ(co_await or_return(client.sum({{1, 2, 3}})), 6);
      EXPECT_EQ((co_await or_return(client.transfer({"t", 41}))).cents, 42);
      const std::string big(3 << 20, 'x');
      EXPECT_TRUE(co_await or_return(client.echo(big)) == big);
      co_return co_await test.close();
    }(*this, codec));
  }
}

TEST_P(HttpClientTest, CarriesBaggageHeadersAndDeadlinesBothWays) {
  run_test([](HttpClientTest& test) -> Task<Result<void>> {
    co_await or_return(test.open());
    CallResponse response;
    EXPECT_EQ(co_await or_return(test.client_->baggage.with({.baggage = {{"color", "blue"}}, .response = &response})("color")), "blue");
    EXPECT_EQ(response.baggage, (Pairs{{"answer", "got-blue"}}));
    const auto late = co_await test.client_->sleep.with({.timeout = 50ms})(500);
    EXPECT_EQ(late.error().code(), Code::deadline_exceeded);
    EXPECT_THAT(late.error().to_string(), HasSubstr("no answer within 50 ms"));
    EXPECT_EQ(co_await or_return(test.client_->sleep(1)), "slept 1");
    const auto refused = co_await test.client_->hello.with({.headers = {{"x-mine", "two\nlines"}}})("bob");
    EXPECT_EQ(refused.error().code(), Code::invalid_argument) << refused.error().to_string();
    co_return co_await test.close();
  }(*this));
}

TEST_P(HttpClientTest, TellsWhatTheServiceAndTheFrameworkSay) {
  run_test([](HttpClientTest& test) -> Task<Result<void>> {
    co_await or_return(test.open());
    const auto thrown = co_await test.client_->fail("java");
    EXPECT_EQ(thrown.error().code(), Code::invalid_argument);
    const auto* exception = thrown.error().detail<JavaException>();
    EXPECT_TRUE(exception != nullptr && exception->to_string() == "java.lang.IllegalArgumentException: boom 1") << thrown.error().to_string();
    const auto plain = co_await test.client_->fail("A-1");
    EXPECT_EQ(plain.error().code(), Code::not_found);
    EXPECT_THAT(plain.error().to_string(), HasSubstr("account A-1 is unknown"));
    auto nobody = co_await or_return(connect<Sample>(test.target(), test.with_tls({.unique_id = "nobody"})));
    const auto missing = co_await nobody->hello("bob");
    EXPECT_EQ(missing.error().code(), Code::not_found);
    EXPECT_THAT(missing.error().to_string(), HasSubstr("cannot find service: [sofa.interop.InteropService:1.0:nobody]"));
    co_return co_await test.close();
  }(*this));
}

TEST_P(HttpClientTest, CallsWithoutTypes) {
  run_test([](HttpClientTest& test) -> Task<Result<void>> {
    co_await or_return(test.open());
    auto generic = co_await or_return(GenericClient::connect(test.target(), "sofa.interop.InteropService", test.with_tls({})));
    const auto sum = co_await or_return(generic->invoke("add", {"int", "int"}, {hessian::Value(int32_t{40}), hessian::Value(int32_t{2})}));
    EXPECT_EQ((*sum).number(), 42);
    const auto nothing = co_await generic->invoke("nothing", {}, {});
    EXPECT_EQ(nothing.error().code(), Code::unimplemented) << nothing.error().to_string();
    co_return co_await test.close();
  }(*this));
}

TEST_P(HttpClientTest, SendsOnewayCallsAndWaitsForNoAnswer) {
  run_test([](HttpClientTest& test) -> Task<Result<void>> {
    co_await or_return(test.open());
    co_await or_return(test.client_->note.oneway("a", "b"));
    EXPECT_TRUE(co_await eventually([&] { return test.seen_->notes == 1; }));
    co_return co_await test.close();
  }(*this));
}

TEST_P(HttpClientTest, RunsManyCallsBesideEachOther) {
  run_test([](HttpClientTest& test) -> Task<Result<void>> {
    co_await or_return(test.open({.timeout = 20s, .http_connections = 4}));
    std::vector<Task<Result<std::string>>> calls;
    for (int i = 0; i < 20; ++i) calls.push_back(test.client_->sleep(20));
    for (const std::string& answer : co_await or_return(io::when_all(std::move(calls)))) EXPECT_EQ(answer, "slept 20");
    co_return co_await test.close();
  }(*this));
}

TEST_P(HttpClientTest, IsRefusedAnAnswerThatIsTooLong) {
  run_test([](HttpClientTest& test) -> Task<Result<void>> {
    co_await or_return(test.open({.max_frame = 10'000}));
    const auto refused = co_await test.client_->echo(std::string(10'001, 'x'));
    EXPECT_EQ(refused.error().code(), Code::resource_exhausted);
    EXPECT_THAT(refused.error().to_string(), HasSubstr("longer than 10000 bytes"));
    EXPECT_EQ(co_await or_return(test.client_->hello("bob")), "hello bob");
    co_return co_await test.close();
  }(*this));
}

INSTANTIATE_TEST_SUITE_P(Schemes, HttpClientTest, ::testing::Values("http", "h2c", "h2"), [](const auto& about) { return about.param; });

/// Servers of the one port, called by HTTP.
TEST(HttpProviders, AreBalancedAndAskedInTheirTurnWhenOneIsGone) {
  for (const std::string scheme : {"http://", "h2c://"}) {
    run_test([](std::string spoken) -> Task<Result<void>> {
      Servers servers;
      co_await or_return(servers.start(3));
      std::string urls;
      for (const auto& server : servers.running) urls += spoken + server->address().to_string() + ",";
      auto client = co_await or_return(connect<Sample>(urls, {.retries = 2}));
      co_await or_return(warm_up(*client, 3));
      co_await or_return(servers.running[1]->stop());
      for (int i = 0; i < 50; ++i) EXPECT_THAT(co_await or_return(who(*client, "key")), AnyOf('0', '2'));
      client.reset();
      co_return co_await servers.stop();
    }(scheme));
  }
}

/// Answers every request with what the test says.
struct Canned final : http::Handler {
  struct Sink final : http::MessageSink {
    Sink(http::ExchangePtr its, const Canned& says) : exchange(std::move(its)), canned(says) {}
    void on_data(ByteSpan data) override { exchange->consumed(data.size()); }
    void on_end(http::Headers&) override {
      EXPECT_TRUE(http::respond(*exchange, canned.status, "", Bytes::copy_of(canned.body), canned.headers));
      delete this;
    }
    void on_abort(Error) override { delete this; }
    http::ExchangePtr exchange;
    const Canned& canned;
  };
  void handle(http::ExchangePtr exchange) override {
    http::Exchange& its = *exchange;
    its.set_sink(new Sink(std::move(exchange), *this));
  }
  int status = 200;
  http::Headers headers;
  std::string body;
};

struct Wrong {
  int status;
  http::Headers headers;
  std::string body;
  Code code;
  std::string says;
};

TEST(HostileHttpServer, GetsASentenceForWhatIsNoAnswer) {
  const http::Headers hessian{{"sofa_head_serialize_type", "hessian2"}};
  const Wrong wrongs[] = {
      {200, {{"content-type", "text/html"}}, "<h1>Welcome</h1>", Code::data_loss, "answered in 'text/html' where hessian2 was asked for"},
      {200, {{"sofa_head_serialize_type", "json"}}, "1", Code::data_loss, "answered in 'json' where hessian2"},
      {200, {}, "x", Code::data_loss, "answered in '' where hessian2"},
      {200, hessian, "", Code::invalid_argument, "the answer cannot be read"},
      {200, hessian, "\x05hello", Code::invalid_argument, "the answer cannot be read"},
      {200, {{"sofa_head_response_error", "true"}}, "a word", Code::unknown, "a word"},
      {200,
       {{"sofa_head_response_error", "true"}},
       "java.lang.IllegalStateException: locked\n\tat a.B.c(B.java:1)\n",
       Code::failed_precondition,
       "java.lang.IllegalStateException: locked"},
      {204, {}, "", Code::unknown, "status 204"},
      {302, {{"location", "http://elsewhere/"}}, "", Code::unknown, "status 302"},
      {400, {}, "what is this?", Code::invalid_argument, "status 400: what is this?"},
      {404, {}, "RPC-020100011: Cannot find invoke method: [x]", Code::unimplemented, "Cannot find invoke method"},
      {404, {}, "not \x01here\n", Code::not_found, "status 404: not ?here"},
      {500, hessian, "Server deserialize error, null", Code::internal, "status 500: Server deserialize error, null"},
      {503, {}, "later", Code::resource_exhausted, "status 503: later"},
      {599, {}, std::string(5000, 'x'), Code::internal, "status 599: xxx"}};
  for (const auto version : {http::Version::http1_1, http::Version::http2}) {
    run_test([](http::Version spoken, std::span<const Wrong> all) -> Task<Result<void>> {
      Canned canned;
      http::Http1Protocol http1(canned);
      http::Http2Protocol http2(canned);
      std::vector<transport::Protocol*> protocols{&http2, &http1};
      auto port = co_await or_return(transport::Port::open(io::Address::parse("127.0.0.1:0").value(), protocols));
      const bool second = spoken == http::Version::http2;
      auto client = co_await or_return(connect<Sample>(fmt::format("{}://{}", second ? "h2c" : "http", port->local().to_string())));
      for (const Wrong& wrong : all) {
        canned.status = wrong.status;
        canned.headers = wrong.headers;
        canned.body = wrong.body;
        const auto answer = co_await client->hello("bob");
        if (answer) {
          ADD_FAILURE() << "taken: " << wrong.says;
          continue;
        }
        EXPECT_EQ(answer.error().code(), wrong.code) << answer.error().to_string();
        EXPECT_THAT(answer.error().to_string(), HasSubstr(wrong.says));
        EXPECT_LT(answer.error().to_string().size(), 1300u);
      }
      client.reset();
      co_return co_await port->stop();
    }(version, wrongs));
  }
}

TEST(HttpClientSetup, SaysThatH2NeedsTlsAndThatHttpCarriesNoStreams) {
  run_test([]() -> Task<Result<void>> {
    Fixture fixture;
    co_await or_return(fixture.open());
    auto client = co_await or_return(connect<Sample>("http://" + fixture.server->address().to_string()));
    const auto refused = co_await client->hello.with({.target = "h2://" + fixture.server->address().to_string()})("bob");
    EXPECT_EQ(refused.error().code(), Code::failed_precondition);
    EXPECT_THAT(refused.error().to_string(), HasSubstr("set ClientOptions::tls"));
    EXPECT_EQ(co_await or_return(client->hello.with({.target = "h2c://" + fixture.server->address().to_string()})("bob")), "hello bob");
    client.reset();
    co_return co_await fixture.close();
  }());
}

}  // namespace
}  // namespace sofa::rpc
