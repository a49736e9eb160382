// What a client's options do to calls that stream.

#include "sample.h"
#include "sofa/io/task_group.h"
#include "sofa/rpc/streaming.h"

namespace sofa::rpc {
namespace {

using namespace testing;
using ::testing::HasSubstr;

struct Ticks : Interface {
  static constexpr std::string_view kName = "com.acme.Ticks";
  ServerStreaming<std::string(std::string)> listen{this, "listen"};
};

/// Answers with the value of the header that it is asked for.
std::shared_ptr<Ticks> make_ticks(std::shared_ptr<int> calls, Duration first_after = {}) {
  auto ticks = std::make_shared<Ticks>();
  ticks->listen = [calls, first_after](Context& context, std::string header, Writer<std::string>& out) -> Task<Result<void>> {
    ++*calls;
    if (first_after > Duration::zero()) co_await or_return(io::sleep_for(first_after));
    co_return co_await out.write(std::string(context.header(header)));
  };
  return ticks;
}

struct Provided {
  std::shared_ptr<int> calls = std::make_shared<int>(0);
  std::unique_ptr<RunningServer> server;

  Task<Result<void>> open(Duration first_after = {}) {
    server = co_await or_return(Server(ServerOptions{.port = 0}).add(make_ticks(calls, first_after)).start());
    co_return Result<void>();
  }
  std::string url() const { return "tri://" + server->address().to_string(); }
};

/// The first message, and the end behind it.
Task<Result<std::string>> first_of(Ticks& client, std::string header) {
  auto stream = co_await or_return(client.listen(std::move(header)));
  auto first = co_await or_return(stream.read());
  EXPECT_FALSE(co_await or_return(stream.read()));
  co_return first.value_or("none");
}

struct Gate : Filter {
  enum class Does : uint8_t { pass, refuse, answer } does = Does::pass;
  std::vector<std::string> seen;
  Task<Result<void>> invoke(Invocation& call, Next next) override {
    seen.push_back(fmt::format("{}.{} of {} arguments", call.service, call.method, call.arguments.size()));
    if (does == Does::refuse) return refused();
    if (does == Does::answer) return answered();
    call.options->headers.emplace_back("color", "blue");
    return next(call);
  }
  static Task<Result<void>> refused() { co_return fail(Code::permission_denied, "no tickets today"); }
  static Task<Result<void>> answered() { co_return Result<void>(); }
};

TEST(Streams, FiltersOfAClientStandAroundTheOpening) {
  run_test([]() -> Task<Result<void>> {
    Provided provided;
    co_await or_return(provided.open());
    auto gate = std::make_shared<Gate>();
    auto client = co_await or_return(connect<Ticks>(provided.url(), {.filters = {gate}}));
    EXPECT_EQ(co_await or_return(first_of(*client, "color")), "blue");
    EXPECT_THAT(gate->seen, ::testing::ElementsAre("com.acme.Ticks:1.0.listen of 0 arguments"));
    gate->does = Gate::Does::refuse;
    const auto refused = co_await client->listen("color");
    EXPECT_FALSE(refused);
    if (!refused) EXPECT_THAT(refused.error().to_string(), HasSubstr("no tickets today"));
    gate->does = Gate::Does::answer;
    const auto answered = co_await client->listen("color");
    EXPECT_FALSE(answered);
    if (!answered) EXPECT_THAT(answered.error().to_string(), HasSubstr("a stream must be opened"));
    EXPECT_EQ(*provided.calls, 1);
    client.reset();
    co_return co_await provided.server->stop();
  }());
}

TEST(Streams, MoreThanMayBeOpenAreBusyAndTakeNoPlaceOfCalls) {
  run_test([]() -> Task<Result<void>> {
    auto calls = std::make_shared<int>(0);
    const ServerOptions options{.port = 0, .max_streams = 1};
    auto server = co_await or_return(Server(options).add(make_ticks(calls, 1min)).add(make_sample(), {.thread_safe = true}).start());
    const std::string url = "tri://" + server->address().to_string();
    auto client = co_await or_return(connect<Ticks>(url));
    auto sample = co_await or_return(connect<Sample>(url));
    io::TaskGroup opened(co_await io::current_scope());
    opened.spawn("open", [](Ticks& ticks) -> Task<void> { [[maybe_unused]] const auto got = co_await first_of(ticks, "x"); }(*client));
    EXPECT_TRUE(co_await eventually([&] { return *calls == 1; }));
    const auto refused = co_await first_of(*client, "x");
    EXPECT_FALSE(refused);
    if (!refused) EXPECT_THAT(refused.error().to_string(), HasSubstr("as many streams are open as may (max_streams); try later"));
    EXPECT_EQ(server->stats().busy, 1u);
    EXPECT_EQ(co_await or_return(sample->hello("x")), "hello x");
    opened.cancel();
    [[maybe_unused]] const auto ended = co_await opened.join();
    client.reset();
    sample.reset();
    co_return co_await server->stop();
  }());
}

TEST(Streams, TheBalancerHearsHowLongTheFirstMessageTakes) {
  run_test([]() -> Task<Result<void>> {
    Provided slow, fast;
    co_await or_return(slow.open(1s));
    co_await or_return(fast.open());
    auto client = co_await or_return(connect<Ticks>(slow.url() + "," + fast.url(), {.balancer = "leastRequest"}));
    for (int i = 0; i < 100 && (*slow.calls == 0 || *fast.calls == 0); ++i) co_await or_return(first_of(*client, "x"));
    EXPECT_GT(*slow.calls, 0);
    EXPECT_GT(*fast.calls, 0);
    const int before = *slow.calls;
    for (int i = 0; i < 20; ++i) co_await or_return(first_of(*client, "x"));
    EXPECT_EQ(*slow.calls, before);
    client.reset();
    co_await or_return(slow.server->stop());
    co_return co_await fast.server->stop();
  }());
}

TEST(Streams, ARefusedConnectionSpeaksAgainstItsProvider) {
  run_test([]() -> Task<Result<void>> {
    Provided gone, there;
    co_await or_return(gone.open());
    co_await or_return(there.open());
    const cluster::OutlierOptions outliers{.consecutive_failures = 1, .first_ejection = 1h};
    auto client = co_await or_return(connect<Ticks>(gone.url() + "," + there.url(), {.balancer = "roundRobin", .outliers = outliers}));
    for (int i = 0; i < 100 && (*gone.calls == 0 || *there.calls == 0); ++i) co_await or_return(first_of(*client, "x"));
    EXPECT_GT(*gone.calls, 0);
    EXPECT_GT(*there.calls, 0);
    const std::string target = gone.url();
    co_await or_return(gone.server->stop());
    EXPECT_FALSE(co_await client->listen("x", {.target = target}));
    auto again =
        co_await or_return(Server(ServerOptions{.port = io::Address::parse(target.substr(6)).value().port()}).add(make_ticks(gone.calls)).start());
    const int before = *gone.calls;
    for (int i = 0; i < 20; ++i) co_await or_return(first_of(*client, "x"));
    EXPECT_EQ(*gone.calls, before) << "it is ejected, though it is there again";
    client.reset();
    co_await or_return(again->stop());
    co_return co_await there.server->stop();
  }());
}

Task<Result<std::vector<std::string>>> messages_of(const Ticks& ticks) {
  auto stream = co_await or_return(ticks.listen("x"));
  std::vector<std::string> all;
  while (auto message = co_await or_return(stream.read())) all.push_back(std::move(*message));
  co_return all;
}

/// A client of nobody whose stream is answered by this script.
Task<Result<std::vector<std::string>>> play(std::string script) {
  const ClientOptions options{.check = false, .mock_scripts = {{"listen", std::move(script)}}};
  const auto client = co_await or_return(connect<Ticks>("tri://127.0.0.1:1", options));
  co_return co_await messages_of(*client);
}

TEST(Streams, AMockScriptGivesTheirMessages) {
  run_test([]() -> Task<Result<void>> {
    EXPECT_THAT(co_await or_return(play(R"(force:return ["a", "b"])")), ::testing::ElementsAre("a", "b"));
    EXPECT_THAT(co_await or_return(play(R"(return ["when nobody answers"])")), ::testing::ElementsAre("when nobody answers"));
    EXPECT_THAT(co_await or_return(play("return")), ::testing::IsEmpty());
    const auto thrown = co_await play("throw java.lang.IllegalStateException");
    EXPECT_TRUE(!thrown && thrown.error().detail<JavaException>() != nullptr);
    for (const auto& [script, said] :
         {std::pair(R"(return "a")", "a list of its messages"), std::pair("return [7]", "the mock script of listen:1:")}) {
      const auto wrong = co_await play(script);
      EXPECT_TRUE(!wrong && wrong.error().code() == Code::invalid_argument) << script;
      if (!wrong) EXPECT_THAT(wrong.error().to_string(), HasSubstr(said));
    }
    co_return Result<void>();
  }());
}

TEST(Streams, AMockServerThatAScriptNamesAnswersThem) {
  run_test([]() -> Task<Result<void>> {
    auto calls = std::make_shared<int>(0);
    auto mock = co_await or_return(Server(ServerOptions{.port = 0}).add(make_ticks(calls)).start());
    EXPECT_EQ(co_await or_return(play("ask tri://127.0.0.1:1,tri://" + mock->address().to_string())), std::vector<std::string>{""});
    EXPECT_EQ(*calls, 1);
    co_return co_await mock->stop();
  }());
}

TEST(Streams, AMockRefusesThem) {
  run_test([]() -> Task<Result<void>> {
    auto client = co_await or_return(connect<Ticks>("tri://127.0.0.1:1", {.mock = make_ticks(std::make_shared<int>(0))}));
    const auto got = co_await client->listen("x");
    EXPECT_FALSE(got);
    if (!got) EXPECT_THAT(got.error().to_string(), HasSubstr("a mock answers no streams"));
    co_return Result<void>();
  }());
}

}  // namespace
}  // namespace sofa::rpc
