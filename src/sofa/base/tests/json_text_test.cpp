#include "sofa/base/json_text.h"

#include <gtest/gtest.h>

#include "sofa/base/json.h"

namespace sofa {
namespace {

struct Envelope {
  JsonText content{};
  static void describe(Description<Envelope>& d) { d.field("content", &Envelope::content); }
};

TEST(JsonText, IsWrittenAsItStandsAndReadAsTheSameValue) {
  for (const char* json : {"null", "true", "-1.50", R"("a \"b\"")", "[]", R"([1,{"a":[]},"x"])", R"({"b":1,"a":{"c":null}})"}) {
    const std::string text = fmt::format(R"({{"content":{}}})", json);
    const auto read = from_json<Envelope>(text);
    ASSERT_TRUE(read) << text;
    EXPECT_EQ(read->content.json, json);
    EXPECT_EQ(to_json(*read).value_or(""), text);
  }
}

TEST(JsonText, IsReadFromSpacedText) {
  const auto read = from_json<Envelope>(R"({ "content" : [ 1 , { "a" : "b" } ] })");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->content.json, R"([1,{"a":"b"}])");
}

}  // namespace
}  // namespace sofa
