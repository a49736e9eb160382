#include "sofa/boot/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sofa/boot/builder.h"
#include "sofa/io/runtime.h"

namespace sofa::boot {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr Instant at(Duration time) { return Instant(1s) + time; }

/// Two stages; in the second "journal" runs beside "net", then "ledger".
Report report() {
  return {.application = "bank",
          .wall = WallTime(1'000s),
          .begun = at(0ms),
          .stages = {{.name = "plan", .begun = at(0ms), .ended = at(2ms)},
                     {.name = "start",
                      .begun = at(2ms),
                      .ended = at(200ms),
                      .steps = {{.name = "journal",
                                 .begun = at(2ms),
                                 .ended = at(152ms),
                                 .attributes = {{"classType", "bank::Journal"}},
                                 .type = "sofa.component.start",
                                 .critical = true},
                                {.name = "net", .begun = at(2ms), .ended = at(3ms)},
                                {.name = "ledger", .begun = at(152ms), .ended = at(200ms), .waited = 150ms, .critical = true}}}}};
}

TEST(Report, AnswersInTheShapeOfTheOriginal) {
  EXPECT_EQ(report().json(),
            R"({"appName":"bank","applicationBootElapsedTime":200,"applicationBootTime":1000000,"stageStats":[)"
            R"({"attributes":{},"name":"plan","startTime":1000000,"endTime":1000002,"cost":2,"children":[]},)"
            R"({"attributes":{},"name":"start","startTime":1000002,"endTime":1000200,"cost":198,"children":[)"
            R"({"attributes":{"classType":"bank::Journal"},"name":"journal","startTime":1000002,"endTime":1000152,"cost":150,"children":[],)"
            R"("type":"sofa.component.start","realRefreshElapsedTime":150,"beanClassName":"journal","beanRefreshStartTime":1000002,)"
            R"("beanRefreshEndTime":1000152,"refreshElapsedTime":150},)"
            R"({"attributes":{},"name":"net","startTime":1000002,"endTime":1000003,"cost":1,"children":[]},)"
            R"({"attributes":{},"name":"ledger","startTime":1000152,"endTime":1000200,"cost":48,"children":[]}]}]})");
}

TEST(Report, LeavesOutWhatTookLessThanTheThreshold) {
  EXPECT_THAT(report().json(100ms), AllOf(HasSubstr("\"journal\""), HasSubstr("\"plan\""), Not(HasSubstr("\"net\"")), Not(HasSubstr("\"ledger\""))));
}

TEST(Report, DrawsStepsThatOverlapOnLinesOfTheirOwn) {
  EXPECT_THAT(report().chrome_trace(),
              AllOf(HasSubstr(R"({"name":"start","cat":"stage","ph":"X","ts":2000.000,"dur":198000.000,"pid":1,"tid":0,"args":{}})"),
                    HasSubstr(R"("name":"journal","cat":"start","ph":"X","ts":2000.000,"dur":150000.000,"pid":1,"tid":1)"),
                    HasSubstr(R"("name":"net","cat":"start","ph":"X","ts":2000.000,"dur":1000.000,"pid":1,"tid":2)"),
                    HasSubstr(R"("name":"ledger","cat":"start","ph":"X","ts":152000.000,"dur":48000.000,"pid":1,"tid":1)")));
}

TEST(Report, ShowsPeopleTheCriticalPathAndTheSlowest) {
  const std::string table = report().table(1);
  EXPECT_THAT(table, AllOf(HasSubstr("bank: 200.000 ms\n"), HasSubstr("* journal"), HasSubstr("* ledger"), HasSubstr("48.000 ms, waited 150.000 ms"),
                           HasSubstr("and 1 that took less"), Not(HasSubstr("net"))));
}

struct Disk {
  io::Task<Result<void>> start() { co_return co_await io::sleep_for(5ms); }
};
struct Net {
  Result<void> start() { return {}; }
};
struct Service {
  Service(Ref<Disk>, Ref<Net>) {}
  io::Task<Result<void>> start() { co_return co_await io::sleep_for(1ms); }
};

TEST(Report, MarksTheChainOfComponentsThatTheStartWaitedFor) {
  std::vector<ComponentSpec> specs{component_spec<Service>("service"), component_spec<Disk>("disk"), component_spec<Net>("net")};
  io::Runtime runtime{{.shards = 1}};
  Lifecycle life(specs, make_plan(specs).value(), SystemClock::instance());
  ASSERT_TRUE(life.construct([](const ComponentSpec&) { return nullptr; }));
  const Instant begun = SystemClock::instance().now_monotonic();
  ASSERT_TRUE(runtime.block_on(life.start()));
  const auto steps = start_steps(life, begun);
  ASSERT_EQ(steps.size(), 3U);
  const ReportStep& service = steps.back();
  EXPECT_EQ(service.name, "service") << "steps are in the order of their beginning";
  EXPECT_EQ(service.attributes.at("waitedFor"), "disk");
  EXPECT_GE(service.waited, 5ms);
  for (const ReportStep& step : steps) EXPECT_EQ(step.critical, step.name != "net") << step.name;
  ASSERT_TRUE(runtime.block_on(life.stop()));
}

}  // namespace
}  // namespace sofa::boot
