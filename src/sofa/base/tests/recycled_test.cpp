#include "sofa/base/recycled.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <thread>
#include <vector>

namespace sofa {
namespace {

constexpr bool kRecycles = !__has_feature(address_sanitizer);

TEST(Recycled, GivesTheLastPieceOfASizeFirst) {
  if (!kRecycles) GTEST_SKIP() << "nothing comes back under the address sanitizer";
  void* const piece = take_memory(200);
  give_memory(piece, 200);
  void* const other_size = take_memory(900);
  void* const again = take_memory(193);  // rounded up to the same size
  EXPECT_EQ(again, piece);
  EXPECT_NE(other_size, piece);
  give_memory(again, 193);
  give_memory(other_size, 900);
}

TEST(Recycled, HoldsEverySizeWhole) {
  std::vector<std::pair<void*, size_t>> pieces;
  for (int round = 0; round < 2; ++round) {
    for (size_t size = 0; size < 20'000; size += size < 2300 ? 1 : 997) {
      pieces.emplace_back(take_memory(size), size);
      std::memset(pieces.back().first, static_cast<int>(size), size);
    }
    for (const auto& [memory, size] : pieces) {
      const auto* const bytes = static_cast<const uint8_t*>(memory);
      ASSERT_TRUE(size == 0 || (bytes[0] == static_cast<uint8_t>(size) && bytes[size - 1] == static_cast<uint8_t>(size))) << size;
    }
    for (const auto& [memory, size] : pieces) give_memory(memory, size);
    pieces.clear();
  }
}

TEST(Recycled, TakesBackWhatAnotherThreadTook) {
  void* taken = nullptr;
  std::thread([&taken] { taken = take_memory(100); }).join();
  give_memory(taken, 100);
  give_memory(nullptr, 100);
}

TEST(Recycled, ObjectsGoBackBySizeOfTheWholeOne) {
  if (!kRecycles) GTEST_SKIP() << "nothing comes back under the address sanitizer";
  struct Base {
    virtual ~Base() = default;
  };
  struct Large : Base, Recycled {
    char content[500];
  };
  std::unique_ptr<Base> object = std::make_unique<Large>();
  void* const place = object.get();
  object.reset();
  void* const again = take_memory(sizeof(Large));
  EXPECT_EQ(again, place);
  give_memory(again, sizeof(Large));
}

}  // namespace
}  // namespace sofa
