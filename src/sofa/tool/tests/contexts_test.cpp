#include "sofa/tool/contexts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace sofa::tool {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class ContextsTest : public testing::Test {
 protected:
  ~ContextsTest() override {
    unsetenv("SOFA_CONTEXT");
    std::filesystem::remove_all(folder);
  }
  static std::string said(const auto& result) { return result ? "" : result.error().to_string(); }

  const std::string folder = testing::TempDir() + "contexts-" + std::to_string(getpid());
  const std::string path = folder + "/sofa/contexts.yaml";
  const Contexts two{.current = "prod",
                     .contexts = {{"prod", {.server = "https://a:9900", .token = "t0ken"}}, {"lab", {.server = "http://b:9900", .user = "ann"}}}};
};

TEST_F(ContextsTest, AreKeptForTheirOwnerAlone) {
  ASSERT_EQ(said(save_contexts(path, two)), "");
  struct stat state{};
  ASSERT_EQ(stat(path.c_str(), &state), 0);
  EXPECT_EQ(state.st_mode & 0777, 0600u);
  EXPECT_EQ(load_contexts(path).value().contexts.at("prod").token, "t0ken");
  chmod(path.c_str(), 0640);
  EXPECT_THAT(said(load_contexts(path)), HasSubstr("chmod 600"));
}

TEST_F(ContextsTest, TheFlagWinsOverTheVariableOverTheCurrentOneOverThisMachine) {
  EXPECT_EQ(choose_context("", path).value().server, "http://127.0.0.1:9900");
  ASSERT_EQ(said(save_contexts(path, two)), "");
  EXPECT_EQ(choose_context("", path).value().server, "https://a:9900");
  setenv("SOFA_CONTEXT", "lab", 1);
  EXPECT_EQ(choose_context("", path).value().server, "http://b:9900");
  EXPECT_EQ(choose_context("prod", path).value().server, "https://a:9900");
  EXPECT_EQ(said(choose_context("prd", path)), "there is no context \"prd\"; did you mean \"prod\"?");
}

TEST_F(ContextsTest, ASecretMayStandInAFile) {
  Contexts contexts = two;
  std::filesystem::create_directories(folder);
  std::ofstream(folder + "/token") << "from a file\n";
  contexts.contexts["prod"].token = "file:" + folder + "/token";
  ASSERT_EQ(said(save_contexts(path, contexts)), "");
  EXPECT_EQ(choose_context("prod", path).value().token, "from a file");
  std::filesystem::remove(folder + "/token");
  EXPECT_THAT(said(choose_context("prod", path)), HasSubstr("/token\" cannot be read"));
}

TEST_F(ContextsTest, WhatCannotBeMeantIsToldWithoutTheSecret) {
  EXPECT_THAT(said(check_context("a b", {})), HasSubstr("\"a b\" cannot be the name"));
  EXPECT_THAT(said(check_context("a", {.server = "bolt://h:1"})), HasSubstr("http://HOST:PORT"));
  EXPECT_THAT(said(check_context("a", {.token = "t0ken", .user = "ann"})), AllOf(HasSubstr("one of them"), Not(HasSubstr("t0ken"))));
  EXPECT_THAT(said(check_context("a", {.certificate = "c.pem"})), HasSubstr("without its key"));
  std::filesystem::create_directories(folder + "/sofa");
  std::ofstream(path) << "contexts: {a: {token: [t0ken], servr: x}}\n";
  chmod(path.c_str(), 0600);
  EXPECT_THAT(said(load_contexts(path)), AllOf(HasSubstr("contexts.yaml:1:23"), HasSubstr("did you mean \"server\"?"), Not(HasSubstr("t0ken"))));
}

}  // namespace
}  // namespace sofa::tool
