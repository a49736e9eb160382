// How a service is served: pools for what blocks, methods that are left out, filters of its own; answers that come later from another thread.

#include <future>

#include "http_client.h"
#include "manual_clock.h"
#include "sofa/io/later.h"
#include "sofa/io/task_group.h"

namespace sofa::rpc {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// A method that blocks its thread until the test lets go.
struct Blocking {
  Blocking() {
    service->hello = [this](std::string name) {
      threads = std::this_thread::get_id();
      ++begun;
      released.wait();
      return "hello " + name;
    };
  }
  std::shared_ptr<Sample> service = make_sample();
  std::promise<void> release;
  std::shared_future<void> released = release.get_future().share();
  std::atomic<int> begun{0};
  std::atomic<std::thread::id> threads{};
};

Task<Result<std::unique_ptr<RunningServer>>> serve_on_pool(const Blocking& blocking, size_t queue) {
  return Server(ServerOptions{.port = 0})
      .add(blocking.service, {.thread_safe = true, .pool = std::make_shared<io::BlockingPool>("hello", 1, queue)})
      .start();
}

Task<void> keep(std::shared_ptr<Sample> client, std::optional<Result<std::string>>& answer) { answer.emplace(co_await client->hello("bob")); }

TEST(ServiceOptions, ABlockingFunctionRunsOnThePoolWhileItsShardGoesOn) {
  run_test([]() -> Task<Result<void>> {
    Blocking blocking;
    auto server = co_await or_return(serve_on_pool(blocking, 10));
    auto client = co_await or_return(rpc::connect<Sample>(at(server)));
    std::optional<Result<std::string>> answer;
    io::TaskGroup calls(co_await io::current_scope());
    calls.spawn("blocked", keep(client, answer));
    EXPECT_TRUE(co_await eventually([&] { return blocking.begun == 1; }));
    EXPECT_EQ(co_await or_return(client->sleep(1)), "slept 1") << "coroutines of the service stay on the shard";
    EXPECT_FALSE(answer);
    EXPECT_NE(blocking.threads.load(), std::this_thread::get_id());
    blocking.release.set_value();
    co_await or_return(co_await calls.join());
    EXPECT_EQ(answer->value_or("failed"), "hello bob");
    EXPECT_EQ(co_await or_return(client->add(1, 2)), 3);
    EXPECT_FALSE(co_await client->fail("throw")) << "what is thrown on the pool is answered, too";
    co_return co_await server->stop();
  }());
}

TEST(ServiceOptions, AFullPoolIsBusyAndItsWaitCountsAsQueue) {
  run_test([]() -> Task<Result<void>> {
    Blocking blocking;
    auto server = co_await or_return(serve_on_pool(blocking, 1));
    auto client = co_await or_return(rpc::connect<Sample>(at(server), {.timeout = 20s}));
    std::optional<Result<std::string>> first, second;
    io::TaskGroup calls(co_await io::current_scope());
    calls.spawn("runs", keep(client, first));
    EXPECT_TRUE(co_await eventually([&] { return blocking.begun == 1; }));
    calls.spawn("waits", keep(client, second));
    Result<std::string> third;
    EXPECT_TRUE(co_await eventually([&] { return server->stats().calls == 2; }));
    third = co_await client->hello("eve");
    EXPECT_TRUE(!third && third.error().code() == Code::resource_exhausted) << "busy";
    auto triple = co_await or_return(rpc::connect<Sample>("tri://" + server->address().to_string()));
    third = co_await triple->hello("eve");
    EXPECT_FALSE(third);
    if (!third) EXPECT_THAT(third.error().to_string(), HasSubstr("the hello pool is full: 1 jobs wait for 1 threads"));
    EXPECT_EQ(server->stats().busy, 2u);
    blocking.release.set_value();
    co_await or_return(co_await calls.join());
    EXPECT_TRUE(*first && *second);
    const auto read = co_await or_return(server->calls()->read());
    for (const MethodSnapshot& row : read.methods) {
      EXPECT_GT(row.stages[static_cast<size_t>(Stage::queue)], 0ns);
      EXPECT_GT(row.stages[static_cast<size_t>(Stage::implementation)], 0ns);
    }
    co_return co_await server->stop();
  }());
}

TEST(ServiceOptions, MethodsThatAreLeftOutDoNotExistAndNeedNoImplementation) {
  run_test([]() -> Task<Result<void>> {
    auto some = std::make_shared<Sample>();
    some->add = [](int32_t a, int32_t b) { return a + b; };
    some->hello = [](std::string name) { return name; };
    some->hello_times = [](std::string name, int32_t) { return name; };
    ServiceOptions options{.include = {"add", "hello"}, .exclude = {"hello"}};
    auto server = co_await or_return(Server(ServerOptions{.port = 0}).add(some, options).start());
    auto client = co_await or_return(rpc::connect<Sample>(at(server)));
    EXPECT_EQ(co_await or_return(client->add(1, 2)), 3);
    for (const auto& refused : {co_await client->hello("x"), co_await client->hello_times("x", 2)}) {
      EXPECT_TRUE(!refused && refused.error().code() == Code::unimplemented);
    }
    co_await or_return(server->stop());
    options.exclude = {"helo"};
    const auto misspelt = co_await Server(ServerOptions{.port = 0}).add(some, options).start();
    EXPECT_FALSE(misspelt);
    if (!misspelt)
      EXPECT_THAT(misspelt.error().to_string(), HasSubstr("exclude names the method helo, which service sofa.interop.InteropService:1.0"));
    co_return Result<void>();
  }());
}

TEST(ServiceOptions, APlainFunctionWaitsForItsTurnBehindCoroutines) {
  run_test([]() -> Task<Result<void>> {
    io::Event release;
    int begun = 0;
    auto service = make_sample();
    service->sleep = [&](int64_t) -> Task<Result<std::string>> {
      ++begun;
      co_await or_return(release.wait());
      co_return "slept";
    };
    auto server = co_await or_return(Server(ServerOptions{.port = 0}).add(service, {.concurrents = 1, .max_waiting = 1}).start());
    auto client = co_await or_return(rpc::connect<Sample>(at(server), {.timeout = 20s}));
    std::optional<Result<std::string>> hello;
    io::TaskGroup calls(co_await io::current_scope());
    calls.spawn("runs", [](std::shared_ptr<Sample> sample) -> Task<void> { EXPECT_TRUE(co_await sample->sleep(1)); }(client));
    EXPECT_TRUE(co_await eventually([&] { return begun == 1; }));
    calls.spawn("waits", keep(client, hello));
    EXPECT_TRUE(co_await eventually([&] { return server->stats().calls == 2; }));
    const auto refused = co_await client->add(1, 2);
    EXPECT_TRUE(!refused && refused.error().code() == Code::resource_exhausted) << "one runs, and one waits already";
    EXPECT_FALSE(hello);
    release.set();
    co_await or_return(co_await calls.join());
    EXPECT_EQ(hello->value_or("failed"), "hello bob");
    EXPECT_EQ(co_await or_return(client->add(1, 2)), 3);
    co_return co_await server->stop();
  }());
}

/// 40 calls at once of a method that computes for 5 ms on the shard, each with 60 ms. Without a limit all of them would run, most for nobody.
TEST(ServiceOptions, ALimitRefusesWhatAComputingFunctionCannotDoInTime) {
  run_test([]() -> Task<Result<void>> {
    int computed = 0;
    auto service = make_sample();
    service->hello = [&](std::string name) {
      ++computed;
      const Clock& clock = io::Shard::current().clock();
      for (const Instant end = clock.now_monotonic() + 5ms; clock.now_monotonic() < end;) continue;
      return name;
    };
    auto server = co_await or_return(Server(ServerOptions{.port = 0}).add(service, {.concurrents = 1}).start());
    for (const std::string_view scheme : {"bolt", "tri", "dubbo", "http"}) {
      computed = 0;
      auto client = co_await or_return(rpc::connect<Sample>(fmt::format("{}://{}", scheme, server->address().to_string()), {.timeout = 60ms}));
      std::vector<std::optional<Result<std::string>>> answers(40);
      io::TaskGroup calls(co_await io::current_scope());
      for (auto& answer : answers) calls.spawn("call", keep(client, answer));
      co_await or_return(co_await calls.join());
      EXPECT_LE(computed, 60 / 5 + 1) << scheme;
      EXPECT_GT(computed, 0) << scheme;
    }
    EXPECT_GT(server->stats().busy, 0u);
    co_return co_await server->stop();
  }());
}

/// What a caller of hello() is told, over each protocol.
Task<std::vector<std::string>> ask_for(const RunningServer& server, const std::string& unique_id) {
  std::vector<std::string> told;
  for (const std::string_view scheme : {"bolt", "tri", "dubbo"}) {
    const std::string url = fmt::format("{}://{}", scheme, server.address().to_string());
    auto client = co_await rpc::connect<Sample>(url, {.unique_id = unique_id});
    EXPECT_TRUE(client);
    const auto answer = co_await (*client)->hello("bob");
    told.push_back(answer ? *answer : std::string(to_string(answer.error().code())));
  }
  http::RequestHead request{.method = "POST", .target = fmt::format("/sofa.interop.InteropService:1.0:{}/hello", unique_id)};
  const auto answer = co_await testing::ask(server, http::Version::http1_1, std::move(request), R"(["bob"])");
  told.push_back(answer ? fmt::format("{} {}", answer->status, answer->status == 200 ? answer->body : "") : answer.error().to_string());
  co_return told;
}

TEST(ServiceOptions, AServiceIsThereWhenItsDelayIsOver) {
  with_manual_clock([](ManualClock& clock) -> Task<Result<void>> {
    auto server =
        co_await or_return(Server(ServerOptions{.port = 0}).add(make_sample()).add(make_sample(), {.unique_id = "late", .delay = 30s}).start());
    const auto never = co_await ask_for(*server, "never");
    const auto there = std::vector<std::string>{"hello bob", "hello bob", "hello bob", "200 \"hello bob\""};
    EXPECT_NE(never, there);
    EXPECT_EQ(co_await ask_for(*server, "late"), never) << "it is as one that was never added";
    co_await pass(clock, 29s);
    EXPECT_EQ(co_await ask_for(*server, "late"), never);
    co_await pass(clock, 1s);
    EXPECT_EQ(co_await ask_for(*server, "late"), there);
    co_return co_await server->stop();
  });
}

/// Writes its name down.
struct Named : Filter {
  Named(std::string called, int at, std::vector<std::string>& log) : called_(std::move(called)), order_(at), log_(log) {}
  Task<Result<void>> invoke(Invocation& call, Next next) override {
    log_.push_back(called_);
    return next(call);
  }
  int order() const override { return order_; }
  std::string_view name() const override { return called_; }

