#include "sofa/boot/readiness.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sofa/io/runtime.h"
#include "sofa/io/scope.h"

namespace sofa::boot {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class ReadinessTest : public testing::Test {
 protected:
  void make(ReadinessOptions options = {}) { readiness_ = std::make_unique<Readiness>(std::move(options)); }
  Readiness& readiness() {
    if (!readiness_) make();
    return *readiness_;
  }
  Check check(std::string name, const HealthStatus& status, CheckKind kind = CheckKind::indicator) {
    return {.name = std::move(name),
            .kind = kind,
            .check = [&status]() -> io::Task<Health> { co_return Health{status, {{"seen", "yes"}}}; },
            .period = 1ms};
  }
  void callback(std::string name, bool good = true) {
    readiness().add_callback(name, [this, name, good]() -> io::Task<Result<void>> {
      called.push_back(name);
      if (!good) co_return fail(Code::unavailable, "no registry");
      co_return {};
    });
  }
  Result<void> begin() { return runtime.block_on(readiness().begin()); }
  /// Waits until traffic is accepted, or refused.
  bool wait_for(bool accepts) {
    return runtime.block_on([](Readiness& own, bool wanted) -> io::Task<bool> {
      for (int i = 0; i < 10'000 && own.state()->accepts_traffic() != wanted; ++i) (void)co_await io::sleep_for(1ms);
      co_return own.state()->accepts_traffic() == wanted;
    }(readiness(), accepts));
  }
  ~ReadinessTest() override {
    if (readiness_) runtime.block_on(readiness_->stop());
  }

  HealthStatus disk = HealthStatus::up, net = HealthStatus::up;
  std::vector<std::string> called;
  std::vector<bool> told;
  io::Runtime runtime{{.shards = 1}};
  std::unique_ptr<Readiness> readiness_;
};

TEST_F(ReadinessTest, IsUnknownUntilItIsDecided) {
  readiness().add_check(check("disk", disk));
  EXPECT_EQ(readiness().state()->status, HealthStatus::unknown);
  EXPECT_FALSE(readiness().state()->decided);
  ASSERT_TRUE(begin());
  EXPECT_EQ(readiness().state()->status, HealthStatus::up);
  EXPECT_EQ(readiness().state()->indicators.at(0).health.details.at(0).first, "seen");
}

TEST_F(ReadinessTest, CallbacksRunInOrderAndOnlyAfterAllChecksPass) {
  readiness().add_check(check("disk", disk));
  callback("first");
  callback("second");
  ASSERT_TRUE(begin());
  EXPECT_EQ(called, (std::vector<std::string>{"first", "second"}));
}

TEST_F(ReadinessTest, AFailedCheckRunsNoCallbackAndIsNamed) {
  disk = HealthStatus::down;
  readiness().add_check(check("disk", disk, CheckKind::checker));
  callback("first");
  const auto begun = begin();
  ASSERT_FALSE(begun);
  EXPECT_EQ(begun.error().message(), "SOFA-BOOT-01-20000: traffic is refused: disk is DOWN (seen: yes)");
  EXPECT_TRUE(called.empty());
  EXPECT_EQ(readiness().state()->status, HealthStatus::down);
}

TEST_F(ReadinessTest, AFailedCallbackSkipsTheRest) {
  callback("first", false);
  callback("second");
  EXPECT_FALSE(begin());
  EXPECT_EQ(called, std::vector<std::string>{"first"});
  const auto& skipped = readiness().state()->callbacks.at(1).health;
  EXPECT_EQ(skipped.status, HealthStatus::down);
  EXPECT_EQ(to_string(skipped.details.at(0).second), "skipped due to the failure of first");
}

TEST_F(ReadinessTest, ACheckThatIsNotStrictIsShownAndLetsTrafficIn) {
  net = HealthStatus::down;
  Check loose = check("net", net);
  loose.strict = false;
  readiness().add_check(std::move(loose));
  ASSERT_TRUE(begin());
  EXPECT_EQ(readiness().state()->indicators.at(0).health.status, HealthStatus::down);
}

TEST_F(ReadinessTest, IsKeptUpToDateAndTellsItsListeners) {
  readiness().on_change([&](const ReadinessState& state) { told.push_back(state.accepts_traffic()); });
  readiness().add_check(check("disk", disk));
  ASSERT_TRUE(begin());
  runtime.block_on([](HealthStatus& status) -> io::Task<void> {
    status = HealthStatus::down;
    co_return;
  }(disk));
  EXPECT_TRUE(wait_for(false));
  runtime.block_on([](HealthStatus& status) -> io::Task<void> {
    status = HealthStatus::up;
    co_return;
  }(disk));
  EXPECT_TRUE(wait_for(true));
  EXPECT_EQ(told, (std::vector<bool>{true, false, true}));
}

TEST_F(ReadinessTest, RetriesBeforeItFailsAndTimesOutAsUnknown) {
  int tries = 0;
  Check flaky = check("flaky", disk);
  flaky.check = [&tries]() -> io::Task<Health> { co_return ++tries < 3 ? Health::down("not yet") : Health::up(); };
  flaky.retries = 2;
  flaky.retry_interval = 1ms;
  flaky.period = {};
  Check slow = check("slow", disk);
  slow.check = []() -> io::Task<Health> {
    (void)co_await io::sleep_for(1h);
    co_return Health::up();
  };
  slow.timeout = 5ms;
  slow.period = {};
  readiness().add_check(std::move(flaky));
  readiness().add_check(std::move(slow));
  const auto begun = begin();
  ASSERT_FALSE(begun);
  EXPECT_EQ(tries, 3);
  EXPECT_EQ(begun.error().message(), "SOFA-BOOT-01-20000: traffic is refused: slow is UNKNOWN (timeout: 5)");
}

TEST_F(ReadinessTest, ManualCallbacksWaitForTheirTrigger) {
  make({.manual_callbacks = true});
  readiness().add_check(check("disk", disk));
  callback("publish");
  ASSERT_TRUE(begin());
  EXPECT_TRUE(called.empty());
  EXPECT_EQ(readiness().state()->status, HealthStatus::out_of_service);
  ASSERT_TRUE(runtime.block_on(readiness().trigger()));
  EXPECT_EQ(called, std::vector<std::string>{"publish"});
  EXPECT_EQ(readiness().state()->status, HealthStatus::up);
  EXPECT_EQ(runtime.block_on(readiness().trigger()).error().message(), "Readiness callbacks are already triggered.");
}

TEST_F(ReadinessTest, ATriggerWithFailedChecksIsRefused) {
  make({.manual_callbacks = true});
  disk = HealthStatus::down;
  readiness().add_check(check("disk", disk));
  EXPECT_FALSE(begin());
  EXPECT_EQ(runtime.block_on(readiness().trigger()).error().message(), "Health checker or indicator failed.");
}

TEST_F(ReadinessTest, OnceRefusedItStaysSo) {
  readiness().add_check(check("disk", disk));
  ASSERT_TRUE(begin());
  runtime.block_on([](Readiness& own) -> io::Task<void> {
    own.refuse("SIGTERM");
    co_return;
  }(readiness()));
  EXPECT_EQ(readiness().state()->status, HealthStatus::down);
  EXPECT_EQ(readiness().state()->reason, "SIGTERM");
}

}  // namespace
}  // namespace sofa::boot
