#include "sofa/base/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "sofa/base/json_check.h"
#include "sofa/base/testing/captured_log.h"

namespace sofa {
namespace {

using testing::ElementsAre;

TEST(Log, WritesOneLineAnEventWithItsFields) {
  CapturedLog captured;
  const Logger log{"test.fields"};
  const Error error = Error(Code::unavailable, "connection refused").wrap("cannot reach ledger");
  log.warn("call failed", {{"peer", "127.0.0.1:4711"}, {"attempt", 3}, {"busy", true}, {"ratio", 0.5}, {"error", error}, {"name", std::string()}});
  log.info("started");
  EXPECT_THAT(captured.lines(), ElementsAre("warn test.fields call failed peer=127.0.0.1:4711 attempt=3 busy=true ratio=0.5 "
                                            "error=\"cannot reach ledger: connection refused\" name=\"\"",
                                            "info test.fields started"));
}

TEST(Log, HostileTextCannotForgeALineOrAField) {
  CapturedLog captured;
  const Logger log{"test.hostile"};
  log.info("event\nerror", {{"class", "a\n2026 error=\"x\"\x1b[31m\\"}});
  log.info("long", {{"text", std::string(kMaxLogValue + 10, 'x')}});
  ASSERT_EQ(captured.lines().size(), 2u);
  EXPECT_EQ(captured.lines()[0], R"(info test.hostile event\nerror class="a\n2026 error=\"x\"\x1b[31m\\")");
  EXPECT_TRUE(captured.contains("xxx...(10 more bytes)"));
}

TEST(Log, LevelsAreSetPerSpaceAtRunTime) {
  CapturedLog captured;
  const Logger rpc{"test.rpc"}, io{"test.io"};
  rpc.debug("hidden");
  ASSERT_TRUE(set_log_levels("warn,test.rpc=debug"));
  rpc.debug("shown");
  io.info("hidden");
  EXPECT_FALSE(io.enabled(LogLevel::info));
  ASSERT_TRUE(set_log_levels("info"));
  rpc.debug("hidden");
  io.info("shown too");
  EXPECT_THAT(captured.lines(), ElementsAre("debug test.rpc shown", "info test.io shown too"));
}

TEST(Log, AWrongLevelChangesNothingAndSaysWhatToWrite) {
  ASSERT_TRUE(set_log_levels("info"));
  auto result = set_log_levels("debug,test.rpc=loud");
  ASSERT_FALSE(result);
  EXPECT_THAT(std::string(result.error().message()), testing::HasSubstr("'test.rpc=loud' is wrong; write debug, info, warn"));
  EXPECT_FALSE(Logger{"test.rpc"}.enabled(LogLevel::debug));
  EXPECT_FALSE(set_log_levels("=info"));
}

struct CountsFormatting {
  int* count;
};

}  // namespace
}  // namespace sofa

template <>
struct fmt::formatter<sofa::CountsFormatting> : fmt::formatter<int> {
  auto format(const sofa::CountsFormatting& value, fmt::format_context& context) const {
    return fmt::formatter<int>::format(++*value.count, context);
  }
};

