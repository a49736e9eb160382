#include "sofa/load/load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sofa/io/runtime.h"
#include "sofa/io/shard.h"

namespace sofa::load {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::Pair;

class LoadTest : public testing::Test {
 protected:
  LoadReport run(LoadOptions options, Duration time, Load::Call call, int runs = 1) {
    return runtime_.block_on([](LoadOptions how, Duration length, Load::Call what, int times) -> io::Task<LoadReport> {
      Load load(how, std::move(what));
      for (int i = 0; i < times; ++i) {
        const auto done = co_await load.run(length);
        EXPECT_TRUE(done) << done.error().to_string();
      }
      co_return load.report();
    }(options, time, std::move(call), runs));
  }
  io::Runtime runtime_{{.shards = 1}};
};

io::Task<Result<void>> wait(Duration time) { co_return co_await io::sleep_for(time); }

TEST_F(LoadTest, EachCallerOfAClosedLoopHasOneCallRunning) {
  uint32_t running = 0, most = 0;
  const auto report = run({.callers = 4}, 50ms, [&](uint32_t) -> io::Task<Result<void>> {
    most = std::max(most, ++running);
    auto slept = co_await io::sleep_for(1ms);
    --running;
    co_return slept;
  });
  EXPECT_EQ(most, 4u);
  EXPECT_GE(report.latency.count(), 4u);
  EXPECT_GE(report.latency.percentile(0.01), 1'000'000u * 63 / 64) << "nanoseconds of a call";
  EXPECT_GE(report.time, 50ms);
  EXPECT_EQ(report.unsent, 0u);
}

TEST_F(LoadTest, AnOpenLoopSendsAtItsRateWhateverTheCallsTake) {
  const auto report = run({.callers = 64, .rate = 1000}, 200ms, [](uint32_t) { return wait(5ms); });
  EXPECT_EQ(report.latency.count() + report.unsent, 200u);
  EXPECT_LT(report.unsent, 100u);
}

TEST_F(LoadTest, AStallOfAnOpenLoopShowsInAllTheCallsItDelays) {
  uint32_t calls = 0;
  const auto report = run({.callers = 1, .rate = 1000}, 300ms, [&](uint32_t) { return wait(++calls == 1 ? 200ms : 0ms); });
  // One call took 200 ms, and the 199 that were due meanwhile had waited for it: half of all that were sent took 50 ms or more.
  EXPECT_GE(report.latency.percentile(0.5), 50'000'000u);
  EXPECT_EQ(report.latency.count() + report.unsent, 300u);
}

TEST_F(LoadTest, CallsThatFoundNoFreeCallerAreCountedAsUnsent) {
  const auto report = run({.callers = 1, .rate = 1000}, 100ms, [](uint32_t) { return wait(50ms); });
  EXPECT_GE(report.unsent, 90u);
}

TEST_F(LoadTest, FailedCallsAreCountedByKindAndNotAsLatencies) {
  uint32_t calls = 0;
  const auto report =
      run({.kind_of = [](const Error& error) { return std::string(error.message()); }}, 20ms, [&](uint32_t) -> io::Task<Result<void>> {
        ++calls;
        if (calls % 2 == 0) co_return fail(Code::internal, "even");
        co_return co_await io::sleep_for(1ms);
      });
  EXPECT_EQ(report.first_error, "even");
  EXPECT_EQ(report.latency.count() + report.failed(), calls);
  EXPECT_THAT(report.errors, ElementsAre(Pair("even", calls / 2)));
}

TEST_F(LoadTest, AServerThatNamesEachErrorAnewFillsNoMemory) {
  uint64_t calls = 0;
  const auto report = run({.kind_of = [](const Error& error) { return std::string(error.message()); }}, 20ms,
                          [&](uint32_t) -> io::Task<Result<void>> { co_return fail(Code::internal, "error {}{}", ++calls, std::string(1000, 'x')); });
  ASSERT_GT(calls, kMostKinds);
  EXPECT_EQ(report.errors.size(), kMostKinds + 1);
  EXPECT_EQ(report.errors.at("other"), calls - kMostKinds);
  EXPECT_EQ(report.failed(), calls);
  EXPECT_LE(report.errors.begin()->first.size(), 256u);
}

TEST_F(LoadTest, StopsAtTheFirstErrorWhereThatIsAsked) {
  const auto report = run({.callers = 4, .stop_at_error = true}, 60s, [](uint32_t caller) -> io::Task<Result<void>> {
    if (caller == 2) co_return fail(Code::unavailable, "gone");
    co_return co_await io::sleep_for(1ms);
  });
  EXPECT_THAT(report.errors, ElementsAre(Pair("unavailable", 1u)));
}

TEST_F(LoadTest, SeveralRunsAddUpUntilTheyAreForgotten) {
  const auto twice = run({}, 20ms, [](uint32_t) { return wait(1ms); }, 2);
  EXPECT_GE(twice.time, 40ms);
  const auto nothing = runtime_.block_on([]() -> io::Task<LoadReport> {
    Load load({}, [](uint32_t) { return wait(1ms); });
    [[maybe_unused]] const auto done = co_await load.run(5ms);
    load.forget();
    co_return load.report();
  }());
  EXPECT_EQ(nothing.latency.count(), 0u);
  EXPECT_EQ(nothing.time, Duration::zero());
}

}  // namespace
}  // namespace sofa::load
