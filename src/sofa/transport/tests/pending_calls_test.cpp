#include "sofa/transport/detail/pending_calls.h"

#include <gtest/gtest.h>

#include "sofa/base/random.h"

namespace sofa::transport {
namespace {

TEST(PendingCalls, BehavesAsAMap) {
  const uint64_t seed = system_seed();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  Random random(seed);
  PendingCalls<int> calls;
  std::map<uint32_t, int*> expected;
  std::vector<int> objects(512);
  for (int step = 0; step < 200'000; ++step) {
    // Ids near the wrap, and some that collide in a small table.
    const auto id = static_cast<uint32_t>(random.chance(0.5) ? 0xffffff00u + random.uniform(512) : random.uniform(64) * 1024);
    ASSERT_EQ(calls.find(id), expected.contains(id) ? expected[id] : nullptr);
    if (expected.contains(id)) {
      ASSERT_EQ(calls.remove(id), expected[id]);
      expected.erase(id);
    } else if (expected.size() < 300) {
      int& object = objects[random.uniform(objects.size())];
      calls.insert(id, object);
      expected[id] = &object;
    }
    ASSERT_EQ(calls.size(), expected.size());
  }
  size_t left = 0;
  while (calls.remove_any() != nullptr) ++left;
  EXPECT_EQ(left, expected.size());
  EXPECT_TRUE(calls.empty());
}

}  // namespace
}  // namespace sofa::transport
