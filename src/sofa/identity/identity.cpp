#include "sofa/identity/identity.h"

#include <algorithm>
#include <ranges>

#include "sofa/base/text.h"
#include "sofa/identity/detail/contains.h"

namespace sofa::identity {

namespace {

bool is_name_letter(char c) { return is_alpha(c) || is_digit(c) || c == '.' || c == '_' || c == '-'; }

std::vector<Permission> parsed(const Role& role) {
  std::vector<Permission> permissions;
  for (const std::string& text : role.permissions) {
    // One that cannot be read, of a newer version, permits nothing.
    if (auto permission = Permission::parse(text)) permissions.push_back(std::move(*permission));
  }
  return permissions;
}

template <class Map>
auto* find_in(const Map& map, std::string_view name) {
  const auto found = map.find(name);
  return found == map.end() ? nullptr : found->second.get();
}

}  // namespace

Result<void> check_name(std::string_view what, std::string_view name) {
  const bool well =
      !name.empty() && name.size() <= kMostName && (is_alpha(name[0]) || is_digit(name[0])) && std::ranges::all_of(name, is_name_letter);
  if (well) return {};
  return fail(Code::invalid_argument, "'{}' is no {}: 1 to {} letters a-z, A-Z, digits and . _ -, with a letter or a digit first",
              name.substr(0, kMostName), what, kMostName);
}

void User::describe(Description<User>& d) {
  d.field("name", &User::name).required();
  d.field("display_name", &User::display_name);
  d.field("password_hash", &User::password_hash).secret();
  d.field("password_id", &User::password_id);
  d.field("roles", &User::roles);
  d.field("namespaces", &User::namespaces);
  d.field("disabled", &User::disabled);
  d.field("created_at_ms", &User::created_at_ms);
}

void AccessKey::describe(Description<AccessKey>& d) {
  d.field("id", &AccessKey::id).required();
  d.field("owner", &AccessKey::owner).required();
  d.field("doc", &AccessKey::doc);
  d.field("sealed_secret", &AccessKey::sealed_secret).secret();
  d.field("created_at_ms", &AccessKey::created_at_ms);
  d.field("expires_at_ms", &AccessKey::expires_at_ms);
}

void Token::describe(Description<Token>& d) {
  d.field("id", &Token::id).required();
  d.field("owner", &Token::owner).required();
  d.field("doc", &Token::doc);
  d.field("hash", &Token::hash).required();
  d.field("roles", &Token::roles);
  d.field("created_at_ms", &Token::created_at_ms);
  d.field("expires_at_ms", &Token::expires_at_ms);
}

void Role::describe(Description<Role>& d) {
  d.field("name", &Role::name).required();
  d.field("doc", &Role::doc);
  d.field("permissions", &Role::permissions);
}

void Namespace::describe(Description<Namespace>& d) {
  d.field("name", &Namespace::name).required();
  d.field("doc", &Namespace::doc);
  d.field("created_at_ms", &Namespace::created_at_ms);
}

const std::vector<Role>& built_in_roles() {
  static const std::vector<Role> roles{{.name = std::string(kAdminRole), .doc = "May do everything.", .permissions = {"*:*"}},
                                       {.name = "operator",
                                        .doc = "May do everything but change who may do what.",
                                        .permissions = {"*:*", "!users:write", "!keys:write", "!tokens:write", "!roles:write", "!namespaces:write"}},
                                       {.name = "viewer", .doc = "May look at everything but the audit.", .permissions = {"*:read", "!audit:read"}}};
  return roles;
}

bool is_built_in_role(std::string_view name) { return detail::contains(built_in_roles(), name, &Role::name); }

Directory::Directory() {
  for (const Role& role : built_in_roles()) put_role(role);
}

void Directory::put_role(Role role) {
  permissions_[role.name] = std::make_shared<const std::vector<Permission>>(parsed(role));
  roles_[role.name] = std::make_shared<const Role>(role);
}

void Directory::remove_role(std::string_view name) {
  if (const auto found = roles_.find(name); found != roles_.end()) roles_.erase(found);
  if (const auto found = permissions_.find(name); found != permissions_.end()) permissions_.erase(found);
}

const User* Directory::user(std::string_view name) const { return find_in(users, name); }

const Token* Directory::token_by_hash(std::string_view hash) const {
  const auto found = token_ids_.find(hash);
  return found == token_ids_.end() ? nullptr : find_in(tokens, found->second);
}

void Directory::put_token(Token token) {
  token_ids_[token.hash] = token.id;
  tokens[token.id] = std::make_shared<const Token>(token);
}

void Directory::remove_token(std::string_view id) {
  const auto found = tokens.find(id);
  if (found == tokens.end()) return;
  token_ids_.erase(found->second->hash);
  tokens.erase(found);
}

std::vector<std::string> Directory::roles_of(const User& user, const Subject& subject) const {
  if (subject.token.empty()) return user.roles;
  const Token* const token = find_in(tokens, subject.token);
  if (token == nullptr) return {};
  if (token->roles.empty()) return user.roles;
  std::vector<std::string> both;
  std::ranges::copy_if(token->roles, std::back_inserter(both), [&](const std::string& role) { return detail::contains(user.roles, role); });
  return both;
}

bool Directory::role_permits(std::string_view role, std::string_view action, std::string_view resource, std::string_view name_space) const {
  const auto* const permissions = find_in(permissions_, role);
  if (permissions == nullptr) return false;
  bool given = false;
  for (const Permission& permission : *permissions) {
    if (!permission.covers(action, resource, name_space)) continue;
    if (permission.takes_away) return false;
    given = true;
  }
  return given;
}

Result<void> Directory::check(const Subject& subject, std::string_view action, std::string_view resource, std::string_view name_space) const {
  const User* const who = user(subject.user);
  if (who == nullptr || who->disabled) return fail(Code::unauthenticated, "the user '{}' is not there any more, or is disabled", subject.user);
  if (!subject.token.empty() && !tokens.contains(subject.token)) {
    return fail(Code::unauthenticated, "the token '{}' was revoked: ask for another one", subject.token);
  }
  const bool in_reach = who->namespaces.empty() || detail::contains(who->namespaces, name_space);
  const std::string where = name_space.empty() ? "" : fmt::format(" in the namespace '{}'", name_space);
  if (!in_reach) {
    return fail(Code::permission_denied, "'{}' may only work in {}, and not {}", who->name, fmt::join(who->namespaces, ", "),
                name_space.empty() ? "on what belongs to no namespace" : where.substr(1));
  }
  for (const std::string& role : roles_of(*who, subject)) {
    if (role_permits(role, action, resource, name_space)) return {};
  }
  return fail(Code::permission_denied, "'{}' lacks the permission {}:{}{}: somebody with the role admin can give a role that has it", who->name,
              resource, action, where);
}

std::vector<std::string> Directory::permissions_of(const Subject& subject) const {
  std::vector<std::string> all;
  const User* const who = user(subject.user);
  if (who == nullptr) return all;
  for (const std::string& role : roles_of(*who, subject)) {
    if (const Role* const known = find_in(roles_, role)) all.insert(all.end(), known->permissions.begin(), known->permissions.end());
  }
  std::ranges::sort(all);
  all.erase(std::ranges::unique(all).begin(), all.end());
  return all;
}

}  // namespace sofa::identity
