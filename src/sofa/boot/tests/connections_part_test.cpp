#include "hello_app.h"

namespace sofa::boot {
namespace {

using ConnectionsPart = testing::HelloApp;

TEST_F(ConnectionsPart, ListsWhoIsConnected) {
  EXPECT_TRUE(app.run(client->greet("ada")));
  const auto all = get("connections");
  EXPECT_EQ(all.at("left_off"), 0);
  ASSERT_EQ(all.at("connections").as_array().size(), 1u);
  const auto& one = all.at("connections").at(0);
  EXPECT_EQ(one.at("protocol"), "bolt");
  EXPECT_EQ(one.at("direction"), "in");
  EXPECT_EQ(one.at("tls"), false);
  EXPECT_EQ(one.at("requests"), 1);
  EXPECT_GT(one.at("bytes_in").as_int64(), 20);
  EXPECT_GT(one.at("bytes_out").as_int64(), 20);
}

TEST_F(ConnectionsPart, SaysHowManyItLeavesOff) {
  EXPECT_TRUE(app.run(client->greet("ada")));
  auto other = app.run(rpc::connect<testing::Greeter>(app.url(), {.check = true}));
  ASSERT_TRUE(other);
  EXPECT_TRUE(app.run((*other)->greet("bob")));
  const auto some = get("connections", "connections?limit=1");
  EXPECT_EQ(some.at("connections").as_array().size(), 1u);
  EXPECT_EQ(some.at("left_off"), 1);
}

}  // namespace
}  // namespace sofa::boot
