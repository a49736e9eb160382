#include "sofa/boot/run_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace sofa::boot {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class RunDirectory : public testing::Test {
 protected:
  RunDirectory() { fs::remove_all(folder_); }
  ~RunDirectory() override { fs::remove_all(folder_); }

  static RunningProcess own(std::string name) {
    RunningProcess process = this_running_process();
    process.name = std::move(name);
    process.admin = "127.0.0.1:9910";
    return process;
  }
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    const auto found = running_processes(folder_);
    EXPECT_TRUE(found) << found.error().to_string();
    if (!found) return all;
    for (const RunningProcess& process : *found) all.push_back(process.name);
    return all;
  }
  std::vector<std::string> files() const {
    std::vector<std::string> all;
    for (const auto& entry : fs::directory_iterator(folder_)) all.push_back(entry.path().filename());
    std::ranges::sort(all);
    return all;
  }
  std::string refused() const {
    const auto written = Announcement::write(folder_, own("app"));
    const auto read = running_processes(folder_);
    EXPECT_EQ(written.error().to_string(), read.error().to_string());
    return written ? "" : written.error().to_string();
  }

  const std::string folder_ = fmt::format("{}run-directory-{}", testing::TempDir(), getpid());
};

/// A process that was there.
uint32_t gone_pid() {
  const pid_t child = fork();
  if (child == 0) _exit(0);
  waitpid(child, nullptr, 0);
  return static_cast<uint32_t>(child);
}

TEST_F(RunDirectory, HoldsAProcessForAsLongAsItsAnnouncementLives) {
  EXPECT_THAT(names(), ElementsAre());
  {
    const auto shop = Announcement::write(folder_, own("shop"));
    const auto bank = Announcement::write(folder_, own("bank"));
    ASSERT_TRUE(shop && bank);
    EXPECT_THAT(names(), ElementsAre("bank", "shop"));
    EXPECT_EQ(running_processes(folder_)->front().admin, "127.0.0.1:9910");
    EXPECT_EQ(fs::status(folder_).permissions(), fs::perms::owner_all);
  }
  EXPECT_THAT(names(), ElementsAre());
  EXPECT_THAT(files(), ElementsAre());
}

TEST_F(RunDirectory, FilesOfProcessesThatAreGoneAreRemovedByTheNextReaderAndWriter) {
  const auto bank = Announcement::write(folder_, own("bank"));
  const std::string dead = fmt::format("{}/shop-{}.json", folder_, gone_pid());
  for (const std::string& file : {dead, dead + ".new"}) std::ofstream(file) << "{}";
  EXPECT_THAT(names(), ElementsAre("bank"));
  EXPECT_EQ(files().size(), 1u);
  std::ofstream(dead) << "{}";
  const auto shop = Announcement::write(folder_, own("shop"));
  EXPECT_EQ(files().size(), 2u);
}

TEST_F(RunDirectory, APidThatIsUsedAgainIsAnotherProcess) {
  RunningProcess former = own("bank");
  ++former.start_ticks;
  const auto bank = Announcement::write(folder_, former);
  ASSERT_TRUE(bank);
  EXPECT_THAT(names(), ElementsAre());
}

TEST_F(RunDirectory, WhatIsNoAnnouncementIsPassedOver) {
  const auto bank = Announcement::write(folder_, own("bank"));
  std::ofstream(fmt::format("{}/broken-{}.json", folder_, getpid())) << "{\"name\":";
  std::ofstream(fmt::format("{}/other-{}.json", folder_, getpid())) << R"({"name": "bank", "pid": 1})";
  std::ofstream(folder_ + "/notes.txt") << "hello";
  fs::create_symlink("/etc/passwd", fmt::format("{}/link-{}.json", folder_, getpid()));
  ASSERT_EQ(mkfifo(fmt::format("{}/pipe-{}.json", folder_, getpid()).c_str(), 0600), 0);
  EXPECT_THAT(names(), ElementsAre("bank"));
}

TEST_F(RunDirectory, ANameWithAnyLettersStaysInTheDirectory) {
  const auto written = Announcement::write(folder_, own("../../etc/cron.d/x"));
  ASSERT_TRUE(written);
  EXPECT_THAT(names(), ElementsAre("../../etc/cron.d/x"));
  EXPECT_THAT(files(), ElementsAre(fmt::format("_._.._etc_cron.d_x-{}.json", getpid())));
}

TEST_F(RunDirectory, ASymbolicLinkInItsPlaceIsRefused) {
  const std::string other = folder_ + "-other";
  fs::create_directory(other);
  fs::create_directory_symlink(other, folder_);
  EXPECT_THAT(refused(), HasSubstr("is a symbolic link or no directory; remove it, or name another one by SOFA_RUN_DIR"));
  EXPECT_TRUE(fs::is_empty(other));
  fs::remove_all(other);
}

TEST_F(RunDirectory, OneThatOthersMayWriteToIsRefused) {
  fs::create_directory(folder_);
  fs::permissions(folder_, fs::perms::owner_all | fs::perms::group_write);
  EXPECT_THAT(refused(), HasSubstr("has mode 720, so others may write to it; run 'chmod go-w " + folder_ + "'"));
}

TEST_F(RunDirectory, OneOfSomebodyElseIsRefused) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give a directory away";
  fs::create_directory(folder_);
  fs::permissions(folder_, fs::perms::owner_all);
  ASSERT_EQ(chown(folder_.c_str(), 65534, 65534), 0);
  EXPECT_THAT(refused(), HasSubstr("belongs to uid 65534, not to this user"));
}

TEST_F(RunDirectory, IsWhereTheEnvironmentSays) {
  setenv("XDG_RUNTIME_DIR", "/run/user/7", 1);
  unsetenv("SOFA_RUN_DIR");
  EXPECT_EQ(run_directory(), "/run/user/7/sofa");
  setenv("SOFA_RUN_DIR", "/srv/run", 1);
  EXPECT_EQ(run_directory(), "/srv/run");
  unsetenv("XDG_RUNTIME_DIR");
  unsetenv("SOFA_RUN_DIR");
  EXPECT_EQ(run_directory(), geteuid() == 0 ? "/run/sofa" : fmt::format("/tmp/sofa-{}", geteuid()));
}

TEST_F(RunDirectory, AProcessIsFoundByItsNameOrItsId) {
  const std::vector<RunningProcess> all{{.name = "bank", .pid = 7}, {.name = "bank", .pid = 8}, {.name = "shop", .pid = 9}};
  EXPECT_EQ(find_process(all, "shop")->pid, 9u);
  EXPECT_EQ(find_process(all, "bank-8")->pid, 8u);
  EXPECT_EQ(find_process(all, "bank").error().to_string(), "2 processes are named \"bank\": say which one of bank-7, bank-8");
  EXPECT_EQ(find_process(all, "kiosk").error().to_string(), "no process \"kiosk\" runs here; 'sofa status' lists those that do");
}

}  // namespace
}  // namespace sofa::boot
