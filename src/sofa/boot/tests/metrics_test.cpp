#include "hello_app.h"

namespace sofa::boot {
namespace {

namespace json = boost::json;
using CallMetrics = testing::HelloApp;

TEST_F(CallMetrics, AreThereOverTimeAndInPrometheusText) {
  app.advance(std::chrono::seconds(1));
  call(4, 1);
  json::array families;
  const auto calls_there = [&] {
    app.advance(std::chrono::seconds(1));
    families = get("metrics").at("metrics").as_array();
    return std::ranges::any_of(families, [](const json::value& family) { return family.at("name") == "rpc_server_calls_total"; });
  };
  ASSERT_TRUE(eventually(calls_there));
  const auto found = get("metrics/query", "metrics/query?name=rpc_server_calls_total&function=value&by=code").at("series").as_array();
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].at("labels"), (json::object{{"code", "invalid_argument"}}));
  EXPECT_EQ(found[0].at("values").as_array().back().to_number<double>(), 1);
  EXPECT_EQ(found[1].at("values").as_array().back().to_number<double>(), 4);
  EXPECT_EQ(found[1].at("values").at(0).to_number<double>(), 0) << "before the first call there was none";
  const auto calls = std::ranges::find_if(families, [](const json::value& family) { return family.at("name") == "rpc_server_calls_total"; });
  EXPECT_EQ(calls->at("kind"), "counter");
  EXPECT_EQ(calls->at("labels"), (json::array{"code", "method", "protocol", "service"}));
  EXPECT_EQ(calls->at("series"), 2);
  EXPECT_THAT(ask("GET", "/metrics").body,
              ::testing::HasSubstr(R"(rpc_server_calls_total{code="ok",method="greet",protocol="bolt",service="demo.Greeter:1.0"} 4)"));
  EXPECT_EQ(ask("GET", "/v1/metrics/query?name=nothing").status, 404);
  EXPECT_EQ(ask("GET", "/v1/metrics/query?name=rpc_server_running&function=p99").status, 400);
}

}  // namespace
}  // namespace sofa::boot
