// What a server does with HTTP requests that are no gRPC.

#include "http_client.h"
#include "sofa/http/router.h"

namespace sofa::rpc {
namespace {

using namespace testing;
using ::testing::ElementsAre;

class Http : public ::testing::TestWithParam<http::Version> {};
INSTANTIATE_TEST_SUITE_P(Versions, Http, ::testing::Values(http::Version::http1_1, http::Version::http2),
                         [](const auto& version) { return version.param == http::Version::http2 ? "Http2" : "Http1"; });

/// A server whose handler of "/relay" calls a service, which tells what it has seen.
struct Relay {
  std::vector<std::string> seen;
  Fixture inner;
  std::unique_ptr<RunningServer> outer;

  Task<Result<void>> open() {
    auto service = make_sample();
    service->hello = [this](Context& context, std::string name) {
      seen = {std::string(context.header("rpc_trace_context.sofaTraceId")), std::string(context.header("rpc_trace_context.sofaRpcId")),
              std::string(context.header("new_rpc_trace_context"))};
      return "hello " + name;
    };
    inner.server = co_await or_return(Server(ServerOptions{.port = 0}).add(service).start());
    inner.client = co_await or_return(connect<Sample>(at(inner.server)));
    auto router = std::make_shared<http::Router>();
    router->get("/relay", [this](http::Exchange& exchange, http::Body&) -> Task<Result<void>> {
      const std::string text = co_await or_return(inner.client->hello("bob"));
      co_return http::respond_text(exchange, 200, text);
    });
    outer = co_await or_return(Server(ServerOptions{.port = 0}).http(router).start());
    co_return Result<void>();
  }
  Task<Result<void>> close() {
    co_await or_return(outer->stop());
    co_return co_await inner.close();
  }
};

TEST_P(Http, CallsOfAHandlerCarryTheTraceContextOfItsRequest) {
  run_test([](http::Version version) -> Task<Result<void>> {
    Relay relay;
    co_await or_return(relay.open());
    auto answer =
        co_await or_return(ask(*relay.outer, version, {.target = "/relay", .headers = {{"SOFA-TraceId", "0a0fe8"}, {"sofa-rpcid", "0.1"}}}));
    EXPECT_EQ(answer.body, "hello bob\n");
    EXPECT_THAT(relay.seen, ElementsAre("0a0fe8", "0.1", ""));
    EXPECT_EQ(answer.fields.get_or("sofa-traceid"), "0a0fe8");
    EXPECT_EQ(answer.fields.get_or("sofa-rpcid"), "0.1");
    answer = co_await or_return(
        ask(*relay.outer, version,
            {.target = "/relay", .headers = {{"rpc_trace_context.sofatraceid", "0a0fe9"}, {"new_rpc_trace_context", "tcid=0a&spid=0"}}}));
    EXPECT_THAT(relay.seen, ElementsAre("0a0fe9", "", "tcid=0a&spid=0"));
    answer = co_await or_return(ask(*relay.outer, version, {.target = "/relay"}));
    EXPECT_THAT(relay.seen, ElementsAre("", "", ""));
    EXPECT_FALSE(answer.fields.contains("sofa-traceid"));
    co_return co_await relay.close();
  }(GetParam()));
}

}  // namespace
}  // namespace sofa::rpc
