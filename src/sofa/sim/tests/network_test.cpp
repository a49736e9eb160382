#include "sofa/sim/network.h"

#include <gtest/gtest.h>

namespace sofa::sim {
namespace {

TEST(Network, KeepsTheOrderOfAConnectionOverAPartition) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    World world(seed);
    Network network(world, 2, 1);
    network.set_up(0), network.set_up(1);
    network.shape.clogged = 0.1;
    std::vector<int> arrived;
    bool broken = false;
    network.on_broken = [&](const Network::End&) { broken = true; };
    const uint64_t connection = network.connect(0, 1, 0);
    for (int i = 0; i < 100; ++i) {
      world.after(std::chrono::milliseconds(i), [&, i] {
        if (i == 30) network.block(0, 1);
        if (i == 60) network.heal();
        (void)network.send(connection, Way::there, 100, [&arrived, i] { arrived.push_back(i); });
      });
    }
    world.run_for(std::chrono::seconds(10));
    EXPECT_TRUE(std::ranges::is_sorted(arrived)) << "seed " << seed;
    EXPECT_EQ(arrived.size() == 100, !broken) << "seed " << seed;
  }
}

TEST(World, RunsTheSameFromTheSameSeed) {
  const auto run = [](uint64_t seed) {
    World world(seed);
    Network network(world, 3, 1);
    for (int i = 0; i < 3; ++i) network.set_up(i);
    int left = 1000;
    std::function<void(int)> hop = [&](int at) {
      if (--left == 0) return;
      const int to = static_cast<int>(world.random("workload").uniform(3));
      (void)network.send(network.connect(at, to, 0), Way::there, 10, [&hop, to] { hop(to); });
    };
    hop(0);
    hop(1);
    world.run_for(std::chrono::minutes(1));
    return world.hash();
  };
  EXPECT_EQ(run(7), run(7));
  EXPECT_NE(run(7), run(8));
}

TEST(World, DrawsOfOneConcernDoNotShiftAnother) {
  World one(3), other(3);
  (void)one.random("disk").next();
  EXPECT_EQ(one.random("network").next(), other.random("network").next());
}

TEST(World, LeavesFaultsOut) {
  const auto run = [](const std::optional<std::vector<uint64_t>>& only) {
    World world(5);
    Network network(world, 2, 1);
    network.set_up(0), network.set_up(1);
    network.shape.broken = 0.05;
    network.shape.clogged = 0.05;
    world.keep_faults();
    if (only) world.only_faults(*only);
    for (int i = 0; i < 300; ++i) {
      world.after(std::chrono::milliseconds(i), [&] { (void)network.send(network.connect(0, 1, 0), Way::there, 100, [] {}); });
    }
    world.run_for(std::chrono::seconds(10));
    return std::pair(world.faults(), network.breaks());
  };
  const auto [all, breaks] = run({});
  EXPECT_GT(all.size(), 10u);
  EXPECT_EQ(run(std::vector<uint64_t>()).second, 0u);
  const auto [one, one_break] = run({{all.front().number}});
  ASSERT_EQ(one.size(), 1u);
  EXPECT_EQ(one.front().what, all.front().what);
  EXPECT_LE(one_break, 1u);
}

}  // namespace
}  // namespace sofa::sim
