#include "sofa/http/router.h"

#include <gtest/gtest.h>

#include <set>

#include "sofa/http/testing/recorded_exchange.h"

namespace sofa::http {
namespace {

using testing::RecordedExchange;

class RouterTest : public ::testing::Test {
 protected:
  RouterTest() {
    for (const std::string_view pattern : {"/", "/a", "/a/{x}", "/a/b", "/a/{x}/c", "/a/b/d", "/f/{rest...}", "/f/fixed", "/{x}/{y}/{z}"}) {
      router.get(pattern, [](const ExchangePtr& exchange) {
        [[maybe_unused]] const auto sent =
            respond(*exchange, 200, "text/plain",
                    Bytes::copy_of(fmt::format("{} x={} y={} rest={}", exchange->context().route, exchange->context().parameters.get("x"),
                                               exchange->context().parameters.get("y"), exchange->context().parameters.get("rest"))));
      });
    }
    router.post("/a", [](const ExchangePtr& exchange) { [[maybe_unused]] const auto sent = respond(*exchange, 201, "", {}); });
    router.add("*", "/any", [](const ExchangePtr& exchange) { [[maybe_unused]] const auto sent = respond(*exchange, 202, "", {}); });
  }
  RecordedExchange::Sent ask(std::string method, std::string target) {
    RecordedExchange::Sent sent;
    router.handle(std::make_unique<RecordedExchange>(sent, std::move(method), std::move(target)));
    return sent;
  }
  std::string get(std::string target) {
    const auto sent = ask("GET", std::move(target));
    return sent.status == 200 ? sent.body : std::to_string(sent.status);
  }
  Router router;
};

TEST_F(RouterTest, TellsEveryRouteThatWasAdded) {
  std::set<std::string> told;
  for (const Router::Route& route : router.routes()) told.insert(route.method + " " + route.pattern);
  EXPECT_EQ(told.size(), 11u);
  EXPECT_EQ(router.routes().size(), 11u);
  for (const char* one : {"GET /", "GET /a", "POST /a", "* /any", "GET /f/{rest...}", "GET /a/{x}/c", "GET /{x}/{y}/{z}"})
    EXPECT_TRUE(told.contains(one)) << one;
}

TEST_F(RouterTest, ALiteralGoesBeforeAParameterAndThatBeforeARest) {
  EXPECT_EQ(get("/"), "/ x= y= rest=");
  EXPECT_EQ(get("/a?x=1"), "/a x= y= rest=");
  EXPECT_EQ(get("/a/b"), "/a/b x= y= rest=");
  EXPECT_EQ(get("/a/q"), "/a/{x} x=q y= rest=");
  EXPECT_EQ(get("/a/b/c"), "/a/{x}/c x=b y= rest=") << "the literal leads nowhere: the parameter is tried";
  EXPECT_EQ(get("/a/b/d"), "/a/b/d x= y= rest=");
  EXPECT_EQ(get("/a/b/e"), "/{x}/{y}/{z} x=a y=b rest=");
  EXPECT_EQ(get("/f/fixed"), "/f/fixed x= y= rest=");
  EXPECT_EQ(get("/f/fixed/1"), "/f/{rest...} x= y= rest=fixed/1");
  EXPECT_EQ(get("/f/"), "/f/{rest...} x= y= rest=");
  EXPECT_EQ(get("/f"), "404");
  EXPECT_EQ(get("/a/"), "404");
}

TEST_F(RouterTest, MethodsHaveTheirOwnHandlersAndTheirOwnErrors) {
  EXPECT_EQ(ask("POST", "/a").status, 201);
  EXPECT_EQ(ask("PURGE", "/any").status, 202);
  router.add("DELETE", "/a/b", [](const ExchangePtr& exchange) { [[maybe_unused]] const auto sent = respond(*exchange, 203, "", {}); });
  router.add("PUT", "/a/{x}", [](const ExchangePtr& exchange) {
    [[maybe_unused]] const auto sent = respond(*exchange, 205, "text/plain", Bytes::copy_of(exchange->context().parameters.get("x")));
  });
  EXPECT_EQ(ask("DELETE", "/a/b").status, 203);
  EXPECT_EQ(ask("PUT", "/a/b").body, "b") << "the literal has no such method, the parameter has";
  EXPECT_EQ(ask("PATCH", "/a/b").headers.get("allow"), "HEAD, DELETE, GET, OPTIONS") << "nobody has: the best pattern says what it takes";
  const auto wrong = ask("PUT", "/a");
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(wrong.headers.get("allow"), "HEAD, GET, POST, OPTIONS");
  const auto head = ask("HEAD", "/a");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.headers.get("content-length"), "14");
  EXPECT_TRUE(head.ended && head.body.empty());
  EXPECT_EQ(ask("OPTIONS", "/a").headers.get("allow"), "HEAD, GET, POST, OPTIONS");
}

TEST_F(RouterTest, APathWithAZeroByteIsNone) { EXPECT_EQ(ask("GET", std::string("/files/a\0b", 10)).status, 400); }

TEST_F(RouterTest, WhatNoPatternMatchesGoesToTheFallback) {
  Router other;
  other.get("/else", [](const ExchangePtr& exchange) { [[maybe_unused]] const auto sent = respond(*exchange, 203, "", {}); });
  router.set_fallback(other);
  EXPECT_EQ(ask("GET", "/else").status, 203);
  EXPECT_EQ(ask("GET", "/nothing").status, 404);
  EXPECT_EQ(ask("GET", "/%").status, 400);
}

TEST(RouterDeathTest, PatternsThatAreNoneEndTheProgramWithASentence) {
  Router router;
  const auto nothing = [](const ExchangePtr&) {};
  router.get("/a/{x}", nothing);
  EXPECT_DEATH(router.get("a", nothing), "begins with no '/'");
  EXPECT_DEATH(router.get("/{x...}/b", nothing), "takes the rest");
  EXPECT_DEATH(router.get("/{x", nothing), "written as");
  EXPECT_DEATH(router.get("/a/{x}", nothing), "has a handler already");
  EXPECT_DEATH(router.get("/a/{y}", nothing), "other names");
}

TEST(PercentDecode, TakesWholeEscapesOnly) {
  EXPECT_EQ(percent_decode("a%20b%2f+"), "a b/+");
  EXPECT_EQ(percent_decode("a+b", true), "a b");
  EXPECT_EQ(percent_decode("%"), std::nullopt);
  EXPECT_EQ(percent_decode("%2"), std::nullopt);
  EXPECT_EQ(percent_decode("%2g"), std::nullopt);
  EXPECT_EQ(percent_decode("%00"), std::nullopt);
}

TEST(QueryParameter, IsTheFirstOfItsName) {
  EXPECT_EQ(query_parameter("a=1&b=2&a=3", "a"), "1");
  EXPECT_EQ(query_parameter("a=x+y%26z", "a"), "x y&z");
  EXPECT_EQ(query_parameter("a&b=", "a"), "");
  EXPECT_EQ(query_parameter("b=1", "a"), std::nullopt);
  EXPECT_EQ(query_parameter("a=%", "a"), std::nullopt);
  EXPECT_EQ(query_parameter("", "a"), std::nullopt);
}

}  // namespace
}  // namespace sofa::http
