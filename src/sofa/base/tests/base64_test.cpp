#include <gtest/gtest.h>

#include "sofa/base/base64.h"

namespace sofa {
namespace {

std::optional<std::string> decoded(std::string_view text, Base64Padding padding) {
  const auto bytes = from_base64(text, padding);
  if (!bytes) return std::nullopt;
  return std::string(bytes->begin(), bytes->end());
}

TEST(Base64, VectorsOfTheRfcWithAndWithoutPadding) {
  const std::pair<const char*, const char*> vectors[] = {
      {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, text] : vectors) {
    const std::string_view bare = std::string_view(text).substr(0, std::string_view(text).find('='));
    EXPECT_EQ(to_base64(as_bytes(plain)), text);
    EXPECT_EQ(to_base64(as_bytes(plain), Base64Padding::none), bare);
    EXPECT_EQ(decoded(text, Base64Padding::required), plain);
    EXPECT_EQ(decoded(text, Base64Padding::none), plain);
    EXPECT_EQ(decoded(bare, Base64Padding::none), plain);
  }
}

TEST(Base64, OfUrlsHasAnAlphabetOfItsOwn) {
  for (const char* text : {"-_-_", "-_8=", "-_8"}) EXPECT_TRUE(from_base64url(text)) << text;
  EXPECT_EQ(*from_base64url("-_8"), *from_base64("+/8="));
  for (const char* text : {"-_8$", "+_8", "-/8"}) EXPECT_FALSE(from_base64url(text)) << text;
}

TEST(Base64, TextThatNoEncoderWritesIsRefused) {
  for (const char* text : {"Z", "Zg=", "Zh==", "Z===", "Zm9$", "Zm9v=", "=", "Zg==Zg=="}) {
    EXPECT_EQ(decoded(text, Base64Padding::required), std::nullopt) << text;
    EXPECT_EQ(decoded(text, Base64Padding::none), std::nullopt) << text;
  }
  EXPECT_EQ(decoded("Zg", Base64Padding::required), std::nullopt);
}

}  // namespace
}  // namespace sofa
