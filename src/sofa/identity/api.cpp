#include "sofa/identity/api.h"

#include <set>

namespace sofa::identity::api {

namespace {

std::optional<int64_t> expiry(int64_t at_ms) { return at_ms == 0 ? std::nullopt : std::optional(at_ms); }

constexpr std::string_view kNext = "`after` of the next page; empty at the end";
constexpr std::string_view kShownOnce = "shown now and never again";

}  // namespace

void PageRequest::describe(Description<PageRequest>& d) {
  d.field("limit", &PageRequest::limit).range(1, kMostOfAPage).doc("how many at most");
  d.field("after", &PageRequest::after).doc("the `next` of the page before; empty: from the first on");
}

void OwnedPageRequest::describe(Description<OwnedPageRequest>& d) {
  d.inherit<PageRequest>();
  d.field("owner", &OwnedPageRequest::owner).doc("only of this user");
}

void ByName::describe(Description<ByName>& d) { d.field("name", &ByName::name).required(); }
void ById::describe(Description<ById>& d) { d.field("id", &ById::id).required(); }

UserView UserView::of(const User& user) {
  return {.name = user.name,
          .display_name = user.display_name,
          .roles = user.roles,
          .namespaces = user.namespaces,
          .disabled = user.disabled,
          .created_at_ms = user.created_at_ms};
}

void UserView::describe(Description<UserView>& d) {
  d.java_type("sofa.admin.User").doc("Somebody who may sign in.");
  d.field("name", &UserView::name);
  d.field("display_name", &UserView::display_name);
  d.field("roles", &UserView::roles);
  d.field("namespaces", &UserView::namespaces).doc("where the roles count; empty: everywhere");
  d.field("disabled", &UserView::disabled);
  d.field("created_at_ms", &UserView::created_at_ms).doc("since 1970").unit("ms");
}

void UserList::describe(Description<UserList>& d) {
  d.java_type("sofa.admin.UserList");
  d.field("users", &UserList::users);
  d.field("next", &UserList::next).doc(kNext);
}

void NewUserRequest::describe(Description<NewUserRequest>& d) {
  d.java_type("sofa.admin.NewUser");
  d.field("name", &NewUserRequest::name).required().doc("1 to 64 letters, digits and . _ -");
  d.field("display_name", &NewUserRequest::display_name);
  d.field("password", &NewUserRequest::password).secret().doc("8 to 256 bytes; empty: signs in with tokens alone");
  d.field("roles", &NewUserRequest::roles);
  d.field("namespaces", &NewUserRequest::namespaces).doc("where the roles count; empty: everywhere");
}

void UserChangeRequest::describe(Description<UserChangeRequest>& d) {
  d.java_type("sofa.admin.UserChange").doc("What is left out stays as it is.");
  d.field("name", &UserChangeRequest::name).required();
  d.field("display_name", &UserChangeRequest::display_name);
  d.field("password", &UserChangeRequest::password).secret();
  d.field("roles", &UserChangeRequest::roles);
  d.field("namespaces", &UserChangeRequest::namespaces);
  d.field("disabled", &UserChangeRequest::disabled);
}

KeyView KeyView::of(const AccessKey& key) {
  return {.id = key.id, .owner = key.owner, .doc = key.doc, .created_at_ms = key.created_at_ms, .expires_at_ms = expiry(key.expires_at_ms)};
}

void KeyView::describe(Description<KeyView>& d) {
  d.java_type("sofa.admin.Key").doc("An access key; its secret is shown once.");
  d.field("id", &KeyView::id);
  d.field("owner", &KeyView::owner);
  d.field("doc", &KeyView::doc);
  d.field("created_at_ms", &KeyView::created_at_ms).unit("ms");
  d.field("expires_at_ms", &KeyView::expires_at_ms).doc("empty: never").unit("ms");
}

void KeyList::describe(Description<KeyList>& d) {
  d.java_type("sofa.admin.KeyList");
  d.field("keys", &KeyList::keys);
  d.field("next", &KeyList::next).doc(kNext);
}

void NewKeyRequest::describe(Description<NewKeyRequest>& d) {
  d.java_type("sofa.admin.NewKey");
  d.field("owner", &NewKeyRequest::owner).required().doc("name of a user");
  d.field("doc", &NewKeyRequest::doc).doc("what it is for");
  d.field("expires_in_days", &NewKeyRequest::expires_in_days).range(0, 36'500).unit("days").doc("0: never");
}

void CreatedKey::describe(Description<CreatedKey>& d) {
  d.java_type("sofa.admin.CreatedKey");
  d.field("key", &CreatedKey::key);
  d.field("secret", &CreatedKey::secret).doc(kShownOnce);
}

TokenView TokenView::of(const Token& token) {
  TokenView view;
  view.id = token.id;
  view.owner = token.owner;
  view.doc = token.doc;
  view.roles = token.roles;
  view.created_at_ms = token.created_at_ms;
  view.expires_at_ms = expiry(token.expires_at_ms);
  return view;
}

void TokenView::describe(Description<TokenView>& d) {
  d.java_type("sofa.admin.Token").doc("A bearer token; only its hash is kept.");
  d.inherit<KeyView>();
  d.field("roles", &TokenView::roles).doc("those of its owner's that it stands for; empty: all of them");
}

void TokenList::describe(Description<TokenList>& d) {
  d.java_type("sofa.admin.TokenList");
  d.field("tokens", &TokenList::tokens);
  d.field("next", &TokenList::next).doc(kNext);
}

void NewTokenRequest::describe(Description<NewTokenRequest>& d) {
  d.java_type("sofa.admin.NewToken");
  d.inherit<NewKeyRequest>();
  d.field("roles", &NewTokenRequest::roles).doc("those of its owner's that it stands for; empty: all of them");
}

void CreatedToken::describe(Description<CreatedToken>& d) {
  d.java_type("sofa.admin.CreatedToken");
  d.field("token", &CreatedToken::token);
  d.field("secret", &CreatedToken::secret).doc(kShownOnce);
}

UsersByRole users_by_role(const Directory& directory) {
  UsersByRole users;
  for (const auto& [name, user] : directory.users) {
    for (const std::string& role : std::set<std::string>(user->roles.begin(), user->roles.end())) ++users[role];
  }
  return users;
}

RoleView RoleView::of(const Role& role, const UsersByRole& users) {
  const auto found = users.find(role.name);
  return {.name = role.name,
          .doc = role.doc,
          .permissions = role.permissions,
          .built_in = is_built_in_role(role.name),
          .users = found == users.end() ? 0 : found->second};
}

void RoleView::describe(Description<RoleView>& d) {
  d.java_type("sofa.admin.Role").doc("A named set of permissions.");
  d.field("name", &RoleView::name);
  d.field("doc", &RoleView::doc);
  d.field("permissions", &RoleView::permissions).doc("RESOURCE:ACTION[@NAMESPACE]; '!' in front takes it away");
  d.field("built_in", &RoleView::built_in).doc("it is always there and does not change");
  d.field("users", &RoleView::users).doc("how many have it");
}

void RoleList::describe(Description<RoleList>& d) {
  d.java_type("sofa.admin.RoleList");
  d.field("roles", &RoleList::roles);
  d.field("next", &RoleList::next).doc(kNext);
}

void RoleRequest::describe(Description<RoleRequest>& d) {
  d.java_type("sofa.admin.NewRole");
  d.field("name", &RoleRequest::name).required();
  d.field("doc", &RoleRequest::doc);
  d.field("permissions", &RoleRequest::permissions).doc("RESOURCE:ACTION[@NAMESPACE]; '!' in front takes it away");
}

void NamespaceView::describe(Description<NamespaceView>& d) {
  d.java_type("sofa.admin.Namespace");
  d.field("name", &NamespaceView::name);
  d.field("doc", &NamespaceView::doc);
  d.field("created_at_ms", &NamespaceView::created_at_ms).unit("ms");
}

void NamespaceList::describe(Description<NamespaceList>& d) {
  d.java_type("sofa.admin.NamespaceList");
  d.field("namespaces", &NamespaceList::namespaces);
  d.field("next", &NamespaceList::next).doc(kNext);
}

void NewNamespaceRequest::describe(Description<NewNamespaceRequest>& d) {
  d.java_type("sofa.admin.NewNamespace");
  d.field("name", &NewNamespaceRequest::name).required();
  d.field("doc", &NewNamespaceRequest::doc);
}

}  // namespace sofa::identity::api
