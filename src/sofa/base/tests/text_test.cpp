#include "sofa/base/text.h"

#include <gtest/gtest.h>

namespace sofa {
namespace {

TEST(Text, LettersOfAsciiAreEqualWhateverTheirCase) {
  EXPECT_TRUE(equal_without_case("Content-Type", "content-tYPE"));
  EXPECT_FALSE(equal_without_case("a", "ab"));
  EXPECT_FALSE(equal_without_case("[", "{")) << "what lies between the alphabets of ASCII has no case";
  EXPECT_EQ(lower_case("GET /\xc3\x84"), "get /\xc3\x84");
}

TEST(Text, IsTrimmedAtBothEndsAlone) {
  EXPECT_EQ(trimmed(" \ta b\t "), "a b");
  EXPECT_EQ(trimmed(" \t "), "");
  EXPECT_EQ(trimmed("\ra\n"), "\ra\n");
  EXPECT_EQ(trimmed("\r a\n", " \r\n"), "a");
}

TEST(Text, IsANumberFromEndToEndOrNone) {
  EXPECT_EQ(whole_number("18446744073709551615"), UINT64_MAX);
  EXPECT_EQ(whole_number<int64_t>("-7"), -7);
  EXPECT_EQ(whole_number<uint16_t>("65535"), 65535);
  for (const char* text : {"", "-1", "+1", " 1", "1 ", "1x", "0x1", "65536"}) EXPECT_EQ(whole_number<uint16_t>(text), std::nullopt) << text;
}

TEST(Text, HexDigitsHaveEitherCase) {
  EXPECT_EQ(hex_digit('7'), 7);
  EXPECT_EQ(hex_digit('a'), 10);
  EXPECT_EQ(hex_digit('F'), 15);
  for (const char c : {'g', 'G', '/', ':', '@', '\0'}) EXPECT_EQ(hex_digit(c), -1) << c;
}

}  // namespace
}  // namespace sofa
