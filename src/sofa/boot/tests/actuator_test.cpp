#include "sofa/boot/actuator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <set>

#include "sofa/base/file.h"
#include "sofa/boot/testing/test_app.h"

namespace sofa::boot {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::HasSubstr;
using testing::IsSupersetOf;
using testing::UnorderedElementsAre;
namespace json = boost::json;

struct Greeter : rpc::Interface {
  static constexpr std::string_view kName = "demo.Greeter";
  rpc::Method<std::string(std::string)> greet{this, "greet"};
};
struct Weather : rpc::Interface {
  static constexpr std::string_view kName = "demo.Weather";
  rpc::Method<std::string()> now{this, "now"};
};

struct HelloConfig {
  std::string greeting = "hi";
  std::string key;
  static auto describe(Description<HelloConfig>& d) {
    d.field("greeting", &HelloConfig::greeting);
    d.field("key", &HelloConfig::key).secret();
  }
};
struct Colour {
  std::string name;
  static auto describe(Description<Colour>& d) { d.field("name", &Colour::name); }
};

class Hello {
 public:
  explicit Hello(HelloConfig config, ExtensionPoint<Colour, "colours">) : config_(std::move(config)) {}
  void implement(Greeter& greeter) {
    greeter.greet = [this](std::string name) -> Result<std::string> { return config_.greeting + " " + name; };
  }
  Health health() const { return ill ? Health::down("no words") : Health::up(); }
  bool ill = false;

 private:
  const HelloConfig config_;
};
struct Shelf {};
struct Front {
  Front(Ref<Greeter, "u1">, Ref<Weather>) {}
};

/// What the recorded application is: a service with a unique id on Bolt, and a reference to it; and a remote reference, a module, an extension.
void hello(Application& app) {
  app.component<Hello>("hello").provides<Greeter>("u1").on(bolt);
  app.component<Front>("front").contributes("colours", Colour{"red"});
  app.module("books").component<Shelf>("shelf");
  app.module("eu").profile("eu");
}
class Station {
 public:
  void implement(Weather& weather) {
    weather.now = []() -> Result<std::string> { return "rain"; };
  }
};

/// Every key of a JSON value by its path; of lists all elements together. What stands in a map with free keys is told under "*".
void paths_of(const json::value& value, const std::string& path, const std::set<std::string>& free, std::set<std::string>& found) {
  if (const auto* list = value.if_array()) {
    for (const json::value& one : *list) paths_of(one, path + "[]", free, found);
  } else if (const auto* object = value.if_object()) {
    for (const auto& [key, one] : *object) {
      const std::string own = path + "." + (free.contains(path) ? "*" : std::string(key));
      found.insert(fmt::format("{}:{}", own, one.is_int64() || one.is_uint64() ? "number" : json::to_string(one.kind()).data()));
      paths_of(one, own, free, found);
    }
  }
}
std::set<std::string> paths_of(std::string_view text, const std::set<std::string>& free = {}) {
  std::set<std::string> found;
  paths_of(json::parse(text), "", free, found);
  return found;
}

class ActuatorTest : public testing::Test {
 protected:
  void start(std::string_view further = {}) {
    if (const auto started = remote.start(); !started) throw std::runtime_error(started.error().to_string());
    const auto text = fmt::format("hello: {{greeting: hey, key: secret}}\nreferences: {{demo.Weather: {{url: '{}'}}}}\n{}", remote.url(), further);
    app = std::make_unique<TestApp>(hello, TestAppOptions{.name = "hello", .configuration = text});
    if (const auto started = app->start(); !started) throw std::runtime_error(started.error().to_string());
    actuator = std::make_unique<Actuator>(app->running());
  }
  ActuatorAnswer ask(std::string_view method, std::string_view path, std::string_view query = "", std::string_view body = "") {
    return app->run([](Actuator& own, ActuatorRequest request) -> io::Task<ActuatorAnswer> {
      co_return co_await own.answer(request);
    }(*actuator, {.method = method, .path = path, .query = query, .base = "http://localhost:9910", .body = body}));
  }
  json::object get(std::string_view path) {
    const ActuatorAnswer answer = ask("GET", path);
    EXPECT_EQ(answer.status, 200) << path << ": " << answer.body;
    return json::parse(answer.body).as_object();
  }
  static std::string recorded(const std::string& name) {
    auto text = read_file("sofaboot/" + name + ".json", 1 << 20);
    EXPECT_TRUE(text) << text.error().to_string();
    return text.value_or("{}");
  }
  /// Our answer has every key of the recorded one, with a value of the same kind.
  void expect_recorded(const std::string& name) {
    EXPECT_THAT(paths_of(ask("GET", "/" + name).body), IsSupersetOf(paths_of(recorded(name)))) << name;
  }

