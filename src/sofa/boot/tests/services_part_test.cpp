#include "hello_app.h"

namespace sofa::boot {
namespace {

using ::testing::HasSubstr;
namespace json = boost::json;

class ServicesPart : public testing::HelloApp {
 protected:
  void SetUp() override {
    HelloApp::SetUp();
    app.advance(std::chrono::seconds(1));  // the sampler's first look
  }
  json::object service() { return get("services").at("services").at(0).as_object(); }
  json::object method(std::string_view name) {
    for (const json::value& one : get("services/{service}", "services/demo.Greeter").at("methods").as_array()) {
      if (one.at("name").as_string() == name) return one.as_object();
    }
    ADD_FAILURE() << "no method " << name;
    return {};
  }
  json::object post(std::string_view body) {
    const Got got = ask("POST", "/v1/calls", std::string(body));
    EXPECT_EQ(got.status, 200) << got.body;
    EXPECT_THAT(contract.faults("post", "calls", got.body), ::testing::IsEmpty()) << got.body;
    return got.status == 200 ? json::parse(got.body).as_object() : json::object();
  }
};

TEST_F(ServicesPart, ListsServicesWithTheirRates) {
  call(3, 1);
  ASSERT_TRUE(eventually([&] { return service().at("calls_total") == 4; }));
  const auto found = service();
  EXPECT_EQ(found.at("name"), "demo.Greeter");
  EXPECT_EQ(found.at("protocols"), (json::array{"bolt", "http"}));
  EXPECT_EQ(found.at("methods"), 3);
  EXPECT_EQ(found.at("errors_total"), 1);
  EXPECT_GT(found.at("calls_per_second").to_number<double>(), 0);
}

TEST_F(ServicesPart, DescribesWhatMethodsTakeByPosition) {
  const auto greet = method("greet");
  EXPECT_EQ(greet.at("doc"), "Says hello.");
  EXPECT_EQ(greet.at("kind"), "unary");
  EXPECT_EQ(greet.at("request_schema"), json::parse(R"({"type":"array","prefixItems":[{"type":"string","title":"name"}]})"));
  EXPECT_EQ(greet.at("response_schema"), json::parse(R"({"type":"string"})"));
  const auto order = method("order");
  EXPECT_EQ(order.at("request_schema").at("prefixItems").at(0),
            json::parse(R"({"type":"object","properties":{"id":{"type":"string","description":"chosen by the caller"},)"
                        R"("cents":{"type":"integer","minimum":1,"maximum":1000000}}})"));
  EXPECT_EQ(method("never").at("response_schema"), json::parse(R"({"type":"null"})"));
  EXPECT_THAT(ask("GET", "/v1/services/demo.Nobody").body, HasSubstr("no service 'demo.Nobody' is published here; there are: demo.Greeter"));
}

TEST_F(ServicesPart, TellsWhereTheTimeOfTheSlowestCallsWent) {
  call(2, 1);
  ASSERT_TRUE(eventually([&] { return get("slowest").at("calls").as_array().size() == 3; }));
  const auto calls = get("slowest", "slowest?service=demo.Greeter&method=greet&limit=2").at("calls").as_array();
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_GE(calls[0].at("duration_us").as_int64(), calls[1].at("duration_us").as_int64());
  EXPECT_EQ(calls[0].at("protocol"), "bolt");
  EXPECT_EQ(calls[0].at("caller"), "shop");
  EXPECT_TRUE(get("slowest", "slowest?method=order").at("calls").as_array().empty());
}

TEST_F(ServicesPart, ListsTheLastCallsTheLatestFirst) {
  EXPECT_TRUE(app.run(client->greet("ada")));
  app.advance(std::chrono::seconds(1));
  EXPECT_FALSE(app.run(client->greet("")));
  const auto calls = get("calls").at("calls").as_array();
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_EQ(calls[0].at("error"), "invalid_argument");
  EXPECT_EQ(calls[1].at("error"), "");
}

TEST_F(ServicesPart, GroupsErrorsWithTheLastMessage) {
  call(1, 2);
  ASSERT_TRUE(eventually([&] { return !get("errors").at("errors").as_array().empty(); }));
  const auto errors = get("errors", "errors?service=demo.Greeter").at("errors").as_array();
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].at("code"), "invalid_argument");
  EXPECT_EQ(errors[0].at("message"), "a name is needed");
  EXPECT_EQ(errors[0].at("count"), 2);
}

