// The gate and the routes, over HTTP.
#include "harness.h"
#include "sofa/admin/admin_server.h"
#include "sofa/base/base64.h"
#include "sofa/http/channel.h"
#include "sofa/identity/gate.h"
#include "sofa/identity/part.h"

namespace sofa::identity {
namespace {

using io::or_return;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using testing::kRoot;
using ::testing::Not;
using testing::World;

struct Got {
  int status = 0;
  http::Headers headers{};
  std::string body{};
};

/// A server with a user of each built-in role ("admin", "operator", "viewer"; password "correct horse") and a client of it.
class Served {
 public:
  using Body = std::function<io::Task<Result<void>>(Served& served)>;

  static void run(World& world, const Body& body, SessionOptions sessions = {}) {
    world.run([&](Identities& identities) -> io::Task<Result<void>> {
      Served served(identities, sessions);
      co_await or_return(served.start());
      auto done = co_await body(served);
      co_await served.channel->close();
      co_await or_return(served.server.stop());
      co_return done;
    });
  }

  io::Task<Got> ask(std::string method, std::string target, http::Headers headers = {}, std::string body = {}) {
    if (!body.empty()) headers.add("content-type", "application/json");
    auto answer =
        co_await channel->exchange({.method = std::move(method), .target = std::move(target), .headers = std::move(headers)}, Bytes::copy_of(body));
    if (!answer) co_return Got{.body = answer.error().to_string()};
    co_return Got{answer->status, std::move(answer->headers), std::string(answer->body.text())};
  }
  http::Headers with(const std::string& role) const { return {{"authorization", fmt::format("Bearer {}", tokens.at(role))}}; }

  Identities& identities;
  std::shared_ptr<IdentityGate> gate;
  admin::AdminServer server;
  std::optional<http::Channel> channel;
  std::map<std::string, std::string> tokens;  // by role

