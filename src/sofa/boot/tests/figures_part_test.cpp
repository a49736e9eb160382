#include "hello_app.h"

namespace sofa::boot {
namespace {

using FiguresPart = testing::HelloApp;

TEST_F(FiguresPart, OfAnApplicationAtRest) {
  const auto now = get("figures");
  EXPECT_EQ(now.at("state"), "ready");
  EXPECT_EQ(now.at("services"), 1);
  EXPECT_EQ(now.at("calls_per_second").to_number<double>(), 0);
  EXPECT_GT(now.at("memory_bytes").as_int64(), 1 << 20);
}

TEST_F(FiguresPart, CountCallsErrorsAndConnections) {
  app.advance(std::chrono::seconds(1));  // the sampler's first look
  call(9, 1);
  ASSERT_TRUE(eventually([&] { return get("figures").at("calls_per_second").to_number<double>() > 0; }));
  const auto now = get("figures");
  EXPECT_DOUBLE_EQ(now.at("errors_per_second").to_number<double>() * 10, now.at("calls_per_second").to_number<double>());
  EXPECT_EQ(now.at("connections"), 1);
  EXPECT_GE(now.at("p99_us").as_int64(), now.at("p50_us").as_int64());
  EXPECT_FALSE(now.at("history").as_array().empty());
}

}  // namespace
}  // namespace sofa::boot
