#include "sofa/platform/overview.h"

#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sofa/io/runtime.h"

namespace sofa::platform {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// An overview over processes that are made up, with a time that stands still.
class OverviewTest : public ::testing::Test {
 protected:
  void run(const std::function<io::Task<void>()>& body) {
    io::Runtime runtime({.shards = 1, .clock = &clock_});
    runtime.block_on([&]() -> io::Task<void> {
      OverviewSources sources{.processes = [this] { return processes_; },
                              .figures = [this](std::string id) { return answer(std::move(id)); },
                              .platform = [] { return PlatformView{.platform = {.name = "sofa"}, .health = "up"}; }};
      overview_ = std::make_unique<Overview>(std::move(sources), happenings_);
      co_await body();
      co_await overview_->stop();
      overview_.reset();
    }());
  }
  void attach(std::string name, uint32_t pid) {
    processes_.push_back({.id = fmt::format("{}-{}", name, pid), .name = name, .pid = pid, .started_at = 7, .admin = "127.0.0.1:9910"});
    overview_->on_attached(processes_.back());
  }
  io::Task<Result<std::string>> answer(std::string id) {
    ++asked_;
    if (deaf_) co_await io::or_return(co_await io::until_cancelled());
    if (!figures_.contains(id)) co_return fail(Code::unavailable, "no figures");
    co_return figures_[id];
  }
  /// Lets the time pass, and what is due happen.
  io::Task<void> pass(Duration time) {
    for (Duration step = 250ms; time > Duration::zero(); time -= step) {
      clock_.advance(step);
      (void)co_await io::sleep_until(clock_.now_monotonic());
      for (int turn = 0; turn < 5; ++turn) co_await io::next_turn();
    }
  }
  std::vector<std::string> told() const {
    std::vector<std::string> all;
    for (const Happening& one : happenings_.latest(50)) all.push_back(fmt::format("{} {}: {}", one.severity, one.kind, one.message));
    return all;
  }

  ManualClock clock_;
  Happenings happenings_{clock_};
  std::unique_ptr<Overview> overview_;
  std::vector<ProcessInfo> processes_;
  std::map<std::string, std::string> figures_;
  int asked_ = 0;
  bool deaf_ = false;
};

TEST_F(OverviewTest, AddsUpWhatProcessesSayOfThemselves) {
  run([this]() -> io::Task<void> {
    figures_["bank-7"] = R"({"state":"ready","cpu_cores":0.5,"memory_bytes":100,"connections":2,"services":1,"calls_per_second":10,
                             "errors_per_second":1,"p50_us":30,"p99_us":90,"history":[1,2],"something":"newer"})";
    figures_["shop-8"] = R"({"state":"starting","cpu_cores":0.25,"memory_bytes":50,"connections":1,"calls_per_second":5,"p50_us":40,"p99_us":80})";
    overview_->start();
    attach("bank", 7);
    attach("shop", 8);
    co_await pass(1s);
    const OverviewAnswer answer = overview_->read();
    EXPECT_EQ(answer.platform.name, "sofa");
    EXPECT_EQ(answer.health, "up");
    EXPECT_EQ(answer.rates.calls_per_second, 15);
    EXPECT_EQ(answer.rates.errors_per_second, 1);
    EXPECT_EQ(answer.rates.cpu_cores, 0.75);
    EXPECT_EQ(answer.rates.memory_bytes, 150);
    EXPECT_EQ(answer.rates.connections, 3);
    EXPECT_EQ(answer.rates.p50_us, 40);  // of the slowest
    EXPECT_EQ(answer.rates.p99_us, 90);
    if (answer.processes.size() != 2) co_return ADD_FAILURE() << answer.processes.size();
    const ProcessFigures& bank = answer.processes[0];
    EXPECT_EQ(bank.id, "bank-7");
    EXPECT_EQ(bank.state, "ready");
    EXPECT_EQ(bank.admin, "127.0.0.1:9910");
    EXPECT_EQ(bank.started_at_ms, 7);
    EXPECT_THAT(bank.history, ElementsAre(1, 2));
    EXPECT_EQ(answer.processes[1].state, "starting");
  });
}

TEST_F(OverviewTest, ProcessesAreAskedEachSecondWhileSomebodyLooksAndSeldomElse) {
  run([this]() -> io::Task<void> {
    figures_["bank-7"] = R"({"state":"ready"})";
    overview_->start();
    attach("bank", 7);
    co_await pass(1s);
    asked_ = 0;
    co_await pass(20s);
    EXPECT_EQ(asked_, 4);
    asked_ = 0;
    (void)overview_->read();
    co_await pass(250ms);
    EXPECT_EQ(asked_, 1);  // at once, not when the rest is over
    for (int second = 0; second < 10; ++second) {
      (void)overview_->read();
      co_await pass(1s);
    }
    EXPECT_EQ(asked_, 11);
    asked_ = 0;
    co_await pass(23s);  // 3 more at the old pace, then 4 at rest
    EXPECT_LE(asked_, 8);
  });
}

