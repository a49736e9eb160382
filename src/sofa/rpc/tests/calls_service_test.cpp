// sofa.rpc.v1.Calls of a server, asked by a client that was generated from its .proto.

#include <ifaddrs.h>
#include <netinet/in.h>

#include "sample.h"
#include "sofa_rpc/v1/calls.sofa.h"

namespace sofa::rpc {
namespace {

using namespace testing;
using ::testing::HasSubstr;

/// An address of this machine that is no loopback one.
std::optional<std::string> outer_address() {
  ifaddrs* all = nullptr;
  if (getifaddrs(&all) != 0) return std::nullopt;
  std::optional<std::string> found;
  for (const ifaddrs* one = all; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr || one->ifa_addr->sa_family != AF_INET) continue;
    const uint32_t address = ntohl(reinterpret_cast<const sockaddr_in*>(one->ifa_addr)->sin_addr.s_addr);
    if (address >> 24 == 127) continue;
    found = fmt::format("{}.{}.{}.{}", address >> 24, address >> 16 & 255, address >> 8 & 255, address & 255);
  }
  freeifaddrs(all);
  return found;
}

Task<Result<std::shared_ptr<v1::Calls>>> ask(const std::unique_ptr<RunningServer>& server, std::string host = "127.0.0.1") {
  return rpc::connect<v1::Calls>(fmt::format("grpc://{}:{}", host, server->port()));
}

v1::WatchRequest every(uint32_t milliseconds) {
  v1::WatchRequest request;
  request.set_interval_ms(milliseconds);
  return request;
}

const v1::Method* find(const v1::Snapshot& snapshot, std::string_view method) {
  for (const v1::Method& row : snapshot.methods()) {
    if (row.method() == method) return &row;
  }
  return nullptr;
}

TEST(CallsService, ShowsTheWholeLifeFirstAndThenEachInterval) {
  run_test([]() -> Task<Result<void>> {
    auto server = co_await or_return(Server(ServerOptions{.port = 0}).add(make_sample()).start());
    auto client = co_await or_return(rpc::connect<Sample>(at(server), {.app = "shop"}));
    for (int i = 0; i < 3; ++i) co_await or_return(client->hello("bob"));
    EXPECT_FALSE(co_await client->fail("a-1"));

    auto calls = co_await or_return(ask(server));
    std::optional snapshots = co_await or_return(calls->watch(every(100)));
    const auto first = co_await or_return(snapshots->read());
    const v1::Method* hello = first ? find(*first, "hello") : nullptr;
    if (hello == nullptr) co_return fail(Code::internal, "no row of hello");
    EXPECT_GT(first->interval_ns(), 0u);
    EXPECT_EQ(hello->side() + " " + hello->protocol() + " " + hello->service(), "server bolt sofa.interop.InteropService:1.0");
    EXPECT_EQ(hello->calls(), 3u);
    EXPECT_GT(hello->p50_ns(), 0u);
    EXPECT_LE(hello->p50_ns(), hello->max_ns());
    EXPECT_EQ(hello->callers().at(0).app(), "shop");
    uint64_t in_stages = 0;
    for (const v1::StageTime& stage : hello->stages()) in_stages += stage.ns();
    EXPECT_GE(in_stages, hello->max_ns());
    EXPECT_EQ(find(*first, "fail")->errors(), 1u);
    EXPECT_EQ(find(*first, "fail")->statuses().at(0).code(), "not_found");

    co_await or_return(client->hello("eve"));
    const auto second = co_await or_return(snapshots->read());
    EXPECT_EQ(find(*second, "hello")->calls(), 1u);
    EXPECT_EQ(find(*second, "hello")->total_calls(), 4u);
    EXPECT_EQ(find(*second, "fail")->calls(), 0u);
    snapshots.reset();
    co_return co_await server->stop();
  }());
}

TEST(CallsService, ListsTheSlowestCallsLongestFirst) {
  run_test([]() -> Task<Result<void>> {
    auto server = co_await or_return(Server(ServerOptions{.port = 0}).add(make_sample()).start());
    auto client = co_await or_return(rpc::connect<Sample>(at(server)));
    for (int i = 0; i < 3; ++i) co_await or_return(client->hello("bob"));
    EXPECT_FALSE(co_await client->fail("a-1"));
    auto calls = co_await or_return(ask(server));
    v1::SlowestRequest request;
    request.set_most(3);
    const auto slowest = co_await or_return(calls->slowest(request));
    EXPECT_EQ(slowest.calls_size(), 3);
    uint64_t last = UINT64_MAX;
    for (const v1::SlowCall& call : slowest.calls()) {
      EXPECT_LE(call.took_ns(), std::exchange(last, call.took_ns()));
      EXPECT_GE(call.ago_ns(), call.took_ns());
      EXPECT_EQ(call.code(), call.method() == "fail" ? "not_found" : "ok");
      uint64_t in_stages = 0;
      for (const v1::StageTime& stage : call.stages()) in_stages += stage.ns();
      EXPECT_EQ(in_stages, call.took_ns());
    }
    co_return co_await server->stop();
  }());
}

TEST(CallsService, AServerThatStopsDoesNotWaitForThoseWhoWatch) {
  run_test([]() -> Task<Result<void>> {
    auto server = co_await or_return(Server(ServerOptions{.port = 0, .drain = 1min}).add(make_sample()).start());
    auto calls = co_await or_return(ask(server));
    auto snapshots = co_await or_return(calls->watch(every(60'000)));
    EXPECT_TRUE(co_await or_return(snapshots.read()));
    co_await or_return(io::with_timeout(5s, server->stop()));
    const auto next = co_await snapshots.read();
    EXPECT_FALSE(next);
    if (!next) EXPECT_EQ(next.error().code(), Code::unavailable) << next.error().to_string();
    co_return Result<void>();
  }());
}

TEST(CallsService, IsOfLoopbackPeersUnlessItIsOpenedOrOff) {
  const auto host = outer_address();
  if (!host) GTEST_SKIP() << "this machine has no address but loopback ones";
  run_test([](std::string outer) -> Task<Result<void>> {
    const auto ask_as = [](ShowCalls whom, std::string from) -> Task<Result<v1::SlowestResponse>> {
      auto server = co_await or_return(Server(ServerOptions{.host = "0.0.0.0", .port = 0, .show_calls = whom}).add(make_sample()).start());
      auto calls = co_await or_return(ask(server, from));
      auto answer = co_await calls->slowest({});
      co_await or_return(server->stop());
      co_return answer;
    };
    EXPECT_TRUE(co_await ask_as(ShowCalls::loopback, "127.0.0.1"));
    EXPECT_TRUE(co_await ask_as(ShowCalls::anyone, outer));
    const auto refused = co_await ask_as(ShowCalls::loopback, outer);
    EXPECT_FALSE(refused);
    if (!refused) EXPECT_EQ(refused.error().code(), Code::permission_denied);
    if (!refused) EXPECT_THAT(refused.error().to_string(), HasSubstr("ServerOptions::show_calls opens them"));
    const auto off = co_await ask_as(ShowCalls::nobody, "127.0.0.1");
    EXPECT_TRUE(!off && off.error().code() == Code::unimplemented);
    co_return Result<void>();
  }(*host));
}

}  // namespace
}  // namespace sofa::rpc
