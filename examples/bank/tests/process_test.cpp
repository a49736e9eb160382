#include "bank/process.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace bank {
namespace {

using namespace std::chrono_literals;

class ProcessTest : public testing::Test {
 protected:
  ProcessTest() { std::filesystem::create_directories(folder_); }
  ~ProcessTest() override { std::filesystem::remove_all(folder_); }

  sofa::Result<Process> start(const std::string& script, std::chrono::milliseconds deadline = 10s) {
    return Process::start({"/bin/sh", {"-c", script}, log_}, deadline);
  }
  std::string logged() const {
    std::ifstream in(log_);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  const std::string folder_ = testing::TempDir() + "bank-process-" + std::to_string(getpid());
  const std::string log_ = folder_ + "/child.log";
};

TEST_F(ProcessTest, ThePortIsOfTheReadyLineAndStandardErrorGoesToTheLog) {
  auto child = start("echo first >&2; echo 'ready child pid=1 port=4711'; exec sleep 60");
  ASSERT_TRUE(child) << child.error().to_string();
  EXPECT_EQ(child->port(), 4711);
  child->kill_now();
  EXPECT_EQ(logged(), "first\n");
}

TEST_F(ProcessTest, AStartedAgainChildAppendsToTheLog) {
  for (int i = 0; i < 2; ++i) {
    auto child = start("echo again >&2; echo 'ready child pid=1 port=1'; exec sleep 60");
    ASSERT_TRUE(child) << child.error().to_string();
    child->kill_now();
  }
  EXPECT_EQ(logged(), "again\nagain\n");
}

TEST_F(ProcessTest, AChildThatEndsBeforeItIsReadyIsReportedWithItsLastWords) {
  const auto child = start("echo trying >&2; echo 'the disk is full' >&2; exit 1");
  ASSERT_FALSE(child);
  EXPECT_NE(child.error().message().find("ended before it was ready: the disk is full (" + log_ + ")"), std::string::npos)
      << child.error().to_string();
}

TEST_F(ProcessTest, AChildThatIsNeverReadyIsGivenUpWithTheNameOfItsLog) {
  const auto child = start("exec sleep 60", 50ms);
  ASSERT_FALSE(child);
  EXPECT_EQ(child.error().code(), sofa::Code::deadline_exceeded);
  EXPECT_NE(child.error().message().find(log_), std::string::npos) << child.error().to_string();
}

}  // namespace
}  // namespace bank
