#include "sofa/admin/permission.h"

#include <gtest/gtest.h>

#include <vector>

namespace sofa::admin {
namespace {

bool may(std::vector<std::string> permissions, std::string_view permission) { return permits(permissions, permission); }

TEST(Permissions, GiveWhatTheyCoverAndNothingElse) {
  EXPECT_TRUE(may({"users:read"}, "users:read"));
  EXPECT_FALSE(may({"users:read"}, "users:write"));
  EXPECT_TRUE(may({"*"}, "users:write"));
  EXPECT_TRUE(may({"*:read", "users:w*"}, "users:write"));
  EXPECT_FALSE(may({}, "users:read"));
}

TEST(Permissions, WhatIsTakenAwayNoOtherGives) {
  EXPECT_FALSE(may({"users:read", "!users:*"}, "users:read"));
  EXPECT_FALSE(may({"!users:read", "*"}, "users:read"));
  EXPECT_TRUE(may({"!users:write", "*"}, "users:read"));
}

TEST(Permissions, OfANamespaceGiveNothingThatBelongsToNone) { EXPECT_FALSE(may({"users:read@payments"}, "users:read")); }

TEST(Permissions, WhatCannotBeReadGivesNothing) {
  EXPECT_FALSE(may({"", "users", "users:", "a b:read"}, "users:read"));
  EXPECT_FALSE(may({"*:*"}, "users"));
}

}  // namespace
}  // namespace sofa::admin
