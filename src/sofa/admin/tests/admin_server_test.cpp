#include "sofa/admin/admin_server.h"

#include "harness.h"

namespace sofa::admin {
namespace {

using namespace testing;
using ::testing::AllOf;
using ::testing::HasSubstr;

struct Pet {
  std::string name{};
  int32_t age = 0;
  static void describe(Description<Pet>& d) {
    d.java_type("demo.Pet");
    d.field("name", &Pet::name).required();
    d.field("age", &Pet::age).range(0, 200);
  }
};

struct PetName {
  std::string name{};
  static void describe(Description<PetName>& d) { d.field("name", &PetName::name).required(); }
};

class PetsPart final : public Part {
 public:
  std::string_view name() const override { return "Pets"; }
  void add_to(Routes& routes) override {
    routes.get("GetPet", "/v1/pets/{name}", "pets:read", [this](PetName asked) { return find(asked.name); }).doc("Finds a pet.");
    routes.post("AddPet", "/v1/pets", "pets:write", [this](Pet pet, const Caller& caller) -> io::Task<Result<Pet>> {
      by_ = caller.principal.name;
      co_return pets_.emplace_back(std::move(pet));
    });
    routes.del("RemovePet", "/v1/pets/{name}", "pets:write", [this](PetName asked) -> Result<void> {
      std::erase_if(pets_, [&](const Pet& pet) { return pet.name == asked.name; });
      return {};
    });
    routes.get("WatchPets", "/v1/pets/events", "pets:read", [this](Nothing, Stream<Pet>& out) -> io::Task<Result<void>> {
      for (const Pet& pet : pets_) co_await io::or_return(co_await out.send(pet));
      co_return Result<void>();
    });
    routes.get("Ping", "/v1/ping", "", []() -> Pet { return {.name = "pong"}; });
  }
  std::string by_;

