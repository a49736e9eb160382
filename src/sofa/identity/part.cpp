#include "sofa/identity/part.h"

#include "sofa/base/unix_time.h"
#include "sofa/identity/api.h"

namespace sofa::identity {

namespace {

using namespace api;

Actor actor_of(const admin::Caller& caller) { return {.name = caller.principal.name, .peer = caller.peer.host()}; }

/// A page of a map: `view(value)` of those behind `after` that `takes(value)`; `next` when there are more.
template <class Map, class View, class Takes>
void fill_page(const Map& map, const PageRequest& asked, auto& list, std::string& next, const View& view, const Takes& takes) {
  std::string last;
  for (auto at = map.upper_bound(asked.after); at != map.end(); ++at) {
    if (!takes(*at->second)) continue;
    if (list.size() == asked.limit) {
      next = last;
      return;
    }
    list.push_back(view(*at->second));
    last = at->first;
  }
}

constexpr auto kAll = [](const auto&) { return true; };

/// When something made now expires; 0: never.
int64_t expiry_of(const Clock& clock, int64_t days) {
  if (days == 0) return 0;
  return unix_ms(clock.now_wall() + std::chrono::days(days));
}

}  // namespace

void IdentityPart::add_to(admin::Routes& routes) {
  add_users(routes);
  add_keys(routes);
  add_tokens(routes);
  add_roles(routes);
  add_namespaces(routes);
  routes.get("ListAudit", "/v1/audit", "audit:read", [this](AuditFilter filter) { return identities_.audit(std::move(filter)); })
      .doc("Every change and every refused login, newest first.");
}

void IdentityPart::add_users(admin::Routes& routes) {
  routes
      .get("ListUsers", "/v1/users", "users:read",
           [this](PageRequest asked) {
             UserList page;
             fill_page(identities_.directory()->users, asked, page.users, page.next, UserView::of, kAll);
             return page;
           })
      .doc("The users by name.");
  routes
      .get("GetUser", "/v1/users/{name}", "users:read",
           [this](ByName asked) -> Result<UserView> {
             const auto directory = identities_.directory();
             const User* const user = directory->user(asked.name);
             if (user == nullptr) return fail(Code::not_found, "there is no user '{}'", asked.name.substr(0, kMostName));
             return UserView::of(*user);
           })
      .doc("One user.");
  routes
      .post("AddUser", "/v1/users", "users:write",
            [this](NewUserRequest asked, const admin::Caller& caller) -> io::Task<Result<UserView>> {
              NewUser user{.name = std::move(asked.name),
                           .display_name = std::move(asked.display_name),
                           .password = std::move(asked.password),
                           .roles = std::move(asked.roles),
                           .namespaces = std::move(asked.namespaces)};
              co_return UserView::of(co_await io::or_return(identities_.add_user(actor_of(caller), std::move(user))));
            })
      .doc("Adds a user.");
  routes
      .add("PATCH", "ChangeUser", "/v1/users/{name}", "users:write",
           [this](UserChangeRequest asked, const admin::Caller& caller) -> io::Task<Result<UserView>> {
             UserChange change{.display_name = std::move(asked.display_name),
                               .password = std::move(asked.password),
                               .roles = std::move(asked.roles),
                               .namespaces = std::move(asked.namespaces),
                               .disabled = asked.disabled};
             co_return UserView::of(co_await io::or_return(identities_.change_user(actor_of(caller), std::move(asked.name), std::move(change))));
           })
      .doc("Changes what is given of a user. A new password ends the user's sessions.");
  routes
      .del("RemoveUser", "/v1/users/{name}", "users:write",
           [this](ByName asked, const admin::Caller& caller) { return identities_.remove_user(actor_of(caller), std::move(asked.name)); })
      .doc("Removes a user with its keys and tokens.");
}

void IdentityPart::add_keys(admin::Routes& routes) {
  routes
      .get("ListKeys", "/v1/keys", "keys:read",
           [this](OwnedPageRequest asked) {
             KeyList page;
             const auto takes = [&](const AccessKey& key) { return asked.owner.empty() || key.owner == asked.owner; };
             fill_page(identities_.directory()->keys, asked, page.keys, page.next, KeyView::of, takes);
             return page;
           })
      .doc("The access keys by id, without their secrets.");
  routes
      .post("AddKey", "/v1/keys", "keys:write",
            [this](NewKeyRequest asked, const admin::Caller& caller) -> io::Task<Result<CreatedKey>> {
              NewKey key{.owner = std::move(asked.owner),
                         .doc = std::move(asked.doc),
                         .expires_at_ms = expiry_of(identities_.clock(), asked.expires_in_days)};
              const auto made = co_await io::or_return(identities_.add_key(actor_of(caller), std::move(key)));
              co_return CreatedKey{.key = KeyView::of(made.made), .secret = made.secret};
            })
      .doc("Makes an access key; its secret is answered here and never again.");
  routes
      .del("RemoveKey", "/v1/keys/{id}", "keys:write",
           [this](ById asked, const admin::Caller& caller) { return identities_.remove_key(actor_of(caller), std::move(asked.id)); })
      .doc("Revokes an access key.");
}

void IdentityPart::add_tokens(admin::Routes& routes) {
  routes
      .get("ListTokens", "/v1/tokens", "tokens:read",
           [this](OwnedPageRequest asked) {
             TokenList page;
             const auto takes = [&](const Token& token) { return asked.owner.empty() || token.owner == asked.owner; };
             fill_page(identities_.directory()->tokens, asked, page.tokens, page.next, TokenView::of, takes);
             return page;
           })
      .doc("The tokens by id.");
  routes
      .post("AddToken", "/v1/tokens", "tokens:write",
            [this](NewTokenRequest asked, const admin::Caller& caller) -> io::Task<Result<CreatedToken>> {
              NewToken token{.owner = std::move(asked.owner),
                             .doc = std::move(asked.doc),
                             .roles = std::move(asked.roles),
                             .expires_at_ms = expiry_of(identities_.clock(), asked.expires_in_days)};
              const auto made = co_await io::or_return(identities_.add_token(actor_of(caller), std::move(token)));
              co_return CreatedToken{.token = TokenView::of(made.made), .secret = made.secret};
            })
      .doc("Makes a token; it is answered here and never again.");
  routes
      .del("RemoveToken", "/v1/tokens/{id}", "tokens:write",
           [this](ById asked, const admin::Caller& caller) { return identities_.remove_token(actor_of(caller), std::move(asked.id)); })
      .doc("Revokes a token.");
}

void IdentityPart::add_roles(admin::Routes& routes) {
  routes
      .get("ListRoles", "/v1/roles", "roles:read",
           [this](PageRequest asked) {
             RoleList page;
             const auto directory = identities_.directory();
             const auto users = users_by_role(*directory);
             fill_page(directory->roles(), asked, page.roles, page.next, [&](const Role& role) { return RoleView::of(role, users); }, kAll);
             return page;
           })
      .doc("The roles with their permissions.");
  routes
      .put("PutRole", "/v1/roles/{name}", "roles:write",
           [this](RoleRequest asked, const admin::Caller& caller) -> io::Task<Result<RoleView>> {
             Role role{.name = std::move(asked.name), .doc = std::move(asked.doc), .permissions = std::move(asked.permissions)};
             const Role made = co_await io::or_return(identities_.put_role(actor_of(caller), std::move(role)));
             co_return RoleView::of(made, users_by_role(*identities_.directory()));
           })
      .doc("Makes a role, or replaces it.");
  routes
      .del("RemoveRole", "/v1/roles/{name}", "roles:write",
           [this](ByName asked, const admin::Caller& caller) { return identities_.remove_role(actor_of(caller), std::move(asked.name)); })
      .doc("Removes a role that nobody has.");
}

void IdentityPart::add_namespaces(admin::Routes& routes) {
  routes
      .get("ListNamespaces", "/v1/namespaces", "namespaces:read",
           [this](PageRequest asked) {
             NamespaceList page;
             fill_page(identities_.directory()->namespaces, asked, page.namespaces, page.next, NamespaceView::of, kAll);
             return page;
           })
      .doc("The namespaces by name.");
  routes
      .post("AddNamespace", "/v1/namespaces", "namespaces:write",
            [this](NewNamespaceRequest asked, const admin::Caller& caller) -> io::Task<Result<NamespaceView>> {
              Namespace added{.name = std::move(asked.name), .doc = std::move(asked.doc)};
              co_return NamespaceView::of(co_await io::or_return(identities_.add_namespace(actor_of(caller), std::move(added))));
            })
      .doc("Adds a namespace.");
  routes
      .del("RemoveNamespace", "/v1/namespaces/{name}", "namespaces:write",
           [this](ByName asked, const admin::Caller& caller) { return identities_.remove_namespace(actor_of(caller), std::move(asked.name)); })
      .doc("Removes a namespace that no user is held to.");
}

}  // namespace sofa::identity
