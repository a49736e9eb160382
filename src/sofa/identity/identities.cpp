#include "sofa/identity/identities.h"

#include <algorithm>

#include "sofa/base/json.h"
#include "sofa/base/log.h"
#include "sofa/base/unix_time.h"
#include "sofa/identity/detail/contains.h"
#include "sofa/io/blocking_pool.h"
#include "sofa/io/runtime.h"

namespace sofa::identity {

namespace {

const Logger logger{"identity"};

constexpr std::string_view kUser = "user", kKey = "key", kToken = "token", kRole = "role", kNamespace = "namespace";
constexpr size_t kTokenBytes = 32, kKeySecretBytes = 30, kFirstPasswordBytes = 15;  // of randomness
constexpr std::string_view kFirstUser = "admin", kLocal = "local";

std::string purpose_of_key(std::string_view id) { return fmt::format("access key {}", id); }

Result<void> check_doc(std::string_view what, std::string_view text) {
  if (text.size() <= kMostDoc) return {};
  return fail(Code::invalid_argument, "the {} has {} bytes, and may have {}", what, text.size(), kMostDoc);
}

Result<void> check_room(std::string_view what, size_t there, size_t most) {
  if (there < most) return {};
  return fail(Code::resource_exhausted, "there are {} {} already, as many as may be: remove some that nobody needs", there, what);
}

Result<void> check_count(std::string_view what, size_t count) {
  if (count <= kMostPermissions) return {};
  return fail(Code::invalid_argument, "{} {} are too many: {} may be", count, what, kMostPermissions);
}

Result<void> check_roles(const Directory& directory, const std::vector<std::string>& roles) {
  if (auto counted = check_count("roles", roles.size()); !counted) return counted;
  for (const std::string& role : roles) {
    if (!directory.roles().contains(role))
      return fail(Code::invalid_argument, "there is no role '{}': see the list of roles", role.substr(0, kMostName));
  }
  return {};
}

Result<void> check_namespaces(const Directory& directory, const std::vector<std::string>& namespaces) {
  if (auto counted = check_count("namespaces", namespaces.size()); !counted) return counted;
  for (const std::string& one : namespaces) {
    if (!directory.namespaces.contains(one))
      return fail(Code::invalid_argument, "there is no namespace '{}': add it first", one.substr(0, kMostName));
  }
  return {};
}

/// The checks of what both keys and tokens have.
Result<void> check_credential(const Directory& directory, std::string_view owner, std::string_view doc, int64_t expires_at_ms, int64_t now_ms) {
  if (directory.user(owner) == nullptr) return fail(Code::not_found, "there is no user '{}'", owner.substr(0, kMostName));
  if (expires_at_ms != 0 && expires_at_ms <= now_ms)
    return fail(Code::invalid_argument, "it would expire before it is made: give a later time, or 0 for never");
  return check_doc("doc", doc);
}

template <class Map>
size_t count_of_owner(const Map& map, std::string_view owner) {
  return static_cast<size_t>(std::ranges::count_if(map, [&](const auto& entry) { return entry.second->owner == owner; }));
}

bool is_admin(const User& user) { return !user.disabled && user.namespaces.empty() && detail::contains(user.roles, kAdminRole); }

/// Whether somebody may do everything, everywhere, and has a password or a token for it.
bool has_admin(const Directory& directory, int64_t now_ms) {
  const auto signs_in = [](const auto& entry) { return is_admin(*entry.second) && !entry.second->password_hash.empty(); };
  const auto stands_for_one = [&](const auto& entry) {
    const Token& token = *entry.second;
    const User* const owner = directory.user(token.owner);
    const bool lasts = token.expires_at_ms == 0 || token.expires_at_ms > now_ms;
    return lasts && owner != nullptr && is_admin(*owner) && (token.roles.empty() || detail::contains(token.roles, kAdminRole));
  };
  return std::ranges::any_of(directory.users, signs_in) || std::ranges::any_of(directory.tokens, stands_for_one);
}

Error wrong_login() { return Error(Code::unauthenticated, "the name or the password is wrong"); }

template <class T>
Result<std::shared_ptr<const T>> read_value(const Change& change) {
  auto value = from_json<T>(change.value, {.source = "identity", .ignore_unknown = true});
  if (value) return std::make_shared<const T>(std::move(*value));
  return std::unexpected(std::move(value.error()).wrap(fmt::format("the {} '{}' in the store cannot be read", change.kind, change.name)));
}

Result<void> put_value(const Change& change, Directory& directory) {
  const auto put = [&]<class T>(std::type_identity<T>, auto take) -> Result<void> {
    auto value = read_value<T>(change);
    if (!value) return forward_error(value);
    take(std::move(*value));
    return {};
  };
  if (change.kind == kUser) return put(std::type_identity<User>(), [&](auto user) { directory.users[change.name] = std::move(user); });
  if (change.kind == kKey) return put(std::type_identity<AccessKey>(), [&](auto key) { directory.keys[change.name] = std::move(key); });
  if (change.kind == kToken) return put(std::type_identity<Token>(), [&](auto token) { directory.put_token(*token); });
  if (change.kind == kRole) return put(std::type_identity<Role>(), [&](auto role) { directory.put_role(*role); });
  if (change.kind == kNamespace) return put(std::type_identity<Namespace>(), [&](auto one) { directory.namespaces[change.name] = std::move(one); });
  return fail(Code::failed_precondition, "the store has a '{}', which this version does not know: start the version that wrote it", change.kind);
}

}  // namespace

/// A directory that changes, and what the store will be told of it.
class Identities::Edit {
 public:
  Edit(const Directory& before, AuditEntry audited) : directory(std::make_shared<Directory>(before)), entry(std::move(audited)) {}