 private:
  Served(Identities& all, SessionOptions sessions)
      : identities(all), gate(std::make_shared<IdentityGate>(all, sessions)), server({.port = 0, .gate = gate}) {
    server.add(std::make_shared<IdentityPart>(all));
    add_session_routes(server, all, gate);
  }
  io::Task<Result<void>> start() {
    for (const Role& role : built_in_roles()) {
      co_await or_return(identities.add_user(kRoot, {.name = role.name, .password = "correct horse", .roles = {role.name}}));
      tokens[role.name] = (co_await or_return(identities.add_token(kRoot, {.owner = role.name}))).secret;
    }
    co_await or_return(server.start());
    channel.emplace(io::Address::of("127.0.0.1", server.port()));
    co_return Result<void>();
  }
};

std::string basic(std::string_view name, std::string_view password) { return "Basic " + to_base64(as_bytes(fmt::format("{}:{}", name, password))); }

/// The value of a member that is a text.
std::string member(const std::string& json, const std::string& name) {
  const size_t at = json.find(fmt::format("\"{}\":\"", name));
  if (at == std::string::npos) return "";
  const size_t begin = at + name.size() + 4;
  return json.substr(begin, json.find('"', begin) - begin);
}

TEST(AdminApi, AUserIsAddedChangedShownAndRemoved) {
  World world;
  Served::run(world, [](Served& served) -> io::Task<Result<void>> {
    const auto admin = served.with("admin");
    const Got added = co_await served.ask("POST", "/v1/users", admin, R"({"name":"ann","password":"correct horse","roles":["viewer"]})");
    EXPECT_EQ(added.status, 200) << added.body;
    EXPECT_THAT(added.body, HasSubstr(R"("name":"ann","display_name":"","roles":["viewer"],"namespaces":[],"disabled":false)"));
    EXPECT_THAT(added.body, Not(HasSubstr("password")));
    EXPECT_EQ((co_await served.ask("POST", "/v1/users", admin, R"({"name":"ann"})")).status, 409);
    const Got changed = co_await served.ask("PATCH", "/v1/users/ann", admin, R"({"disabled":true,"display_name":"Ann"})");
    EXPECT_THAT(changed.body, HasSubstr(R"("display_name":"Ann","roles":["viewer"],"namespaces":[],"disabled":true)"));
    EXPECT_EQ((co_await served.ask("GET", "/v1/users/ann", admin)).body, changed.body);
    EXPECT_EQ((co_await served.ask("DELETE", "/v1/users/ann", admin)).status, 204);
    EXPECT_EQ((co_await served.ask("GET", "/v1/users/ann", admin)).status, 404);
    const Got audit = co_await served.ask("GET", "/v1/audit?limit=1&action=user", admin);
    EXPECT_THAT(audit.body, HasSubstr(R"("actor":"admin","action":"user.remove","target":"ann","result":"ok","peer":"127.0.0.1")"));
    EXPECT_NE(member(audit.body, "next"), "");
    co_return Result<void>();
  });
}

TEST(AdminApi, ListsComeByPages) {
  World world;
  Served::run(world, [](Served& served) -> io::Task<Result<void>> {
    for (int i = 0; i < 5; ++i) co_await or_return(served.identities.add_user(kRoot, {.name = fmt::format("u{}", i)}));
    std::string names, after;
    do {
      const Got page = co_await served.ask("GET", fmt::format("/v1/users?limit=3&after={}", after), served.with("viewer"));
      for (size_t at = 0; (at = page.body.find("{\"name\":\"", at)) != std::string::npos; ++at) names += member(page.body.substr(at), "name") + " ";
      after = member(page.body, "next");
    } while (!after.empty());
    EXPECT_EQ(names, "admin operator u0 u1 u2 u3 u4 viewer ");
    EXPECT_EQ((co_await served.ask("GET", "/v1/users?limit=0", served.with("viewer"))).status, 400);
    co_return Result<void>();
  });
}

TEST(AdminApi, SecretsAreAnsweredOnceAndWorkAtOnce) {
  World world;
  Served::run(world, [](Served& served) -> io::Task<Result<void>> {
    const auto admin = served.with("admin");
    const Got token = co_await served.ask("POST", "/v1/tokens", admin, R"({"owner":"viewer","doc":"ci","expires_in_days":1})");
    const std::string secret = member(token.body, "secret");
    EXPECT_EQ((co_await served.ask("GET", "/v1/users", {{"authorization", "Bearer " + secret}})).status, 200);
    const Got key = co_await served.ask("POST", "/v1/keys", admin, R"({"owner":"viewer"})");
    EXPECT_EQ(served.identities.key_secret(member(key.body, "id")).value(), member(key.body, "secret"));
    EXPECT_THAT(key.body, HasSubstr("\"expires_at_ms\":null"));
    for (const char* path : {"/v1/tokens", "/v1/keys", "/v1/audit", "/v1/users"}) {
      const Got list = co_await served.ask("GET", path, admin);
      EXPECT_EQ(list.status, 200);
      for (const char* hidden : {"secret", "hash", "sealed", "argon2"}) EXPECT_THAT(list.body, Not(HasSubstr(hidden))) << path;
    }
    EXPECT_EQ((co_await served.ask("DELETE", "/v1/tokens/" + member(token.body, "id"), admin)).status, 204);
    EXPECT_EQ((co_await served.ask("GET", "/v1/users", {{"authorization", "Bearer " + secret}})).status, 401);
    EXPECT_EQ((co_await served.ask("DELETE", "/v1/keys/" + member(key.body, "id"), admin)).status, 204);
    co_return Result<void>();
  });
}

TEST(AdminApi, RolesAndNamespacesAreMadeAndRemoved) {
  World world;
  Served::run(world, [](Served& served) -> io::Task<Result<void>> {
    const auto admin = served.with("admin");
    const Got role = co_await served.ask("PUT", "/v1/roles/auditor", admin, R"({"doc":"looks","permissions":["audit:read"]})");
    EXPECT_THAT(role.body, HasSubstr(R"("permissions":["audit:read"],"built_in":false,"users":0)"));
    EXPECT_EQ((co_await served.ask("PUT", "/v1/roles/admin", admin, R"({"permissions":[]})")).status, 400);
    EXPECT_EQ((co_await served.ask("PUT", "/v1/roles/bad", admin, R"({"permissions":["x"]})")).status, 400);
    EXPECT_EQ((co_await served.ask("PATCH", "/v1/users/viewer", admin, R"({"roles":["viewer","auditor"]})")).status, 200);
    EXPECT_EQ((co_await served.ask("GET", "/v1/audit", served.with("viewer"))).status, 200) << "a new role counts for tokens that are there";
    EXPECT_THAT((co_await served.ask("GET", "/v1/roles", admin)).body,
                HasSubstr(R"("name":"auditor","doc":"looks","permissions":["audit:read"],"built_in":false,"users":1)"));
    EXPECT_EQ((co_await served.ask("POST", "/v1/namespaces", admin, R"({"name":"loans"})")).status, 200);
    EXPECT_THAT((co_await served.ask("GET", "/v1/namespaces", admin)).body, HasSubstr("\"name\":\"loans\""));
    EXPECT_EQ((co_await served.ask("DELETE", "/v1/namespaces/loans", admin)).status, 204);
    EXPECT_EQ((co_await served.ask("DELETE", "/v1/roles/auditor", admin)).status, 400) << "the user viewer has it";
    co_return Result<void>();
  });
}

std::string path_of(std::string pattern) {
  for (size_t at; (at = pattern.find('{')) != std::string::npos;) pattern.replace(at, pattern.find('}') - at + 1, "x");
  return pattern;
}

// The list is the server's own: a route that is added cannot be forgotten here.
TEST(Access, EveryRouteIsClosedWithoutWithWrongAndWithTooWeakCredentials) {
  World world;
  world.options.attempts.free = 1'000;
  Served::run(world, [](Served& served) -> io::Task<Result<void>> {
    std::vector<admin::AdminServer::RawRoute> all = served.server.raw_routes();
    for (const admin::Operation& operation : served.server.operations()) all.push_back({operation.method, operation.pattern, operation.permission});
    size_t guarded = 0;
    for (const auto& [method, pattern, permission] : all) {
      if (permission.empty()) continue;
      ++guarded;
      const std::string path = path_of(pattern);
      SCOPED_TRACE(method + " " + path);
      EXPECT_EQ((co_await served.ask(method, path)).status, 401);
      EXPECT_EQ((co_await served.ask(method, path, {{"authorization", "Bearer sofa_wrong"}})).status, 401);
      EXPECT_EQ((co_await served.ask(method, path, {{"authorization", basic("admin", "wrong horse")}})).status, 401);
      EXPECT_EQ((co_await served.ask(method, path, {{"cookie", "sofa-session=wrong"}})).status, 401);
      const bool viewer_may = permission.ends_with(":read") && permission != "audit:read";
      const Got viewer = co_await served.ask(method, path, served.with("viewer"));
      EXPECT_EQ(viewer.status == 403, !viewer_may) << viewer.status;
      if (!viewer_may) EXPECT_THAT(viewer.body, HasSubstr(permission));
      EXPECT_THAT((co_await served.ask(method, path, served.with("admin"))).status, AnyOf(200, 204, 400, 404));
      EXPECT_THAT((co_await served.ask(method, path, {{"authorization", basic("admin", "correct horse")}})).status, AnyOf(200, 204, 400, 404));
    }
    EXPECT_GE(guarded, 20u);
    co_return Result<void>();
  });
}

TEST(Access, GuessingAPasswordIsSlowedOverHttp) {
  World world;
  Served::run(world, [](Served& served) -> io::Task<Result<void>> {
    for (int i = 0; i < 4; ++i) EXPECT_EQ((co_await served.ask("GET", "/v1/users", {{"authorization", basic("admin", "guess")}})).status, 401);
    const Got slowed = co_await served.ask("GET", "/v1/users", {{"authorization", basic("admin", "correct horse")}});
    EXPECT_EQ(slowed.status, 429);
    EXPECT_THAT(slowed.body, HasSubstr("try again in 1 s"));
    EXPECT_EQ((co_await served.ask("POST", "/v1/session", {}, R"({"user":"admin","password":"correct horse"})")).status, 429);
    EXPECT_EQ((co_await served.ask("GET", "/v1/users", served.with("admin"))).status, 200) << "tokens are not slowed";
    co_return Result<void>();
  });
}

io::Task<Got> sign_in(Served& served, std::string_view user = "admin") {
  return served.ask("POST", "/v1/session", {}, fmt::format(R"({{"user":"{}","password":"correct horse"}})", user));
}

std::string cookie_of(const Got& signed_in) {
  const std::string set(signed_in.headers.get_or("set-cookie"));
  return set.substr(0, set.find(';'));
}

TEST(Sessions, ASessionChangesSomethingWithItsTokenAndEndsWithALogout) {
  World world;
  Served::run(world, [](Served& served) -> io::Task<Result<void>> {
    const Got signed_in = co_await sign_in(served);
    EXPECT_EQ(signed_in.status, 200) << signed_in.body;
    EXPECT_THAT(std::string(signed_in.headers.get_or("set-cookie")), HasSubstr("; Path=/; HttpOnly; SameSite=Strict; Max-Age=43200"));
    EXPECT_THAT(signed_in.body, HasSubstr(R"("permissions":["*:*"])"));
    const std::string cookie = cookie_of(signed_in), csrf = member(signed_in.body, "csrf_token");
    EXPECT_EQ((co_await served.ask("GET", "/v1/users", {{"cookie", cookie}})).status, 200);
    EXPECT_THAT((co_await served.ask("GET", "/v1/session", {{"cookie", cookie}})).body, HasSubstr(R"("permissions":["*:*"])"));
    EXPECT_THAT((co_await served.ask("GET", "/v1/session")).body, HasSubstr(R"("permissions":[])"));
    const std::string body = R"({"name":"loans"})";
    EXPECT_EQ((co_await served.ask("POST", "/v1/namespaces", {{"cookie", cookie}}, body)).status, 403);
    EXPECT_EQ((co_await served.ask("POST", "/v1/namespaces", {{"cookie", cookie}, {"x-csrf-token", csrf}}, body)).status, 200);
    const std::string another = member((co_await sign_in(served, "viewer")).body, "csrf_token");
    EXPECT_EQ((co_await served.ask("DELETE", "/v1/namespaces/loans", {{"cookie", cookie}, {"x-csrf-token", another}})).status, 403);
    const Got out = co_await served.ask("DELETE", "/v1/session", {{"cookie", cookie}});
    EXPECT_EQ(out.status, 204);
    EXPECT_THAT(std::string(out.headers.get_or("set-cookie")), HasSubstr("sofa-session=; "));
    EXPECT_EQ((co_await served.ask("GET", "/v1/users", {{"cookie", cookie}})).status, 401);
    EXPECT_EQ((co_await served.ask("POST", "/v1/session", {}, R"({"user":"admin","password":"wrong horse"})")).status, 401);
    EXPECT_EQ((co_await served.ask("POST", "/v1/session", {}, "nonsense")).status, 400);
    co_return Result<void>();
  });
}

TEST(Sessions, EndByTimeByANewPasswordAndWithTheirUser) {
  World world;
  Served::run(world, [&](Served& served) -> io::Task<Result<void>> {
    const auto status = [&](const std::string& cookie) -> io::Task<int> {
      co_return (co_await served.ask("GET", "/v1/users", {{"cookie", cookie}})).status;
    };
    const std::string idle = cookie_of(co_await sign_in(served));
    world.clock.advance(std::chrono::hours(2));
    EXPECT_EQ(co_await status(idle), 401);
    const std::string old = cookie_of(co_await sign_in(served));
    for (int i = 0; i < 11; ++i) {
      world.clock.advance(std::chrono::hours(1));
      EXPECT_EQ(co_await status(old), 200);
    }
    world.clock.advance(std::chrono::hours(1));
    EXPECT_EQ(co_await status(old), 401);
    const std::string viewer = cookie_of(co_await sign_in(served, "viewer"));
    EXPECT_EQ(co_await status(viewer), 200);
    co_await or_return(served.identities.change_user(kRoot, "viewer", {.password = "another horse"}));
    EXPECT_EQ(co_await status(viewer), 401);
    const std::string operator_ = cookie_of(co_await sign_in(served, "operator"));
    co_await or_return(served.identities.remove_user(kRoot, "operator"));
    EXPECT_EQ(co_await status(operator_), 401);
    EXPECT_EQ(served.gate->sessions(), 0u);
    co_return Result<void>();
  });
}

TEST(Sessions, AreBoundedAndTheOneThatRestedLongestEnds) {
  World world;
  Served::run(world,
              [&](Served& served) -> io::Task<Result<void>> {
                std::vector<std::string> cookies;
                for (int i = 0; i < 3; ++i) {
                  cookies.push_back(cookie_of(co_await sign_in(served)));
                  world.clock.advance(std::chrono::seconds(1));
                  EXPECT_EQ((co_await served.ask("GET", "/v1/users", {{"cookie", cookies[0]}})).status, 200);
                }
                EXPECT_EQ(served.gate->sessions(), 2u);
                EXPECT_EQ((co_await served.ask("GET", "/v1/users", {{"cookie", cookies[1]}})).status, 401);
                EXPECT_EQ((co_await served.ask("GET", "/v1/users", {{"cookie", cookies[2]}})).status, 200);
                co_return Result<void>();
              },
              {.max_sessions = 2});
}

TEST(Sessions, UnderTlsTheCookieGoesOverTlsAlone) {
  World world;
  Served::run(world,
              [](Served& served) -> io::Task<Result<void>> {
                const auto opened = co_await or_return(served.gate->open_session("admin", "correct horse", "p"));
                EXPECT_THAT(opened.set_cookie, ::testing::StartsWith("__Host-sofa-session="));
                EXPECT_THAT(opened.set_cookie, ::testing::EndsWith("; Secure"));
                co_return Result<void>();
              },
              {.secure_cookie = true});
}

TEST(Gate, KnowsWhoACertificateNames) {
  World world;
  Served::run(world, [](Served& served) -> io::Task<Result<void>> {
    const auto viewer = served.gate->identify_at_once({.certificate_name = "viewer"});
    EXPECT_EQ(viewer->name, "viewer");
    EXPECT_TRUE(served.gate->may(*viewer, "services:read"));
    EXPECT_FALSE(served.gate->identify_at_once({.certificate_name = "stranger"}));
    co_return Result<void>();
  });
}

}  // namespace
}  // namespace sofa::identity
