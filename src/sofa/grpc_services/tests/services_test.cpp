// Health and reflection, called over loopback.

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.pb.h>
#include <gtest/gtest.h>

#include "grpc/health/v1/health.sofa.h"
#include "grpc/reflection/v1/reflection.sofa.h"
#include "grpc/reflection/v1alpha/reflection.sofa.h"
#include "sofa/grpc_services/health.h"
#include "sofa/grpc_services/reflection.h"
#include "sofa/io/runtime.h"
#include "sofa/rpc/client.h"

namespace sofa::grpc {
namespace {

namespace health_pb = ::grpc::health::v1;
using rpc::or_return;
using rpc::Task;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Serving = health_pb::HealthCheckResponse;

void expect_ok(unsigned shards, Task<Result<void>> task) {
  io::Runtime runtime({.shards = shards, .hold_limit = Duration::zero()});
  const auto bounded = [](Task<Result<void>> body) -> Task<Result<void>> {
    co_return co_await io::with_timeout(std::chrono::seconds(20), std::move(body));
  };
  const auto done = runtime.block_on(bounded(std::move(task)));
  EXPECT_TRUE(done) << done.error().to_string();
}

health_pb::HealthCheckRequest of_service(std::string name) {
  health_pb::HealthCheckRequest request;
  request.set_service(std::move(name));
  return request;
}

Task<Result<void>> expect_next(rpc::ServerStream<Serving>& changes, Serving::ServingStatus wanted) {
  const auto change = co_await or_return(changes.read());
  EXPECT_TRUE(change && change->status() == wanted) << Serving::ServingStatus_Name(wanted);
  co_return Result<void>();
}

Task<Result<void>> ask_health() {
  Health health;
  rpc::Server described = with_health(rpc::Server(rpc::ServerOptions{.port = 0}), health);
  auto server = co_await or_return(std::move(described).start());
  auto client = co_await or_return(rpc::connect<health_pb::Health>(fmt::format("grpc://127.0.0.1:{}", server->port())));
  const auto whole = co_await or_return(client->check(of_service("")));
  EXPECT_EQ(whole.status(), Serving::SERVING);
  const auto unknown = co_await client->check(of_service("a.B"));
  EXPECT_TRUE(!unknown && unknown.error().code() == Code::not_found);

  std::optional changes = co_await or_return(client->watch(of_service("a.B")));
  co_await or_return(expect_next(*changes, Serving::SERVICE_UNKNOWN));
  health.set("a.B", Health::Status::serving);
  co_await or_return(expect_next(*changes, Serving::SERVING));
  health.set("a.B", Health::Status::serving);  // no change, nothing is sent
  health.set("other", Health::Status::unknown);
  health.shut_down();
  health.set("a.B", Health::Status::serving);  // too late: what has shut down stays so
  co_await or_return(expect_next(*changes, Serving::NOT_SERVING));
  EXPECT_FALSE(co_await or_return(changes->read())) << "the watch ends by itself";
  const auto all = co_await or_return(client->list(health_pb::HealthListRequest()));
  EXPECT_EQ(all.statuses_size(), 3);
  for (const auto& [name, status] : all.statuses()) EXPECT_EQ(status.status(), Serving::NOT_SERVING) << name;
  co_return co_await server->stop();
}

TEST(Health, IsCheckedListedAndWatchedOnEveryShard) {
  for (const unsigned shards : {1u, 3u}) expect_ok(shards, ask_health());
}

Task<Result<void>> stop_while_watched() {
  Health health;
  rpc::Server described = with_health(rpc::Server(rpc::ServerOptions{.port = 0, .drain = std::chrono::minutes(1)}), health);
  auto server = co_await or_return(std::move(described).start());
  auto client = co_await or_return(rpc::connect<health_pb::Health>(fmt::format("grpc://127.0.0.1:{}", server->port())));
  auto changes = co_await or_return(client->watch(of_service("")));
  co_await or_return(expect_next(changes, Serving::SERVING));
  co_await or_return(server->stop());
  co_await or_return(expect_next(changes, Serving::NOT_SERVING));
  EXPECT_FALSE(co_await or_return(changes.read())) << "OK, and no reset";
  co_return Result<void>();
}

TEST(Health, AServerThatStopsTellsItsWatchersAndDoesNotWaitForItsWholeDrain) {
  for (const unsigned shards : {1u, 3u}) expect_ok(shards, stop_while_watched());
}

template <class Service, class Request>
Task<Result<void>> ask_reflection() {
  Health health;
  // Health comes behind reflection, which lists it nevertheless.
  rpc::Server described = with_health(with_reflection(rpc::Server(rpc::ServerOptions{.port = 0})), health);
  auto server = co_await or_return(std::move(described).start());
  auto client = co_await or_return(rpc::connect<Service>(fmt::format("grpc://127.0.0.1:{}", server->port())));
  auto talk = co_await or_return(client->server_reflection_info());

  Request request;
  request.set_list_services("");
  co_await or_return(talk.write(request));
  auto answer = co_await or_return(talk.read());
  std::vector<std::string> names;
  for (const auto& service : answer->list_services_response().service()) names.push_back(service.name());
  EXPECT_THAT(names, ElementsAre("grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"));

  for (const char* symbol : {"grpc.health.v1.Health", "grpc.health.v1.Health.Watch", "grpc.health.v1.HealthCheckResponse"}) {
    request.set_file_containing_symbol(symbol);
    co_await or_return(talk.write(request));
    answer = co_await or_return(talk.read());
    google::protobuf::FileDescriptorProto file;
    EXPECT_EQ(answer->file_descriptor_response().file_descriptor_proto_size(), 1);
    EXPECT_TRUE(file.ParseFromString(answer->file_descriptor_response().file_descriptor_proto(0)));
    EXPECT_EQ(file.name(), "grpc/health/v1/health.proto");
  }

  request.set_file_by_filename("no/such.proto");
  co_await or_return(talk.write(request));
  answer = co_await or_return(talk.read());
  EXPECT_EQ(answer->error_response().error_code(), 5);
  EXPECT_THAT(answer->error_response().error_message(), HasSubstr("no/such.proto"));
  co_await or_return(talk.finish_writes());
  EXPECT_FALSE(co_await or_return(talk.read()));
  co_return co_await server->stop();
}

TEST(Reflection, BothVersionsTellServicesAndFiles) {
  expect_ok(1, ask_reflection<::grpc::reflection::v1::ServerReflection, ::grpc::reflection::v1::ServerReflectionRequest>());
  expect_ok(1, ask_reflection<::grpc::reflection::v1alpha::ServerReflection, ::grpc::reflection::v1alpha::ServerReflectionRequest>());
}

}  // namespace
}  // namespace sofa::grpc
