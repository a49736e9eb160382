// The planted faults are switches of the library that the simulator links, and off unless asked for. That each is found: docs/simulator.md.
#include "sofa/state/raft_core/plant.h"

#include <gtest/gtest.h>

#include <set>

#include "sofa/state/raft_core/core.h"

namespace sofa::raft {
namespace {

/// How many of two candidates get the vote of a node that has heard of nobody before.
int votes_given(Plant plant) {
  the_plant = plant;
  CoreOptions options{.group = "test", .self = {.ip = "127.0.0.1", .port = 9000}};
  Core core(options, {}, {}, *jraft::Configuration::parse("127.0.0.1:9000,127.0.0.1:9001,127.0.0.1:9002"), 1);
  Instant now{std::chrono::seconds(1)};
  core.start(now);
  int given = 0;
  for (const char* candidate : {"127.0.0.1:9001", "127.0.0.1:9002"}) {
    core.receive(now, 1, 1, jraft::RequestVoteRequest{.group_id = "test", .server_id = candidate, .peer_id = "127.0.0.1:9000", .term = 7});
    for (auto effects = core.take(); !effects.empty(); effects = core.take()) {
      for (const Effect& effect : effects) {
        if (const auto* save = std::get_if<effect::SaveState>(&effect)) core.state_saved(now, save->number);
        const auto* answer = std::get_if<effect::Answer>(&effect);
        if (answer != nullptr && std::get<jraft::RequestVoteResponse>(answer->response).granted) ++given;
      }
    }
  }
  the_plant = Plant::none;
  return given;
}

TEST(Plants, AreOffUnlessAskedFor) {
  EXPECT_EQ(the_plant, Plant::none);
  EXPECT_EQ(votes_given(Plant::none), 1);
  EXPECT_EQ(votes_given(Plant::vote_twice), 2);
}

TEST(Plants, HaveNamesOfTheirOwn) {
  std::set<std::string_view> names, whats;
  for (const PlantInfo& one : plants()) {
    EXPECT_EQ(plant_named(one.name), one.plant);
    EXPECT_TRUE(names.insert(one.name).second && whats.insert(one.what).second) << one.name;
  }
  EXPECT_GE(names.size(), 30u);
  EXPECT_EQ(plant_named("none"), std::nullopt);
}

}  // namespace
}  // namespace sofa::raft
