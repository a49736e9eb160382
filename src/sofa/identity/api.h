#pragma once
// What the routes of IdentityPart take and answer: the contract with the console, and what the program `sofa` sends. No secret but one that was just
// made.

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sofa/base/description.h"
#include "sofa/identity/identity.h"

namespace sofa::identity::api {

inline constexpr uint32_t kMostOfAPage = 1'000;

/// A page of a list: those behind `after`, in the order of their names.
struct PageRequest {
  uint32_t limit = kMostOfAPage;
  std::string after{};
  static void describe(Description<PageRequest>& d);
};

struct OwnedPageRequest : PageRequest {
  std::string owner{};
  static void describe(Description<OwnedPageRequest>& d);
};

struct ByName {
  std::string name{};
  static void describe(Description<ByName>& d);
};

struct ById {
  std::string id{};
  static void describe(Description<ById>& d);
};

struct UserView {
  std::string name{}, display_name{};
  std::vector<std::string> roles{}, namespaces{};
  bool disabled = false;
  int64_t created_at_ms = 0;
  static UserView of(const User& user);
  static void describe(Description<UserView>& d);
};
struct UserList {
  std::vector<UserView> users{};
  std::string next{};
  static void describe(Description<UserList>& d);
};
struct NewUserRequest {
  std::string name{}, display_name{}, password{};
  std::vector<std::string> roles{}, namespaces{};
  static void describe(Description<NewUserRequest>& d);
};
struct UserChangeRequest {
  std::string name{};
  std::optional<std::string> display_name{}, password{};
  std::optional<std::vector<std::string>> roles{}, namespaces{};
  std::optional<bool> disabled{};
  static void describe(Description<UserChangeRequest>& d);
};

struct KeyView {
  std::string id{}, owner{}, doc{};
  int64_t created_at_ms = 0;
  std::optional<int64_t> expires_at_ms{};
  static KeyView of(const AccessKey& key);
  static void describe(Description<KeyView>& d);
};
struct KeyList {
  std::vector<KeyView> keys{};
  std::string next{};
  static void describe(Description<KeyList>& d);
};
struct NewKeyRequest {
  std::string owner{}, doc{};
  int64_t expires_in_days = 0;
  static void describe(Description<NewKeyRequest>& d);
};
struct CreatedKey {
  KeyView key{};
  std::string secret{};
  static void describe(Description<CreatedKey>& d);
};

struct TokenView : KeyView {
  std::vector<std::string> roles{};
  static TokenView of(const Token& token);
  static void describe(Description<TokenView>& d);
};
struct TokenList {
  std::vector<TokenView> tokens{};
  std::string next{};
  static void describe(Description<TokenList>& d);
};
struct NewTokenRequest : NewKeyRequest {
  std::vector<std::string> roles{};
  static void describe(Description<NewTokenRequest>& d);
};
struct CreatedToken {
  TokenView token{};
  std::string secret{};
  static void describe(Description<CreatedToken>& d);
};

/// How many users have each role, by its name; those that nobody has are missing.
using UsersByRole = std::map<std::string, int64_t, std::less<>>;
UsersByRole users_by_role(const Directory& directory);

struct RoleView {
  std::string name{}, doc{};
  std::vector<std::string> permissions{};
  bool built_in = false;
  int64_t users = 0;
  static RoleView of(const Role& role, const UsersByRole& users);
  static void describe(Description<RoleView>& d);
};
struct RoleList {
  std::vector<RoleView> roles{};
  std::string next{};
  static void describe(Description<RoleList>& d);
};
struct RoleRequest {
  std::string name{}, doc{};
  std::vector<std::string> permissions{};
  static void describe(Description<RoleRequest>& d);
};

struct NamespaceView {
  std::string name{}, doc{};
  int64_t created_at_ms = 0;
  static NamespaceView of(const Namespace& one) { return {.name = one.name, .doc = one.doc, .created_at_ms = one.created_at_ms}; }
  static void describe(Description<NamespaceView>& d);
};
struct NamespaceList {
  std::vector<NamespaceView> namespaces{};
  std::string next{};
  static void describe(Description<NamespaceList>& d);
};
struct NewNamespaceRequest {
  std::string name{}, doc{};
  static void describe(Description<NewNamespaceRequest>& d);
};

}  // namespace sofa::identity::api
