#include "sofa/tool/top_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sofa/base/json.h"

namespace sofa::tool {
namespace {

using ::testing::HasSubstr;

rpc::v1::StageTime stage(std::string name, uint64_t ns) {
  rpc::v1::StageTime time;
  time.set_stage(std::move(name));
  time.set_ns(ns);
  return time;
}

/// Two seconds of two methods, and one slow call.
Top sample() {
  rpc::v1::Snapshot snapshot;
  snapshot.set_interval_ns(2'000'000'000);
  for (const auto& [name, calls] : {std::pair("find", 4), std::pair("save", 400)}) {
    rpc::v1::Method& row = *snapshot.add_methods();
    row.set_side("server");
    row.set_protocol("bolt");
    row.set_service("acme.Users:1.0");
    row.set_method(name);
    row.set_calls(static_cast<uint64_t>(calls));
    row.set_errors(2);
    row.set_p99_ns(12'345'678);
    *row.add_stages() = stage("queue", static_cast<uint64_t>(calls) * 1000);
    *row.add_stages() = stage("implementation", static_cast<uint64_t>(calls) * 3000);
  }
  rpc::v1::SlowestResponse slowest;
  rpc::v1::SlowCall& slow = *slowest.add_calls();
  slow.set_side("client");
  slow.set_protocol("triple");
  slow.set_service("acme.Users:1.0");
  slow.set_method("save");
  slow.set_app("shop");
  slow.set_code("not_found");
  slow.set_took_ns(1'500'000'000);
  slow.set_ago_ns(3'000'000'000);
  *slow.add_stages() = stage("wait", 1'500'000'000);
  return make_top(snapshot, slowest);
}

TEST(Top, ShowsRatesOfTheIntervalTheBusiestMethodFirst) {
  const Top top = sample();
  EXPECT_EQ(top.methods.at(0).method, "save");
  EXPECT_EQ(top.methods.at(0).calls_per_second, 200);
  EXPECT_EQ(top.methods.at(0).errors_per_second, 1);
  EXPECT_EQ(top.methods.at(0).stages_us.at("implementation"), 3) << "of one call";
  const Terminal plain({}, {}, {});
  const std::string text = top_text(top, 1, plain);
  EXPECT_THAT(text, HasSubstr("2.0 s: 404 calls, 4 errors"));
  EXPECT_THAT(text, HasSubstr("acme.Users:1.0.save  server  bolt        200.0       1.0  0 us  12.3 ms"));
  EXPECT_THAT(text, HasSubstr("and 1 further methods"));
  EXPECT_THAT(text, HasSubstr("1.5 s  acme.Users:1.0.save (client triple), not_found, from shop, 3 s ago"));
  EXPECT_THAT(text, HasSubstr("wait 100 %"));
}

TEST(Top, IsJsonForPrograms) {
  const auto json = to_json(sample());
  ASSERT_TRUE(json) << json.error().to_string();
  EXPECT_THAT(*json, HasSubstr(R"("calls_per_second":200)"));
  EXPECT_THAT(*json, HasSubstr(R"("stages_us":{"wait":1500000)"));
}

TEST(Top, ABarHasALetterForEachPartOfTheTime) {
  EXPECT_EQ(stages_bar({{"implementation", 50}, {"queue", 25}, {"serialize", 25}}, 8), "qqiiiiss");
  EXPECT_EQ(stages_bar({{"implementation", 0.001}, {"wait", 1000}}, 4), "wwww") << "what is too short has none";
  EXPECT_EQ(stages_bar({}, 8), "");
}

}  // namespace
}  // namespace sofa::tool
