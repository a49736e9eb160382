// What pages of browsers may ask of a server: its methods, REST routes and other handlers (docs/protocols/http.md, section 3).

#include "http_client.h"
#include "sofa/http/router.h"
#include "sofa/rpc/rest.h"

namespace sofa::rpc {
namespace {

using namespace testing;
using ::testing::HasSubstr;

struct Notes : Interface {
  static constexpr std::string_view kName = "test.Notes";
  Method<std::string(std::string)> add{this, "add", {.parameters = {"text"}}};
  Method<std::string()> list{this, "list", {.parameters = {}}};
};

struct Ask {
  std::string method, target;
  http::Headers fields;
  std::string body;
};

/// What a page can send without asking the server first, and what it can send to its own.
const std::vector<Ask> kAsks = {{"POST", "/notes", {{"content-type", "application/json"}}, R"({"text": "x"})"},
                                {"POST", "/notes", {}, R"({"text": "x"})"},
                                {"POST",
                                 "/notes",
                                 {{"content-type", "multipart/form-data; boundary=b"}},
                                 "--b\r\ncontent-disposition: form-data; name=\"text\"\r\n\r\nx\r\n--b--\r\n"},
                                {"GET", "/notes", {}, {}},
                                {"GET", "/test.Notes:1.0/add?text=x", {}, {}},
                                {"POST", "/test.Notes:1.0/add", {}, R"(["x"])"}};

class Pages : public ::testing::TestWithParam<http::Version> {
 public:
  Task<Result<void>> open(ServerOptions options = {}) {
    options.port = 0;
    auto notes = std::make_shared<Notes>();
    notes->add = [this](std::string text) { return ++ran_, text; };
    notes->list = [this] { return ++ran_, std::string("all"); };
    auto routes = std::make_shared<RestRoutes>();
    routes->post("/notes", &Notes::add);
    routes->get("/notes", &Notes::list);
    server_ = co_await or_return(Server(options).add(notes, {.thread_safe = true}).rest(routes).start());
    co_return Result<void>();
  }
  Task<Result<int>> status_of(Ask ask, http::Headers further, std::string authority = {}) const {
    for (const http::HeaderField field : further) ask.fields.add(field.name, field.value);
    const auto answer = co_await or_return(testing::ask(
        *server_, GetParam(), {.method = ask.method, .authority = std::move(authority), .target = ask.target, .headers = ask.fields}, ask.body));
    co_return answer.status;
  }
  std::string own() const { return "http://" + server_->address().to_string(); }
  Task<Result<void>> close() { return server_->stop(); }

