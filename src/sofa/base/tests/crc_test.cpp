#include "sofa/base/crc.h"

#include <gtest/gtest.h>

namespace sofa {
namespace {

TEST(Crc, GivesTheCheckValuesOfBothPolynomials) {
  EXPECT_EQ(crc32(as_bytes("123456789")), 0xcbf43926u);
  EXPECT_EQ(crc32c(as_bytes("123456789")), 0xe3069283u);
  EXPECT_EQ(crc32({}), 0u);
  EXPECT_EQ(crc32c({}), 0u);
  EXPECT_EQ(crc64(as_bytes("123456789")), 0x6c40df5f0b497347u);
  EXPECT_EQ(crc64({}), 0u);
  const std::vector<uint8_t> zeros(32, 0);
  EXPECT_EQ(crc32c(zeros), 0x8a9136aau);  // RFC 3720 B.4
}

TEST(Crc, ContinuesFromAPreviousPartAndAgreesWithTheTable) {
  std::string text;
  for (int i = 0; i < 300; ++i) text.push_back(static_cast<char>(i * 7));
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    const auto head = std::string_view(text).substr(0, cut), tail = std::string_view(text).substr(cut);
    EXPECT_EQ(crc32c(as_bytes(tail), crc32c(as_bytes(head))), crc32c(as_bytes(text)));
    EXPECT_EQ(crc32(as_bytes(tail), crc32(as_bytes(head))), crc32(as_bytes(text)));
    EXPECT_EQ(crc64(as_bytes(tail), crc64(as_bytes(head))), crc64(as_bytes(text)));
    EXPECT_EQ(crc32c_software(as_bytes(head)), crc32c(as_bytes(head)));
  }
}

}  // namespace
}  // namespace sofa
