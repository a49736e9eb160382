#include "sofa/base/utf8.h"

#include <gtest/gtest.h>

#include "sofa/base/bytes.h"

namespace sofa {
namespace {

TEST(Utf8, IsCheckedToTheLetter) {
  for (const std::string_view good : {"", "a", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf",
                                      "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "\xce\xba\xe1\xbd\xb9\xcf\x83"}) {
    EXPECT_TRUE(is_utf8(good)) << to_hex(as_bytes(good));
  }
  for (const std::string_view bad : {"\x80", "\xc0\x80", "\xc1\xbf", "\xc2", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf",
                                     "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xe4\xbd", "\xf0\x90\x80", "a\xe4\xbdz"}) {
    EXPECT_FALSE(is_utf8(bad)) << to_hex(as_bytes(bad));
  }
}

TEST(Utf8, IsCutBeforeACharacterThatDoesNotFit) {
  EXPECT_EQ(cut_utf8("a\xe4\xb8\xad", 4), "a\xe4\xb8\xad");
  EXPECT_EQ(cut_utf8("a\xe4\xb8\xad", 3), "a");
  EXPECT_EQ(cut_utf8("\x80\x80", 1), "") << "what is no text ends somewhere too";
}

}  // namespace
}  // namespace sofa
