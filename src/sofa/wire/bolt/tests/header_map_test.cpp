#include "sofa/wire/bolt/header_map.h"

#include <gtest/gtest.h>

namespace sofa::bolt {
namespace {

Buffer from(std::string_view hex) {
  std::vector<uint8_t> bytes;
  EXPECT_TRUE(from_hex(hex, bytes));
  Buffer buffer;
  buffer.append(ByteSpan(bytes));
  return buffer;
}

TEST(HeaderMap, OfNoBytesIsEmpty) {
  const HeaderMap map = HeaderMap::parse({}).value();
  EXPECT_TRUE(map.empty());
  EXPECT_EQ(map.begin(), map.end());
  EXPECT_EQ(map.find("a"), std::nullopt);
}

TEST(HeaderMap, KeepsOrderAndLetsTheLastOfEqualKeysWin) {
  Buffer bytes;
  append_header_pair(bytes, "b", "1");
  append_header_pair(bytes, "a", "");
  append_header_pair(bytes, "b", "2");
  const HeaderMap map = HeaderMap::parse(bytes.span()).value();
  EXPECT_EQ(map.size(), 3u);
  EXPECT_EQ(map.get("b"), "2");
  EXPECT_EQ(map.find("a"), "");
  std::string walked;
  for (const auto& [key, value] : map) walked += std::string(key) + "=" + std::string(value) + ";";
  EXPECT_EQ(walked, "b=1;a=;b=2;");
}

TEST(HeaderMap, DropsPairsWithANull) {
  Buffer bytes = from(
      "ffffffff0000000161"
      "0000000162ffffffff"
      "ffffffffffffffff"
      "00000001630000000164");
  const HeaderMap map = HeaderMap::parse(bytes.span()).value();
  EXPECT_EQ(map.size(), 1u);
  EXPECT_EQ(map.find("b"), std::nullopt);
  EXPECT_EQ(map.get("c"), "d");
  EXPECT_EQ(map.begin()->first, "c");
}

TEST(HeaderMap, WritesAViewOfNothingAsAnEmptyText) {
  Buffer bytes;
  append_header_pair(bytes, {}, {});
  append_header_pair(bytes, "a", {});
  const HeaderMap map = HeaderMap::parse(bytes.span()).value();
  EXPECT_EQ(map.find(""), "");
  EXPECT_EQ(map.find("a"), "");
}

TEST(HeaderMap, RefusesEveryCut) {
  Buffer bytes;
  append_header_pair(bytes, "key", "value");
  for (size_t cut = 1; cut < bytes.size(); ++cut) {
    const auto map = HeaderMap::parse(bytes.span().first(cut));
    ASSERT_FALSE(map) << cut;
    EXPECT_EQ(map.error().code(), Code::invalid_argument);
  }
  EXPECT_TRUE(HeaderMap::parse(bytes.span()));
}

TEST(HeaderMap, RefusesNegativeAndHugeLengths) {
  for (const char* hex : {"fffffffe", "80000000", "7fffffff61", "0000000161fffffffe", "00000001617fffffff"}) {
    EXPECT_FALSE(HeaderMap::parse(from(hex).span())) << hex;
  }
}

TEST(HeaderMap, BoundsTheNumberOfPairs) {
  Buffer bytes;
  for (int i = 0; i < 513; ++i) append_header_pair(bytes, "", "");
  EXPECT_TRUE(HeaderMap::parse(bytes.span().first(512 * 8)));
  const auto over = HeaderMap::parse(bytes.span());
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().message(), "header map has over 512 pairs");
}

}  // namespace
}  // namespace sofa::bolt
