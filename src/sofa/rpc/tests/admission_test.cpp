// ServiceOptions::concurrents: who runs, who waits, and who is refused.

#include "sofa/rpc/detail/admission.h"

#include "sample.h"
#include "sofa/io/sync.h"
#include "sofa/io/task_group.h"
#include "sofa/rpc/detail/shard_server.h"

namespace sofa::rpc::detail {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Calls that come to an Admission and run until they are told to end; each notes what came of it.
struct Calls {
  explicit Calls(ServiceOptions with, ManualClock& its_clock) : options(std::move(with)), admission("a.Service:1.0", options), clock(its_clock) {
    options.priority = [this](const Context&) { return priority; };
  }
  void come(std::string name, Deadline deadline = kNoDeadline, int with_priority = 0) {
    priority = with_priority;
    tasks.spawn("call", call(std::move(name), deadline));
  }
  Task<void> call(std::string name, Deadline deadline) {
    io::Scope scope(&co_await io::current_scope(), nullptr, deadline);
    Context context;
    ServerCallAccess::fill(context, "a.Service:1.0", "m", peer, deadline, false, {});
    auto place = co_await admission.enter(context).in(scope);
    said.push_back(name + (place ? " runs" : place.error().detail<Refused>() != nullptr ? " is refused" : " is over"));
    if (!place) co_return void(last_error = place.error().message());
    io::Event ended;
    running[name] = &ended;
    [[maybe_unused]] const auto waited = co_await ended.wait();
    running.erase(name);
  }
  /// Lets what is ready, or due, run: what is posted runs behind it.
  static Task<void> settle() {
    for (int turn = 0; turn < 3; ++turn) {
      io::Event posted;
      io::Shard::current().post([&posted] { posted.set(); });
      EXPECT_TRUE(co_await posted.wait());
    }
  }
  Task<void> end(std::string name) {
    running.at(name)->set();
    co_await settle();
  }
  /// One call that took `time`, so that it is known how long calls take.
  Task<void> learn(Duration time) {
    come("first");
    co_await settle();
    clock.advance(time);
    co_await settle();
    co_await end("first");
    said.clear();
  }

  ServiceOptions options;
  Admission admission;
  ManualClock& clock;
  int priority = 0;
  io::Address peer = io::Address::parse("127.0.0.1:1").value();
  std::map<std::string, io::Event*> running;
  std::vector<std::string> said;
  std::string last_error;
  io::TaskGroup tasks;
};

void with_calls(ServiceOptions options, std::function<Task<void>(Calls&)> test) {
  ManualClock clock;
  io::Runtime runtime({.shards = 1, .hold_limit = Duration::zero(), .clock = &clock});
  runtime.block_on([](ServiceOptions with, ManualClock& its_clock, std::function<Task<void>(Calls&)>& body) -> Task<void> {
    Calls calls(std::move(with), its_clock);
    co_await body(calls);
    calls.tasks.cancel();
    [[maybe_unused]] const auto joined = co_await calls.tasks.join();
    EXPECT_EQ(calls.admission.running(), 0u);
    EXPECT_EQ(calls.admission.waiting(), 0u);
  }(std::move(options), clock, test));
}

TEST(Admission, RunsAsManyAsItMayAndTheOthersInTheOrderOfTheirComing) {
  with_calls({.concurrents = 2}, [](Calls& calls) -> Task<void> {
    for (const char* name : {"a", "b", "c", "d"}) calls.come(name);
    co_await calls.settle();
    EXPECT_THAT(calls.said, ElementsAre("a runs", "b runs"));
    EXPECT_EQ(calls.admission.waiting(), 2u);
    co_await calls.end("b");
    co_await calls.end("a");
    EXPECT_THAT(calls.said, ElementsAre("a runs", "b runs", "c runs", "d runs"));
  });
}

TEST(Admission, RefusesWhatWouldWaitTooLong) {
  with_calls({.concurrents = 1}, [](Calls& calls) -> Task<void> {
    co_await calls.learn(10ms);
    const Instant now = calls.clock.now_monotonic();
    calls.come("a");
    calls.come("b", now + 35ms);  // waits for 10 ms and runs for 10 ms
    calls.come("c", now + 35ms);  // would wait for 20 ms
    calls.come("d");              // has all the time
    co_await calls.settle();
    EXPECT_THAT(calls.said, ElementsAre("a runs", "c is refused"));
    EXPECT_EQ(calls.last_error,
              "a.Service:1.0 runs 1 calls, as many as it may (concurrents), and 1 wait: this one would wait too long for its deadline; try later");
  });
}

TEST(Admission, RefusesWhatCanNoLongerEndInTimeWhenItsTurnComes) {
  with_calls({.concurrents = 1}, [](Calls& calls) -> Task<void> {
    co_await calls.learn(10ms);
    const Instant now = calls.clock.now_monotonic();
    calls.come("a");
    calls.come("b", now + 35ms);
    calls.come("c");
    co_await calls.settle();
    calls.clock.advance(30ms);  // longer than usual
    co_await calls.settle();
    co_await calls.end("a");
    EXPECT_THAT(calls.said, ElementsAre("a runs", "b is refused", "c runs"));
  });
}

TEST(Admission, LetsNoMoreWaitThanMayButAGreaterPriorityTakesAPlace) {
  with_calls({.concurrents = 1, .max_waiting = 2}, [](Calls& calls) -> Task<void> {
    for (const char* name : {"a", "b", "c", "d"}) calls.come(name);
    co_await calls.settle();
    EXPECT_THAT(calls.said, ElementsAre("a runs", "d is refused"));
    EXPECT_THAT(calls.last_error, HasSubstr("no more may wait (max_waiting)"));
    calls.come("great", kNoDeadline, 1);
    co_await calls.settle();
    EXPECT_THAT(calls.said, ElementsAre("a runs", "d is refused", "c is refused"));
    co_await calls.end("a");
    EXPECT_EQ(calls.said.back(), "great runs") << "before what came earlier";
    co_await calls.end("great");
    EXPECT_EQ(calls.said.back(), "b runs");
  });
}

TEST(Admission, ForgetsWhatGivesUpWhileItWaits) {
  with_calls({.concurrents = 1}, [](Calls& calls) -> Task<void> {
    calls.come("a");
    calls.come("b", calls.clock.now_monotonic() + 5ms);
    co_await calls.settle();
    EXPECT_EQ(calls.admission.waiting(), 1u);
    calls.clock.advance(6ms);
    co_await calls.settle();
    EXPECT_EQ(calls.said.back(), "b is over");
    EXPECT_EQ(calls.admission.waiting(), 0u);
  });
}

}  // namespace
}  // namespace sofa::rpc::detail
