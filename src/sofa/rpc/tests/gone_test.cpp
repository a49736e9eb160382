// What a server does for HTTP callers that go before they are answered, and how many it takes.

#include "http_client.h"
#include "proto_text.h"
#include "sofa/io/task_group.h"
#include "sofa/rpc/rest.h"

namespace sofa::rpc {
namespace {

using namespace testing;

struct Slow : Interface {
  static constexpr std::string_view kName = "test.Slow";
  Method<int64_t(int64_t)> wait{this, "wait", {.parameters = {"number"}}};
};
struct ProtoSlow : Interface {
  static constexpr std::string_view kName = "test.ProtoSlow";
  Method<ProtoText(ProtoText)> wait{this, "wait"};
};

/// Services whose calls wait until the test lets go, or their callers are gone.
struct SlowServer {
  Task<Result<void>> open(ServerOptions options = {}) {
    options.port = 0;
    auto slow = std::make_shared<Slow>();
    slow->wait = [this](int64_t number) -> Task<Result<int64_t>> {
      co_await or_return(hold());
      co_return number;
    };
    auto proto = std::make_shared<ProtoSlow>();
    proto->wait = [this](ProtoText text) -> Task<Result<ProtoText>> {
      co_await or_return(hold());
      co_return text;
    };
    auto routes = std::make_shared<RestRoutes>();
    routes->post("/slow", &Slow::wait);
    routes->api().router().get("/quick", [](http::ExchangePtr exchange) { EXPECT_TRUE(http::respond_text(*exchange, 200, "quick")); });
    server = co_await or_return(Server(options).add(slow).add(proto).rest(routes).start());
    co_return Result<void>();
  }
  Task<Result<void>> hold() {
    ++begun;
    const auto held = co_await release.wait();
    if (!held) ++cancelled;
    co_return held;
  }

  io::Event release;
  int begun = 0, cancelled = 0;
  std::unique_ptr<RunningServer> server;
};

struct Asked {
  const char* face;
  http::Version version;
  const char *target, *content_type, *body;
};

class CallerGone : public ::testing::TestWithParam<Asked> {
 protected:
  static Task<Result<HttpAnswer>> ask(const SlowServer& slow, Asked how) {
    http::RequestHead request{.method = "POST", .target = how.target, .headers = {{"content-type", how.content_type}}};
    co_return co_await testing::ask(*slow.server, how.version, std::move(request), how.body);
  }
  static Task<void> ask_and_keep(const SlowServer& slow, Asked how, std::optional<Result<HttpAnswer>>& answer) {
    answer.emplace(co_await ask(slow, how));
  }
};

constexpr auto kOld = http::Version::http1_1, kNew = http::Version::http2;
INSTANTIATE_TEST_SUITE_P(Faces, CallerGone,
                         ::testing::Values(Asked{"Rest1", kOld, "/slow", "application/json", R"({"number": 7})"},
                                           Asked{"Rest2", kNew, "/slow", "application/json", R"({"number": 7})"},
                                           Asked{"Json1", kOld, "/test.Slow:1.0/wait", "application/json", "[7]"},
                                           Asked{"Json2", kNew, "/test.Slow:1.0/wait", "application/json", "[7]"},
                                           Asked{"Connect1", kOld, "/test.ProtoSlow/wait", "application/proto", "7"},
                                           Asked{"Connect2", kNew, "/test.ProtoSlow/wait", "application/proto", "7"}),
                         [](const auto& info) { return info.param.face; });

TEST_P(CallerGone, ItsHandlerIsCancelled) {
  run_test([](Asked how) -> Task<Result<void>> {
    SlowServer slow;
    co_await or_return(slow.open());
    std::optional<Result<HttpAnswer>> answer;
    io::TaskGroup caller(co_await io::current_scope());
    caller.spawn("caller", ask_and_keep(slow, how, answer));
    EXPECT_TRUE(co_await eventually([&] { return slow.begun == 1; }));
    EXPECT_EQ(slow.cancelled, 0);
    caller.cancel("the caller goes");
    [[maybe_unused]] const auto joined = co_await caller.join();
    EXPECT_TRUE(answer && !*answer);
    EXPECT_TRUE(co_await eventually([&] { return slow.cancelled == 1; }));
    slow.release.set();
    EXPECT_EQ((co_await or_return(ask(slow, how))).status, 200) << "others are served";
    co_return co_await slow.server->stop();
  }(GetParam()));
}

TEST_P(CallerGone, ARunningRequestIsOneOfMaxCalls) {
  run_test([](Asked how) -> Task<Result<void>> {
    SlowServer slow;
    co_await or_return(slow.open({.max_calls = 1}));
    std::optional<Result<HttpAnswer>> answer;
    io::TaskGroup caller(co_await io::current_scope());
    caller.spawn("caller", ask_and_keep(slow, how, answer));
    EXPECT_TRUE(co_await eventually([&] { return slow.begun == 1; }));
    const auto further = co_await or_return(ask(slow, how));
    EXPECT_EQ(further.status, 503);
    const auto quick = co_await or_return(testing::ask(*slow.server, how.version, {.target = "/quick"}));
    EXPECT_EQ(quick.status, 503) << "of the handler beside the services";
    EXPECT_EQ(quick.fields.get_or("retry-after"), "1");
    auto client = co_await or_return(connect<Slow>(at(slow.server)));
    const auto busy = co_await client->wait(1);
    EXPECT_TRUE(!busy && busy.error().code() == Code::resource_exhausted) << "over Bolt";
    EXPECT_GE(slow.server->stats().busy, 2) << "one of Connect is refused before it is known which service it means";
    slow.release.set();
    co_await or_return(co_await caller.join());
    EXPECT_EQ((*answer)->status, 200);
    EXPECT_EQ(co_await or_return(client->wait(1)), 1);
    EXPECT_EQ((co_await or_return(testing::ask(*slow.server, how.version, {.target = "/quick"}))).status, 200);
    client.reset();
    co_return co_await slow.server->stop();
  }(GetParam()));
}

}  // namespace
}  // namespace sofa::rpc
