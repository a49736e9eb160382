#include "sofa/tool/admin_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

namespace sofa::tool {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

/// A folder and an environment of its own, with two contexts.
class AdminTargetTest : public ::testing::Test {
 protected:
  AdminTargetTest() {
    std::string pattern = std::filesystem::temp_directory_path() / "contexts-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    for (const char* name : {"SOFA_CONTEXT", "SOFA_TOKEN", "SOFA_PASSWORD"}) ::unsetenv(name);
    ::setenv("XDG_CONFIG_HOME", folder_.c_str(), 1);
    Contexts contexts{.current = "laptop"};
    contexts.contexts["laptop"] = {.server = "http://127.0.0.1:9901", .token = "sofa_laptop"};
    contexts.contexts["bank"] = {.server = "https://admin.bank.example:9900", .user = "ann", .password = "correct horse"};
    EXPECT_TRUE(save_contexts(contexts_path(), contexts));
  }
  ~AdminTargetTest() override {
    ::unsetenv("XDG_CONFIG_HOME");
    std::filesystem::remove_all(folder_);
  }
  static AdminFlags flags(std::string server = "", std::string context = "", std::string user = "") {
    AdminFlags flags;
    flags.server = std::move(server);
    flags.context = std::move(context);
    flags.user = std::move(user);
    return flags;
  }
  std::string folder_;
};

TEST_F(AdminTargetTest, TheContextGivesServerAndCredentials) {
  const auto current = admin_target(flags());
  ASSERT_TRUE(current) << current.error().to_string();
  EXPECT_EQ(current->target.address, "127.0.0.1:9901");
  EXPECT_EQ(current->authorization, "Bearer sofa_laptop");
  EXPECT_FALSE(current->tls);
  const auto named = admin_target(flags("", "bank"));
  EXPECT_EQ(named->target.address, "admin.bank.example:9900");
  EXPECT_EQ(named->authorization, "Basic YW5uOmNvcnJlY3QgaG9yc2U=");
  EXPECT_TRUE(named->tls);
}

TEST_F(AdminTargetTest, AServerThatIsNamedGetsNothingOfAContext) {
  const auto target = admin_target(flags("127.0.0.1:1"));
  EXPECT_EQ(target->target.to_string(), "http://127.0.0.1:1");
  EXPECT_EQ(target->authorization, "");
  EXPECT_THAT(admin_target(flags("127.0.0.1:1", "bank")).error().to_string(), HasSubstr("give one of them"));
  EXPECT_THAT(admin_target(flags("bolt://127.0.0.1:1")).error().to_string(), HasSubstr("not bolt"));
}

TEST_F(AdminTargetTest, TheAddressAloneAsksForNoPassword) {
  const auto address = admin_address(flags("", "laptop", "bob"));
  ASSERT_TRUE(address) << address.error().to_string();
  EXPECT_EQ(address->address, "127.0.0.1:9901");
  EXPECT_THAT(admin_address(flags("bolt://127.0.0.1:1")).error().to_string(), HasSubstr("not bolt"));
}

TEST_F(AdminTargetTest, FlagsAndTheEnvironmentSayWhoAsks) {
  ::setenv("SOFA_TOKEN", "sofa_other", 1);
  EXPECT_EQ(admin_target(flags())->authorization, "Bearer sofa_other");
  EXPECT_EQ(admin_target(flags("", "bank", "ann"))->authorization, "Basic YW5uOmNvcnJlY3QgaG9yc2U=");
  ::setenv("SOFA_PASSWORD", "secret", 1);
  EXPECT_EQ(admin_target(flags("", "bank", "bob"))->authorization, "Basic Ym9iOnNlY3JldA==");
  ::unsetenv("SOFA_TOKEN");
  ::unsetenv("SOFA_PASSWORD");
}

TEST_F(AdminTargetTest, ASecretCrossesNoNetworkInClearUnlessThatIsAllowed) {
  ::setenv("SOFA_TOKEN", "sofa_other", 1);
  for (const char* here : {"127.0.0.1:1", "localhost:1", "[::1]:1", "https://admin.bank.example:1"}) {
    const auto target = admin_target(flags(here));
    ASSERT_TRUE(target) << target.error().to_string();
    EXPECT_FALSE(target->plain);
  }
  for (const char* there : {"10.0.0.7:1", "http://admin.bank.example:1", "localhost.example:1"}) {
    const auto refused = admin_target(flags(there));
    ASSERT_FALSE(refused) << there;
    EXPECT_THAT(refused.error().to_string(), AllOf(HasSubstr("the token would cross the network"), HasSubstr("--allow-plain")));
    AdminFlags allowed = flags(there);
    allowed.allow_plain = true;
    EXPECT_EQ(admin_target(allowed)->authorization, "Bearer sofa_other");
  }
  ::unsetenv("SOFA_TOKEN");
  EXPECT_TRUE(admin_target(flags("10.0.0.7:1"))->plain) << "nobody asks, and what is sent might be a password";
}

TEST(AdminAnswers, AnErrorIsItsSentence) {
  const Error missing = error_of_answer(404, R"({"status":404,"code":"not_found","detail":"there is no user 'ann'","more":1})");
  EXPECT_EQ(missing.code(), Code::not_found);
  EXPECT_EQ(missing.message(), "there is no user 'ann'");
  EXPECT_EQ(error_of_answer(503, "<html>").message(), "the server answered with status 503");
  EXPECT_THAT(std::string(error_of_answer(401, R"({"detail":"who?"})").message()), HasSubstr("--user"));
}

TEST(Moments, AreShownAsUtc) {
  EXPECT_EQ(Moment{1'772'359'200'000}.to_string(), "2026-03-01 10:00");
  EXPECT_EQ(Moment{}.to_string(), "");
}

}  // namespace
}  // namespace sofa::tool
