// REST routes of the methods of an Interface, beside Bolt and JSON.

#include "sofa/rpc/rest.h"

#include "http_client.h"
#include "sofa/rest/openapi.h"

namespace sofa::rpc {
namespace {

using namespace testing;
using ::testing::HasSubstr;

struct Accounts : Interface {
  static constexpr std::string_view kName = "bank.Accounts";
  Method<std::string(std::string, std::optional<int32_t>)> statement{this, "statement", {.parameters = {"account", "limit"}, .doc = "A page."}};
  Method<Transfer(Transfer)> transfer{this, "transfer"};
  Method<void(std::string)> close{this, "close", {.parameters = {"account"}}};
  Method<Text(std::string)> audit{this, "audit", {.parameters = {"key"}}};
};

std::shared_ptr<Accounts> make_accounts() {
  auto accounts = std::make_shared<Accounts>();
  accounts->statement = [](std::string account, std::optional<int32_t> limit) -> Task<Result<std::string>> {
    co_return fmt::format("{}: {}", account, limit.value_or(10));
  };
  accounts->transfer = [](Transfer transfer) -> Result<Transfer> {
    if (transfer.cents < 0) return fail_java("java.lang.IllegalArgumentException", "{} cents", transfer.cents);
    return transfer;
  };
  accounts->close = [](std::string account) -> Result<void> {
    if (account == "missing") return sofa::fail(Code::not_found, "there is no account {}", account);
    return {};
  };
  accounts->audit = [](Context& context, std::string key) -> Text {
    context.put_response_header("x-audited", "yes");
    return std::string(context.header(key));
  };
  return accounts;
}

std::shared_ptr<RestRoutes> make_routes() {
  auto routes = std::make_shared<RestRoutes>(rest::About{.title = "Accounts"});
  routes->get("/accounts/{account}/statement", &Accounts::statement);
  routes->post("/transfers", &Accounts::transfer).status(201).doc("Moves money.");
  routes->del("/accounts/{account}", &Accounts::close);
  routes->get("/audit/{key}", &Accounts::audit);
  return routes;
}

struct CountCalls final : Filter {
  Task<Result<void>> invoke(Invocation& call, Next next) override {
    names.emplace_back(call.method);
    co_return co_await next(call);
  }
  std::vector<std::string> names;
};

Task<Result<std::unique_ptr<RunningServer>>> start(std::shared_ptr<Filter> filter = nullptr) {
  Server server = Server(ServerOptions{.port = 0}).add(make_accounts(), {.thread_safe = true}).rest(make_routes());
  if (filter != nullptr) static_cast<void>(std::move(server).filter(std::move(filter)));
  co_return co_await std::move(server).start();
}

Task<Result<HttpAnswer>> ask(const RunningServer& server, std::string method, std::string target, std::string body = {}, http::Headers fields = {}) {
  co_return co_await testing::ask(server, http::Version::http1_1,
                                  {.method = std::move(method), .target = std::move(target), .headers = std::move(fields)}, std::move(body));
}

TEST(RestRoutes, OneDeclarationServesBoltJsonAndRest) {
  run_test([]() -> Task<Result<void>> {
    auto server = co_await or_return(start());
    auto answer = co_await or_return(ask(*server, "GET", "/accounts/a%20b/statement?limit=3"));
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, R"("a b: 3")");
    EXPECT_EQ((co_await or_return(ask(*server, "GET", "/accounts/a/statement"))).body, R"("a: 10")") << "an optional argument may be absent";
    answer = co_await or_return(ask(*server, "POST", "/transfers", R"({"id": "t", "cents": 7})"));
    EXPECT_EQ(answer.status, 201);
    EXPECT_EQ(answer.body, R"({"id":"t","cents":7})");
    EXPECT_EQ((co_await or_return(ask(*server, "DELETE", "/accounts/a"))).status, 204);
    EXPECT_EQ((co_await or_return(ask(*server, "POST", "/bank.Accounts:1.0/statement", R"(["a", 1])"))).body, R"("a: 1")");
    auto client = co_await or_return(connect<Accounts>(at(server)));
    EXPECT_EQ(co_await or_return(client->statement("a", 2)), "a: 2");
    EXPECT_EQ(server->stats().calls, 6);
    client.reset();
    co_return co_await server->stop();
  }());
}

TEST(RestRoutes, ErrorsHaveTheStatusOfTheirCodeAndNameTheArgument) {
  run_test([]() -> Task<Result<void>> {
    auto server = co_await or_return(start());
    auto answer = co_await or_return(ask(*server, "GET", "/accounts/a/statement?limit=many"));
    EXPECT_EQ(answer.status, 400);
    EXPECT_THAT(answer.body, HasSubstr("limit"));
    EXPECT_EQ((co_await or_return(ask(*server, "DELETE", "/accounts/missing"))).status, 404);
    answer = co_await or_return(ask(*server, "POST", "/transfers", R"({"id": "t", "cents": -7})"));
    EXPECT_EQ(answer.status, 400) << "of an IllegalArgumentException";
    EXPECT_THAT(answer.body, HasSubstr("-7 cents"));
    EXPECT_EQ(answer.fields.get_or("content-type"), "application/problem+json");
    EXPECT_EQ(server->stats().refused, 1);
    EXPECT_EQ(server->stats().errors, 2);
    co_return co_await server->stop();
  }());
}

TEST(RestRoutes, FiltersAndContextSeeTheCall) {
  run_test([]() -> Task<Result<void>> {
    auto seen = std::make_shared<CountCalls>();
    auto server = co_await or_return(start(seen));
    const auto answer = co_await or_return(ask(*server, "GET", "/audit/x-who", {}, {{"x-who", "ada"}}));
    EXPECT_EQ(answer.body, R"("ada")");
    EXPECT_EQ(answer.fields.get_or("x-audited"), "yes");
    EXPECT_THAT(seen->names, ::testing::ElementsAre("audit"));
    co_return co_await server->stop();
  }());
}

TEST(RestRoutes, TheRoutesAreInTheDescription) {
  run_test([]() -> Task<Result<void>> {
    const auto routes = make_routes();
    const std::string text = rest::openapi(routes->api());
    EXPECT_THAT(text, HasSubstr(R"("/accounts/{account}/statement":{"get":{"summary":"A page.","parameters":[{"name":"account","in":"path")"));
    EXPECT_THAT(text, HasSubstr(R"({"name":"limit","in":"query")"));
    EXPECT_THAT(text, HasSubstr(R"("summary":"Moves money.")"));
    co_return Result<void>();
  }());
}

TEST(RestRoutes, WhatNoRouteTakesIsAProblemToo) {
  run_test([]() -> Task<Result<void>> {
    auto server = co_await or_return(start());
    auto answer = co_await or_return(ask(*server, "GET", "/nowhere"));
    EXPECT_EQ(answer.status, 404);
    EXPECT_EQ(answer.fields.get_or("content-type"), "application/problem+json");
    EXPECT_EQ(answer.body, R"({"status":404,"detail":"nothing is at '/nowhere'"})");
    answer = co_await or_return(ask(*server, "PUT", "/transfers", "{}"));
    EXPECT_EQ(answer.status, 405);
    EXPECT_EQ(answer.fields.get_or("allow"), "POST, OPTIONS");
    EXPECT_EQ(answer.fields.get_or("content-type"), "application/problem+json");
    answer = co_await or_return(ask(*server, "POST", "/transfers", std::string(size_t{5} << 20, ' ')));
    EXPECT_EQ(answer.status, 413);
    EXPECT_THAT(answer.body, HasSubstr(R"("code":"resource_exhausted")"));
    co_return co_await server->stop();
  }());
}

TEST(RestRoutes, AHandlerTakesThePlaceOfRoutesThatWereGivenBefore) {
  run_test([]() -> Task<Result<void>> {
    auto router = std::make_shared<http::Router>();
    auto server = co_await or_return(Server(ServerOptions{.port = 0}).rest(make_routes()).http(router).start());
    EXPECT_EQ((co_await or_return(ask(*server, "GET", "/audit/x"))).status, 404) << "no service of the routes is asked for";
    co_return co_await server->stop();
  }());
}

TEST(RestRoutes, SeveralServersMayHaveThemAndEachServesWhatCameToIt) {
  run_test([]() -> Task<Result<void>> {
    const auto routes = make_routes();
    auto other = make_accounts();
    other->audit = [](std::string) -> Text { return "the other"; };
    auto first = co_await or_return(Server(ServerOptions{.port = 0}).add(make_accounts()).rest(routes).start());
    auto second = co_await or_return(Server(ServerOptions{.port = 0}).add(other).rest(routes).start());
    EXPECT_EQ((co_await or_return(ask(*first, "GET", "/audit/x-who", {}, {{"x-who", "ada"}}))).body, R"("ada")");
    EXPECT_EQ((co_await or_return(ask(*second, "GET", "/audit/x-who"))).body, R"("the other")");
    co_await or_return(second->stop());
    EXPECT_EQ((co_await or_return(ask(*first, "GET", "/audit/x-who", {}, {{"x-who", "bob"}}))).body, R"("bob")");
    EXPECT_EQ(first->stats().calls, 2);
    co_await or_return(first->stop());
    auto elsewhere = co_await or_return(Server(ServerOptions{.port = 0}).http(routes->shared_api()).start());
    EXPECT_EQ((co_await or_return(ask(*elsewhere, "GET", "/audit/x"))).status, 404) << "where the service is not";
    co_return co_await elsewhere->stop();
  }());
}

TEST(RestRoutes, ARouteOfAServiceThatTheServerDoesNotHaveIsAStartError) {
  run_test([]() -> Task<Result<void>> {
    const auto server = co_await Server(ServerOptions{.port = 0}).rest(make_routes()).start();
    EXPECT_FALSE(server);
    if (!server) EXPECT_THAT(server.error().to_string(), HasSubstr("bank.Accounts:1.0.statement"));
    co_return Result<void>();
  }());
}

}  // namespace
}  // namespace sofa::rpc
