#include "sofa/tool/java_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sofa/tool/json_tree.h"

namespace sofa::tool {
namespace {

using testing::HasSubstr;

constexpr JavaFlavour kSofa;
constexpr JavaFlavour kDubbo{hessian::Dialect::h4, hessian::Family::dubbo};

JavaType type_named(std::string_view text) {
  auto type = JavaType::parse(text);
  EXPECT_TRUE(type) << type.error().to_string();
  return type ? *type : JavaType{.name = "?"};
}

Result<hessian::Value> converted(std::string_view type, std::string_view json, Arena& arena, const JavaFlavour& flavour = kSofa) {
  auto tree = JsonTree::parse(json, "arguments");
  if (!tree) return forward_error(tree);
  return to_java(tree->root, type_named(type), flavour, "argument 1", arena);
}

/// What the JSON is for Java, in hessian::to_text's form; or the error.
std::string in_java(std::string_view type, std::string_view json) {
  auto arena = std::make_shared<Arena>();
  auto value = converted(type, json, *arena);
  return value ? hessian::to_text(*value) : value.error().to_string();
}

TEST(JavaJson, AScalarIsWhatTheSignatureSays) {
  EXPECT_EQ(in_java("int", "7"), "7");
  EXPECT_EQ(in_java("long", "7"), "7L");
  EXPECT_EQ(in_java("Long", "null"), "null");
  EXPECT_EQ(in_java("double", "7"), in_java("Double", "7.0"));
  EXPECT_EQ(in_java("String", "\"7\""), "\"7\"");
  EXPECT_EQ(in_java("boolean", "true"), "true");
  EXPECT_EQ(in_java("char", "\"中\""), "\"中\"");
}

TEST(JavaJson, WhatDoesNotFitTheSignatureIsRefusedWithItsPlace) {
  EXPECT_EQ(in_java("int", "2147483648"), "argument 1: expected a whole number from -2147483648 to 2147483647, found 2147483648");
  EXPECT_EQ(in_java("byte", "1.5"), "argument 1: expected a whole number from -128 to 127, found 1.5");
  EXPECT_THAT(in_java("int", "null"), HasSubstr("primitive type int"));
  EXPECT_THAT(in_java("char", "\"ab\""), HasSubstr("one character"));
  EXPECT_THAT(in_java("byte[]", "\"?\""), HasSubstr("base64"));
  EXPECT_THAT(in_java("java.util.List<Integer>", "[1, \"x\"]"), HasSubstr("argument 1[1]: expected a whole number"));
  EXPECT_THAT(in_java("java.util.Date", "\"yesterday\""), HasSubstr("java.util.Date"));
  EXPECT_THAT(in_java("java.util.UUID", "\"no\""), HasSubstr("java.util.UUID"));
}

TEST(JavaJson, ListsAndMapsTakeTheTypesOfTheirItems) {
  EXPECT_EQ(in_java("List<Long>", "[1]"), in_java("Object", R"([{"class": "long", "value": 1}])"));
  EXPECT_NE(in_java("List<Long>", "[1]"), in_java("List", "[1]"));
  EXPECT_THAT(in_java("Map<Long,String>", R"({"1": "a"})"), HasSubstr("1L: \"a\""));
  EXPECT_THAT(in_java("int[]", "[1, 2]"), HasSubstr("[int"));
  EXPECT_THAT(in_java("String[]", "[null]"), HasSubstr("[string"));
  EXPECT_THAT(in_java("com.acme.User[][]", "[]"), HasSubstr("[[com.acme.User"));
}

TEST(JavaJson, AWholeNumberWithoutATypeIsALongOnlyWhereItMustBe) {
  EXPECT_EQ(in_java("Object", "2147483647"), "2147483647");
  EXPECT_EQ(in_java("Object", "2147483648"), "2147483648L");
}

TEST(JavaJson, AMappingIsAnObjectOfTheDeclaredClassOrOfTheOneItNames) {
  EXPECT_THAT(in_java("com.acme.User", R"({"id": 7})"), HasSubstr("com.acme.User{\"id\": 7}"));
  EXPECT_THAT(in_java("com.acme.User", R"({"class": "com.acme.Admin", "id": 7})"), HasSubstr("com.acme.Admin{\"id\": 7}"));
  EXPECT_THAT(in_java("com.acme.Level", "\"GOLD\""), HasSubstr("com.acme.Level{\"name\": \"GOLD\"}"));
}

TEST(JavaJson, WhatComesOutCanGoInAgain) {
  const std::string json =
      R"({"class":"com.acme.User","id":7,"big":12345678901,"score":1.5,"when":{"class":"java.util.Date","value":"2000-01-01T00:00:07.500Z"},)"
      R"("day":{"class":"java.time.LocalDate","value":"2000-02-29"},"balance":{"class":"java.math.BigDecimal","value":107.25},)"
      R"("key":{"class":"java.util.UUID","value":"00000000-0000-0001-0000-000000000002"},"avatar":{"class":"byte[]","value":"AQID"},)"
      R"("tags":["a",null,true],"attrs":{"k":{"class":"com.acme.Level","name":"GOLD"}}})";
  for (const JavaFlavour& flavour : {kSofa, kDubbo}) {
    auto arena = std::make_shared<Arena>();
    auto value = converted("Object", json, *arena, flavour);
    ASSERT_TRUE(value) << value.error().to_string();
    EXPECT_EQ(to_json_text(*value, flavour), json);
  }
}

TEST(JavaJson, KeysThatAreNumbersComeOutAsTheyGoIn) {
  Arena arena;
  const std::string json = R"({"1":"a"})";
  auto value = converted("Map<Long,String>", json, arena, kSofa);
  ASSERT_TRUE(value) << value.error().to_string();
  EXPECT_EQ(to_json_text(*value, kSofa), json);
}

TEST(JavaJson, ACycleIsNamedAndNotFollowed) {
  Arena arena;
  hessian::Object* node = hessian::make_object(arena, "com.acme.Node", {{"next", hessian::Value()}});
  *node->find("next") = hessian::Value(node);
  EXPECT_EQ(to_json_text(hessian::Value(node), kSofa), R"({"class":"com.acme.Node","next":{"cycle":"com.acme.Node"}})");
}

TEST(JavaJson, DatesBefore1970AreDates) {
  EXPECT_EQ(to_json_text(hessian::Value::date(-1), kSofa), R"({"class":"java.util.Date","value":"1969-12-31T23:59:59.999Z"})");
}

TEST(JavaTypes, ShortNamesAreWrittenOutAndParametersAreLeftOutOfSignatures) {
  EXPECT_EQ(type_named("List<Map<String, Long>>[]").erased(), "java.util.List[]");
  EXPECT_EQ(type_named(" String ").erased(), "java.lang.String");
  EXPECT_EQ(type_named("com.acme.Order$Item").erased(), "com.acme.Order$Item");
  for (const char* wrong : {"", "List<", "List<String", "int[", "int]", "List<String>x", "a b", "<String>"})
    EXPECT_FALSE(JavaType::parse(wrong)) << wrong;
}

}  // namespace
}  // namespace sofa::tool