namespace sofa {
namespace {

TEST(Log, FormatsNothingWhenTheLevelIsOff) {
  CapturedLog captured;
  const Logger log{"test.lazy"};
  int count = 0;
  log.debug("off", {{"value", CountsFormatting{&count}}});
  EXPECT_EQ(count, 0);
  log.info("on", {{"value", CountsFormatting{&count}}});
  EXPECT_EQ(count, 1);
}

TEST(LogRate, BoundsTheLinesOfASecondAndTellsHowManyWereSuppressed) {
  LogRate rate(2);
  EXPECT_EQ(rate.admit(1000), 0u);
  EXPECT_EQ(rate.admit(1001), 0u);
  EXPECT_EQ(rate.admit(1002), std::nullopt);
  EXPECT_EQ(rate.admit(1999), std::nullopt);
  EXPECT_EQ(rate.suppressed(), 2u);
  EXPECT_EQ(rate.admit(2000), 2u);
  EXPECT_EQ(rate.admit(2001), 0u);
}

TEST(LogRate, ALineThatIsOffDoesNotCount) {
  CapturedLog captured;
  LogRate rate(1000);
  const Logger log{"test.rate"};
  for (int i = 0; i < 5000; ++i) log.debug(rate, "off");
  EXPECT_EQ(rate.suppressed(), 0u);
  LogRate none(0);
  for (int i = 0; i < 5; ++i) log.warn(none, "never");
  EXPECT_EQ(none.suppressed(), 5u);
  EXPECT_FALSE(captured.contains("never"));
}

TEST(Log, ManyThreadsWriteWholeLines) {
  CapturedLog captured;
  const Logger log{"test.threads"};
  LogRate rate(1'000'000);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i) {
        log.info(rate, "line", {{"i", i}});
        set_log_level("test.threads", i % 2 == 0 ? LogLevel::info : LogLevel::debug);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(captured.count("info test.threads line i="), 2000u);
}

TEST(Log, WritesToAFileAndRotatesIt) {
  const auto folder = std::filesystem::temp_directory_path() / fmt::format("sofa-log-test-{}", ::getpid());
  std::filesystem::create_directories(folder);
  LogOptions options{.levels = "info", .file = folder / "app.log", .max_file_bytes = 4096, .max_files = 2};
  auto former = set_log_sink(make_stderr_sink());
  ASSERT_TRUE(configure_logging(options));
  const Logger log{"test.file"};
  for (int i = 0; i < 100; ++i) log.info("a line of some length", {{"i", i}});
  set_log_sink(former);
  std::ifstream file(folder / "app.log");
  std::string line;
  ASSERT_TRUE(std::getline(file, line));
  EXPECT_THAT(line, testing::MatchesRegex(".*T.*Z info  test.file a line of some length i=[0-9]+"));
  EXPECT_TRUE(std::filesystem::exists(folder / "app.1.log"));
  EXPECT_LE(std::filesystem::file_size(folder / "app.log"), 4096u);
  std::filesystem::remove_all(folder);
}

/// A folder of its own, and what lines are logged into it.
class LogFolder : public testing::Test {
 protected:
  LogFolder() : former_(set_log_sink(make_stderr_sink())) { std::filesystem::create_directories(folder_); }
  ~LogFolder() override {
    set_log_sink(former_);
    std::filesystem::remove_all(folder_);
  }
  std::string read(const std::string& name) const {
    std::ifstream file(folder_ / name);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  const std::filesystem::path folder_ = std::filesystem::temp_directory_path() / fmt::format("sofa-log-folder-{}", ::getpid());

 private:
  std::shared_ptr<LogSink> former_;
};

TEST_F(LogFolder, HasAFolderForEachSpaceAndErrorsApart) {
  ASSERT_TRUE(configure_logging({.folder = folder_ / "logs"}));
  const Logger runtime{"sofa-runtime"};
  const Logger health{"health-check"};
  const Logger rpc{"rpc"};
  runtime.info("started");
  health.error("a check has failed", {{"check", "db"}});
  rpc.warn("slow");
  EXPECT_THAT(read("logs/sofa-runtime/sofa-default.log"), testing::EndsWith("info  sofa-runtime started\n"));
  EXPECT_THAT(read("logs/sofa-runtime/common-error.log"), "");
  EXPECT_THAT(read("logs/health-check/common-default.log"), testing::EndsWith("a check has failed check=db\n"));
  EXPECT_THAT(read("logs/health-check/common-error.log"), testing::EndsWith("a check has failed check=db\n"));
  EXPECT_THAT(read("logs/rpc/rpc-default.log"), testing::EndsWith("slow\n"));
}

TEST_F(LogFolder, IsAnErrorWithItsNameWhenItCannotBeWritten) {
  std::ofstream(folder_ / "file") << "no folder";
  const auto result = configure_logging({.folder = folder_ / "file"});
  ASSERT_FALSE(result);
  EXPECT_THAT(std::string(result.error().message()), testing::HasSubstr((folder_ / "file").string()));
  const auto both = configure_logging({.file = folder_ / "a.log", .folder = folder_ / "logs"});
  ASSERT_FALSE(both);
  EXPECT_THAT(std::string(both.error().message()), testing::HasSubstr("leave one of them out"));
}

TEST_F(LogFolder, WritesJsonThatNoValueBreaks) {
  ASSERT_TRUE(configure_logging({.format = LogFormat::json, .file = folder_ / "app.log"}));
  const Logger log{"test.json"};
  log.warn("say \"hello\"\n", {{"number", 7}, {"share", 0.5}, {"none", std::nan("")}, {"yes", true}, {"text", "a\xff\"b\\\n{"}});
  const std::string line = read("app.log");
  EXPECT_THAT(line, testing::StartsWith(R"({"time":"20)"));
  EXPECT_THAT(line, testing::HasSubstr(R"(Z","level":"warn","space":"test.json","event":"say \"hello\"\u000a",)"));
  EXPECT_THAT(line, testing::HasSubstr(R"("fields":{"number":7,"share":0.5,"none":"nan","yes":true,"text":"a)"));
  EXPECT_TRUE(check_json(line)) << line;
}

TEST(Log, AFileThatCannotBeOpenedIsAnErrorWithItsName) {
  auto result = configure_logging({.levels = "info", .file = "/proc/none/app.log"});
  ASSERT_FALSE(result);
  EXPECT_THAT(std::string(result.error().message()), testing::HasSubstr("/proc/none/app.log"));
}

}  // namespace
}  // namespace sofa
