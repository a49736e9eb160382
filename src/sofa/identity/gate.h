#pragma once
// IdentityGate: who asks the admin API, by password, token or the session of a browser; what they may is what their roles permit.
//
//   admin::AdminServer server({.gate = gate});
//   add_session_routes(server, identities, gate);  // POST /v1/session signs in, DELETE /v1/session signs out

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "sofa/admin/admin_server.h"
#include "sofa/identity/identities.h"

namespace sofa::identity {

struct SessionOptions {
  Duration lifetime = std::chrono::hours(12);
  Duration idle = std::chrono::hours(2);  ///< without a request
  size_t max_sessions = 10'000;           ///< over it the one that rested longest ends
  bool secure_cookie = false;             ///< the server speaks TLS: the cookie goes over TLS alone
};

/// The cookie: HttpOnly, SameSite=Strict, of this server alone. With TLS its name begins with "__Host-".
inline constexpr std::string_view kSessionCookie = "sofa-session";

/// Sessions live in memory: a restart signs everybody out. Any thread.
class IdentityGate final : public admin::Gate {
 public:
  /// `identities` outlives it.
  explicit IdentityGate(Identities& identities, SessionOptions options = {});

  io::Task<Result<admin::Principal>> identify(const admin::Credentials& credentials) override;
  Result<admin::Principal> identify_at_once(const admin::Credentials& credentials) override;
  Result<void> may(const admin::Principal& principal, std::string_view permission) const override;
  std::vector<std::string> permissions_of(const admin::Principal& principal) const override;
  std::string csrf_token(const admin::Principal& principal) const override;
  std::string challenge() const override { return R"(Basic realm="sofa", charset="UTF-8", Bearer)"; }

  struct Opened {
    admin::Principal principal{};
    std::string set_cookie{};  ///< value of the header
    int64_t expires_at_ms = 0;
  };
  /// Signs in with a password. Errors: of Identities::authenticate.
  io::Task<Result<Opened>> open_session(std::string name, std::string password, std::string peer);
  /// Ends the session of the principal, if that is its proof. The value of a Set-Cookie that removes it.
  std::string close_session(const admin::Principal& principal);
  size_t sessions() const;

 private:
  struct Session {
    std::string user;
    std::string password_id;
    Instant begun{};
    Instant used{};
  };
  Result<admin::Principal> by_token(std::string_view token) const;
  std::optional<admin::Principal> by_session(std::string_view cookies);
  bool has_ended(const Session& session, Instant now) const;
  void make_room(Instant now);
  std::string cookie(std::string_view value, int64_t max_age) const;
  std::string cookie_name() const;

  Identities& identities_;
  const SessionOptions options_;
  const std::string csrf_key_;
  mutable std::mutex mutex_;
  std::map<std::string, Session, std::less<>> sessions_;  // by the SHA-256 of the cookie's value
};

/// POST /v1/session {"user", "password"} signs in and sets the cookie, DELETE /v1/session signs out. Before the server starts.
void add_session_routes(admin::AdminServer& server, Identities& identities, std::shared_ptr<IdentityGate> gate);

}  // namespace sofa::identity
