// The log of calls: rows, stages, callers, the slowest; and what servers and clients write into it.

#include "sofa/rpc/calls.h"

#include "sample.h"

namespace sofa::rpc {
namespace {

using namespace testing;
using ::testing::ElementsAre;

Duration& of(StageTimes& times, Stage stage) { return times[static_cast<size_t>(stage)]; }
Duration of(const StageTimes& times, Stage stage) { return times[static_cast<size_t>(stage)]; }

/// A log whose time the test moves.
struct Logged {
  explicit Logged(CallsOptions options = {}) : log(options, clock) {}
  MethodCalls& row(std::string_view method = "get") { return log.method(CallSide::server, CallProtocol::bolt, "acme.Users:1.0", method); }
  void call(Duration took, std::optional<Code> error = {}, std::string_view app = {}) {
    MethodCalls& method = row();
    CallTimer timer(log, method, log.now(), Stage::implementation, method.caller(app));
    clock.advance(took);
    error ? timer.end(*error) : timer.end_well();
  }
  MethodSnapshot read() { return log.read().front(); }

  ManualClock clock;
  CallLog log;
};

TEST(CallTimer, GivesEachStageItsTimeAndAStageThatComesTwiceTheSum) {
  Logged l;
  CallTimer timer(l.log, l.row(), l.log.now(), Stage::arrive);
  const auto pass = [&](Duration time, Stage next) {
    l.clock.advance(time);
    timer.enter(next);
  };
  pass(1us, Stage::filters);
  pass(2us, Stage::implementation);
  EXPECT_EQ(l.read().running, 1u);
  pass(30us, Stage::filters);
  pass(4us, Stage::serialize);
  l.clock.advance(5us);
  timer.end_well();
  timer.end(Code::internal);
  l.clock.advance(100us);

  const MethodSnapshot read = l.read();
  EXPECT_EQ(read.calls(), 1u) << "only the first end counts";
  EXPECT_EQ(read.errors(), 0u);
  EXPECT_EQ(read.running, 0u);
  ASSERT_EQ(read.slowest.size(), 1u);
  EXPECT_EQ(read.slowest[0].took, 42us);
  EXPECT_EQ(of(read.slowest[0].stages, Stage::filters), 6us);
  EXPECT_EQ(of(read.slowest[0].stages, Stage::implementation), 30us);
  EXPECT_EQ(of(read.stages, Stage::arrive), 1us);
  EXPECT_EQ(of(read.stages, Stage::wait), 0us);
}

TEST(CallTimer, ACallThatIsDroppedWasCancelledAndAMovedOneCountsOnce) {
  Logged l;
  {
    CallTimer first(l.log, l.row(), l.log.now(), Stage::queue);
    CallTimer second = std::move(first);
    l.clock.advance(1ms);
  }
  EXPECT_EQ(l.read().calls(), 1u);
  EXPECT_EQ(l.read().statuses[static_cast<size_t>(Code::cancelled)], 1u);
  CallTimer none;
  none.enter(Stage::queue);
  none.end_well();
  EXPECT_EQ(l.read().calls(), 1u);
}

TEST(CallTimer, GivesWorkOfAnotherThreadToItsStage) {
  Logged l;
  CallTimer timer(l.log, l.row(), l.log.now(), Stage::queue);
  l.clock.advance(10us);
  timer.enter(Stage::serialize);
  timer.attribute(7us, Stage::queue, Stage::implementation);
  timer.end_well();
  EXPECT_EQ(of(l.read().stages, Stage::queue), 3us);
  EXPECT_EQ(of(l.read().stages, Stage::implementation), 7us);
}

TEST(CallLog, KeepsTheSlowestOfTwoWindows) {
  Logged l({.slowest = 3, .slowest_window = 1min});
  const auto slowest = [&] {
    std::vector<Duration> took;
    for (const SlowCall& call : l.read().slowest) took.push_back(call.took);
    return took;
  };
  for (const int ms : {5, 1, 9, 7, 3, 8}) l.call(std::chrono::milliseconds(ms));
  EXPECT_THAT(slowest(), ElementsAre(9ms, 8ms, 7ms));
  l.clock.advance(1min);
  l.call(2ms);
  EXPECT_THAT(slowest(), ElementsAre(9ms, 8ms, 7ms)) << "those of the window before count still";
  l.clock.advance(1min);
  l.call(1ms);
  EXPECT_THAT(slowest(), ElementsAre(2ms, 1ms));
  l.clock.advance(1h);
  EXPECT_TRUE(slowest().empty()) << "without calls they go, too";
}

TEST(CallLog, CountsByStatusAndByCallerWithinItsBounds) {
  Logged l({.callers = 2});
  l.call(1ms, {}, "shop");
  l.call(2ms, Code::not_found, "shop");
  l.call(3ms, {}, "bank");
  l.call(4ms, Code::internal, "tax");
  l.call(5ms, {}, "post");
  l.call(6ms);
  const MethodSnapshot read = l.read();
  EXPECT_EQ(read.calls(), 6u);
  EXPECT_EQ(read.errors(), 2u);
  EXPECT_EQ(read.statuses[static_cast<size_t>(Code::not_found)], 1u);
  std::vector<std::string> seen;
  for (const CallerCalls& caller : read.callers) {
    seen.push_back(fmt::format("{}:{}/{} {} ms", caller.app, caller.calls, caller.errors, caller.time / 1ms));
  }
  EXPECT_THAT(seen, ElementsAre(":1/0 6 ms", "shop:2/1 3 ms", "bank:1/0 3 ms", "(others):2/1 9 ms"));
  EXPECT_EQ(read.slowest[1].app, "(others)");
}

TEST(CallLog, ANameOfACallerIsKeptShortAndAsUtf8) {
  Logged l;
  l.call(1ms, {}, std::string(1000, 'a'));
  l.call(1ms, {}, std::string(127, 'b') + "\xe4\xb8\xad");
  l.call(1ms, {}, "\xff");
  std::vector<std::string> names;
  for (const CallerCalls& caller : l.read().callers) names.push_back(caller.app);
  EXPECT_THAT(names, ElementsAre("", std::string(128, 'a'), std::string(127, 'b'), "(not UTF-8)"));
}

TEST(CallLog, MethodsPastTheBoundShareARowAndTheRingKeepsTheLast) {
  Logged l({.recent = 2, .methods = 2});
  EXPECT_EQ(&l.row("a"), &l.row("a"));
  EXPECT_NE(&l.row("a"), &l.row("b"));
  EXPECT_EQ(&l.row("c"), &l.row("d"));
  EXPECT_EQ(l.row("c").key().method, "(others)");
  for (const char* method : {"a", "b", "c"}) CallTimer(l.log, l.row(method), l.log.now(), Stage::queue).end_well();
  std::vector<std::string> recent;
  for (const CallRecord& record : l.log.recent(10)) recent.push_back(l.log.key_of(record.method).method);
  EXPECT_THAT(recent, ElementsAre("(others)", "b"));
}

TEST(MethodSnapshot, MergesShards) {
  Logged one({.slowest = 2}), two({.slowest = 2});
  one.call(1ms, {}, "shop");
  one.call(2ms, Code::aborted, "bank");
  two.call(3ms, {}, "bank");
  MethodSnapshot merged = one.read();
  merged.merge(two.read());
  EXPECT_EQ(merged.calls(), 3u);
  EXPECT_EQ(merged.latency.max(), 3'000'000u);
  ASSERT_EQ(merged.slowest.size(), 2u);
  EXPECT_EQ(merged.slowest[0].app, "bank");
  EXPECT_EQ(merged.callers.back().calls, 2u);
  EXPECT_EQ(of(merged.stages, Stage::implementation), 6ms);
}

/// The row of a side and method, or one without calls.
MethodSnapshot row_of(const CallsSnapshot& snapshot, CallSide side, std::string_view method) {
  for (const MethodSnapshot& row : snapshot.methods) {
    if (row.key.side == side && row.key.method == method) return row;
  }
  return {};
}

/// Lets a filter take a while.
struct Slow : Filter {
  Task<Result<void>> invoke(Invocation& call, Next next) override {
    co_await or_return(io::sleep_for(2ms));
    co_return co_await next(call);
  }
};

TEST(Calls, BothSidesOfACallAreCountedWithTheirStages) {
  run_test([]() -> Task<Result<void>> {
    auto calls = std::make_shared<Calls>();
    auto server = co_await or_return(Server(ServerOptions{.port = 0, .calls = calls}).filter(std::make_shared<Slow>()).add(make_sample()).start());
    auto client = co_await or_return(rpc::connect<Sample>(at(server), {.app = "shop", .check = false, .calls = calls}));
    for (int i = 0; i < 3; ++i) co_await or_return(client->hello("bob"));
    EXPECT_FALSE(co_await client->fail("a-1"));
    const CallsSnapshot read = co_await or_return(calls->read());
    const MethodSnapshot served = row_of(read, CallSide::server, "hello"), called = row_of(read, CallSide::client, "hello");
    for (const MethodSnapshot& row : {served, called}) {
      EXPECT_EQ(row.calls(), 3u);
      EXPECT_EQ(row.errors(), 0u);
      EXPECT_EQ(row.running, 0u);
      EXPECT_EQ(row.key.protocol, CallProtocol::bolt);
      Duration sum{};
      for (const Duration time : row.slowest.at(0).stages) sum += time;
      EXPECT_EQ(sum, row.slowest.at(0).took) << "the stages are all of the call";
      EXPECT_GE(row.slowest.at(0).took, 2ms);
      for (const Stage stage : {Stage::serialize, Stage::deserialize}) EXPECT_GT(of(row.stages, stage), 0ns) << to_string(stage);
    }
    EXPECT_GE(of(served.stages, Stage::filters), 3 * 2ms);
    EXPECT_GE(of(called.stages, Stage::wait), 3 * 2ms);
    EXPECT_GT(of(called.stages, Stage::connect), 0ns) << "the first call connects";
    EXPECT_EQ(served.callers.back().app, "shop");
    EXPECT_EQ(row_of(read, CallSide::server, "fail").statuses[static_cast<size_t>(Code::not_found)], 1u);
    EXPECT_EQ(row_of(read, CallSide::client, "fail").errors(), 1u);
    co_return co_await server->stop();
  }());
}

TEST(Calls, CallsOfATargetAndOfAllProvidersHaveNothingToChoose) {
  run_test([]() -> Task<Result<void>> {
    auto server = co_await or_return(Server(ServerOptions{.port = 0}).add(make_sample()).start());
    for (const Strategy strategy : {Strategy::failover, Strategy::broadcast}) {
      auto calls = std::make_shared<Calls>();
      auto client = co_await or_return(rpc::connect<Sample>(at(server), {.strategy = strategy, .calls = calls}));
      co_await or_return(client->hello.with({.target = at(server)})("bob"));
      const auto row = row_of(co_await or_return(calls->read()), CallSide::client, "hello");
      EXPECT_EQ(row.calls(), 1u);
      EXPECT_LT(of(row.stages, Stage::choose), 1min);
    }
    co_return co_await server->stop();
  }());
}

TEST(Calls, AServerCountsUnlessItIsToldNotTo) {
  run_test([]() -> Task<Result<void>> {
    for (const bool count : {true, false}) {
      auto server = co_await or_return(Server(ServerOptions{.port = 0, .count_calls = count}).add(make_sample()).start());
      auto client = co_await or_return(rpc::connect<Sample>(at(server)));
      co_await or_return(client->hello("bob"));
      EXPECT_EQ(server->calls() != nullptr, count);
      if (count) {
        const auto read = co_await or_return(server->calls()->read());
        EXPECT_EQ(read.methods.size(), 1u);
        EXPECT_EQ(row_of(read, CallSide::server, "hello").calls(), 1u);
      }
      client.reset();
      co_await or_return(server->stop());
    }
    co_return Result<void>();
  }());
}

}  // namespace
}  // namespace sofa::rpc
