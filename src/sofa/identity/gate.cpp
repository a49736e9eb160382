#include "sofa/identity/gate.h"

#include <algorithm>

#include "sofa/base/base64.h"
#include "sofa/base/log.h"
#include "sofa/base/text.h"
#include "sofa/base/unix_time.h"
#include "sofa/http/body.h"
#include "sofa/rest/api.h"

namespace sofa::identity {

namespace {

const Logger logger{"identity"};

constexpr size_t kCookieBytes = 32, kCsrfKeyBytes = 32;  // of randomness
constexpr size_t kMostLogin = 4096;                      // bytes of the body of a login
constexpr std::string_view kBasic = "basic ", kBearer = "bearer ";

/// What follows the scheme, whose letters have no case (RFC 9110, section 11.1).
std::optional<std::string_view> after_scheme(std::string_view authorization, std::string_view scheme) {
  if (!equal_without_case(authorization.substr(0, scheme.size()), scheme)) return std::nullopt;
  return trimmed(authorization.substr(scheme.size()));
}

/// The value of a cookie; of several of one name the first (RFC 6265, section 5.4).
std::string_view cookie_of(std::string_view cookies, std::string_view name) {
  while (!cookies.empty()) {
    const size_t end = cookies.find(';');
    const std::string_view one = trimmed(cookies.substr(0, end));
    if (one.starts_with(name) && one.substr(name.size()).starts_with('=')) return one.substr(name.size() + 1);
    cookies = end == std::string_view::npos ? std::string_view() : cookies.substr(end + 1);
  }
  return {};
}

struct NameAndPassword {
  std::string name, password;
};

/// RFC 7617.
Result<NameAndPassword> read_basic(std::string_view encoded) {
  const auto bytes = from_base64(encoded);
  const std::string_view text = bytes ? as_text(*bytes) : std::string_view();
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) return fail(Code::unauthenticated, "the header 'authorization: Basic' holds no name and password");
  return NameAndPassword{.name = std::string(text.substr(0, colon)), .password = std::string(text.substr(colon + 1))};
}

struct Login {
  std::string user{};
  std::string password{};
  static void describe(Description<Login>& d) {
    d.field("user", &Login::user).required();
    d.field("password", &Login::password).required().secret();
  }
};

/// What a login answers.
struct SignedIn {
  std::string user{};
  std::string display_name{};
  std::string csrf_token{};
  std::vector<std::string> permissions{};
  int64_t expires_at_ms = 0;
  static void describe(Description<SignedIn>& d) {
    d.field("user", &SignedIn::user);
    d.field("display_name", &SignedIn::display_name);
    d.field("csrf_token", &SignedIn::csrf_token);
    d.field("permissions", &SignedIn::permissions);
    d.field("expires_at_ms", &SignedIn::expires_at_ms);
  }
};

}  // namespace

IdentityGate::IdentityGate(Identities& identities, SessionOptions options)
    : identities_(identities), options_(options), csrf_key_(make_secret("", kCsrfKeyBytes, identities.entropy())) {}

Result<admin::Principal> IdentityGate::by_token(std::string_view token) const {
  auto subject = identities_.authenticate_token(token);
  if (!subject) return forward_error(subject);
  return admin::Principal{.name = std::move(subject->user), .proof = admin::Proof::token, .token = std::move(subject->token)};
}

bool IdentityGate::has_ended(const Session& session, Instant now) const {
  return now - session.begun >= options_.lifetime || now - session.used >= options_.idle;
}

std::optional<admin::Principal> IdentityGate::by_session(std::string_view cookies) {
  const std::string_view value = cookie_of(cookies, cookie_name());
  if (value.empty()) return std::nullopt;
  std::string id = sha256_hex(value);
  const auto directory = identities_.directory();
  const Instant now = identities_.clock().now_monotonic();
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(id);
  if (found == sessions_.end()) return std::nullopt;
  Session& session = found->second;
  const User* const user = directory->user(session.user);
  if (has_ended(session, now) || user == nullptr || user->disabled || user->password_id != session.password_id) {
    sessions_.erase(found);
    return std::nullopt;
  }
  session.used = now;
  return admin::Principal{.name = session.user, .proof = admin::Proof::session, .session = std::move(id)};
}

Result<admin::Principal> IdentityGate::identify_at_once(const admin::Credentials& credentials) {
  if (!credentials.authorization.empty()) {
    if (const auto token = after_scheme(credentials.authorization, kBearer)) return by_token(*token);
    return fail(Code::unauthenticated, "only a token is taken here: send 'authorization: Bearer TOKEN'");
  }
  if (auto principal = by_session(credentials.cookies)) return std::move(*principal);
  const auto directory = identities_.directory();
  const User* const named = directory->user(credentials.certificate_name);
  if (named != nullptr && !named->disabled) return admin::Principal{.name = named->name, .proof = admin::Proof::certificate};
  return fail(Code::unauthenticated, "nobody has signed in: send a token, a password, or the cookie of a session");
}

io::Task<Result<admin::Principal>> IdentityGate::identify(const admin::Credentials& credentials) {
  const auto basic = after_scheme(credentials.authorization, kBasic);
  if (!basic) co_return identify_at_once(credentials);
  auto given = co_await io::or_return(read_basic(*basic));
  auto subject = co_await io::or_return(identities_.authenticate(std::move(given.name), std::move(given.password), credentials.peer.host()));
  co_return admin::Principal{.name = std::move(subject.user), .proof = admin::Proof::password};
}

