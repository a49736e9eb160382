// Calls that a script answers in place of providers.

#include "sample.h"

namespace sofa::rpc {
namespace {

using namespace testing;
using ::testing::HasSubstr;

constexpr const char* kNobody = "bolt://127.0.0.1:1";

TEST(MockScript, AnswersWhenNoProviderCould) {
  run_test([]() -> Task<Result<void>> {
    Fixture f;
    co_await or_return(f.open({}, {.mock_scripts = {{"fail", "return \"mocked\""}, {"hello", "return \"mocked\""}}}));
    EXPECT_EQ(co_await or_return(f.client->hello("bob")), "hello bob");
    EXPECT_FALSE(co_await f.client->fail("a-1")) << "an error of the service is its answer";
    co_await or_return(f.server->stop());
    EXPECT_EQ(co_await or_return(f.client->hello("bob")), "mocked");
    EXPECT_EQ((co_await f.client->add(1, 2)).error().code(), Code::unavailable) << "a method without a script";
    co_return Result<void>();
  }());
}

TEST(MockScript, AsksNoProviderWhenItIsForced) {
  run_test([]() -> Task<Result<void>> {
    Fixture f;
    co_await or_return(f.open({}, {.mock_scripts = {{"add", "force:return 7"},
                                                    {"transfer", R"(force: return {"id": "m", "cents": 3})"},
                                                    {"hello", "force:throw java.lang.IllegalStateException"},
                                                    {"sum", "force:throw"},
                                                    {"ping", "fail:return"},
                                                    {"*", "force:return null"}}}));
    EXPECT_EQ(co_await or_return(f.client->add(1, 2)), 7);
    EXPECT_EQ((co_await or_return(f.client->transfer({}))).cents, 3);
    const auto thrown = co_await f.client->hello("x");
    EXPECT_TRUE(!thrown && thrown.error().detail<JavaException>() != nullptr);
    EXPECT_EQ((co_await f.client->sum({})).error().code(), Code::unavailable);
    EXPECT_EQ(co_await or_return(f.client->echo("x")), std::nullopt) << "the script of all others";
    EXPECT_EQ(f.server->stats().calls, 0u);
    co_await or_return(f.client->ping());
    EXPECT_EQ(f.server->stats().calls, 1u);
    co_return co_await f.close();
  }());
}

TEST(MockScript, AsksAMockServer) {
  run_test([]() -> Task<Result<void>> {
    auto mock = co_await or_return(Server(ServerOptions{.port = 0}).add(make_sample(std::make_shared<Seen>(), "mock:")).start());
    ClientOptions options{.check = false, .mock_scripts = {{"*", "fail: ask " + at(mock)}}};
    auto client = co_await or_return(rpc::connect<Sample>(kNobody, options));
    EXPECT_EQ(co_await or_return(client->echo("x")), "mock:x");
    client.reset();
    co_return co_await mock->stop();
  }());
}

TEST(MockScript, AsksTheNextMockServerWhenOneDoesNotAnswer) {
  run_test([]() -> Task<Result<void>> {
    auto mock = co_await or_return(Server(ServerOptions{.port = 0}).add(make_sample(std::make_shared<Seen>(), "mock:")).start());
    const ClientOptions options{.check = false, .mock_scripts = {{"*", fmt::format("force:ask bolt://127.0.0.1:1, {}", at(mock))}}};
    auto client = co_await or_return(rpc::connect<Sample>(kNobody, options));
    EXPECT_EQ(co_await or_return(client->echo("x")), "mock:x");
    client.reset();
    co_return co_await mock->stop();
  }());
}

TEST(MockScript, JsonThatDoesNotFitItsMethodIsAnErrorOfConnectWithItsPlace) {
  run_test([]() -> Task<Result<void>> {
    const ClientOptions options{.check = false, .mock_scripts = {{"transfer", "return {\"id\": \"m\",\n \"cents\": \"many\"}"}}};
    const auto client = co_await rpc::connect<Sample>(kNobody, options);
    EXPECT_FALSE(client);
    if (!client) {
      EXPECT_EQ(client.error().code(), Code::invalid_argument);
      EXPECT_THAT(client.error().to_string(), HasSubstr("the mock script of transfer:2:"));
      EXPECT_THAT(client.error().to_string(), HasSubstr("cents"));
    }
    co_return Result<void>();
  }());
}

TEST(MockScript, OneThatCannotBeReadIsAnErrorOfConnect) {
  run_test([]() -> Task<Result<void>> {
    for (const auto& [script, said] :
         {std::pair("retrun 1", "is none of 'return'"), std::pair("returned", "is none of 'return'"), std::pair("ask 127.0.0.1:x", "127.0.0.1:x")}) {
      const auto client = co_await rpc::connect<Sample>(kNobody, {.check = false, .mock_scripts = {{"add", script}}});
      EXPECT_FALSE(client) << script;
      if (!client) EXPECT_THAT(client.error().to_string(), HasSubstr(said));
    }
    co_return Result<void>();
  }());
}

}  // namespace
}  // namespace sofa::rpc
