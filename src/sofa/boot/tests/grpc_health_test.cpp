#include "sofa/boot/grpc_health.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "grpc/health/v1/health.sofa.h"
#include "sofa/boot/testing/test_app.h"
#include "sofa/rpc/client.h"

namespace sofa::boot {
namespace {

using namespace std::chrono_literals;
namespace health_pb = ::grpc::health::v1;
using Serving = health_pb::HealthCheckResponse;

struct Greeter : rpc::Interface {
  static constexpr std::string_view kName = "demo.Greeter";
  rpc::Method<std::string(std::string)> greet{this, "greet"};
};
class Hello {
 public:
  void implement(Greeter& greeter) {
    greeter.greet = [](std::string name) -> Result<std::string> { return "hi " + name; };
  }
  Health health() const { return ill ? Health::down("no words") : Health::up(); }
  bool ill = false;
};

Serving::ServingStatus ask(TestApp& app, const std::string& service) {
  const auto answer = app.run([](std::string url, std::string name) -> io::Task<Result<Serving>> {
    auto client = co_await io::or_return(co_await rpc::connect<health_pb::Health>(url));
    health_pb::HealthCheckRequest request;
    request.set_service(name);
    co_return co_await client->check(request);
  }(app.url("grpc"), service));
  EXPECT_TRUE(answer) << answer.error().to_string();
  return answer ? answer->status() : Serving::UNKNOWN;
}

TEST(GrpcHealth, FollowsReadiness) {
  TestApp app([](Application& application) {
    application.component<Hello>("hello").provides<Greeter>("u1").on(bolt, triple);
    with_grpc_health(application);
  });
  const auto started = app.start();
  ASSERT_TRUE(started) << started.error().to_string();
  for (const char* service : {"", "demo.Greeter"}) EXPECT_EQ(ask(app, service), Serving::SERVING) << service;
  app.get<Hello>()->ill = true;
  ASSERT_TRUE(app.eventually([&] { return !app.running().readiness().state()->accepts_traffic(); }, 1s));
  for (const char* service : {"", "demo.Greeter"}) EXPECT_EQ(ask(app, service), Serving::NOT_SERVING) << service;
  app.get<Hello>()->ill = false;
  ASSERT_TRUE(app.eventually([&] { return app.running().readiness().state()->accepts_traffic(); }, 1s));
  EXPECT_EQ(ask(app, ""), Serving::SERVING);
  EXPECT_TRUE(app.stop());
}

}  // namespace
}  // namespace sofa::boot