  std::unique_ptr<RunningServer> server_;
  int ran_ = 0;
};

TEST_P(Pages, APageOfAnotherOriginReachesNoRouteAndNoMethod) {
  run_test([](Pages& test) -> Task<Result<void>> {
    co_await or_return(test.open({.cors = http::CorsOptions{.origins = {"https://app.example"}}}));
    const std::vector<http::Headers> foreign = {
        {{"origin", "https://evil.example"}}, {{"origin", "null"}}, {{"sec-fetch-site", "cross-site"}}, {{"sec-fetch-site", "same-site"}}};
    for (const Ask& ask : kAsks) {
      for (const http::Headers& fields : foreign) {
        EXPECT_EQ(co_await or_return(test.status_of(ask, fields)), 403) << ask.method << " " << ask.target << " " << ask.body;
      }
    }
    EXPECT_EQ(test.ran_, 0) << "what is refused must not run";
    co_return co_await test.close();
  }(*this));
}

TEST_P(Pages, ProgramsPagesOfItsOwnAndThoseThatCorsNamesMayAsk) {
  run_test([](Pages& test) -> Task<Result<void>> {
    co_await or_return(test.open({.cors = http::CorsOptions{.origins = {"https://app.example"}}}));
    const std::vector<http::Headers> welcome = {{},
                                                {{"sec-fetch-site", "same-origin"}},
                                                {{"sec-fetch-site", "none"}},
                                                {{"origin", test.own()}},
                                                {{"origin", "https://app.example"}, {"sec-fetch-site", "cross-site"}}};
    int expected = 0;
    for (const Ask& ask : kAsks) {
      for (const http::Headers& fields : welcome) {
        const bool untyped = !ask.body.empty() && !ask.fields.contains("content-type") && fields.contains("origin");
        const int status = co_await or_return(test.status_of(ask, fields));
        EXPECT_EQ(status >= 400, untyped) << status << " " << ask.method << " " << ask.target << ": a page says what its body is";
        EXPECT_EQ(test.ran_, expected += untyped ? 0 : 1);
      }
    }
    co_return co_await test.close();
  }(*this));
}

TEST_P(Pages, ALinkOfAnotherPageMayShowARouteThatReadsAndCallsNoMethod) {
  run_test([](Pages& test) -> Task<Result<void>> {
    co_await or_return(test.open());
    const http::Headers link{{"sec-fetch-site", "cross-site"}, {"sec-fetch-mode", "navigate"}, {"sec-fetch-dest", "document"}};
    const http::Headers frame{{"sec-fetch-site", "cross-site"}, {"sec-fetch-mode", "navigate"}, {"sec-fetch-dest", "iframe"}};
    for (const Ask& ask : kAsks) {
      const bool shows = ask.method == "GET" && ask.target == "/notes";
      EXPECT_EQ(co_await or_return(test.status_of(ask, link)), shows ? 200 : 403) << ask.method << " " << ask.target;
      EXPECT_EQ(co_await or_return(test.status_of(ask, frame)), 403) << ask.method << " " << ask.target;
    }
    EXPECT_EQ(co_await or_return(test.status_of({"GET", "/docs", {}, {}}, link)), 200);
    EXPECT_EQ(test.ran_, 1);
    co_return co_await test.close();
  }(*this));
}

TEST_P(Pages, EveryOriginMayAskWhereCorsSaysSo) {
  run_test([](Pages& test) -> Task<Result<void>> {
    co_await or_return(test.open({.cors = http::CorsOptions{.origins = {"*"}}}));
    EXPECT_EQ(co_await or_return(test.status_of(kAsks[0], {{"origin", "https://any.example"}})), 200);
    EXPECT_EQ(co_await or_return(test.status_of(kAsks[3], {{"sec-fetch-site", "cross-site"}})), 200) << "an image has no Origin";
    co_return co_await test.close();
  }(*this));
}

/// A page of evil.example whose name DNS has pointed at 127.0.0.1 meanwhile: to its browser server and page are of one origin.
TEST_P(Pages, AnUnknownNameOfThisMachineIsRefused) {
  run_test([](Pages& test) -> Task<Result<void>> {
    co_await or_return(test.open({.hosts = {"orders.internal"}}));
    const std::string port = fmt::format(":{}", test.server_->port());
    for (const Ask& ask : kAsks) {
      const http::Headers page{{"origin", "http://evil.example" + port}, {"sec-fetch-site", "same-origin"}};
      EXPECT_EQ(co_await or_return(test.status_of(ask, page, "evil.example" + port)), 421) << ask.method << " " << ask.target;
      EXPECT_EQ(co_await or_return(test.status_of(ask, {}, "127.0.0.1.evil.example" + port)), 421) << ask.method << " " << ask.target;
    }
    EXPECT_EQ(test.ran_, 0) << "what is refused must not run";
    for (const std::string_view name : {"localhost", "LOCALHOST", "app.localhost", "127.0.0.1", "[::1]", "10.1.2.3", "Orders.Internal"}) {
      EXPECT_EQ(co_await or_return(test.status_of(kAsks[0], {}, std::string(name) + port)), 200) << name;
      EXPECT_EQ(co_await or_return(test.status_of(kAsks[0], {}, std::string(name))), 200) << name;
    }
    if (test.GetParam() == http::Version::http2) {
      const Ask grpc{"POST", "/test.Notes/add", {{"content-type", "application/grpc"}, {"te", "trailers"}}, {}};
      EXPECT_EQ(co_await or_return(test.status_of(grpc, {}, "any.name")), 200) << "gRPC has its status in the trailers";
    }
    co_return co_await test.close();
  }(*this));
}

INSTANTIATE_TEST_SUITE_P(Version, Pages, ::testing::Values(http::Version::http1_1, http::Version::http2),
                         [](const auto& version) { return version.param == http::Version::http2 ? "Http2" : "Http1"; });

}  // namespace
}  // namespace sofa::rpc
