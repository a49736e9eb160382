#include "sofa/tool/call_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sofa::tool {
namespace {

using testing::HasSubstr;

TEST(Target, IsBoltUnlessItSaysAnotherProtocol) {
  auto target = Target::parse("127.0.0.1:12200");
  ASSERT_TRUE(target) << target.error().to_string();
  EXPECT_EQ(target->to_string(), "bolt://127.0.0.1:12200");
  EXPECT_EQ(Target::parse("bolt://[::1]:1/")->address, "[::1]:1");
}

TEST(Target, IsSecureWithAnSBehindItsProtocol) {
  const auto target = Target::parse("grpcs://127.0.0.1:443");
  ASSERT_TRUE(target) << target.error().to_string();
  EXPECT_EQ(target->protocol, "grpc");
  EXPECT_EQ(target->to_string(), "grpcs://127.0.0.1:443");
  EXPECT_TRUE(CallFlags().tls_for(*target).has_value());
  EXPECT_FALSE(CallFlags().tls_for(*Target::parse("grpc://127.0.0.1:443")).has_value());
}

TEST(Target, SaysWhichProtocolsThereAreAndThatAPortIsNeeded) {
  for (const char* plain : {"bolts://h:1", "tris://h:1"}) EXPECT_FALSE(Target::parse(plain)) << "TLS is a flag there, not a name: " << plain;
  EXPECT_THAT(Target::parse("smtp://h:1").error().to_string(), testing::AllOf(HasSubstr("'smtp'"), HasSubstr("bolt")));
  EXPECT_THAT(Target::parse("localhost").error().to_string(), HasSubstr("port"));
}

TEST(MethodName, HasServiceMethodVersionUniqueIdAndTypes) {
  auto name = MethodName::parse("com.acme.Hello:2.0:blue.hello(String,java.util.Map<String,Long>,int[])");
  ASSERT_TRUE(name) << name.error().to_string();
  EXPECT_EQ(name->service, "com.acme.Hello");
  EXPECT_EQ(name->version, "2.0");
  EXPECT_FALSE(MethodName::parse("com.acme.Hello.ping")->version.has_value());
  EXPECT_EQ(name->unique_id, "blue");
  EXPECT_EQ(name->method, "hello");
  ASSERT_EQ(name->types->size(), 3u);
  EXPECT_EQ((*name->types)[1].erased(), "java.util.Map");
  EXPECT_EQ((*name->types)[2].erased(), "int[]");
}

TEST(MethodName, HasNoTypesOrAnEmptyListOfThem) {
  EXPECT_FALSE(MethodName::parse("com.acme.Hello.ping")->types.has_value());
  EXPECT_TRUE(MethodName::parse("com.acme.Hello.ping()")->types->empty());
  EXPECT_EQ(MethodName::parse("acme.v1.Greeter/Hello")->service, "acme.v1.Greeter");
}

TEST(MethodName, OfARouteIsAVerbAndAPath) {
  const auto route = MethodName::parse("GET /orders/{id}");
  ASSERT_TRUE(route) << route.error().to_string();
  EXPECT_EQ(route->verb, "GET");
  EXPECT_EQ(route->method, "/orders/{id}");
  EXPECT_THAT(make_plan({"bolt://h:1", "GET /a"}, CallFlags()).error().to_string(), HasSubstr("http://h:1"));
}

TEST(MethodName, WhatNamesNoMethodIsRefused) {
  for (const char* wrong : {"", "hello", ".hello", "com.acme.", "a/", "a.b(", "a.b(String", "a.b(String,)", "a.b(,)"}) {
    EXPECT_FALSE(MethodName::parse(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace sofa::tool