TEST_F(OverviewTest, TellsWhatHasHappenedToProcesses) {
  run([this]() -> io::Task<void> {
    figures_["bank-7"] = R"({"state":"ready"})";
    overview_->start();
    attach("bank", 7);
    co_await pass(1s);
    figures_["bank-7"] = R"({"state":"refusing"})";
    co_await pass(5s);
    figures_["bank-7"] = R"({"state":"draining"})";
    co_await pass(5s);
    overview_->on_gone(processes_.front());
    EXPECT_THAT(told(), ElementsAre("info gone: bank (pid 7) has stopped", "info readiness: bank (pid 7) is stopping: it takes no new traffic",
                                    "warn readiness: bank (pid 7) refuses traffic: a check of its readiness fails",
                                    "info readiness: bank (pid 7) takes traffic", "info attached: bank (pid 7) has attached"));
    processes_.clear();
    attach("shop", 8);
    overview_->on_gone(processes_.front());
    EXPECT_EQ(told().front(), "warn gone: shop (pid 8) is gone: its connection has ended");
    EXPECT_THAT(overview_->read().processes, IsEmpty());
    EXPECT_EQ(overview_->read().events.front().process, "shop-8");
  });
}

TEST_F(OverviewTest, TellsThatAConfigurationHasChanged) {
  run([this]() -> io::Task<void> {
    figures_["bank-7"] = R"({"state":"ready","configured":3,"configured_last":["old"]})";
    overview_->start();
    attach("bank", 7);
    co_await pass(6s);
    EXPECT_EQ(told().front(), "info readiness: bank (pid 7) takes traffic");  // what was before it came is not told
    figures_["bank-7"] = R"({"state":"ready","configured":4,"configured_last":["log.levels","risk.limit"]})";
    co_await pass(20s);
    EXPECT_EQ(told().front(), "info configuration: bank (pid 7) has a new configuration: log.levels, risk.limit");
    EXPECT_EQ(told().size(), 3u);  // and that once
  });
}

TEST_F(OverviewTest, TellsSoManyChangedKeysAndHowManyMore) {
  run([this]() -> io::Task<void> {
    figures_["bank-7"] = R"({"state":"ready"})";
    overview_->start();
    attach("bank", 7);
    co_await pass(6s);
    std::vector<std::string> keys{fmt::format("\"{}\"", std::string(1'000, 'x'))};
    for (int i = 1; i < 500; ++i) keys.push_back(fmt::format("\"key{}\"", i));
    figures_["bank-7"] = fmt::format(R"({{"state":"ready","configured":1,"configured_last":[{}]}})", fmt::join(keys, ","));
    co_await pass(20s);
    const Happening changed = happenings_.latest(1).front();
    EXPECT_THAT(changed.subject, EndsWith("xxx, key1, key2, key3, key4, key5, key6, key7, key8, key9, ... and 490 more"));
    EXPECT_LT(changed.subject.size(), 200u);
    EXPECT_EQ(changed.message, "bank (pid 7) has a new configuration: " + changed.subject);
  });
}

TEST_F(OverviewTest, AProcessThatDoesNotAnswerIsLostAndHoldsUpNobody) {
  run([this]() -> io::Task<void> {
    figures_["bank-7"] = R"({"state":"ready","calls_per_second":3})";
    overview_->start();
    attach("bank", 7);
    co_await pass(1s);
    deaf_ = true;
    co_await pass(10s);
    EXPECT_EQ(overview_->read().processes.front().state, "ready");  // two answers are missing, and may have been late
    co_await pass(10s);
    const OverviewAnswer lost = overview_->read();
    EXPECT_EQ(lost.processes.front().state, "lost");
    EXPECT_EQ(lost.rates.calls_per_second, 0);  // what it did when it last answered is not what it does
    EXPECT_EQ(lost.history.calls_per_second.back(), 0);
    EXPECT_THAT(told().front(), HasSubstr("warn readiness: bank (pid 7) does not answer"));
    deaf_ = false;
    co_await pass(5s);
    EXPECT_EQ(overview_->read().processes.front().state, "ready");
    EXPECT_EQ(overview_->read().rates.calls_per_second, 3);
  });
}

TEST_F(OverviewTest, AnAnswerThatIsNoneIsAMissingOne) {
  run([this]() -> io::Task<void> {
    figures_["bank-7"] = "nonsense";
    overview_->start();
    attach("bank", 7);
    co_await pass(15s);
    EXPECT_EQ(overview_->read().processes.front().state, "lost");
    EXPECT_THAT(told().front(), HasSubstr("the figures"));
  });
}

TEST_F(OverviewTest, TheHistoryHasAPointEachFiveSecondsForAQuarterOfAnHour) {
  run([this]() -> io::Task<void> {
    figures_["bank-7"] = R"({"state":"ready","calls_per_second":1})";
    overview_->start();
    attach("bank", 7);
    co_await pass(1s);
    figures_["bank-7"] = R"({"state":"ready","calls_per_second":2})";
    co_await pass(60s);
    const RateColumns some = overview_->read().history;
    EXPECT_GE(some.times_ms.size(), 12u);
    EXPECT_EQ(some.calls_per_second.back(), 2);
    for (size_t i = 1; i < some.times_ms.size(); ++i) EXPECT_EQ(some.times_ms[i] - some.times_ms[i - 1], 5'000) << i;
    co_await pass(1'000s);
    EXPECT_EQ(overview_->read().history.times_ms.size(), 180u);
  });
}

TEST(HappeningsTest, KeepsTheLastOnesWithTheirTimes) {
  ManualClock clock;
  Happenings happenings(clock, 3);
  for (int i = 1; i <= 5; ++i) {
    clock.advance(1s);
    happenings.add({.message = fmt::format("{}", i)});
  }
  const auto latest = happenings.latest(10);
  ASSERT_EQ(latest.size(), 3u);
  EXPECT_EQ(latest[0].message, "5");
  EXPECT_EQ(latest[0].id, "e5");
  EXPECT_EQ(latest[0].at_ms - latest[2].at_ms, 2'000);
  EXPECT_EQ(happenings.latest(1).size(), 1u);
}

}  // namespace
}  // namespace sofa::platform
