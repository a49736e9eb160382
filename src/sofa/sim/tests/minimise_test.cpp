#include "sofa/sim/minimise.h"

#include <gtest/gtest.h>

#include <numeric>

namespace sofa::sim {
namespace {

std::vector<uint64_t> numbers(size_t count) {
  std::vector<uint64_t> all(count);
  std::iota(all.begin(), all.end(), 0);
  return all;
}

TEST(Minimise, FindsTheFewThatAreNeeded) {
  for (const auto& needed : {std::vector<uint64_t>{}, {0}, {999}, {17, 500}, {0, 1, 2}, {3, 400, 401, 402, 998}}) {
    const auto found = minimise(numbers(1000), [&](const auto& kept) { return std::ranges::includes(kept, needed); }, 1000);
    EXPECT_EQ(found.kept, needed);
    EXPECT_LT(found.runs, 150u) << "by halves, not one by one";
  }
}

TEST(Minimise, KeepsWhatFailsWhenItMayNotGoOn) {
  const std::vector<uint64_t> needed{17, 500};
  const auto found = minimise(numbers(1000), [&](const auto& kept) { return std::ranges::includes(kept, needed); }, 5);
  EXPECT_EQ(found.runs, 5u);
  EXPECT_TRUE(std::ranges::includes(found.kept, needed));
  EXPECT_LT(found.kept.size(), 1000u);
}

TEST(Minimise, TakesAFailureThatComesAndGoes) {
  // As a run does that goes another way once a fault is missing: it fails with some lists, with others that are longer it does not.
  const auto found =
      minimise(numbers(100), [](const auto& kept) { return kept.size() % 3 != 2 && std::ranges::includes(kept, std::vector<uint64_t>{42}); }, 500);
  EXPECT_TRUE(std::ranges::includes(found.kept, std::vector<uint64_t>{42}));
  EXPECT_LE(found.kept.size(), 3u);
}

}  // namespace
}  // namespace sofa::sim
