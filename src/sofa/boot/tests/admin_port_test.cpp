#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sofa/boot/testing/test_app.h"
#include "sofa/io/listener.h"
#include "sofa/io/stream.h"

namespace sofa::boot {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

/// The whole answer of the admin port, head and body.
io::Task<Result<std::string>> get(uint16_t port, std::string path) {
  auto stream = co_await io::or_return(co_await io::Stream::connect(io::Address::of("127.0.0.1", port)));
  co_await io::or_return(stream.write(Bytes::copy_of(fmt::format("GET {} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path))));
  Buffer answer;
  while (co_await io::or_return(co_await stream.read_some(answer)) != 0) {
  }
  const Bytes all = answer.take(answer.size());
  co_return std::string(reinterpret_cast<const char*>(all.data()), all.size());
}

/// Looks at its own application while it starts.
class Curious {
 public:
  explicit Curious(Ref<Configuration> configuration) : port_(configuration->get<AdminSection>("admin").port) {}
  io::Task<Result<void>> start() {
    readiness = co_await io::or_return(co_await get(port_, "/actuator/readiness"));
    liveness = co_await io::or_return(co_await get(port_, "/actuator/health/liveness"));
    readyz = co_await io::or_return(co_await get(port_, "/readyz"));
    co_return Result<void>{};
  }
  std::string readiness, liveness, readyz;

 private:
  const uint16_t port_;
};

/// Has nothing to say of itself before it has started, and is asked about meanwhile.
class Fragile {
 public:
  explicit Fragile(Ref<Configuration> configuration) : port_(configuration->get<AdminSection>("admin").port) {}
  io::Task<Result<void>> start() {
    components = co_await io::or_return(co_await get(port_, "/v1/components"));
    words_ = std::make_unique<std::string>("well");
    co_return Result<void>{};
  }
  Result<void> stop() { return words_.reset(), Result<void>{}; }
  Health health() const { return *words_ == "well" ? Health::up() : Health::down(*words_); }
  std::string components;

 private:
  const uint16_t port_;
  std::unique_ptr<std::string> words_;
};

struct Broken {
  Result<void> start() { return fail(Code::unavailable, "no disk"); }
};

uint16_t free_port() {
  io::Runtime runtime({.shards = 1});
  return runtime.block_on([]() -> io::Task<uint16_t> {
    auto listener = io::Listener::bind(io::Address::of("127.0.0.1", 0));
    co_return listener ? listener->local().port() : uint16_t{0};
  }());
}

TEST(AdminPort, AnswersWhileComponentsStartAndSaysThatTheyDo) {
  TestApp app([](Application& application) { application.component<Curious>("curious"); },
              {.configuration = fmt::format("admin: {{port: {}, further_ports: 0}}", free_port()), .virtual_clock = false});
  const auto started = app.start();
  ASSERT_TRUE(started) << started.error().to_string();
  const auto seen = app.get<Curious>();
  EXPECT_THAT(seen->readiness, AllOf(StartsWith("HTTP/1.1 500 "), HasSubstr("App is still in startup process, please try later!")));
  EXPECT_THAT(seen->liveness, StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(seen->readyz, AllOf(StartsWith("HTTP/1.1 503 "), HasSubstr("the application is still starting")));
  EXPECT_THAT(app.run(get(app.admin_port(), "/readyz")).value_or(""), StartsWith("HTTP/1.1 200 "));
  EXPECT_TRUE(app.stop());
}

TEST(AdminPort, AsksNoComponentHowItIsBeforeItHasStarted) {
  TestApp app([](Application& application) { application.component<Fragile>("fragile"); },
              {.configuration = fmt::format("admin: {{port: {}, further_ports: 0}}", free_port()), .virtual_clock = false});
  const auto started = app.start();
  ASSERT_TRUE(started) << started.error().to_string();
  EXPECT_THAT(app.get<Fragile>()->components, AllOf(HasSubstr("\"state\":\"starting\""), HasSubstr("\"health\":\"unknown\"")));
  EXPECT_THAT(app.run(get(app.admin_port(), "/v1/components")).value_or(""), HasSubstr("\"health\":\"up\""));
  EXPECT_TRUE(app.stop());
}

struct Store {};
struct Shop {
  explicit Shop(Ref<Store>) {}
};

TEST(AdminPort, TellsOfComponentsOfTheStartAndOfTheConfiguration) {
  TestApp app(
      [](Application& application) {
        application.component<Store>("store");
        application.component<Shop>("shop");
      },
      {.configuration = "admin: {port: 0}", .virtual_clock = false});
  ASSERT_TRUE(app.start());
  const std::string components = app.run(get(app.admin_port(), "/v1/components")).value_or("");
  EXPECT_THAT(components, AllOf(HasSubstr(R"("name":"shop")"), HasSubstr(R"("target":"store","location":"local")"), HasSubstr(R"("state":"started")"),
                                HasSubstr("admin_port_test.cpp:")));
  const std::string startup = app.run(get(app.admin_port(), "/v1/startup")).value_or("");
  EXPECT_THAT(startup,
              AllOf(HasSubstr(R"("name":"ApplicationContextRefreshStage")"), HasSubstr(R"("name":"store")"), HasSubstr(R"("critical":true)")));
  const std::string config = app.run(get(app.admin_port(), "/v1/config")).value_or("");
  EXPECT_THAT(config, HasSubstr(R"("key":"admin.host","value":"\"127.0.0.1\"","default_value":"\"127.0.0.1\"")"));
  EXPECT_THAT(config, AllOf(HasSubstr(R"("key":"admin.further_ports","value":"50","default_value":"50")"), HasSubstr(R"("origin":"file")"),
                            HasSubstr(R"("key":"admin.platform_token","value":"\"***\"")")));
  EXPECT_TRUE(app.stop());
}

TEST(AdminPort, IsClosedAgainWhenTheStartFails) {
  const uint16_t port = free_port();
  TestApp app([](Application& application) { application.component<Broken>("broken"); },
              {.configuration = fmt::format("admin: {{port: {}, further_ports: 0}}", port)});
  EXPECT_FALSE(app.start());
  EXPECT_FALSE(app.run(get(port, "/readyz")));
}

TEST(AdminPort, OfTheNetworkWantsToBeSaid) {
  TestApp app([](Application&) {}, {.configuration = "admin: {host: 0.0.0.0}"});
  const auto started = app.start();
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().to_string(), HasSubstr("nobody asks who comes to the admin port: set admin.open"));
}

}  // namespace
}  // namespace sofa::boot