  void put(User user) {
    note(kUser, user.name, user);
    directory->users[user.name] = std::make_shared<const User>(user);
  }
  void put(AccessKey key) {
    note(kKey, key.id, key);
    directory->keys[key.id] = std::make_shared<const AccessKey>(key);
  }
  void put(Token token) {
    note(kToken, token.id, token);
    directory->put_token(std::move(token));
  }
  void put(Role role) {
    note(kRole, role.name, role);
    directory->put_role(std::move(role));
  }
  void put(Namespace one) {
    note(kNamespace, one.name, one);
    directory->namespaces[one.name] = std::make_shared<const Namespace>(one);
  }
  void remove_user(const std::string& name) {
    gone(kUser, name);
    directory->users.erase(name);
  }
  void remove_key(const std::string& id) {
    gone(kKey, id);
    directory->keys.erase(id);
  }
  void remove_token(const std::string& id) {
    gone(kToken, id);
    directory->remove_token(id);
  }
  void remove_role(const std::string& name) {
    gone(kRole, name);
    directory->remove_role(name);
  }
  void remove_namespace(const std::string& name) {
    gone(kNamespace, name);
    directory->namespaces.erase(name);
  }

  std::shared_ptr<Directory> directory;
  std::vector<Change> changes{};
  AuditEntry entry;