 private:
  const std::string called_;
  const int order_;
  std::vector<std::string>& log_;
};

TEST(ServiceOptions, FiltersStandInTheirOrderAndAServiceHasItsOwnAndExcludesOthers) {
  run_test([]() -> Task<Result<void>> {
    std::vector<std::string> seen;
    const auto filter = [&seen](const char* name, int order) { return std::make_shared<Named>(name, order, seen); };
    auto server = co_await or_return(Server(ServerOptions{.port = 0})
                                         .filter(filter("late", 10))
                                         .filter(filter("first", -1))
                                         .filter(filter("noisy", 0))
                                         .add(make_sample())
                                         .add(make_sample(), {.unique_id = "quiet", .filters = {filter("own", 5)}, .without_filters = {"noisy"}})
                                         .start());
    auto all = co_await or_return(rpc::connect<Sample>(at(server)));
    auto quiet =
        co_await or_return(rpc::connect<Sample>(at(server), {.unique_id = "quiet", .filters = {filter("client 2", 2), filter("client 1", 1)}}));
    co_await or_return(all->ping());
    EXPECT_THAT(seen, ElementsAre("first", "noisy", "late"));
    seen.clear();
    co_await or_return(quiet->ping());
    EXPECT_THAT(seen, ElementsAre("client 1", "client 2", "first", "own", "late"));
    co_return co_await server->stop();
  }());
}

TEST(Later, AServiceAnswersWhenAnotherThreadGivesTheValue) {
  run_test([]() -> Task<Result<void>> {
    auto service = make_sample();
    std::optional<io::Later<std::string>::Giver> giver;
    std::atomic<bool> asked{false};
    service->hello = [&](std::string name) -> Task<Result<std::string>> {
      io::Later<std::string> later;
      if (name == "nobody") co_return co_await later.wait();  // ends with the caller's deadline
      if (name == "dropped") {
        [[maybe_unused]] const auto gone = later.giver();
      } else {
        giver = later.giver();
        asked = true;
      }
      co_return co_await later.wait();
    };
    auto server = co_await or_return(Server(ServerOptions{.port = 0}).add(service).start());
    auto client = co_await or_return(rpc::connect<Sample>(at(server)));
    std::jthread other([&](const std::stop_token& ended) {
      while (!asked && !ended.stop_requested()) std::this_thread::yield();
      if (!asked) return;
      const auto give = *giver;
      give(std::string("from elsewhere"));
      give(std::string("too late"));
    });
    EXPECT_EQ(co_await or_return(client->hello("bob")), "from elsewhere");
    const auto dropped = co_await client->hello("dropped");
    EXPECT_FALSE(dropped);
    if (!dropped) EXPECT_THAT(dropped.error().to_string(), HasSubstr("every giver of it is gone"));
    const auto late = co_await client->hello.with({.timeout = 50ms})("nobody");
    EXPECT_TRUE(!late && late.error().code() == Code::deadline_exceeded);
    EXPECT_EQ(co_await or_return(client->add(1, 1)), 2);
    other.join();
    giver.reset();
    co_return co_await server->stop();
  }());
}

TEST(Later, AServerThatStopsDoesNotWaitForIt) {
  run_test([]() -> Task<Result<void>> {
    auto service = make_sample();
    std::optional<io::Later<std::string>::Giver> giver;
    service->hello = [&](std::string) -> Task<Result<std::string>> {
      io::Later<std::string> later;
      giver = later.giver();
      co_return co_await later.wait();
    };
    auto server = co_await or_return(Server(ServerOptions{.port = 0, .drain = 10ms}).add(service).start());
    auto client = co_await or_return(rpc::connect<Sample>(at(server)));
    std::optional<Result<std::string>> answer;
    io::TaskGroup calls(co_await io::current_scope());
    calls.spawn("waits", keep(client, answer));
    EXPECT_TRUE(co_await eventually([&] { return giver.has_value(); }));
    co_await or_return(server->stop());
    std::jthread([give = *std::exchange(giver, {})] { give(std::string("nobody waits")); }).join();
    co_await or_return(co_await calls.join());
    EXPECT_TRUE(answer && !*answer);
    co_return Result<void>();
  }());
}

}  // namespace
}  // namespace sofa::rpc