TEST_F(ServicesPart, DrawsLatencyOverTime) {
  call(5, 0);
  const auto counted = [&] {
    int64_t sum = 0;
    for (const json::value& column : get("latency", "latency?service=demo.Greeter&seconds=60").at("counts").as_array()) {
      for (const json::value& count : column.at("rows").as_array()) sum += count.as_int64();
    }
    return sum;
  };
  EXPECT_TRUE(eventually([&] { return counted() == 5; })) << counted();
  const auto map = get("latency", "latency?service=demo.Greeter&seconds=60");
  EXPECT_EQ(map.at("counts").at(0).at("rows").as_array().size(), map.at("bounds_us").as_array().size() + 1);
  EXPECT_EQ(map.at("times_ms").as_array().size(), map.at("p99_us").as_array().size());
}

TEST_F(ServicesPart, DrawsLatencyOfAMethodOnlyWithItsService) {
  const Got got = ask("GET", "/v1/latency?method=greet");
  EXPECT_EQ(got.status, 400);
  EXPECT_THAT(got.body, HasSubstr("'greet' needs its service"));
}

TEST_F(ServicesPart, CallsAMethodFromJson) {
  const auto by_position = post(R"({"service":"demo.Greeter","method":"greet","arguments":["ada"]})");
  EXPECT_EQ(by_position.at("ok"), true);
  EXPECT_EQ(by_position.at("result"), "hello ada");
  EXPECT_EQ(post(R"({"service":"demo.Greeter","method":"greet","arguments":{"name":"bob"}})").at("result"), "hello bob");
  EXPECT_EQ(post(R"({"service":"demo.Greeter","method":"order","arguments":[{"id":"a","cents":21},true]})").at("result"), 42);
  const auto calls = get("calls").at("calls").as_array();
  EXPECT_EQ(calls.size(), 3u) << "they are counted as others are";
  EXPECT_EQ(calls[0].at("protocol"), "in-process");
}

TEST_F(ServicesPart, TellsHowACallFailed) {
  const auto wrong = post(R"({"service":"demo.Greeter","method":"greet","arguments":[""]})");
  EXPECT_EQ(wrong.at("ok"), false);
  EXPECT_EQ(wrong.at("code"), "invalid_argument");
  EXPECT_EQ(wrong.at("message"), "a name is needed");
  EXPECT_EQ(post(R"({"service":"demo.Greeter","method":"order","arguments":[{"cents":"much"},true]})").at("code"), "invalid_argument");
  EXPECT_EQ(ask("POST", "/v1/calls", R"({"service":"demo.Nobody","method":"greet"})").status, 404);
  EXPECT_EQ(ask("POST", "/v1/calls", R"({"service":"demo.Greeter","method":"dance"})").status, 404);
  EXPECT_EQ(ask("POST", "/v1/calls", R"({"service":"demo.Greeter","method":"greet","timeout_ms":0})").status, 400);
}

class ServicesPartInRealTime : public testing::HelloApp {
 protected:
  ServicesPartInRealTime() : HelloApp(false) {}
};

TEST_F(ServicesPartInRealTime, EndsACallAtItsDeadline) {
  const Got got = ask("POST", "/v1/calls", R"({"service":"demo.Greeter","method":"never","arguments":[],"timeout_ms":50})");
  EXPECT_EQ(json::parse(got.body).at("code"), "deadline_exceeded") << got.body;
}

}  // namespace
}  // namespace sofa::boot
