#include "sofa/rest/multipart.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sofa::rest {
namespace {

using ::testing::HasSubstr;

TEST(Multipart, TheBoundaryIsReadAsClientsWriteIt) {
  EXPECT_EQ(boundary_of("multipart/form-data; boundary=x"), "x");
  EXPECT_EQ(boundary_of("Multipart/Form-Data ; charset=utf-8; BOUNDARY=\"a b\""), "a b");
  EXPECT_EQ(boundary_of("multipart/form-data"), std::nullopt);
  EXPECT_EQ(boundary_of("multipart/form-data; boundary="), std::nullopt);
  EXPECT_EQ(boundary_of("multipart/mixed; boundary=x"), std::nullopt);
  EXPECT_EQ(boundary_of("multipart/form-data; boundary=" + std::string(71, 'x')), std::nullopt) << "RFC 2046 has 70 at most";
}

TEST(Multipart, PartsHaveNameFileTypeAndContent) {
  const auto parts = parse_multipart(
      "--x\r\nContent-Disposition: form-data; name=title\r\n\r\nSea\r\n"
      "--x\r\ncontent-type: image/png\r\ncontent-disposition: form-data; name=\"picture\"; filename=\"sea.png\"\r\n\r\n\r\n--y\r\n"
      "\r\n--x--\r\n",
      "x");
  ASSERT_TRUE(parts) << parts.error().to_string();
  ASSERT_EQ(parts->size(), 2u);
  EXPECT_EQ((*parts)[0].name, "title");
  EXPECT_EQ((*parts)[0].content, "Sea");
  EXPECT_FALSE((*parts)[0].file_name);
  EXPECT_EQ((*parts)[1].name, "picture");
  EXPECT_EQ((*parts)[1].file_name, "sea.png");
  EXPECT_EQ((*parts)[1].type, "image/png");
  EXPECT_EQ((*parts)[1].content, "\r\n--y\r\n") << "another boundary is content";
}

TEST(Multipart, WhatNoEncoderWritesIsRefusedWithItsPlace) {
  const std::pair<std::string, const char*> cases[] = {
      {"", "does not begin with its boundary 'x'"},
      {"--xcontent", "part 1 of the form does not begin with a line of its own"},
      {"--x\r\ncontent-disposition: form-data; name=a\r\n\r\nopen", "part 1 of the form has no end"},
      {"--x\r\ncontent-type: text/plain\r\n\r\n\r\n--x--", "part 1 of the form has no name"},
      {"--x\r\nno field\r\n\r\n\r\n--x--", "part 1 of the form has no name"},
  };
  for (const auto& [body, says] : cases) {
    const auto parts = parse_multipart(body, "x");
    ASSERT_FALSE(parts) << body;
    EXPECT_THAT(parts.error().to_string(), HasSubstr(says));
  }
}

TEST(Multipart, PartsAreBounded) {
  std::string body;
  for (size_t i = 0; i < kMaxParts; ++i) body += "--x\r\ncontent-disposition: form-data; name=a\r\n\r\n\r\n";
  EXPECT_EQ(parse_multipart(body + "--x--", "x")->size(), kMaxParts);
  const auto parts = parse_multipart(body + "--x\r\ncontent-disposition: form-data; name=a\r\n\r\n\r\n--x--", "x");
  ASSERT_FALSE(parts);
  EXPECT_THAT(parts.error().to_string(), HasSubstr("more than 1000 parts"));
}

}  // namespace
}  // namespace sofa::rest