 private:
  Result<Pet> find(const std::string& name) const {
    for (const Pet& pet : pets_) {
      if (pet.name == name) return pet;
    }
    return fail(Code::not_found, "there is no pet '{}'", name);
  }
  std::vector<Pet> pets_{{.name = "rex", .age = 3}};
};

void with_pets(const std::function<io::Task<void>(AdminServer&, http::Channel&)>& body, AdminOptions options = {}) {
  options.gate = std::make_shared<FakeGate>();
  serve(std::move(options), [](AdminServer& server) { server.add(std::make_shared<PetsPart>()); }, body);
}

TEST(AdminServer, AnswersAnOperationWithJson) {
  with_pets([](AdminServer&, http::Channel& channel) -> io::Task<void> {
    const Got got = co_await ask(channel, "GET", "/v1/pets/rex", with_token("viewer"));
    EXPECT_EQ(got.status, 200);
    EXPECT_EQ(got.body, R"({"name":"rex","age":3})");
    const Got none = co_await ask(channel, "GET", "/v1/pets/tom", with_token("viewer"));
    EXPECT_EQ(none.status, 404);
    EXPECT_THAT(none.body, HasSubstr("there is no pet 'tom'"));
    const Got added = co_await ask(channel, "POST", "/v1/pets", with_token("admin"), R"({"name":"tom","age":1})");
    EXPECT_EQ(added.status, 200);
    EXPECT_EQ((co_await ask(channel, "DELETE", "/v1/pets/tom", with_token("admin"))).status, 204);
    const Got wrong = co_await ask(channel, "POST", "/v1/pets", with_token("admin"), R"({"name":"tom","age":201})");
    EXPECT_EQ(wrong.status, 400);
    EXPECT_THAT(wrong.body, HasSubstr("age"));
  });
}

TEST(AdminServer, StreamsEventsAsServerSentEvents) {
  with_pets([](AdminServer&, http::Channel& channel) -> io::Task<void> {
    const Got got = co_await ask(channel, "GET", "/v1/pets/events", with_token("viewer"));
    EXPECT_EQ(got.status, 200);
    EXPECT_EQ(got.headers.get("content-type"), "text/event-stream");
    EXPECT_EQ(got.body, "data: {\"name\":\"rex\",\"age\":3}\n\n");
  });
}

TEST(AdminServer, RefusesAStreamOverItsBound) {
  with_pets(
      [](AdminServer&, http::Channel& channel) -> io::Task<void> {
        const Got got = co_await ask(channel, "GET", "/v1/pets/events", with_token("viewer"));
        EXPECT_EQ(got.status, 503);
        EXPECT_THAT(got.body, HasSubstr("as many as may be"));
      },
      {.max_streams = 0});
}

/// Everything that the server has, with a request that it understands.
std::vector<AdminServer::RawRoute> all_routes(const AdminServer& server) {
  std::vector<AdminServer::RawRoute> all = server.raw_routes();
  for (const Operation& operation : server.operations()) all.push_back({operation.method, operation.pattern, operation.permission});
  return all;
}

std::string path_of(std::string pattern) {
  for (size_t at; (at = pattern.find('{')) != std::string::npos;) pattern.replace(at, pattern.find('}') - at + 1, "x");
  return pattern;
}

// The list is the server's own: a route that is added cannot be forgotten here.
TEST(AdminServer, LetsNobodyInWithoutWhatARouteNeeds) {
  with_pets([](AdminServer& server, http::Channel& channel) -> io::Task<void> {
    size_t guarded = 0;
    for (const auto& route : all_routes(server)) {
      const std::string path = path_of(route.pattern);
      SCOPED_TRACE(route.method + " " + path);
      const Got without = co_await ask(channel, route.method, path);
      if (route.permission.empty()) {
        EXPECT_EQ(without.status, 200);
        continue;
      }
      ++guarded;
      EXPECT_EQ(without.status, 401);
      EXPECT_EQ(without.headers.get("www-authenticate"), "Basic realm=\"sofa\", Bearer");
      EXPECT_EQ((co_await ask(channel, route.method, path, with_token("wrong"))).status, 401);
      const Got weak = co_await ask(channel, route.method, path, with_token("viewer"));
      if (!route.permission.ends_with(":read")) {
        EXPECT_EQ(weak.status, 403);
        EXPECT_THAT(weak.body, HasSubstr(route.permission));
      }
      EXPECT_THAT((co_await ask(channel, route.method, path, with_token("admin"))).status,
                  ::testing::AnyOf(200, 204, 400, 404));  // let in: what it says is the operation's
    }
    EXPECT_GE(guarded, 6u);
  });
}

TEST(AdminServer, TakesAPassword) {
  with_pets([](AdminServer&, http::Channel& channel) -> io::Task<void> {
    EXPECT_EQ((co_await ask(channel, "GET", "/v1/pets/rex", {{"authorization", "Basic YWRhOnNlY3JldA=="}})).status, 200);
  });
}

TEST(AdminServer, LetsAPageChangeSomethingWithItsTokenOnly) {
  with_pets([](AdminServer& server, http::Channel& channel) -> io::Task<void> {
    const std::string own = fmt::format("http://127.0.0.1:{}", server.port());
    const std::string body = R"({"name":"tom"})";
    const Got without = co_await ask(channel, "POST", "/v1/pets", {{"cookie", "sid=1"}}, body);
    EXPECT_EQ(without.status, 403);
    EXPECT_THAT(without.body, HasSubstr("x-csrf-token"));
    EXPECT_EQ((co_await ask(channel, "POST", "/v1/pets", {{"cookie", "sid=1"}, {"x-csrf-token", "another"}}, body)).status, 403);
    EXPECT_EQ((co_await ask(channel, "POST", "/v1/pets", {{"cookie", "sid=1"}, {"x-csrf-token", "the-token"}}, body)).status, 200);
    EXPECT_EQ((co_await ask(channel, "POST", "/v1/pets", {{"authorization", "Bearer admin"}, {"origin", own}}, body)).status, 403);
    const Got session = co_await ask(channel, "GET", "/v1/session", {{"cookie", "sid=1"}, {"origin", own}});
    EXPECT_THAT(session.body, AllOf(HasSubstr("\"csrf_token\":\"the-token\""), HasSubstr("\"user\":\"ada\"")));
  });
}

TEST(AdminServer, RefusesForeignPagesAndForeignNames) {
  with_pets([](AdminServer& server, http::Channel& channel) -> io::Task<void> {
    EXPECT_EQ((co_await ask(channel, "GET", "/v1/session", {{"origin", "http://evil.example"}})).status, 403);
    EXPECT_THAT(co_await ask_raw(server.port(), "GET /v1/session HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n"),
                ::testing::StartsWith("HTTP/1.1 421 "));
  });
}

TEST(AdminServer, EverybodyIsDevBehindAnOpenGate) {
  serve(
      {}, [](AdminServer& server) { server.add(std::make_shared<PetsPart>()); },
      [](AdminServer& server, http::Channel& channel) -> io::Task<void> {
        EXPECT_EQ((co_await ask(channel, "POST", "/v1/pets", {}, R"({"name":"tom"})")).status, 200);
        const std::string own = fmt::format("http://127.0.0.1:{}", server.port());
        EXPECT_EQ((co_await ask(channel, "POST", "/v1/pets", {{"origin", own}}, R"({"name":"tom"})")).status, 403);
        EXPECT_THAT((co_await ask(channel, "GET", "/v1/session")).body,
                    AllOf(HasSubstr("\"user\":\"dev\""), HasSubstr("\"open\":true"), HasSubstr("\"permissions\":[\"*\"]")));
      });
}

TEST(AdminServer, TellsBrowsersHowToTreatItsAnswers) {
  with_pets([](AdminServer&, http::Channel& channel) -> io::Task<void> {
    for (const std::string path : {"/healthz", "/v1/pets/rex", "/nothing"}) {
      const Got got = co_await ask(channel, "GET", path, with_token("admin"));
      EXPECT_THAT(std::string(got.headers.get_or("content-security-policy")), HasSubstr("frame-ancestors 'none'")) << path;
      EXPECT_EQ(got.headers.get("x-frame-options"), "DENY") << path;
      EXPECT_EQ(got.headers.get("x-content-type-options"), "nosniff") << path;
    }
  });
}

TEST(AdminServer, AnswersProbes) {
  Result<void> ready = fail(Code::unavailable, "the cache is cold");
  AdminOptions options{.gate = std::make_shared<FakeGate>(), .probes = {.live = {}, .ready = [&] { return ready; }}};
  serve(
      std::move(options), [](AdminServer&) {},
      [&](AdminServer&, http::Channel& channel) -> io::Task<void> {
        EXPECT_EQ((co_await ask(channel, "GET", "/healthz")).status, 200);
        EXPECT_EQ((co_await ask(channel, "GET", "/livez")).status, 200);
        const Got cold = co_await ask(channel, "GET", "/readyz");
        EXPECT_EQ(cold.status, 503);
        EXPECT_THAT(cold.body, HasSubstr("the cache is cold"));
        ready = {};
        EXPECT_EQ((co_await ask(channel, "GET", "/readyz")).status, 200);
      });
}

TEST(AdminServer, DescribesItselfWithThePermissionOfEachOperation) {
  with_pets([](AdminServer&, http::Channel& channel) -> io::Task<void> {
    const Got got = co_await ask(channel, "GET", "/openapi.json", with_token("viewer"));
    EXPECT_EQ(got.status, 200);
    EXPECT_THAT(got.body, AllOf(HasSubstr("\"operationId\":\"Pets_GetPet\""), HasSubstr("\"x-permission\":\"pets:write\""), HasSubstr("demo.Pet")));
  });
}

TEST(AdminServer, TakesTheNextPortWhenItMay) {
  with_pets([](AdminServer& server, http::Channel&) -> io::Task<void> {
    AdminServer second({.port = server.port(), .further_ports = 10});
    const auto started = co_await second.start();
    EXPECT_TRUE(started) << started.error().to_string();
    EXPECT_NE(second.port(), server.port());
    EXPECT_TRUE(co_await second.stop());
    AdminServer third({.port = server.port()});
    const auto taken = co_await third.start();
    if (taken) {
      ADD_FAILURE() << "two servers on one port";
      (void)co_await third.stop();
      co_return;
    }
    EXPECT_THAT(taken.error().to_string(), HasSubstr("admin.port"));
  });
}

TEST(AdminServer, ShowsMetricsInBothForms) {
  auto registry = std::make_shared<MetricRegistry>();
  registry->counter({.name = "pets_fed", .labels = {{"kind", "dog \"big\""}}, .doc = "meals"}).add(3);
  serve(
      {}, [&](AdminServer& server) { server.add_metrics(registry); },
      [](AdminServer&, http::Channel& channel) -> io::Task<void> {
        const Got text = co_await ask(channel, "GET", "/metrics");
        EXPECT_EQ(text.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
        EXPECT_THAT(text.body, AllOf(HasSubstr("# TYPE pets_fed_total counter\npets_fed_total{kind=\"dog \\\"big\\\"\"} 3\n"),
                                     HasSubstr("process_cpu_seconds_total ")));
        const Got open = co_await ask(channel, "GET", "/metrics", {{"accept", "application/openmetrics-text; version=1.0.0"}});
        EXPECT_THAT(open.body, AllOf(HasSubstr("# TYPE pets_fed counter\npets_fed_total{"), ::testing::EndsWith("# EOF\n")));
      });
}

}  // namespace
}  // namespace sofa::admin