Result<void> IdentityGate::may(const admin::Principal& principal, std::string_view permission) const {
  const size_t colon = permission.rfind(':');
  if (colon == std::string_view::npos) return fail(Code::internal, "'{}' is no permission: write RESOURCE:ACTION", permission);
  return identities_.check({.user = principal.name, .token = principal.token}, permission.substr(colon + 1), permission.substr(0, colon));
}

std::vector<std::string> IdentityGate::permissions_of(const admin::Principal& principal) const {
  return identities_.directory()->permissions_of({.user = principal.name, .token = principal.token});
}

std::string IdentityGate::csrf_token(const admin::Principal& principal) const {
  return hmac_sha256_hex(csrf_key_, fmt::format("{}\n{}", principal.session, principal.name));
}

void IdentityGate::make_room(Instant now) {
  std::erase_if(sessions_, [&](const auto& entry) { return has_ended(entry.second, now); });
  if (sessions_.size() < options_.max_sessions) return;
  sessions_.erase(std::ranges::min_element(sessions_, {}, [](const auto& entry) { return entry.second.used; }));
}

io::Task<Result<IdentityGate::Opened>> IdentityGate::open_session(std::string name, std::string password, std::string peer) {
  auto subject = co_await io::or_return(identities_.authenticate(std::move(name), std::move(password), peer));
  const auto directory = identities_.directory();
  const User* const user = directory->user(subject.user);
  if (user == nullptr) co_return fail(Code::unauthenticated, "the user '{}' was removed", subject.user);
  co_await io::or_return(identities_.record({.actor = user->name, .action = "session.open", .target = user->name, .peer = peer}));
  const std::string value = make_secret("", kCookieBytes, identities_.entropy());
  std::string id = sha256_hex(value);
  const Instant now = identities_.clock().now_monotonic();
  {
    const std::lock_guard lock(mutex_);
    if (sessions_.size() >= options_.max_sessions) make_room(now);
    sessions_[id] = {.user = user->name, .password_id = user->password_id, .begun = now, .used = now};
  }
  const auto seconds = std::chrono::floor<std::chrono::seconds>(options_.lifetime);
  co_return Opened{.principal = {.name = user->name, .proof = admin::Proof::session, .session = std::move(id)},
                   .set_cookie = cookie(value, seconds.count()),
                   .expires_at_ms = unix_ms(identities_.clock().now_wall() + options_.lifetime)};
}

std::string IdentityGate::close_session(const admin::Principal& principal) {
  const std::lock_guard lock(mutex_);
  sessions_.erase(principal.session);
  return cookie("", 0);
}

size_t IdentityGate::sessions() const {
  const std::lock_guard lock(mutex_);
  return sessions_.size();
}

// The prefix makes a browser refuse the cookie unless it comes over TLS, for this host alone (RFC 6265bis, section 4.1.3.2).
std::string IdentityGate::cookie_name() const { return fmt::format("{}{}", options_.secure_cookie ? "__Host-" : "", kSessionCookie); }

std::string IdentityGate::cookie(std::string_view value, int64_t max_age) const {
  return fmt::format("{}={}; Path=/; HttpOnly; SameSite=Strict; Max-Age={}{}", cookie_name(), value, max_age,
                     options_.secure_cookie ? "; Secure" : "");
}

namespace {

io::Task<Result<void>> sign_in(Identities& identities, IdentityGate& gate, http::Exchange& exchange, http::Body& body) {
  const Bytes text = co_await io::or_return(body.read_all(kMostLogin));
  auto login = from_json<Login>(text.text(), {.source = "the body"});
  if (!login) co_return rest::answer_error(exchange, login.error());
  auto opened = co_await gate.open_session(login->user, login->password, exchange.peer().host());
  if (!opened) co_return rest::answer_error(exchange, opened.error());
  const auto directory = identities.directory();
  const User* const user = directory->user(opened->principal.name);
  const auto answer = to_json(SignedIn{.user = opened->principal.name,
                                       .display_name = user == nullptr ? "" : user->display_name,
                                       .csrf_token = gate.csrf_token(opened->principal),
                                       .permissions = directory->permissions_of({.user = opened->principal.name}),
                                       .expires_at_ms = opened->expires_at_ms});
  if (!answer) co_return rest::answer_error(exchange, answer.error());
  co_return http::respond(exchange, 200, "application/json", Bytes::copy_of(*answer),
                          {{"set-cookie", opened->set_cookie}, {"cache-control", "no-store"}});
}

io::Task<Result<void>> sign_out(Identities& identities, IdentityGate& gate, http::Exchange& exchange, const admin::Caller& caller) {
  const std::string cookie = gate.close_session(caller.principal);
  if (caller.principal.proof == admin::Proof::session) {
    const std::string& name = caller.principal.name;
    auto told = co_await identities.record({.actor = name, .action = "session.close", .target = name, .peer = caller.peer.host()});
    if (!told) logger.warn("the end of a session could not be audited", {{"reason", told.error()}});
  }
  co_return exchange.send_response(204, {{"set-cookie", cookie}}, true);
}

}  // namespace

void add_session_routes(admin::AdminServer& server, Identities& identities, std::shared_ptr<IdentityGate> gate) {
  server.add_raw("POST", "/v1/session", "", [&identities, gate](http::Exchange& exchange, http::Body& body, const admin::Caller&) {
    return sign_in(identities, *gate, exchange, body);
  });
  server.add_raw("DELETE", "/v1/session", "", [&identities, gate](http::Exchange& exchange, http::Body&, const admin::Caller& caller) {
    return sign_out(identities, *gate, exchange, caller);
  });
}

}  // namespace sofa::identity
