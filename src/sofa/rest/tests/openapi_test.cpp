#include "sofa/rest/openapi.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sofa/base/json_check.h"
#include "sofa/base/json_object.h"
#include "sofa/rest/api.h"

namespace sofa::rest {
namespace {

using ::testing::HasSubstr;

struct Book {
  std::string title;
  int32_t year = 1450;
  std::vector<Book> sequels;
  static auto describe(Description<Book>& d) {
    d.java_type("com.acme.Book");
    d.field("title", &Book::title).required().doc("As \"printed\".");
    d.field("year", &Book::year).range(1450, 2100);
    d.field("sequels", &Book::sequels);
  }
};

struct Asked {
  int64_t id = 0;
  bool whole = false;
  static auto describe(Description<Asked>& d) {
    d.field("id", &Asked::id).at_least(1);
    d.field("whole", &Asked::whole);
  }
};

std::string described() {
  Api api({.title = "Books", .version = "2", .doc = "All of them."});
  api.get("/books/{id}", [](Asked) -> Result<Book> { return Book{}; });
  api.post("/books", [](Book) -> Result<void> { return {}; }).doc("Adds a book.");
  api.get("/files/{rest...}", [](Nothing) -> Result<std::string> { return "x"; }).plain_text();
  return openapi(api);
}

TEST(OpenApi, IsJsonWithoutTwinKeys) {
  const auto checked = check_json(described());
  EXPECT_TRUE(checked) << checked.error().to_string();
}

TEST(OpenApi, TellsRoutesParametersAndTypes) {
  const std::string text = described();
  EXPECT_THAT(text, HasSubstr(R"("openapi":"3.1.0","info":{"title":"Books","version":"2","description":"All of them."})"));
  EXPECT_THAT(text, HasSubstr(R"({"name":"id","in":"path","required":true,)"));
  EXPECT_THAT(text, HasSubstr(R"({"name":"whole","in":"query","schema":{"type":"boolean"}})"));
  EXPECT_THAT(text, HasSubstr(R"("/books":{"post":{"summary":"Adds a book.")"));
  EXPECT_THAT(text, HasSubstr(R"("204":{"description":"success"})"));
  EXPECT_THAT(text, HasSubstr(R"("/files/{rest}")")) << "OpenAPI knows no rest of a path";
  EXPECT_THAT(text, HasSubstr(R"("text/plain")"));
}

TEST(OpenApi, ATypeThatHoldsItselfIsDescribedOnce) {
  const std::string text = described();
  EXPECT_THAT(text, HasSubstr(R"("sequels":{"type":"array","items":{"$ref":"#/components/schemas/com.acme.Book"}})"));
  EXPECT_THAT(text, HasSubstr(R"("required":["title"])"));
}

TEST(JsonObject, GoesBehindTheMembersOfABody) {
  JsonObject members;
  EXPECT_EQ(members.behind(R"({"a":1})"), R"({"a":1})");
  members.add("b", "2");
  EXPECT_EQ(members.behind(" { } "), R"( { "b":2})");
  EXPECT_EQ(members.behind("{\"a\":1}\n"), R"({"a":1,"b":2})");
  EXPECT_EQ(members.behind("[]"), "[]") << "no object stays as it is";
}

}  // namespace
}  // namespace sofa::rest
