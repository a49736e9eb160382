// What JSON of protobuf messages is refused: by the request of reflection, which has texts, numbers and a message inside.

#include "sofa/grpc_services/protobuf_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "grpc/reflection/v1/reflection.pb.h"

namespace sofa::grpc {
namespace {

using ::testing::HasSubstr;
using Request = ::grpc::reflection::v1::ServerReflectionRequest;

constexpr std::string_view kPath = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";

/// The request of the text, or why there is none.
Result<Request> read(std::string_view json) {
  Buffer bytes;
  if (auto done = protobuf_json()->read_request(kPath, json, bytes); !done) return forward_error(done);
  Request request;
  EXPECT_TRUE(request.ParseFromArray(bytes.span().data(), static_cast<int>(bytes.size())));
  return request;
}

std::string problem(std::string_view json) {
  const auto request = read(json);
  if (request) return "taken";
  EXPECT_EQ(request.error().code(), Code::invalid_argument);
  EXPECT_THAT(request.error().to_string(), HasSubstr("grpc.reflection.v1.ServerReflectionRequest"));
  return request.error().to_string();
}

TEST(ProtobufJson, AKeyThatStandsTwiceIsRefusedAtEveryLevel) {
  EXPECT_EQ(read(R"({"host":"a","listServices":"b"})")->host(), "a");
  EXPECT_THAT(problem(R"({"host":"a","host":"b"})"), HasSubstr(R"(the key "host" stands twice)"));
  EXPECT_THAT(problem(R"({"host":"a","h\u006fst":"b"})"), HasSubstr(R"(the key "host" stands twice)")) << "however it is written";
  EXPECT_THAT(problem(R"({"fileContainingExtension":{"extensionNumber":1,"extensionNumber":2}})"), HasSubstr(R"("extensionNumber" stands twice)"));
  EXPECT_EQ(read(R"({"host":"x","fileContainingExtension":{"containingType":"host"}})")->host(), "x") << "other objects have keys of their own";
}

TEST(ProtobufJson, NumbersOutOfRangeAreRefused) {
  const auto of_number = [](std::string_view number) {
    return problem(fmt::format(R"({{"fileContainingExtension":{{"extensionNumber":{}}}}})", number));
  };
  EXPECT_EQ(of_number("2147483647"), "taken");
  for (const std::string_view number : {"2147483648", "-2147483649", "1e40", "1.5", R"("x")"}) EXPECT_NE(of_number(number), "taken") << number;
}

TEST(ProtobufJson, WhatIsNestedTooDeepIsRefused) {
  const auto nested = [](size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_THAT(problem(nested(101)), HasSubstr("more than 100 levels"));
  EXPECT_THAT(problem(nested(1'000'000)), HasSubstr("more than 100 levels"));
}

TEST(ProtobufJson, WhatIsNoJsonIsRefused) {
  for (const std::string_view text :
       {"", "{", "{'host':'a'}", "{host:\"a\"}", R"({"host":"a",})", R"({"host":"a"}})", "\"host\"", "{\"host\":\"\xff\"}"}) {
    EXPECT_NE(problem(text), "taken") << text;
  }
}

}  // namespace
}  // namespace sofa::grpc
