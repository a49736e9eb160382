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

}  // namespace
}  // namespace sofa
