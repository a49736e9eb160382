#include "sofa/boot/application.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "sofa/http/channel.h"
#include "sofa/io/runtime.h"

namespace sofa::boot {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

struct Greeter : rpc::Interface {
  static constexpr std::string_view kName = "demo.Greeter";
  rpc::Method<std::string(std::string)> greet{this, "greet", {.parameters = {"name"}}};
};

struct HelloConfig {
  std::string greeting = "hi";
  static auto describe(Description<HelloConfig>& d) { d.field("greeting", &HelloConfig::greeting).live(); }
};

class Hello {
 public:
  explicit Hello(HelloConfig config) : config_(std::move(config)) {}
  void implement(Greeter& greeter) {
    greeter.greet = [this](std::string name) -> Result<std::string> { return config_.greeting + " " + name; };
  }
  Health health() const { return config_.greeting.empty() ? Health::down("no words") : Health::up(); }

 private:
  const HelloConfig config_;
};

struct Front {
  explicit Front(Ref<Greeter> others) : greeter(std::move(others)) {}
  Ref<Greeter> greeter;
};

struct Reader {};

struct Slow {
  Result<void> drain() { return {}; }
  Result<void> stop() { return {}; }
};

/// Asks for what every application has, and notes what it hears.
struct Witness {
  Witness(Ref<Clock> its_clock, Ref<Events> events, Ref<MetricRegistry> metrics, Ref<Readiness> readiness, Ref<Configuration> configuration)
      : clock(std::move(its_clock)) {
    metrics->counter({.name = "witnesses_total", .labels = {}}).add(1);
    port = configuration->get<ServerSection>("server").port;
    decided = readiness->state()->decided;
    installed = events->subscribe<ModuleInstalled>([](const ModuleInstalled& event) { heard.push_back("installed " + event.module); });
    started = events->subscribe<ApplicationStarted>([](const ApplicationStarted& event) -> Result<void> {
      heard.push_back("started " + event.application);
      if (refuses) return fail(Code::unavailable, "the witness refuses");
      return {};
    });
    stops = events->subscribe<BeforeStop>([](const BeforeStop&) { heard.push_back("before stop"); });
  }
  Result<void> start() { return heard.push_back("start"), Result<void>{}; }
  Result<void> stop() { return heard.push_back("stop"), Result<void>{}; }

