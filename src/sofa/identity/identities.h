#pragma once
// Identities: who there is, who somebody is, and what they may do.
//
//   auto identities = co_await or_return(Identities::open(*store, node_key, clock));
//   auto subject = co_await identities->authenticate("ann", password, peer);          // slow on purpose, off the shard
//   auto allowed = identities->check(*subject, "write", "topics/orders", "payments");  // from memory, any thread
//
// It belongs to the shard that opened it. What is named "Any thread" reads an immutable Directory; the rest may be awaited on every shard of the same
// runtime and goes home by itself. A change is durable, and seen by everybody, when it returns; one at a time.

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "sofa/base/clock.h"
#include "sofa/identity/attempts.h"
#include "sofa/identity/identity.h"
#include "sofa/identity/secrets.h"
#include "sofa/identity/store.h"
#include "sofa/io/shard.h"
#include "sofa/io/sync.h"

namespace sofa::identity {

struct IdentityOptions {
  Limits limits{};
  PasswordCost password{};
  size_t max_hashing = 2;   ///< passwords checked at once; each takes PasswordCost::memory_kib
  size_t max_waiting = 64;  ///< further ones that wait; over it resource_exhausted
  AttemptOptions attempts{};
  unsigned refused_a_minute = 60;  ///< refused logins that the audit gets; further ones are counted, and the next one tells how many
  Entropy entropy = system_entropy;
};

/// Who changes something, and from where: for the audit.
struct Actor {
  std::string name{};
  std::string peer{};
};

struct NewUser {
  std::string name{};
  std::string display_name{};
  std::string password{};  ///< empty: signs in with tokens alone
  std::vector<std::string> roles{};
  std::vector<std::string> namespaces{};
};

/// What is not given stays as it is.
struct UserChange {
  std::optional<std::string> display_name{};
  std::optional<std::string> password{};
  std::optional<std::vector<std::string>> roles{};
  std::optional<std::vector<std::string>> namespaces{};
  std::optional<bool> disabled{};
};

struct NewKey {
  std::string owner{};
  std::string doc{};
  int64_t expires_at_ms = 0;
};

struct NewToken {
  std::string owner{};
  std::string doc{};
  std::vector<std::string> roles{};
  int64_t expires_at_ms = 0;
};

/// What was made, and its secret, which is given here and never again.
template <class T>
struct WithSecret {
  T made{};
  std::string secret{};
};

class Identities {
 public:
  /// Loads everything. data_loss when a secret of an access key cannot be opened with the node key. `store` and `clock` outlive it.
  static io::Task<Result<std::unique_ptr<Identities>>> open(IdentityStore& store, NodeKey node_key, const Clock& clock, IdentityOptions options = {});

  // Any thread.
  std::shared_ptr<const Directory> directory() const;
  /// unauthenticated for an unknown or expired token, and for one of a user that is disabled.
  Result<Subject> authenticate_token(std::string_view token) const;
  /// The secret of an access key, for checks of HMACs; unauthenticated as for tokens. The owner is keys.at(id)->owner of the directory.
  Result<std::string> key_secret(std::string_view id) const;
  Result<void> check(const Subject& subject, std::string_view action, std::string_view resource, std::string_view name_space = {}) const;

  // Every shard.
  /// unauthenticated for a wrong name or password, without telling which; resource_exhausted for one who tries too often. A refusal is audited.
  io::Task<Result<Subject>> authenticate(std::string name, std::string password, std::string peer);

  io::Task<Result<User>> add_user(Actor actor, NewUser user);
  io::Task<Result<User>> change_user(Actor actor, std::string name, UserChange change);
  /// With its keys and tokens. failed_precondition for the last user that may do everything and can sign in, as for a change that makes it less.
  /// Whoever has a password or a token for it can; a certificate does not count, since the server may ask for none.
  io::Task<Result<void>> remove_user(Actor actor, std::string name);
  io::Task<Result<WithSecret<AccessKey>>> add_key(Actor actor, NewKey key);
  io::Task<Result<void>> remove_key(Actor actor, std::string id);
  io::Task<Result<WithSecret<Token>>> add_token(Actor actor, NewToken token);
  io::Task<Result<void>> remove_token(Actor actor, std::string id);
  /// Makes the role, or replaces it.
  io::Task<Result<Role>> put_role(Actor actor, Role role);
  /// failed_precondition while users or tokens have it.
  io::Task<Result<void>> remove_role(Actor actor, std::string name);
  io::Task<Result<Namespace>> add_namespace(Actor actor, Namespace added);
  /// failed_precondition while users are held to it.
  io::Task<Result<void>> remove_namespace(Actor actor, std::string name);

  struct FirstUser {
    std::string name{}, password{};
  };
  /// When nobody who may do everything can sign in: makes `admin`, or a further name when that is taken, with a random password, which is given here
  /// and kept nowhere. Nothing otherwise.
  io::Task<Result<std::optional<FirstUser>>> make_first_user();

  io::Task<Result<AuditPage>> audit(AuditFilter filter);
  /// An entry that is no change: a login, a logout.
  io::Task<Result<void>> record(AuditEntry entry);

  const Clock& clock() const { return clock_; }
  const Entropy& entropy() const { return options_.entropy; }

 private:
  class Edit;
  Identities(IdentityStore& store, NodeKey node_key, const Clock& clock, IdentityOptions options);
  io::Task<Result<void>> load();
  /// Runs `work(edit)` at home, alone, and makes what it has put into the edit durable and seen.
  template <class T, class F>
  io::Task<Result<T>> change(Actor actor, std::string action, std::string target, F work);
  io::Task<Result<std::string>> hash(std::string password);
  io::Task<Result<bool>> verify(std::string password, std::string hash);
  /// Runs `work()`, which hashes, on the pool, when its turn has come.
  template <class F>
  auto hashing(F work) -> io::Task<std::invoke_result_t<F&>>;
  io::Task<Result<Subject>> authenticate_at_home(const std::string& name, const std::string& password, const std::string& peer);
  /// For the audit, when it still takes one.
  io::Task<Result<void>> refuse_login(const std::string& name, const std::string& peer);
  /// Fails when the edit takes the last one away who may do everything and can sign in.
  Result<void> check_admins(const Edit& edit, std::string_view whose) const;
  void publish(std::shared_ptr<const Directory> directory);
  int64_t now_ms() const;

  IdentityStore& store_;
  const NodeKey node_key_;
  const Clock& clock_;
  const IdentityOptions options_;
  io::Shard& home_;
  io::Mutex changing_;
  io::Semaphore hashing_;
  size_t waiting_ = 0;  // for a permit of hashing_
  Attempts attempts_;
  Instant refused_since_{};   // begin of the minute that these are of
  unsigned refused_ = 0;      // logins that were written
  uint64_t not_written_ = 0;  // refused ones that the audit has not been told of
  std::string nobody_hash_;   // checked in place of an unknown user's, so that both take the same time
  mutable std::mutex mutex_;  // of directory_ alone
  std::shared_ptr<const Directory> directory_;
};

}  // namespace sofa::identity
