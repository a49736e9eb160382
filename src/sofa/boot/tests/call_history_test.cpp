#include "sofa/boot/call_history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sofa::boot {
namespace {

using namespace std::chrono_literals;
using testing::DoubleNear;
using testing::Each;
using testing::SizeIs;

/// A log of calls whose time is told, with the history of it.
class CallHistoryTest : public testing::Test {
 protected:
  void call(std::string_view service, std::string_view method, Duration took, bool well = true) {
    log.add(log.method(rpc::CallSide::server, rpc::CallProtocol::bolt, service, method),
            {.status = static_cast<uint8_t>(well ? 0 : static_cast<int>(Code::not_found)), .begun = clock.now_monotonic(), .took = took});
  }
  void pass(CallHistory& to, Duration by = 1s) {
    clock.advance(by);
    to.add({.at = clock.now_monotonic(), .methods = log.read()});
  }

  ManualClock clock;
  rpc::CallLog log{{}, clock};
  CallHistory history;
};

TEST_F(CallHistoryTest, TellsRatesOfTheLastTenSecondsAndSecondsOfTheLastMinute) {
  pass(history);
  for (int second = 0; second < 70; ++second) {
    for (int i = 0; i <= second; ++i) call("a", "one", 1ms, i != 0);
    pass(history);
  }
  const CallRates rates = history.rates({});
  EXPECT_THAT(rates.history, SizeIs(60));
  EXPECT_DOUBLE_EQ(rates.history.front(), 11);
  EXPECT_DOUBLE_EQ(rates.history.back(), 70);
  EXPECT_DOUBLE_EQ(rates.calls_per_second, 65.5);
  EXPECT_DOUBLE_EQ(rates.errors_per_second, 1);
}

TEST_F(CallHistoryTest, CountsNothingThatEndedBeforeItsFirstLook) {
  call("a", "one", 1ms);
  pass(history);
  pass(history);
  EXPECT_DOUBLE_EQ(history.rates({}).calls_per_second, 0);
  EXPECT_EQ(history.rates({}).p99_ns, 0u);
}

TEST_F(CallHistoryTest, KnowsLatenciesWithinSixPercent) {
  pass(history);
  for (int ms = 1; ms <= 100; ++ms) call("a", "one", std::chrono::milliseconds(ms));
  pass(history);
  const CallRates rates = history.rates({});
  EXPECT_THAT(static_cast<double>(rates.p50_ns), DoubleNear(50e6, 3e6));
  EXPECT_THAT(static_cast<double>(rates.p99_ns), DoubleNear(99e6, 6e6));
}

TEST_F(CallHistoryTest, TellsServicesAndMethodsApart) {
  pass(history);
  call("a", "one", 1ms);
  call("a", "two", 1ms);
  call("b", "one", 1ms);
  pass(history);
  EXPECT_DOUBLE_EQ(history.rates({}).calls_per_second, 3);
  EXPECT_DOUBLE_EQ(history.rates({.service = "a"}).calls_per_second, 2);
  EXPECT_DOUBLE_EQ(history.rates({.service = "a", .method = "two"}).calls_per_second, 1);
  EXPECT_DOUBLE_EQ(history.rates({.service = "c"}).calls_per_second, 0);
}

TEST_F(CallHistoryTest, DividesByTheTimeThatALookWasLate) {
  pass(history);
  for (int i = 0; i < 8; ++i) call("a", "one", 1ms);
  pass(history, 4s);
  EXPECT_DOUBLE_EQ(history.rates({}).calls_per_second, 2);
  EXPECT_THAT(history.rates({}).history, Each(2.0));
}

TEST_F(CallHistoryTest, ForgetsWhatIsOlderThanItReachesBackAndKeepsSoManyMethods) {
  CallHistory small({.seconds = 5, .methods = 1});
  pass(small);
  call("a", "one", 1ms);
  call("a", "two", 1ms);
  pass(small);
  EXPECT_DOUBLE_EQ(small.rates({}).calls_per_second, 2);
  EXPECT_DOUBLE_EQ(small.rates({.service = "a"}).calls_per_second, 1) << "the second method counts in the sum alone";
  for (int i = 0; i < 5; ++i) pass(small);
  EXPECT_DOUBLE_EQ(small.rates({}).calls_per_second, 0);
  EXPECT_THAT(small.rates({}).history, SizeIs(5));
}

}  // namespace
}  // namespace sofa::boot