  static inline std::vector<std::string> heard;
  static inline bool refuses = false;
  Ref<Clock> clock;
  uint16_t port = 1;
  bool decided = true;
  EventSubscription installed, started, stops;
};

/// An application on a runtime of its own, stopped at the end.
class Started {
 public:
  explicit Started(Application& app, std::vector<const char*> arguments = {}) {
    arguments.insert(arguments.begin(), {"app", "--server-port", "0", "--log-levels", "off"});
    auto configured = app.configure(static_cast<int>(arguments.size()), arguments.data());
    if (!configured) {
      error = configured.error().to_string();
      return;
    }
    auto started = runtime.block_on(app.start());
    if (started) {
      running = std::move(*started);
    } else {
      error = started.error().to_string();
    }
  }
  ~Started() {
    if (running) EXPECT_TRUE(runtime.block_on(running->stop()));
    set_log_level(LogLevel::info);
  }
  io::Runtime runtime{{.shards = 1}};
  std::unique_ptr<RunningApplication> running;
  std::string error;
};

TEST(Application, MayStopForAsLongAsItsStepsMayTakeTogether) {
  Application app("demo");
  app.component<Slow>("one").drain_timeout(100s).stop_timeout(50s);
  app.component<Slow>("two").drain_timeout(10s).stop_timeout(5s);
  app.component<Reader>("idle").drain_timeout(1'000s);  // has no such step
  ASSERT_TRUE(app.configure_text("server: {drain_delay: 2000, drain_timeout: 3000}", "demo.yaml"));
  EXPECT_GE(app.longest_stop(), 170s);
  EXPECT_LT(app.longest_stop(), 190s);
}

TEST(Application, PublishesWhatItProvidesAndCallsWhatIsRemote) {
  Application provider("provider");
  provider.component<Hello>("hello").provides<Greeter>().on(bolt, triple);
  const Started server(provider, {"--hello-greeting", "hello"});
  ASSERT_EQ(server.error, "");
  const auto state = server.running->readiness().state();
  ASSERT_TRUE(state->accepts_traffic()) << details_of(state->callbacks.back().health);
  ASSERT_NE(server.running->port(), 0);

  Application consumer("consumer");
  std::shared_ptr<Front> front;
  consumer.component("front", [&front](Ref<Greeter> greeter) { return front = std::make_shared<Front>(std::move(greeter)); });
  const std::string file = testing::TempDir() + "boot-application-test.yaml";
  std::ofstream(file) << fmt::format("references: {{demo.Greeter: {{url: \"bolt://127.0.0.1:{}\"}}}}\n", server.running->port());
  Started client(consumer, {"-c", file.c_str()});
  ASSERT_EQ(client.error, "");
  EXPECT_EQ(client.running->port(), 0) << "it publishes nothing";
  const auto answer =
      client.runtime.block_on([](Front& own) -> io::Task<Result<std::string>> { co_return co_await own.greeter->greet("world"); }(*front));
  ASSERT_TRUE(answer) << answer.error().to_string();
  EXPECT_EQ(*answer, "hello world");
  front = nullptr;
}

TEST(Application, PublishesRestRoutesOfItsMethods) {
  Application provider("provider");
  provider.component<Hello>("hello").provides<Greeter>("u1").on(bolt).routes(
      [](rpc::RestRoutes& routes, const rpc::ServiceId& id) { routes.get("/hello/{name}", &Greeter::greet, id); });
  Started server(provider, {"--hello-greeting", "hello"});
  ASSERT_EQ(server.error, "");
  const auto answer = server.runtime.block_on([](uint16_t port) -> io::Task<Result<std::string>> {
    http::Channel channel(io::Address::of("127.0.0.1", port));
    auto response = co_await channel.exchange({.method = "GET", .target = "/hello/world"}, {});
    co_await channel.close();
    if (!response) co_return forward_error(response);
    EXPECT_EQ(response->status, 200);
    co_return std::string(as_text(response->body.span()));
  }(server.running->port()));
  ASSERT_TRUE(answer) << answer.error().to_string();
  EXPECT_EQ(*answer, "\"hello world\"");
}

/// Modules that the program does not know when it is compiled.
class Plugins final : public ModuleSource {
 public:
  explicit Plugins(bool broken) : broken_(broken) {}
  ~Plugins() override { unloaded = true; }
  std::string_view kind() const override { return "native"; }
  Result<std::vector<LoadedModule>> load() override {
    if (broken_) return fail(Code::not_found, "there is no file hello.so");
    LoadedModule module{.spec = {.name = "plugin"}};
    module.components.push_back(component_spec<Hello>("hello"));
    ComponentBuilder<Hello>(module.components.back()).provides<Greeter>().on(bolt);
    std::vector<LoadedModule> all;
    all.push_back(std::move(module));
    return all;
  }
  static inline bool unloaded = false;

 private:
  const bool broken_;
};

TEST(Application, TakesModulesThatAreNotCompiledIn) {
  {
    Application app("host");
    app.modules_from(std::make_shared<Plugins>(false));
    const Started started(app, {"--plugin-hello-greeting", "hello"});
    ASSERT_EQ(started.error, "");
    EXPECT_NE(started.running->port(), 0) << "what the module has is published";
    EXPECT_EQ(started.running->modules().front().name, "plugin");
    EXPECT_FALSE(Plugins::unloaded);
  }
  EXPECT_TRUE(Plugins::unloaded);

  Application other("host");
  other.modules_from(std::make_shared<Plugins>(true));
  EXPECT_THAT(Started(other).error, HasSubstr("the native modules cannot be loaded: there is no file hello.so"));
}

TEST(Application, AReferenceToAServiceOfThisProcessCallsItWithoutAPort) {
  Application app("both");
  Front* front = nullptr;
  app.component<Hello>("hello").provides<Greeter>();
  app.component("front", [&front](Ref<Greeter> greeter) {
    auto made = std::make_shared<Front>(std::move(greeter));
    front = made.get();
    return made;
  });
  Started started(app);
  ASSERT_EQ(started.error, "");
  EXPECT_EQ(started.running->port(), 0) << "it is published nowhere";
  ASSERT_NE(front, nullptr);
  const auto answer =
      started.runtime.block_on([](Front& own) -> io::Task<Result<std::string>> { co_return co_await own.greeter->greet("world"); }(*front));
  ASSERT_TRUE(answer) << answer.error().to_string();
  EXPECT_EQ(*answer, "hi world");
}

TEST(Application, AMissingReferenceIsAnErrorThatSaysWhatToDo) {
  Application app("lonely");
  app.component<Front>("front");
  const Started started(app);
  EXPECT_THAT(started.error, HasSubstr("needs demo.Greeter, which no component provides; register one, or say where it is found"));
}

TEST(Application, AnUnhealthyComponentRefusesTraffic) {
  Application app("ill");
  app.component<Hello>("hello").provides<Greeter>().on(bolt);
  const Started started(app, {"--hello-greeting", ""});
  ASSERT_EQ(started.error, "") << "it stays, for operators to look at";
  EXPECT_FALSE(started.running->readiness().state()->accepts_traffic());
  EXPECT_EQ(started.running->port(), 0) << "no port before readiness";
}

TEST(Application, AnInsulatorEndsWhatIsNotReady) {
  Application app("ill");
  app.component<Hello>("hello").provides<Greeter>().on(bolt);
  const Started started(app, {"--hello-greeting", "", "--server-insulator"});
  EXPECT_THAT(started.error, HasSubstr("traffic is refused: sofaComponentHealthChecker is DOWN (hello: DOWN, reason: no words)"));
}

TEST(Application, WrongConfigurationIsToldBeforeAnythingIsMade) {
  Application app("wrong");
  app.component<Hello>("hello");
  const Started started(app, {"--hello-greting", "x"});
  EXPECT_EQ(started.error, "--hello-greting is no known flag; did you mean --hello-greeting?");
}

TEST(Application, AModuleThatIsNotActiveIsLeftOut) {
  Application app("profiles");
  auto eu = app.module("eu").profile("eu");
  eu.component<Front>("front");
  const Started started(app);
  EXPECT_EQ(started.error, "") << "its missing reference does not matter";
}

TEST(Application, GivesClockEventsMetricsReadinessAndConfigurationToWhoAsks) {
  Witness::heard.clear();
  Application app("watched");
  app.module("books").component<Witness>("witness");
  app.component("reader", [&](Ref<Clock> clock) {
    EXPECT_GT(clock->now_monotonic(), Instant{});
    return std::make_shared<Reader>();
  });
  {
    const Started started(app);
    ASSERT_EQ(started.error, "");
    EXPECT_THAT(Witness::heard, testing::ElementsAre("start", "installed books", "started watched"));
    Witness::heard.clear();
  }
  EXPECT_THAT(Witness::heard, testing::ElementsAre("before stop", "stop"));
}

TEST(Application, AListenerThatFailsAtTheStartEndsIt) {
  Witness::heard.clear();
  Witness::refuses = true;
  Application app("refused");
  app.component<Witness>("witness");
  {
    const Started started(app);
    EXPECT_THAT(started.error, HasSubstr("the witness refuses"));
  }
  Witness::refuses = false;
  EXPECT_THAT(Witness::heard, testing::ElementsAre("start", "started refused", "before stop", "stop"));
}

TEST(Application, ReportsWhereTheTimeOfStartAndStopWent) {
  Witness::heard.clear();
  Application app("timed");
  app.component<Hello>("hello").provides<Greeter>().on(bolt);
  app.component<Witness>("witness");
  const auto names = [](const Report& report) {
    std::vector<std::string> all;
    for (const ReportStep& stage : report.stages) all.push_back(stage.name);
    return all;
  };
  Started started(app);
  ASSERT_EQ(started.error, "");
  const Report& report = started.running->startup();
  EXPECT_THAT(names(report), testing::ElementsAre("JvmStartingStage", "EnvironmentPrepareStage", "ApplicationContextPrepareStage",
                                                  "ApplicationContextLoadStage", "ApplicationContextRefreshStage", "ReadinessCheckStage"));
  EXPECT_THAT(report.stages[4].steps, testing::Contains(testing::Field(&ReportStep::name, "witness")));
  EXPECT_EQ(report.stages[5].steps.front().name, "sofaComponentHealthChecker");
  EXPECT_EQ(report.stages[5].steps.back().name, "rpcAfterHealthCheckCallback");
  EXPECT_GT(report.took(), Duration::zero());
  ASSERT_TRUE(started.runtime.block_on(started.running->stop()));
  const Report& stop = started.running->shutdown();
  EXPECT_THAT(names(stop), testing::ElementsAre("RefuseTrafficStage", "BeforeStopStage", "DrainDelayStage", "ServerStopStage", "ComponentDrainStage",
                                                "ComponentStopStage", "ComponentDestroyStage", "AdminStopStage"));
  EXPECT_THAT(stop.stages[5].steps, testing::ElementsAre(testing::Field(&ReportStep::name, "witness")));
  started.running = nullptr;
}

TEST(Application, AComponentTakesThePlaceOfWhatEveryApplicationHas) {
  Application app("manual");
  const auto manual = std::make_shared<ManualClock>();
  app.component("clock", [manual] { return manual; }).provides<Clock>();
  Clock* seen = nullptr;
  app.component("reader", [&seen](Ref<Clock> clock) { return seen = &*clock, std::make_shared<Reader>(); });
  const Started started(app);
  EXPECT_EQ(started.error, "");
  EXPECT_EQ(seen, manual.get());
}

}  // namespace
}  // namespace sofa::boot
