// Calls share what they use: a client may be destroyed at any moment. And what cannot be is an error with a sentence, in release builds too.

#include "sample.h"
#include "sofa/io/sync.h"
#include "sofa/io/task_group.h"

namespace sofa::rpc {
namespace {

using namespace testing;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

constexpr char kDestroyed[] = "sofa.interop.InteropService.sleep at 127.0.0.1:[0-9]+, attempt 1 of 1: the client was destroyed \\(after [0-9]+ ms\\)";

constexpr char kHint[] = "make the client by rpc::connect";

template <class T>
std::string text_of(const Result<T>& result) {
  return result ? std::string("no error") : std::string(result.error().message());
}

/// Runs the test's body, which gets the runtime, on a thread that is no shard, with a server and a client on shard 0.
template <class F>
void off_shard(F body) {
  io::Runtime runtime({.shards = 2, .hold_limit = Duration::zero()});
  Fixture f;
  const auto opened = runtime.block_on([](Fixture& fixture) { return fixture.open(); }(f));
  ASSERT_TRUE(opened) << opened.error().to_string();
  body(runtime, f);
  ASSERT_TRUE(runtime.block_on([](Fixture& fixture) { return fixture.close(); }(f)));
}

bool wait_for_calls(io::Runtime& runtime, Fixture& f, uint64_t calls) {
  return runtime.block_on([](Fixture& fixture, uint64_t wanted) -> Task<bool> {
    co_return co_await eventually([&] { return fixture.server->stats().calls >= wanted; });
  }(f, calls));
}

TEST(Lifetime, AFutureIsCancelledWhenItsClientIsDestroyed) {
  off_shard([](io::Runtime& runtime, Fixture& f) {
    auto future = f.client->sleep.with({.timeout = 10min}).future(600'000);
    EXPECT_TRUE(wait_for_calls(runtime, f, 1));
    f.client.reset();
    const auto got = future.get();
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code(), Code::cancelled);
    EXPECT_THAT(text_of(got), MatchesRegex(kDestroyed));
  });
}

TEST(Lifetime, AFutureMayBeginAfterItsClientIsGone) {
  off_shard([](io::Runtime& runtime, Fixture& f) {
    for (int i = 0; i < 100; ++i) {
      auto client = runtime.block_on([](Fixture& fixture) { return connect<Sample>(at(fixture.server)); }(f));
      ASSERT_TRUE(client);
      auto map = (*client)->echo_map.future(Graph<hessian::Value>());  // with Java types of its own
      auto hello = (*client)->hello.future("x");
      client->reset();
      const auto got = hello.get();
      EXPECT_TRUE(got ? *got == "hello x" : got.error().code() == Code::cancelled) << text_of(got);
      const auto mapped = map.get();
      EXPECT_TRUE(mapped || mapped.error().code() == Code::cancelled) << text_of(mapped);
    }
  });
}

TEST(Lifetime, ACallbackIsCalledThoughItsClientIsGoneAtOnce) {
  run_test([]() -> Task<Result<void>> {
    Fixture f;
    co_await or_return(f.open());
    std::optional<Result<std::string>> got;
    f.client->hello.callback("x", [&](Result<std::string> result) { got = std::move(result); });
    f.client.reset();
    EXPECT_TRUE(co_await eventually([&] { return got.has_value(); }));
    EXPECT_EQ(got->error().code(), Code::cancelled);
    co_return co_await f.close();
  }());
}

/// Holds the calls of a client until they may go on.
struct Hold final : Filter {
  io::Event held, go_on;
  Task<Result<void>> invoke(Invocation& call, Next next) override {
    held.set();
    co_await or_return(go_on.wait());
    co_return co_await next(call);
  }
};

TEST(Lifetime, ACallThatAFilterHoldsIsCancelledWhenItsClientIsGone) {
  for (const char* scheme : {"bolt", "tri"}) {
    run_test([](std::string_view protocol) -> Task<Result<void>> {
      Fixture f;
      co_await or_return(f.open());
      const auto hold = std::make_shared<Hold>();
      const std::string url = fmt::format("{}://{}", protocol, f.server->address().to_string());
      auto client = co_await or_return(connect<Sample>(url, {.check = false, .filters = {hold}}));
      std::optional<Result<std::string>> got;
      io::TaskGroup group(co_await io::current_scope());
      group.spawn("held call", [](Task<Result<std::string>> call, std::optional<Result<std::string>>& into) -> Task<void> {
        into = co_await std::move(call);
      }(client->hello("x"), got));
      co_await or_return(hold->held.wait());
      client.reset();
      co_await io::yield();  // the shard closes what the client had
      hold->go_on.set();
      co_await or_return(co_await group.join());
      EXPECT_TRUE(!*got && got->error().code() == Code::cancelled) << text_of(*got);
      co_return co_await f.close();
    }(scheme));
  }
}

TEST(Lifetime, ATaskMayBeAwaitedAfterItsClientIsGone) {
  run_test([]() -> Task<Result<void>> {
    Fixture f;
    co_await or_return(f.open());
    auto generic = co_await or_return(GenericClient::connect(at(f.server), "sofa.interop.InteropService"));
    const auto with = f.client->echo_map.with({.timeout = 1s});
    Task<Result<std::string>> hello = f.client->hello("x");
    Task<Result<void>> oneway = f.client->note.oneway("a", "b");
    Task<Result<hessian::Document>> dynamic = generic->invoke("ping", {}, {});
    f.client.reset();
    generic.reset();
    EXPECT_EQ((co_await std::move(hello)).error().code(), Code::cancelled);
    EXPECT_EQ((co_await std::move(oneway)).error().code(), Code::cancelled);
    EXPECT_EQ((co_await std::move(dynamic)).error().code(), Code::cancelled);
    EXPECT_EQ((co_await with(Graph<hessian::Value>())).error().code(), Code::cancelled);
    co_return co_await f.close();
  }());
}

Task<void> sleep_into(std::shared_ptr<Sample> client, std::optional<Result<std::string>>& got) {
  Task<Result<std::string>> call = client->sleep.with({.timeout = 10min})(600'000);
  client.reset();
  got = co_await std::move(call);
}

TEST(Lifetime, AnAwaitedCallIsCancelledWhenItsClientIsDestroyedOnAnyShard) {
  for (const unsigned shard : {0u, 1u}) {
    off_shard([shard](io::Runtime& runtime, Fixture& f) {
      std::optional<Result<std::string>> got;
      std::thread caller([&] { runtime.block_on(sleep_into(f.client, got), shard); });
      EXPECT_TRUE(wait_for_calls(runtime, f, 1));
      f.client.reset();
      caller.join();
      ASSERT_TRUE(got.has_value() && !got->has_value());
      EXPECT_EQ(got->error().code(), Code::cancelled);
      EXPECT_THAT(text_of(*got), MatchesRegex(kDestroyed));
    });
  }
}

TEST(Misuse, AnUnconnectedServiceIsAnErrorInEveryKindOfCall) {
  const Sample sample;
  EXPECT_THAT(text_of(sample.hello.sync("x")), HasSubstr(kHint));
  EXPECT_THAT(text_of(sample.hello.future("x").get()), HasSubstr(kHint));
  std::string called;
  sample.hello.callback("x", [&](Result<std::string> result) { called = text_of(result); });
  EXPECT_THAT(called, HasSubstr(kHint));
  run_test([](const Sample& unconnected) -> Task<Result<void>> {
    EXPECT_THAT(text_of(co_await unconnected.hello("x")), HasSubstr(kHint));
    EXPECT_THAT(text_of(co_await unconnected.hello.oneway("x")), HasSubstr(kHint));
    co_return Result<void>();
  }(sample));
}

TEST(Misuse, SyncOnAShardIsAnErrorAndNoDeadlock) {
  run_test([]() -> Task<Result<void>> {
    Fixture f;
    co_await or_return(f.open());
    const auto got = f.client->hello.sync("x");
    EXPECT_FALSE(got);
    EXPECT_EQ(got.error().code(), Code::failed_precondition);
    EXPECT_THAT(text_of(got), HasSubstr("hello.sync() would block a shard: co_await hello(...) instead"));
    co_return co_await f.close();
  }());
}

Task<void> hello_into(Sample& client, CallResponse& response, std::optional<Result<std::string>>& got) {
  got = co_await client.hello.with({.retries = 50, .response = &response})("x");
}

TEST(Retry, AnErrorInThePauseNamesAllThatOtherErrorsDo) {
  run_test([]() -> Task<Result<void>> {
    auto client = co_await or_return(connect<Sample>("127.0.0.1:1", {.check = false}));
    CallResponse response;
    std::optional<Result<std::string>> got;
    io::TaskGroup group;
    group.spawn("call", hello_into(*client, response, got));
    EXPECT_TRUE(co_await eventually([&] { return response.attempts >= 3; }));
    group.cancel("the test has seen enough");
    [[maybe_unused]] const auto joined = co_await group.join();
    EXPECT_EQ(got->error().code(), Code::cancelled);
    EXPECT_THAT(text_of(*got), MatchesRegex("sofa.interop.InteropService.hello at 127.0.0.1:1, attempt [0-9]+ of 51: the test has seen enough, "
                                            "in the pause after: .*\\(after [0-9]+ ms\\)"));
    client.reset();
    co_return Result<void>();
  }());
}

}  // namespace
}  // namespace sofa::rpc
