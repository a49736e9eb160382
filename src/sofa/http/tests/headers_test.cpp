#include "sofa/http/headers.h"

#include <gtest/gtest.h>

namespace sofa::http {
namespace {

TEST(Headers, KeepsOrderAndRepeatsAndLowersNames) {
  const Headers headers{{"Set-Cookie", "a=1"}, {"X", ""}, {"set-cookie", "B=2"}};
  ASSERT_EQ(headers.size(), 3u);
  EXPECT_EQ(headers[0].name, "set-cookie");
  EXPECT_EQ(headers[2].value, "B=2");
  EXPECT_EQ(headers.get("set-cookie"), "a=1");
  EXPECT_EQ(headers.get("x"), "");
  EXPECT_EQ(headers.get("y"), std::nullopt);
  EXPECT_EQ(headers.get_or("y", "none"), "none");
  EXPECT_EQ(headers.list_size(), 10 + 3 + 1 + 10 + 3 + 3 * 32u);
}

TEST(Headers, SetReplacesEveryFieldOfThatNameAlsoWithAViewOfItsOwn) {
  Headers headers{{"a", "1"}, {"b", "2"}, {"A", "3"}};
  headers.set("a", headers[1].value);
  ASSERT_EQ(headers.size(), 2u);
  EXPECT_EQ(headers[0].name, "b");
  EXPECT_EQ(headers[1].value, "2");
  headers.remove("B");
  EXPECT_FALSE(headers.contains("b"));
}

TEST(Headers, TakesAViewOfNothingAsAnEmptyValue) {
  Headers headers;
  headers.add("a", {});
  headers.add("b", "2");
  EXPECT_EQ(headers.get("a"), "");
  EXPECT_EQ(headers.get("b"), "2");
}

TEST(Headers, FindsTokensOfListsInAnyFieldWithoutCase) {
  const Headers headers{{"connection", "keep-alive,  Upgrade"}, {"connection", "x"}, {"te", "trailers"}};
  EXPECT_TRUE(headers.has_token("connection", "upgrade"));
  EXPECT_TRUE(headers.has_token("connection", "X"));
  EXPECT_FALSE(headers.has_token("connection", "grade"));
  EXPECT_FALSE(headers.has_token("connection", "trailers"));
}

}  // namespace
}  // namespace sofa::http