  TestApp remote{[](Application& weather) { weather.component<Station>("station").provides<Weather>().on(bolt); }};
  std::unique_ptr<TestApp> app;
  std::unique_ptr<Actuator> actuator;
};

TEST_F(ActuatorTest, AnswersHaveTheKeysOfTheRecordedApplication) {
  start();
  for (const char* name : {"readiness", "health", "components", "isle", "info", "threadpool"}) expect_recorded(name);
  auto rpc = paths_of(recorded("rpc"));
  std::erase_if(rpc, [](const std::string& path) { return path.starts_with(".registry[]"); });  // there is no registry
  EXPECT_THAT(paths_of(ask("GET", "/rpc").body), IsSupersetOf(rpc));
  // Attributes are those of Spring's beans; steps of ours lie less deep, with the same keys.
  auto startup = paths_of(recorded("startup"), {".stageStats[].attributes"});
  std::erase_if(startup, [](const std::string& path) { return path.contains("children[].") || path.contains("attributes."); });
  EXPECT_THAT(paths_of(ask("GET", "/startup").body, {".stageStats[].attributes"}), IsSupersetOf(startup));
  std::set<std::string> bean, ours;
  for (const std::string& path : paths_of(recorded("startup"))) {
    if (path.contains("children[].") && !path.contains("attributes.")) bean.insert(path.substr(path.rfind('.')));
  }
  for (const std::string& path : paths_of(ask("GET", "/startup").body)) {
    if (path.contains("children[].") && !path.contains("attributes.")) ours.insert(path.substr(path.rfind('.')));
  }
  bean.erase(".threadName:string");  // of a module's own step
  EXPECT_THAT(ours, IsSupersetOf(bean));
}

TEST_F(ActuatorTest, ReadinessNamesTheChecksAsTheOriginalDoes) {
  start();
  const json::object details = get("/readiness").at("details").as_object();
  const auto names = [&](std::string_view section) {
    std::vector<std::string> all;
    for (const auto& [key, value] : details.at(section).at("details").as_object()) all.emplace_back(key);
    return all;
  };
  EXPECT_THAT(names("HealthCheckerInfo"), UnorderedElementsAre("sofaComponentHealthChecker", "sofaModuleHealthChecker"));
  EXPECT_THAT(names("HealthIndicatorInfo"), UnorderedElementsAre("diskSpace", "pingHealthContributor"));
  EXPECT_THAT(names("HealthCallBackInfo"), UnorderedElementsAre("rpcAfterHealthCheckCallback"));
  EXPECT_EQ(ask("GET", "/readiness", "showDetail=false").body, R"({"status":"UP"})");
}

TEST_F(ActuatorTest, StatusCodesAreThoseOfTheOriginal) {
  start();
  EXPECT_EQ(ask("GET", "/health/liveness").status, 200);
  EXPECT_EQ(ask("GET", "/health/readiness").body, R"({"status":"UP"})");
  EXPECT_EQ(ask("GET", "/health/ping").body, R"({"status":"UP"})");
  EXPECT_EQ(ask("GET", "/health/nothing").status, 404);
  EXPECT_EQ(ask("GET", "/nothing").status, 404);
  EXPECT_EQ(ask("POST", "/health").status, 405);
  app->get<Hello>()->ill = true;
  ASSERT_TRUE(app->eventually([&] { return !app->running().readiness().state()->accepts_traffic(); }, 1s));
  const ActuatorAnswer down = ask("GET", "/readiness");
  EXPECT_EQ(down.status, 503);
  EXPECT_THAT(down.body, HasSubstr(R"("sofaComponentHealthChecker":{"status":"DOWN","details":{"hello":"DOWN, reason: no words"}})"));
  EXPECT_EQ(ask("GET", "/health/readiness").status, 503);
  EXPECT_EQ(ask("GET", "/health/liveness").status, 200) << "a restart would not help";
  EXPECT_EQ(ask("GET", "/health").status, 200) << "components are no indicators";
}

TEST_F(ActuatorTest, ComponentsShowServicesReferencesAndExtensionsWithTheirBindings) {
  start();
  const json::object types = get("/components").at("componentsInfoMap").as_object();
  const auto bindings = [&](std::string_view type, size_t i) { return json::serialize(types.at(type).at(i).at("properties").at(1).at("value")); };
  EXPECT_EQ(types.at("service").at(0).at("name").as_string(), "demo.Greeter:u1");
  EXPECT_EQ(bindings("service", 0), R"(["jvm","bolt"])");
  EXPECT_THAT(std::string(types.at("reference").at(0).at("name").as_string()), testing::MatchesRegex("demo.Greeter:u1#[0-9]+"));
  EXPECT_EQ(bindings("reference", 0), R"(["jvm"])");
  EXPECT_EQ(bindings("reference", 1), R"(["bolt"])") << "the remote one";
  EXPECT_EQ(types.at("extension-point").at(0).at("name").as_string(), "colours");
  EXPECT_EQ(types.at("extension").at(0).at("name").as_string(), "colours$front");
  EXPECT_EQ(types.at("Spring").at(0).at("name").as_string(), "books");
}

TEST_F(ActuatorTest, IsleRpcAndBeansTellOfModulesPortsAndDependencies) {
  start();
  const json::object isle = get("/isle");
  EXPECT_EQ(isle.at("installedModuleList").at(0).at("name").as_string(), "books");
  EXPECT_EQ(isle.at("inactiveModuleList").at(0).at("name").as_string(), "eu");
  const json::object rpc = get("/rpc");
  EXPECT_EQ(json::serialize(rpc.at("provider").at(0).at("protocols")), R"(["bolt"])");
  EXPECT_EQ(rpc.at("consumer").at(0).at("interfaceId").as_string(), "demo.Weather");
  EXPECT_EQ(rpc.at("consumer").at(0).at("directUrl").as_string(), remote.url());
  const json::object contexts = get("/beans").at("contexts").as_object();
  EXPECT_EQ(json::serialize(contexts.at("hello").at("beans").at("front").at("dependencies")), R"(["hello"])");
  EXPECT_EQ(contexts.at("books").at("parentId").as_string(), "hello");
}

TEST_F(ActuatorTest, EnvShowsOriginsAndHidesSecrets) {
  start();
  const ActuatorAnswer answer = ask("GET", "/env");
  EXPECT_THAT(answer.body, testing::Not(HasSubstr("secret")));
  EXPECT_THAT(answer.body, HasSubstr(R"("hello.greeting":{"value":"hey","origin":"hello.yaml:1:19"})"));
  EXPECT_THAT(answer.body, HasSubstr(R"("hello.key":{"value":"***")"));
  EXPECT_EQ(get("/env").at("propertySources").at(0).at("name").as_string(), "file") << "the strongest first";
}

TEST_F(ActuatorTest, LevelsOfLoggingCanBeReadAndChanged) {
  start();
  const Logger space("actuator-test");
  EXPECT_EQ(ask("POST", "/loggers/actuator-test", "", R"({"configuredLevel":"DEBUG"})").status, 204);
  EXPECT_TRUE(space.enabled(LogLevel::debug));
  EXPECT_EQ(ask("GET", "/loggers/actuator-test").body, R"({"configuredLevel":"DEBUG","effectiveLevel":"DEBUG"})");
  EXPECT_EQ(get("/loggers").at("loggers").at("ROOT").at("effectiveLevel").as_string(), "INFO");
  EXPECT_EQ(ask("POST", "/loggers/actuator-test", "", R"({"configuredLevel":null})").status, 204);
  EXPECT_FALSE(space.enabled(LogLevel::debug)) << "as all others again";
  EXPECT_EQ(ask("POST", "/loggers/actuator-test", "", R"({"configuredLevel":"LOUD"})").status, 400);
  EXPECT_EQ(ask("GET", "/loggers/unheard-of").status, 404);
  int taken = 0;
  for (int i = 0; i < 2'000; ++i) taken += ask("POST", fmt::format("/loggers/made-up-{}", i), "", "{}").status == 204 ? 1 : 0;
  EXPECT_LE(taken, 1'000) << "names are kept, and bounded";
  EXPECT_GT(taken, 0) << "a logger may come later than its level";
}

TEST_F(ActuatorTest, StartupIsGivenAsATraceAndForTheLastTime) {
  start();
  EXPECT_THAT(ask("GET", "/startup", "format=trace").body, HasSubstr(R"("traceEvents":[{"name":"JvmStartingStage")"));
  EXPECT_THAT(ask("POST", "/startup").body, HasSubstr("ReadinessCheckStage"));
  EXPECT_TRUE(get("/startup").at("stageStats").as_array().empty());
}

TEST_F(ActuatorTest, TheIndexListsWhatThereIs) {
  start();
  const json::object links = get("").at("_links").as_object();
  EXPECT_EQ(links.at("self").at("href").as_string(), "http://localhost:9910/actuator");
  EXPECT_EQ(links.at("loggers-name").at("href").as_string(), "http://localhost:9910/actuator/loggers/{name}");
  EXPECT_TRUE(links.at("health-path").at("templated").as_bool());
  for (const std::string_view name : {"readiness", "health", "components", "startup", "isle", "rpc", "threadpool", "beans", "info", "loggers"}) {
    EXPECT_TRUE(links.contains(name)) << name;
  }
}

TEST_F(ActuatorTest, TrafficCanWaitForItsTrigger) {
  start("server: {manual_readiness_callback: true}\n");
  EXPECT_EQ(app->port(), 0);
  EXPECT_EQ(ask("GET", "/readiness").status, 500) << "OUT_OF_SERVICE";
  EXPECT_EQ(ask("GET", "/triggerReadinessCallback").body,
            R"({"success":true,"details":"Readiness callbacks invoked successfully with result: true"})");
  EXPECT_NE(app->port(), 0);
  EXPECT_EQ(ask("GET", "/readiness").status, 200);
  EXPECT_EQ(ask("GET", "/triggerReadinessCallback").body, R"({"success":false,"details":"Readiness callbacks are already triggered."})");
}

}  // namespace
}  // namespace sofa::boot
