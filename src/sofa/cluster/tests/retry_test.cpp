#include "sofa/cluster/retry.h"

#include <gtest/gtest.h>

namespace sofa::cluster {
namespace {

using namespace std::chrono_literals;

TEST(RetryBudget, CallsAndTimeFillItAndRepetitionsTakeFromIt) {
  RetryBudget budget({.ratio = 0.5, .per_second = 1, .most = 2});
  const Instant start{std::chrono::seconds(10)};
  EXPECT_TRUE(budget.withdraw(start));
  EXPECT_TRUE(budget.withdraw(start));
  EXPECT_FALSE(budget.withdraw(start)) << "what was saved up is spent";
  budget.deposit();
  EXPECT_FALSE(budget.withdraw(start));
  budget.deposit();
  EXPECT_TRUE(budget.withdraw(start)) << "two calls at 0.5 are one repetition";
  EXPECT_FALSE(budget.withdraw(start + 999ms));
  EXPECT_TRUE(budget.withdraw(start + 2s));
  for (int i = 0; i < 100; ++i) budget.deposit();
  EXPECT_EQ(budget.balance(), 2) << "it is full";
}

}  // namespace
}  // namespace sofa::cluster
