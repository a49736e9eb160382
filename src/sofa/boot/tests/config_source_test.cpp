#include "sofa/boot/config_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "sofa/base/log_tail.h"
#include "sofa/boot/application.h"
#include "sofa/io/runtime.h"

namespace sofa::boot {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

struct RatesConfig {
  int percent = 5;
  std::string table = "eu";
  static auto describe(Description<RatesConfig>& d) {
    d.field("percent", &RatesConfig::percent).range(0, 100).live();
    d.field("table", &RatesConfig::table);
  }
};

class Rates {
 public:
  explicit Rates(RatesConfig config) : percent(config.percent) {}
  Result<void> on_config(const RatesConfig& before, const RatesConfig& now) {
    if (now.percent == 13) return fail(Code::invalid_argument, "13 % brings no luck");
    EXPECT_EQ(before.percent, percent);
    percent = now.percent;
    return {};
  }
  int percent;
};

class ConfigSourceTest : public testing::Test {
 protected:
  ConfigSourceTest() {
    write("");
    app.component("rates", [this](RatesConfig config) { return rates = std::make_shared<Rates>(std::move(config)); });
    const char* arguments[] = {"rates", "--server-port", "0", "--log-levels", "off", "--dynamic-file", file.c_str(), "--dynamic-period", "1"};
    const auto configured = app.configure(std::size(arguments), arguments);
    EXPECT_TRUE(configured) << configured.error().to_string();
    auto started = runtime.block_on(app.start());
    EXPECT_TRUE(started) << started.error().to_string();
    if (started) running = std::move(*started);
  }
  ~ConfigSourceTest() override {
    EXPECT_TRUE(runtime.block_on(running->stop()));
    set_log_level(LogLevel::info);
    std::filesystem::remove(file);
  }
  /// Renames a new file over the old one, as editors and ConfigMaps do.
  void write(const std::string& text) {
    std::ofstream(file + ".new") << text;
    std::filesystem::rename(file + ".new", file);
  }
  Result<std::vector<std::string>> reconfigure(std::string yaml) {
    return runtime.block_on([](RunningApplication& own, std::string text) -> io::Task<Result<std::vector<std::string>>> {
      co_return own.reconfigure(text, "test");
    }(*running, std::move(yaml)));
  }
  bool percent_becomes(int wanted) {
    return runtime.block_on([](const Rates& own, int percent) -> io::Task<bool> {
      for (int i = 0; i < 10'000 && own.percent != percent; ++i) (void)co_await io::sleep_for(1ms);
      co_return own.percent == percent;
    }(*rates, wanted));
  }

  bool lines_become(const LogTail& tail, size_t wanted) {
    return runtime.block_on([](const LogTail& own, size_t lines) -> io::Task<bool> {
      for (int i = 0; i < 10'000 && own.last() < lines; ++i) (void)co_await io::sleep_for(1ms);
      for (int i = 0; i < 20; ++i) (void)co_await io::sleep_for(1ms);  // it is looked at every millisecond: once, and not again
      co_return own.last() == lines;
    }(tail, wanted));
  }

  const std::string file = testing::TempDir() + fmt::format("boot-dynamic-{}.yaml", getpid());
  std::shared_ptr<Rates> rates;
  Application app{"rates"};
  io::Runtime runtime{{.shards = 1}};
  std::unique_ptr<RunningApplication> running;
};

TEST_F(ConfigSourceTest, LiveFieldsFollowTheFile) {
  write("rates: {percent: 7}");
  ASSERT_TRUE(percent_becomes(7));
  std::ofstream(file) << "rates: {percent: 21} # in place";
  ASSERT_TRUE(percent_becomes(21));
  write("");
  EXPECT_TRUE(percent_becomes(5)) << "what the file no longer says is as it was";
}

TEST_F(ConfigSourceTest, ABrokenFileKeepsTheValuesAndIsFollowedFurther) {
  write("rates: {percent: 7}");
  ASSERT_TRUE(percent_becomes(7));
  const auto tail = std::make_shared<LogTail>();
  const auto before = set_log_tap(tail);
  set_log_level(LogLevel::warn);
  size_t refusals = 0;
  for (const char* text : {"rates: {percent: 700}", "rates: [", static_cast<const char*>(nullptr)}) {
    text == nullptr ? static_cast<void>(std::filesystem::remove(file)) : write(text);
    EXPECT_TRUE(lines_become(*tail, ++refusals)) << "each is told";
    EXPECT_EQ(rates->percent, 7);
  }
  set_log_level(LogLevel::off);
  set_log_tap(before);
  write("rates: {percent: 8}");
  EXPECT_TRUE(percent_becomes(8));
}

TEST_F(ConfigSourceTest, WhatAComponentRefusesChangesNothing) {
  const auto refused = reconfigure("rates: {percent: 13}");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().to_string(), HasSubstr("\"rates\" refuses its new configuration: 13 % brings no luck"));
  EXPECT_EQ(running->configuration().get<RatesConfig>("rates").percent, 5);
}

TEST_F(ConfigSourceTest, AFieldThatIsNotLiveStays) {
  const auto refused = reconfigure("rates: {table: us}");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().to_string(), HasSubstr("rates.table cannot change while the program runs"));
}

}  // namespace
}  // namespace sofa::boot