 private:
  template <class T>
  void note(std::string_view kind, const std::string& name, const T& value) {
    changes.push_back({.kind = std::string(kind), .name = name, .value = to_json(value).value()});
  }
  void gone(std::string_view kind, const std::string& name) { changes.push_back({.kind = std::string(kind), .name = name}); }
};

Identities::Identities(IdentityStore& store, NodeKey node_key, const Clock& clock, IdentityOptions options)
    : store_(store),
      node_key_(std::move(node_key)),
      clock_(clock),
      options_(std::move(options)),
      home_(io::Shard::current()),
      hashing_(options_.max_hashing),
      attempts_(options_.attempts),
      directory_(std::make_shared<const Directory>()) {}

io::Task<Result<std::unique_ptr<Identities>>> Identities::open(IdentityStore& store, NodeKey node_key, const Clock& clock, IdentityOptions options) {
  std::unique_ptr<Identities> identities(new Identities(store, std::move(node_key), clock, std::move(options)));
  co_await io::or_return(identities->load());
  co_return identities;
}

io::Task<Result<void>> Identities::load() {
  auto loaded = std::make_shared<Directory>();
  for (const Change& change : co_await io::or_return(store_.load())) co_await io::or_return(put_value(change, *loaded));
  for (const auto& [id, key] : loaded->keys) {
    auto secret = node_key_.open_sealed(key->sealed_secret, purpose_of_key(id));
    if (secret) continue;
    co_return std::unexpected(
        std::move(secret.error())
            .wrap(fmt::format("the secret of the access key '{}' cannot be read: put back the node key that belongs to this data", id)));
  }
  nobody_hash_ = co_await io::or_return(hash(make_secret("", kTokenBytes, options_.entropy)));
  publish(std::move(loaded));
  co_return Result<void>();
}

std::shared_ptr<const Directory> Identities::directory() const {
  const std::lock_guard lock(mutex_);
  return directory_;
}

void Identities::publish(std::shared_ptr<const Directory> directory) {
  const std::lock_guard lock(mutex_);
  directory_.swap(directory);
}

int64_t Identities::now_ms() const { return unix_ms(clock_.now_wall()); }

Result<Subject> Identities::authenticate_token(std::string_view token) const {
  const auto known = directory();
  const Token* const found = known->token_by_hash(sha256_hex(token));
  if (found == nullptr) return fail(Code::unauthenticated, "the token is not known: it may have been revoked, ask for another one");
  if (found->expires_at_ms != 0 && found->expires_at_ms <= now_ms()) {
    return fail(Code::unauthenticated, "the token '{}' has expired: ask for another one", found->id);
  }
  const User* const owner = known->user(found->owner);
  if (owner == nullptr || owner->disabled) return fail(Code::unauthenticated, "the user '{}' of the token '{}' is disabled", found->owner, found->id);
  return Subject{.user = owner->name, .token = found->id};
}

Result<std::string> Identities::key_secret(std::string_view id) const {
  const auto known = directory();
  const auto found = known->keys.find(id);
  if (found == known->keys.end()) return fail(Code::unauthenticated, "there is no access key '{}'", id.substr(0, kMostName));
  const AccessKey& key = *found->second;
  if (key.expires_at_ms != 0 && key.expires_at_ms <= now_ms()) return fail(Code::unauthenticated, "the access key '{}' has expired", id);
  const User* const owner = known->user(key.owner);
  if (owner == nullptr || owner->disabled) return fail(Code::unauthenticated, "the user '{}' of the access key '{}' is disabled", key.owner, id);
  return node_key_.open_sealed(key.sealed_secret, purpose_of_key(id));
}

Result<void> Identities::check(const Subject& subject, std::string_view action, std::string_view resource, std::string_view name_space) const {
  return directory()->check(subject, action, resource, name_space);
}

template <class F>
auto Identities::hashing(F work) -> io::Task<std::invoke_result_t<F&>> {
  if (waiting_ >= options_.max_waiting) {
    co_return fail(Code::resource_exhausted, "{} passwords wait to be checked, as many as may: try again in some seconds", waiting_);
  }
  ++waiting_;
  auto permit = co_await hashing_.acquire();
  --waiting_;
  if (!permit) co_return forward_error(permit);
  co_return co_await io::run_blocking(home_.runtime().blocking_pool(), std::move(work));
}

io::Task<Result<std::string>> Identities::hash(std::string password) {
  co_return co_await hashing(
      [this, password = std::move(password)]() -> Result<std::string> { return hash_password(password, options_.password, options_.entropy); });
}

io::Task<Result<bool>> Identities::verify(std::string password, std::string hash) {
  co_return co_await hashing([password = std::move(password), hash = std::move(hash)]() -> Result<bool> { return verify_password(password, hash); });
}

io::Task<Result<Subject>> Identities::authenticate(std::string name, std::string password, std::string peer) {
  co_return co_await io::on(home_, [&] { return authenticate_at_home(name, password, peer); });
}

io::Task<Result<Subject>> Identities::authenticate_at_home(const std::string& name, const std::string& password, const std::string& peer) {
  const std::string known_as = name.substr(0, kMostName);
  co_await io::or_return(attempts_.begin(known_as, peer, clock_.now_monotonic()));
  const auto before = directory();
  const User* const user = before->user(name);
  const bool may_sign_in = user != nullptr && !user->disabled && !user->password_hash.empty() && password.size() <= kMostPassword;
  auto verified = co_await verify(password.substr(0, kMostPassword), may_sign_in ? user->password_hash : nobody_hash_);
  if (!verified) {
    attempts_.take_back(known_as, peer);  // nobody has looked at it
    co_return forward_error(verified);
  }
  const bool right = *verified;
  const auto now = directory();  // what may have changed meanwhile
  const User* const still = now->user(name);
  if (right && may_sign_in && still != nullptr && !still->disabled && still->password_id == user->password_id) {
    attempts_.succeeded(known_as, peer);
    co_return Subject{.user = name};
  }
  if (auto told = co_await refuse_login(known_as, peer); !told) logger.warn("a refused login could not be audited", {{"reason", told.error()}});
  co_return std::unexpected(wrong_login());
}

io::Task<Result<void>> Identities::refuse_login(const std::string& name, const std::string& peer) {
  co_return co_await io::on(home_, [&]() -> io::Task<Result<void>> {
    const Instant now = clock_.now_monotonic();
    if (now - refused_since_ >= std::chrono::minutes(1)) {
      refused_since_ = now;
      refused_ = 0;
    }
    if (refused_ >= options_.refused_a_minute) {
      ++not_written_;
      co_return Result<void>();
    }
    ++refused_;
    AuditEntry entry{.at_ms = now_ms(), .actor = name, .action = "login", .target = name, .result = AuditResult::denied, .peer = peer};
    if (const uint64_t more = std::exchange(not_written_, 0); more != 0) entry.detail = fmt::format("and {} before it that were not written", more);
    co_return co_await store_.append_refused(std::move(entry));
  });
}

io::Task<Result<void>> Identities::record(AuditEntry entry) {
  co_return co_await io::on(home_, [&]() -> io::Task<Result<void>> {
    entry.at_ms = now_ms();
    co_return co_await store_.append({}, std::move(entry));
  });
}

io::Task<Result<AuditPage>> Identities::audit(AuditFilter filter) {
  co_return co_await io::on(home_, [&] { return store_.audit(std::move(filter)); });
}

template <class T, class F>
io::Task<Result<T>> Identities::change(Actor actor, std::string action, std::string target, F work) {
  co_return co_await io::on(home_, [&]() -> io::Task<Result<T>> {
    const auto held = co_await io::or_return(changing_.lock());
    Edit edit(*directory(), {.at_ms = now_ms(), .actor = actor.name, .action = action, .target = target, .peer = actor.peer});
    Result<T> made = work(edit);
    if (!made) co_return made;
    co_await io::or_return(store_.append(std::move(edit.changes), std::move(edit.entry)));
    publish(std::move(edit.directory));
    co_return made;
  });
}

Result<void> Identities::check_admins(const Edit& edit, std::string_view whose) const {
  const int64_t now = now_ms();
  if (has_admin(*edit.directory, now) || !has_admin(*directory(), now)) return {};
  return fail(Code::failed_precondition,
              "'{}' is the last user that may do everything and can sign in: give another one the role {}, and a password or a token, first", whose,
              kAdminRole);
}

io::Task<Result<User>> Identities::add_user(Actor actor, NewUser user) {
  co_await io::or_return(check_name("user name", user.name));
  co_await io::or_return(check_doc("display name", user.display_name));
  User made{.name = user.name, .display_name = user.display_name, .roles = user.roles, .namespaces = user.namespaces};
  if (!user.password.empty()) {
    co_await io::or_return(check_password(user.password));
    made.password_hash = co_await io::or_return(io::on(home_, [&] { return hash(user.password); }));
  }
  made.password_id = make_id("", options_.entropy);
  made.created_at_ms = now_ms();
  co_return co_await change<User>(actor, "user.add", user.name, [&](Edit& edit) -> Result<User> {
    const Directory& directory = *edit.directory;
    if (directory.user(user.name) != nullptr) return fail(Code::already_exists, "there is a user '{}' already", user.name);
    if (auto room = check_room("users", directory.users.size(), options_.limits.users); !room) return forward_error(room);
    if (auto roles = check_roles(directory, user.roles); !roles) return forward_error(roles);
    if (auto namespaces = check_namespaces(directory, user.namespaces); !namespaces) return forward_error(namespaces);
    edit.entry.detail = fmt::format("roles: {}", fmt::join(user.roles, ", "));
    edit.put(made);
    return made;
  });
}

io::Task<Result<User>> Identities::change_user(Actor actor, std::string name, UserChange wanted) {
  std::string password_hash;
  if (wanted.password) {
    co_await io::or_return(check_password(*wanted.password));
    password_hash = co_await io::or_return(io::on(home_, [&] { return hash(*wanted.password); }));
  }
  co_return co_await change<User>(actor, "user.change", name, [&](Edit& edit) -> Result<User> {
    const User* const before = edit.directory->user(name);
    if (before == nullptr) return fail(Code::not_found, "there is no user '{}'", name.substr(0, kMostName));
    User user = *before;
    std::vector<std::string_view> changed;
    const auto take = [&](auto& own, const auto& given, std::string_view what) {
      if (given) own = *given, changed.push_back(what);
    };
    take(user.display_name, wanted.display_name, "display name");
    take(user.roles, wanted.roles, "roles");
    take(user.namespaces, wanted.namespaces, "namespaces");
    take(user.disabled, wanted.disabled, wanted.disabled.value_or(false) ? "disabled" : "enabled");
    if (wanted.password) {
      user.password_hash = password_hash;
      user.password_id = make_id("", options_.entropy);
      changed.push_back("password");
    }
    if (auto doc = check_doc("display name", user.display_name); !doc) return forward_error(doc);
    if (auto roles = check_roles(*edit.directory, user.roles); !roles) return forward_error(roles);
    if (auto namespaces = check_namespaces(*edit.directory, user.namespaces); !namespaces) return forward_error(namespaces);
    edit.put(user);
    if (auto stays = check_admins(edit, name); !stays) return forward_error(stays);
    edit.entry.detail = fmt::format("{}", fmt::join(changed, ", "));
    return user;
  });
}

io::Task<Result<void>> Identities::remove_user(Actor actor, std::string name) {
  co_return co_await change<void>(actor, "user.remove", name, [&](Edit& edit) -> Result<void> {
    const auto before = directory();
    if (before->user(name) == nullptr) return fail(Code::not_found, "there is no user '{}'", name.substr(0, kMostName));
    edit.remove_user(name);
    for (const auto& [id, key] : before->keys) {
      if (key->owner == name) edit.remove_key(id);
    }
    for (const auto& [id, token] : before->tokens) {
      if (token->owner == name) edit.remove_token(id);
    }
    edit.entry.detail = fmt::format("with {} keys and tokens", edit.changes.size() - 1);
    return check_admins(edit, name);
  });
}

io::Task<Result<WithSecret<AccessKey>>> Identities::add_key(Actor actor, NewKey key) {
  const std::string id = make_id("AK", options_.entropy);
  co_return co_await change<WithSecret<AccessKey>>(actor, "key.add", id, [&](Edit& edit) -> Result<WithSecret<AccessKey>> {
    const Directory& directory = *edit.directory;
    if (auto well = check_credential(directory, key.owner, key.doc, key.expires_at_ms, now_ms()); !well) return forward_error(well);
    if (auto room = check_room("access keys", directory.keys.size(), options_.limits.keys); !room) return forward_error(room);
    const size_t own = count_of_owner(directory.keys, key.owner);
    if (auto room = check_room("access keys of the user", own, options_.limits.credentials_of_a_user); !room) return forward_error(room);
    WithSecret<AccessKey> made{.secret = make_secret("", kKeySecretBytes, options_.entropy)};
    made.made = {.id = id,
                 .owner = key.owner,
                 .doc = key.doc,
                 .sealed_secret = node_key_.seal(made.secret, purpose_of_key(id), options_.entropy),
                 .created_at_ms = now_ms(),
                 .expires_at_ms = key.expires_at_ms};
    edit.put(made.made);
    edit.entry.detail = fmt::format("of {}", key.owner);
    return made;
  });
}

io::Task<Result<void>> Identities::remove_key(Actor actor, std::string id) {
  co_return co_await change<void>(actor, "key.remove", id, [&](Edit& edit) -> Result<void> {
    const auto found = edit.directory->keys.find(id);
    if (found == edit.directory->keys.end()) return fail(Code::not_found, "there is no access key '{}'", id.substr(0, kMostName));
    edit.entry.detail = fmt::format("of {}", found->second->owner);
    edit.remove_key(id);
    return {};
  });
}

io::Task<Result<WithSecret<Token>>> Identities::add_token(Actor actor, NewToken token) {
  const std::string id = make_id("tk-", options_.entropy);
  co_return co_await change<WithSecret<Token>>(actor, "token.add", id, [&](Edit& edit) -> Result<WithSecret<Token>> {
    const Directory& directory = *edit.directory;
    if (auto well = check_credential(directory, token.owner, token.doc, token.expires_at_ms, now_ms()); !well) return forward_error(well);
    if (auto roles = check_roles(directory, token.roles); !roles) return forward_error(roles);
    if (auto room = check_room("tokens", directory.tokens.size(), options_.limits.tokens); !room) return forward_error(room);
    const size_t own = count_of_owner(directory.tokens, token.owner);
    if (auto room = check_room("tokens of the user", own, options_.limits.credentials_of_a_user); !room) return forward_error(room);
    WithSecret<Token> made{.secret = make_secret("sofa_", kTokenBytes, options_.entropy)};
    made.made = {.id = id,
                 .owner = token.owner,
                 .doc = token.doc,
                 .hash = sha256_hex(made.secret),
                 .roles = token.roles,
                 .created_at_ms = now_ms(),
                 .expires_at_ms = token.expires_at_ms};
    edit.put(made.made);
    edit.entry.detail = fmt::format("of {}", token.owner);
    return made;
  });
}

io::Task<Result<void>> Identities::remove_token(Actor actor, std::string id) {
  co_return co_await change<void>(actor, "token.remove", id, [&](Edit& edit) -> Result<void> {
    const auto found = edit.directory->tokens.find(id);
    if (found == edit.directory->tokens.end()) return fail(Code::not_found, "there is no token '{}'", id.substr(0, kMostName));
    const std::string owner = found->second->owner;
    edit.entry.detail = fmt::format("of {}", owner);
    edit.remove_token(id);
    return check_admins(edit, owner);
  });
}

io::Task<Result<Role>> Identities::put_role(Actor actor, Role role) {
  co_await io::or_return(check_name("role name", role.name));
  co_await io::or_return(check_doc("doc", role.doc));
  co_await io::or_return(check_count("permissions", role.permissions.size()));
  for (const std::string& text : role.permissions) co_await io::or_return(Permission::parse(text));
  co_return co_await change<Role>(actor, "role.put", role.name, [&](Edit& edit) -> Result<Role> {
    if (is_built_in_role(role.name))
      return fail(Code::failed_precondition, "the role '{}' is built in and does not change: make another one", role.name);
    const bool is_new = !edit.directory->roles().contains(role.name);
    if (auto room = check_room("roles", edit.directory->roles().size(), options_.limits.roles); is_new && !room) return forward_error(room);
    edit.entry.detail = fmt::format("{}", fmt::join(role.permissions, ", "));
    edit.put(role);
    return role;
  });
}

io::Task<Result<void>> Identities::remove_role(Actor actor, std::string name) {
  co_return co_await change<void>(actor, "role.remove", name, [&](Edit& edit) -> Result<void> {
    const Directory& directory = *edit.directory;
    if (is_built_in_role(name)) return fail(Code::failed_precondition, "the role '{}' is built in and stays", name);
    if (!directory.roles().contains(name)) return fail(Code::not_found, "there is no role '{}'", name.substr(0, kMostName));
    const auto has_it = [&](const auto& entry) { return detail::contains(entry.second->roles, name); };
    if (const auto user = std::ranges::find_if(directory.users, has_it); user != directory.users.end()) {
      return fail(Code::failed_precondition, "the user '{}' has the role '{}': take it away there first", user->first, name);
    }
    if (const auto token = std::ranges::find_if(directory.tokens, has_it); token != directory.tokens.end()) {
      return fail(Code::failed_precondition, "the token '{}' has the role '{}': revoke it first", token->first, name);
    }
    edit.remove_role(name);
    return {};
  });
}

io::Task<Result<Namespace>> Identities::add_namespace(Actor actor, Namespace added) {
  co_await io::or_return(check_name("namespace name", added.name));
  co_await io::or_return(check_doc("doc", added.doc));
  co_return co_await change<Namespace>(actor, "namespace.add", added.name, [&](Edit& edit) -> Result<Namespace> {
    if (edit.directory->namespaces.contains(added.name)) return fail(Code::already_exists, "there is a namespace '{}' already", added.name);
    if (auto room = check_room("namespaces", edit.directory->namespaces.size(), options_.limits.namespaces); !room) return forward_error(room);
    added.created_at_ms = now_ms();
    edit.put(added);
    return added;
  });
}

io::Task<Result<void>> Identities::remove_namespace(Actor actor, std::string name) {
  co_return co_await change<void>(actor, "namespace.remove", name, [&](Edit& edit) -> Result<void> {
    const Directory& directory = *edit.directory;
    if (!directory.namespaces.contains(name)) return fail(Code::not_found, "there is no namespace '{}'", name.substr(0, kMostName));
    const auto held = std::ranges::find_if(directory.users, [&](const auto& entry) { return detail::contains(entry.second->namespaces, name); });
    if (held != directory.users.end()) {
      return fail(Code::failed_precondition, "the user '{}' is held to the namespace '{}': change that first", held->first, name);
    }
    edit.remove_namespace(name);
    return {};
  });
}

io::Task<Result<std::optional<Identities::FirstUser>>> Identities::make_first_user() {
  if (has_admin(*directory(), now_ms())) co_return std::nullopt;
  std::string name(kFirstUser);
  for (int further = 2; directory()->user(name) != nullptr; ++further) name = fmt::format("{}{}", kFirstUser, further);
  std::string password = make_secret("", kFirstPasswordBytes, options_.entropy);
  auto made = co_await add_user({.name = std::string(kLocal), .peer = std::string(kLocal)},
                                {.name = name, .password = password, .roles = {std::string(kAdminRole)}});
  if (!made) co_return forward_error(made);
  co_return FirstUser{.name = std::move(name), .password = std::move(password)};
}

}  // namespace sofa::identity
