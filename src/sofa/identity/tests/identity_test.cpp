#include "sofa/identity/identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sofa::identity {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Names, AreShortAndOfPlainLetters) {
  for (const char* name : {"a", "ann", "Ann.Lee_2-x", "0"}) EXPECT_TRUE(check_name("user name", name)) << name;
  for (const std::string& name : {std::string(), std::string("-a"), std::string("a b"), std::string("a/b"), std::string("ä"), std::string(65, 'a')}) {
    const auto checked = check_name("user name", name);
    ASSERT_FALSE(checked) << name;
    EXPECT_EQ(checked.error().code(), Code::invalid_argument);
    EXPECT_THAT(std::string(checked.error().message()), HasSubstr("is no user name"));
  }
}

TEST(PermissionText, ReadsAndWritesItsForm) {
  for (const char* text : {"users:read", "*:*", "topics/orders.*:write@payments", "!users:write", "a:b@pay*"}) {
    const auto permission = Permission::parse(text);
    ASSERT_TRUE(permission) << text;
    EXPECT_EQ(permission->to_string(), text);
  }
  for (const char* text : {"", "users", ":read", "users:", "users:read@", "us ers:read", "a\n:b"}) EXPECT_FALSE(Permission::parse(text)) << text;
}

struct Covering {
  const char* permission;
  const char* action;
  const char* resource;
  const char* name_space;
  bool covers;
};

TEST(PermissionText, CoversWhatItsPatternsMatch) {
  for (const auto& [text, action, resource, name_space, covers] : {
           Covering{"users:read", "read", "users", "", true},
           Covering{"users:read", "write", "users", "", false},
           Covering{"users:read", "read", "user", "", false},
           Covering{"*:read", "read", "anything/at.all", "payments", true},
           Covering{"topics/orders.*:write", "write", "topics/orders.new", "", true},
           Covering{"topics/orders.*:write", "write", "topics/order", "", false},
           Covering{"topics/*/x*y:*", "read", "topics/a/b/xzzy", "", true},
           Covering{"topics/*/x*y:*", "read", "topics/a/b/xzz", "", false},
           Covering{"topics:read@payments", "read", "topics", "payments", true},
           Covering{"topics:read@payments", "read", "topics", "loans", false},
           Covering{"topics:read@payments", "read", "topics", "", false},
           Covering{"topics:read@pay*", "read", "topics", "payroll", true},
       }) {
    EXPECT_EQ(Permission::parse(text)->covers(action, resource, name_space), covers) << text << " " << action << " " << resource << " " << name_space;
  }
}

TEST(PermissionText, APatternOfManyStarsEndsSoon) {
  const auto permission = Permission{.resource = std::string(60, '*') + "b", .action = "*"};
  EXPECT_FALSE(permission.covers("read", std::string(100'000, 'a'), ""));
}

Directory directory_of(std::vector<std::string> roles, std::vector<std::string> namespaces = {}) {
  Directory directory;
  directory.users["ann"] = std::make_shared<const User>(User{.name = "ann", .roles = std::move(roles), .namespaces = std::move(namespaces)});
  return directory;
}

TEST(DirectoryCheck, BuiltInRolesPermitWhatTheySay) {
  struct Case {
    const char* role;
    const char* resource;
    const char* action;
    bool permitted;
  };
  for (const auto& [role, resource, action, permitted] :
       {Case{"admin", "users", "write", true}, Case{"operator", "services", "write", true}, Case{"operator", "users", "read", true},
        Case{"operator", "users", "write", false}, Case{"operator", "roles", "write", false}, Case{"viewer", "services", "read", true},
        Case{"viewer", "services", "write", false}, Case{"viewer", "audit", "read", false}, Case{"unknown", "services", "read", false}}) {
    const auto checked = directory_of({role}).check({.user = "ann"}, action, resource);
    EXPECT_EQ(checked.has_value(), permitted) << role << " " << resource << ":" << action;
    if (!checked) {
      EXPECT_EQ(checked.error().code(), Code::permission_denied);
      EXPECT_THAT(checked.error().to_string(), HasSubstr(fmt::format("{}:{}", resource, action)));
    }
  }
}

TEST(DirectoryCheck, WhatOneRoleTakesAwayAnotherMayGive) {
  EXPECT_TRUE(directory_of({"operator", "admin"}).check({.user = "ann"}, "write", "users"));
}

TEST(DirectoryCheck, AUserHeldToNamespacesMayDoNothingOutside) {
  const Directory directory = directory_of({"admin"}, {"payments"});
  EXPECT_TRUE(directory.check({.user = "ann"}, "write", "topics/a", "payments"));
  EXPECT_EQ(directory.check({.user = "ann"}, "read", "topics/a", "loans").error().code(), Code::permission_denied);
  EXPECT_EQ(directory.check({.user = "ann"}, "write", "users").error().code(), Code::permission_denied);
}

TEST(DirectoryCheck, ATokenStandsForAPartOfItsOwnersRolesAndNeverForMore) {
  Directory directory = directory_of({"viewer"});
  directory.put_token({.id = "t1", .owner = "ann", .hash = "h1", .roles = {"viewer", "admin"}});
  directory.put_token({.id = "t2", .owner = "ann", .hash = "h2"});
  for (const char* token : {"t1", "t2"}) {
    EXPECT_TRUE(directory.check({.user = "ann", .token = token}, "read", "services"));
    EXPECT_EQ(directory.check({.user = "ann", .token = token}, "write", "services").error().code(), Code::permission_denied);
  }
  EXPECT_EQ(directory.token_by_hash("h1")->id, "t1");
  directory.remove_token("t1");
  EXPECT_EQ(directory.token_by_hash("h1"), nullptr);
  EXPECT_EQ(directory.check({.user = "ann", .token = "t1"}, "read", "services").error().code(), Code::unauthenticated);
}

TEST(DirectoryCheck, AUserThatIsGoneOrDisabledIsNobody) {
  Directory directory = directory_of({"admin"});
  EXPECT_EQ(directory.check({.user = "bob"}, "read", "services").error().code(), Code::unauthenticated);
  directory.users["ann"] = std::make_shared<const User>(User{.name = "ann", .roles = {"admin"}, .disabled = true});
  EXPECT_EQ(directory.check({.user = "ann"}, "read", "services").error().code(), Code::unauthenticated);
}

TEST(DirectoryCheck, TellsThePermissionsOfASubject) {
  Directory directory = directory_of({"viewer", "own"});
  directory.put_role({.name = "own", .permissions = {"topics:write", "*:read"}});
  EXPECT_THAT(directory.permissions_of({.user = "ann"}), ElementsAre("!audit:read", "*:read", "topics:write"));
  EXPECT_THAT(directory.permissions_of({.user = "bob"}), ElementsAre());
}

}  // namespace
}  // namespace sofa::identity
