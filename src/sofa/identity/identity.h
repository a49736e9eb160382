#pragma once
// The identity model, one for every role and face: users, access keys, tokens, roles, namespaces, and what they may do.
//
//   a user           signs in with a password, has roles, and may be held to some namespaces
//   an access key    an id and a secret of a user: for protocols that sign what they send (HMAC)
//   a token          stands for a user, or for a part of what the user may do, until it expires
//   a role           permissions under a name
//   a permission     "users:read": an action on a resource, "topics/orders.*:write@payments": on those of a pattern, in a namespace
//
// These are values: they are kept as JSON by a store (store.h) and held in memory by a Directory. None of them holds a secret in clear.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sofa/admin/permission.h"
#include "sofa/base/description.h"
#include "sofa/base/error.h"

namespace sofa::identity {

/// The bounds of what an installation holds; past one an addition gets resource_exhausted with the bound.
struct Limits {
  size_t users = 10'000;
  size_t keys = 20'000;
  size_t tokens = 20'000;
  size_t credentials_of_a_user = 100;  ///< its keys, and its tokens
  size_t roles = 1'000;
  size_t namespaces = 10'000;
};

inline constexpr size_t kMostName = 64;          // bytes of a name
inline constexpr size_t kMostDoc = 512;          // bytes of a doc, or of a display name
inline constexpr size_t kMostPermissions = 200;  // of a role; and roles, or namespaces, of a user

/// Names of users, roles and namespaces: 1 to kMostName of a-z, A-Z, 0-9 and . _ - with a letter or a digit first. `what` is "user name".
Result<void> check_name(std::string_view what, std::string_view name);

using admin::Permission;

struct User {
  std::string name{};
  std::string display_name{};
  std::string password_hash{};  ///< argon2id with its parameters and salt; empty: no password signs in
  std::string password_id{};    ///< another one with each password: what was signed in by an older one ends
  std::vector<std::string> roles{};
  std::vector<std::string> namespaces{};  ///< where the roles count; empty: everywhere
  bool disabled = false;
  int64_t created_at_ms = 0;
  static void describe(Description<User>& d);
};

struct AccessKey {
  std::string id{};
  std::string owner{};
  std::string doc{};
  std::string sealed_secret{};  ///< under the node key, for this id alone
  int64_t created_at_ms = 0;
  int64_t expires_at_ms = 0;  ///< 0: never
  static void describe(Description<AccessKey>& d);
};

struct Token {
  std::string id{};
  std::string owner{};
  std::string doc{};
  std::string hash{};                ///< SHA-256 of the token, hexadecimal
  std::vector<std::string> roles{};  ///< those of the owner's that it stands for; empty: all of them
  int64_t created_at_ms = 0;
  int64_t expires_at_ms = 0;  ///< 0: never
  static void describe(Description<Token>& d);
};

struct Role {
  std::string name{};
  std::string doc{};
  std::vector<std::string> permissions{};
  static void describe(Description<Role>& d);
};

struct Namespace {
  std::string name{};
  std::string doc{};
  int64_t created_at_ms = 0;
  static void describe(Description<Namespace>& d);
};

/// The roles that are always there and do not change: admin may do everything; operator everything but change who may do what; viewer may look, but
/// not at the audit.
const std::vector<Role>& built_in_roles();
bool is_built_in_role(std::string_view name);
inline constexpr std::string_view kAdminRole = "admin";

/// Who asks for something.
struct Subject {
  std::string user{};
  std::string token{};  ///< id of the token that proved it; empty: another proof
};

/// Everything that is known, at one moment. Immutable once it is published, so that any thread may read it.
class Directory {
 public:
  Directory();

  std::map<std::string, std::shared_ptr<const User>, std::less<>> users{};
  std::map<std::string, std::shared_ptr<const AccessKey>, std::less<>> keys{};
  std::map<std::string, std::shared_ptr<const Token>, std::less<>> tokens{};
  std::map<std::string, std::shared_ptr<const Namespace>, std::less<>> namespaces{};
  const std::map<std::string, std::shared_ptr<const Role>, std::less<>>& roles() const { return roles_; }
  void put_role(Role role);
  void remove_role(std::string_view name);

  /// Null when there is none, as for those that follow.
  const User* user(std::string_view name) const;
  const Token* token_by_hash(std::string_view hash) const;
  void put_token(Token token);
  void remove_token(std::string_view id);

  /// Whether the subject may do it. permission_denied with the permission that is missing; unauthenticated when the user, or the token, is gone or
  /// disabled. Expiry is not looked at: who took the token did.
  Result<void> check(const Subject& subject, std::string_view action, std::string_view resource, std::string_view name_space = {}) const;
  /// The permissions of a user's roles, as text, in order and without doubles.
  std::vector<std::string> permissions_of(const Subject& subject) const;

 private:
  bool role_permits(std::string_view role, std::string_view action, std::string_view resource, std::string_view name_space) const;
  std::vector<std::string> roles_of(const User& user, const Subject& subject) const;

  std::map<std::string, std::shared_ptr<const Role>, std::less<>> roles_;
  std::map<std::string, std::shared_ptr<const std::vector<Permission>>, std::less<>> permissions_;  // of each role
  std::map<std::string, std::string, std::less<>> token_ids_;                                       // by hash
};

}  // namespace sofa::identity
