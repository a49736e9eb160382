#include "sofa/base/bytes.h"

#include <gtest/gtest.h>

namespace sofa {
namespace {

TEST(Buffer, KeepsSlicesValidWhenItGrows) {
  Buffer buffer(16);
  buffer.append("hello");
  Bytes hello = buffer.share(0, 5);
  for (int i = 0; i < 1000; ++i) buffer.append("0123456789");
  EXPECT_EQ(hello.text(), "hello");
  EXPECT_EQ(buffer.size(), 10005u);
  EXPECT_EQ(buffer.take(5), hello);
}

TEST(Buffer, ReusesItsBlockWhenEmptyAndUnshared) {
  Buffer buffer(64);
  const uint8_t* start = buffer.free_space().data();
  buffer.append("abc");
  buffer.consume(3);
  EXPECT_EQ(buffer.free_space().data(), start);
}

TEST(Buffer, DoesNotReuseABlockThatASliceStillHolds) {
  Buffer buffer(64);
  buffer.append("abc");
  Bytes taken = buffer.take(3);
  buffer.append("xyz");
  EXPECT_EQ(taken.text(), "abc");
}

TEST(Buffer, WritesBigEndian) {
  Buffer buffer;
  buffer.append_be16(0x0102);
  buffer.append_be32(0x03040506);
  buffer.append_be64(0x0708090a0b0c0d0e);
  EXPECT_EQ(to_hex(buffer.span()), "0102030405060708090a0b0c0d0e");
  buffer.patch_be32(2, 0xffffffff);
  EXPECT_EQ(load_be<uint32_t>(buffer.data() + 2), 0xffffffffu);
}

TEST(Hex, RefusesOddAndForeignLetters) {
  std::vector<uint8_t> out;
  EXPECT_TRUE(from_hex("00fF", out));
  EXPECT_EQ(out, (std::vector<uint8_t>{0, 255}));
  EXPECT_FALSE(from_hex("0", out));
  EXPECT_FALSE(from_hex("zz", out));
}

}  // namespace
}  // namespace sofa
