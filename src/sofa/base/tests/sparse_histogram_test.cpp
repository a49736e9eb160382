#include "sofa/base/sparse_histogram.h"

#include <gtest/gtest.h>

#include "sofa/base/random.h"

namespace sofa {
namespace {

TEST(SparseHistogram, CountsAsAHistogramDoesWithinSixPercent) {
  const uint64_t seed = system_seed();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  Random random(seed);
  Histogram histogram;
  SparseHistogram sparse;
  HistogramSnapshot before;
  for (int step = 0; step < 10; ++step) {
    for (int i = 0; i < 1000; ++i) histogram.record(random.uniform(uint64_t{1} << random.uniform(44)));
    const HistogramSnapshot now = histogram.read();
    sparse.add(now.since(before));
    before = now;
  }
  EXPECT_EQ(sparse.count(), before.count());
  for (const double fraction : {0.01, 0.25, 0.5, 0.9, 0.99}) {
    const auto exact = static_cast<double>(before.percentile(fraction));
    EXPECT_NEAR(static_cast<double>(sparse.percentile(fraction)), exact, 0.08 * exact + 4) << fraction;
  }
}

TEST(SparseHistogram, OfNothingTellsNothing) {
  SparseHistogram none;
  none.add({});
  EXPECT_EQ(none.count(), 0u);
  EXPECT_EQ(none.percentile(0.5), 0u);
}

}  // namespace
}  // namespace sofa
