#include "sofa/base/error.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace sofa {
namespace {

struct Thrown : ErrorDetail {
  explicit Thrown(std::string name) : java_class(std::move(name)) {}
  std::string java_class;
};

Result<int> broken() { return fail(Code::not_found, "account {} is unknown; open it first", 7); }

TEST(Error, ReadsAsOneLineFromTheOuterStoryToTheFirstCause) {
  auto result = broken();
  ASSERT_FALSE(result);
  const Error outer = std::move(result.error()).wrap("cannot transfer").wrap("call failed");
  EXPECT_EQ(outer.to_string(), "call failed: cannot transfer: account 7 is unknown; open it first");
  EXPECT_EQ(outer.code(), Code::not_found);
  EXPECT_EQ(outer.cause()->cause()->cause(), nullptr);
}

TEST(Error, FindsADetailAlongTheChain) {
  const Error error = Error(Code::unknown, "thrown").with_detail(std::make_shared<Thrown>("bank.Refused")).wrap("call failed");
  ASSERT_NE(error.detail<Thrown>(), nullptr);
  EXPECT_EQ(error.detail<Thrown>()->java_class, "bank.Refused");
  EXPECT_EQ(Error(Code::unknown, "plain").detail<Thrown>(), nullptr);
}

TEST(Error, ErrnoGetsTheCodeThatFits) {
  EXPECT_EQ(errno_error(ENOSPC, "write x").code(), Code::resource_exhausted);
  EXPECT_EQ(errno_error(ENOENT, "open x").to_string(), "open x: No such file or directory (errno 2)");
}

TEST(Error, SaysWhichLimitOfOpenFilesWasMetAndWhatRaisesIt) {
  const std::string process = errno_error(EMFILE, "open x").to_string(), machine = errno_error(ENFILE, "open x").to_string();
  for (const char* part : {"ulimit -n", "LimitNOFILE"}) EXPECT_NE(process.find(part), std::string::npos) << process;
  EXPECT_NE(machine.find("fs.file-max"), std::string::npos) << machine;
}

TEST(Error, TellsAFullDiskFromOtherBounds) {
  for (int full : {ENOSPC, EDQUOT}) EXPECT_TRUE(is_disk_full(errno_error(full, "write x").wrap("outer")));
  for (int other : {EMFILE, ENFILE, ENOMEM, EIO}) EXPECT_FALSE(is_disk_full(errno_error(other, "open x").wrap("outer")));
  EXPECT_EQ(errno_of(errno_error(EMFILE, "open x").wrap("outer")), EMFILE);
  EXPECT_EQ(errno_of(Error(Code::resource_exhausted, "a queue is full")), 0);
}

}  // namespace
}  // namespace sofa
