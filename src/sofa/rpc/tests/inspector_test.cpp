#include "sofa/rpc/inspector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sample.h"
#include "sofa/io/task_group.h"

namespace sofa::rpc {
namespace {

using namespace std::chrono_literals;
using namespace testing;
using ::testing::HasSubstr;

constexpr std::string_view kSample = "sofa.interop.InteropService:1.0";

Task<Result<WrittenAnswer>> call(RunningServer& server, std::string method, std::string arguments, Duration timeout = 3s) {
  return server.inspector().call(
      {.service = std::string(kSample), .method = std::move(method), .arguments = std::move(arguments), .timeout = timeout});
}

TEST(Inspector, CallsMethodsFromJsonOverloadsByWhatCame) {
  run_test([]() -> Task<Result<void>> {
    auto server = co_await or_return(Server(ServerOptions{.port = 0}).add(make_sample()).start());
    EXPECT_EQ(co_await or_return((co_await or_return(call(*server, "add", "[2,3]"))).result), "5");
    const std::string once = co_await or_return((co_await or_return(call(*server, "hello", R"(["bob"])"))).result);
    const std::string twice = co_await or_return((co_await or_return(call(*server, "hello", R"(["bob",2])"))).result);
    EXPECT_GT(twice.size(), once.size());
    EXPECT_EQ(co_await or_return((co_await or_return(call(*server, "ping", "[]"))).result), "null");
    co_return co_await server->stop();
  }());
}

TEST(Inspector, TellsHowACallEndedWithItsStages) {
  run_test([]() -> Task<Result<void>> {
    auto server = co_await or_return(Server(ServerOptions{.port = 0}).add(make_sample()).start());
    const WrittenAnswer failed = co_await or_return(call(*server, "fail", R"(["a-1"])"));
    EXPECT_FALSE(failed.result);
    Duration sum{};
    for (const Duration time : failed.stages) sum += time;
    EXPECT_GT(sum, 0ns);
    EXPECT_LE(sum, failed.took + 1ms);
    const WrittenAnswer late = co_await or_return(call(*server, "sleep", "[5000]", 20ms));
    EXPECT_EQ(late.result.error().code(), Code::deadline_exceeded);
    const WrittenAnswer unreadable = co_await or_return(call(*server, "add", R"(["x",1])"));
    EXPECT_EQ(unreadable.result.error().code(), Code::invalid_argument);
    const auto unknown = co_await call(*server, "dance", "[]");
    EXPECT_EQ(unknown.error().code(), Code::not_found);
    EXPECT_THAT(unknown.error().to_string(), HasSubstr("dance"));
    const auto calls = co_await or_return(server->calls()->last(10));
    EXPECT_EQ(calls.size(), 3u);
    for (const LastCall& one : calls) EXPECT_EQ(one.key.protocol, CallProtocol::in_process);
    co_return co_await server->stop();
  }());
}

/// Who has asked for the call waits on, as an admin port does that stops after the server.
TEST(Inspector, AStopEndsACallThatHasTimeLeft) {
  run_test([]() -> Task<Result<void>> {
    const auto seen = std::make_shared<Seen>();
    auto server = co_await or_return(Server(ServerOptions{.port = 0}).add(make_sample(seen)).start());
    io::TaskGroup asking;
    Error told(Code::unknown, "nothing is told yet");
    asking.spawn("call", [](RunningServer& at_server, Error& into) -> Task<Result<void>> {
      const WrittenAnswer answer = co_await or_return(call(at_server, "sleep", "[60000]", 20s));
      if (!answer.result) into = answer.result.error();
      co_return Result<void>();
    }(*server, told));
    while (server->stats().calls == 0) co_await io::next_turn();
    const Instant begun = io::Shard::current().now();
    co_await or_return(server->stop());
    EXPECT_LT(io::Shard::current().clock().now_monotonic() - begun, 10s);
    co_await or_return(co_await asking.join());
    EXPECT_EQ(seen->cancelled, 1);
    EXPECT_EQ(told.code(), Code::cancelled);
    EXPECT_THAT(told.to_string(), HasSubstr("the server is stopping"));
    co_return Result<void>();
  }());
}

TEST(Inspector, ListsConnectionsAndMethodsUntilTheServerStops) {
  run_test(
      []() -> Task<Result<void>> {
        auto server = co_await or_return(Server(ServerOptions{.port = 0}).add(make_sample(), {.thread_safe = true}).start());
        auto client = co_await or_return(rpc::connect<Sample>(at(server)));
        co_await or_return(client->hello("bob"));
        Inspector& inspector = server->inspector();
        EXPECT_EQ(co_await or_return(inspector.open_connections()), 1u);
        const auto connections = co_await or_return(inspector.connections(10));
        EXPECT_EQ(connections.size(), 1u);
        for (const ServerConnection& one : connections) {
          EXPECT_EQ(one.protocol, "bolt");
          EXPECT_EQ(one.requests, 1u);
          EXPECT_GT(one.opened, Instant{});
        }
        EXPECT_EQ((co_await or_return(inspector.methods())).size(), Sample().methods().size());
        client.reset();
        co_await or_return(server->stop());
        EXPECT_EQ(co_await or_return(inspector.open_connections()), 0u);
        EXPECT_TRUE((co_await or_return(inspector.methods())).empty());
        EXPECT_EQ((co_await call(*server, "add", "[2,3]")).error().code(), Code::unavailable);
        co_return Result<void>();
      }(),
      2);
}

}  // namespace
}  // namespace sofa::rpc
