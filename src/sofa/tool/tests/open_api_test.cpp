#include "sofa/tool/open_api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sofa::tool {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

OpenApi orders() {
  auto api = OpenApi::parse(R"({"openapi": "3.1.0", "info": {"title": "Orders"}, "paths": {
    "/orders/{id}": {
      "get": {"parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "integer"}},
                             {"name": "fields", "in": "query", "schema": {"type": "array", "items": {"type": "string"}}},
                             {"name": "x-tenant", "in": "header", "schema": {"type": "string"}}],
              "responses": {"200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/com.acme.Order"}}}}}},
      "put": {"parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "integer"}}],
              "requestBody": {"content": {"application/json": {"schema": {"type": "object", "properties": {"item": {}, "count": {}}}}}},
              "responses": {"204": {}}}}}})");
  EXPECT_TRUE(api) << api.error().to_string();
  return std::move(*api);
}

TEST(OpenApi, PutsEachArgumentWhereItsParameterIs) {
  const auto made = orders().request("GET", "/orders/{id}", R"({"id": "a/b c", "fields": ["x", "y&z"], "x-tenant": "blue"})");
  ASSERT_TRUE(made) << made.error().to_string();
  EXPECT_EQ(made->target, "/orders/a%2Fb%20c?fields=x&fields=y%26z");
  EXPECT_THAT(made->headers, ElementsAre(Pair("x-tenant", "blue")));
  EXPECT_EQ(made->body, "");
}

TEST(OpenApi, MakesABodyOfWhatIsNoParameter) {
  const auto made = orders().request("PUT", "/orders/{id}", R"({"id": 7, "item": "tea", "count": 2})");
  ASSERT_TRUE(made) << made.error().to_string();
  EXPECT_EQ(made->target, "/orders/7");
  EXPECT_EQ(made->body, R"({"item":"tea","count":2})");
}

TEST(OpenApi, AnUndescribedRouteIsMadeOfItsPath) {
  const OpenApi none;
  EXPECT_EQ(none.request("DELETE", "/users/{id}", R"({"id": 7, "hard": true})")->target, "/users/7?hard=true");
  const auto posted = none.request("POST", "/users/{id}", R"({"id": 7, "hard": true})");
  EXPECT_EQ(posted->target, "/users/7");
  EXPECT_EQ(posted->body, R"({"hard":true})");
  EXPECT_EQ(orders().request("GET", "/health", "")->target, "/health");
}

TEST(OpenApi, SaysWhatIsWrongWithTheArguments) {
  const OpenApi api = orders();
  const auto said = [&](std::string_view verb, std::string_view path, std::string_view arguments) {
    const auto made = api.request(verb, path, arguments);
    return made ? "fine: " + made->target : made.error().to_string();
  };
  EXPECT_THAT(said("GET", "/orders/{id}", "{}"), HasSubstr("needs 'id' (path)"));
  EXPECT_THAT(said("GET", "/orders/{id}", R"({"id": 1, "idd": 2})"), HasSubstr("takes no 'idd'"));
  EXPECT_THAT(said("GET", "/orders/{id}", "[1]"), HasSubstr("by name"));
  EXPECT_THAT(said("GET", "/order/{id}", R"({"id": 1})"),
              AllOf(HasSubstr("no route GET /order/{id}"), HasSubstr("GET /orders/{id}, PUT /orders/{id}")));
}

TEST(OpenApi, ListsRoutesWithWhatTheyTakeAndGive) {
  const auto services = orders().list();
  ASSERT_EQ(services.size(), 1u);
  EXPECT_EQ(services[0].service, "Orders");
  EXPECT_THAT(services[0].methods, ElementsAre(Pair("GET /orders/{id}", " (string[] fields?, integer id, string x-tenant?) returns com.acme.Order"),
                                               Pair("PUT /orders/{id}", " (integer id, item, count)")));
  EXPECT_TRUE(OpenApi().list().empty());
}

}  // namespace
}  // namespace sofa::tool
