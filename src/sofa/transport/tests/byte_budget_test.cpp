#include "sofa/transport/byte_budget.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace sofa::transport {
namespace {

constexpr size_t kStep = HeldBytes::kStep;

TEST(ByteBudget, TheOneThatGrowsOverItIsToldAndOthersAreNot) {
  ByteBudget budget(10 * kStep);
  HeldBytes first(&budget), second(&budget);
  EXPECT_TRUE(first.hold(6 * kStep));
  EXPECT_TRUE(second.hold(4 * kStep));
  EXPECT_FALSE(second.hold(5 * kStep));
  EXPECT_TRUE(first.hold(6 * kStep + 1)) << "it has not grown by a step";
  EXPECT_TRUE(first.hold(5 * kStep)) << "less is never too much";
  EXPECT_TRUE(second.hold(0));
  EXPECT_EQ(budget.held(), 5 * kStep);
}

TEST(ByteBudget, SmallOnesCostNothingAndWhatIsHeldIsGivenBackAtTheEnd) {
  ByteBudget budget(kStep);
  {
    HeldBytes one(&budget);
    EXPECT_TRUE(one.hold(kStep - 1));
    EXPECT_EQ(budget.held(), 0u);
    EXPECT_TRUE(one.hold(kStep));
    EXPECT_EQ(budget.held(), kStep);
  }
  EXPECT_EQ(budget.held(), 0u);
  HeldBytes unbounded(nullptr);
  EXPECT_TRUE(unbounded.hold(SIZE_MAX / 2));
}

TEST(ByteBudget, CountsForManyThreads) {
  ByteBudget budget(SIZE_MAX);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&budget] {
      for (size_t round = 0; round < 10'000; ++round) {
        HeldBytes one(&budget);
        EXPECT_TRUE(one.hold(round * kStep) && one.hold(kStep));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(budget.held(), 0u);
}

}  // namespace
}  // namespace sofa::transport
