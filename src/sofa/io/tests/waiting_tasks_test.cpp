#include "sofa/io/waiting_tasks.h"

#include <algorithm>

#include "fixture.h"

namespace sofa::io {
namespace {

const WaitingTask* find(const WaitingTasks& waiting, std::string_view name) {
  const auto at = std::ranges::find_if(waiting.tasks, [&](const WaitingTask& task) { return task.name != nullptr && task.name == name; });
  return at == waiting.tasks.end() ? nullptr : &*at;
}

Task<Result<int>> innermost(Channel<int>& channel) { co_return co_await or_return(channel.receive()); }
Task<Result<int>> middle(Channel<int>& channel) { co_return co_await or_return(innermost(channel)); }
Task<Result<void>> outermost(Channel<int>& channel) {
  (void)co_await middle(channel);
  co_return kOk;
}

TEST(WaitingTasks, AreNamedWithTheirCoroutinesAndTheirTime) {
  Runtime runtime;
  run_ok(runtime, []() -> Body {
    Channel<int> channel(1);
    TaskGroup group(co_await current_scope());
    group.spawn("asks", outermost(channel));
    co_await or_return(sleep_for(milliseconds(20)));
    const WaitingTasks waiting = waiting_tasks(100);
    const WaitingTask* const asks = find(waiting, "asks");
    EXPECT_NE(asks, nullptr);
    if (asks == nullptr) co_return kOk;
    EXPECT_EQ(asks->depth, 4U) << "three coroutines, and that which drives the task";
    EXPECT_GE(asks->waited, milliseconds(19));
    EXPECT_EQ(std::ranges::count(asks->frames, 0U), WaitingTask::kMostFrames - asks->depth);

    co_await or_return(channel.send(7));
    co_await or_return(co_await group.join());
    EXPECT_EQ(find(waiting_tasks(100), "asks"), nullptr) << "it has ended";
    co_return kOk;
  });
}

TEST(WaitingTasks, AreGivenFromTheLongestAndBounded) {
  Runtime runtime;
  run_ok(runtime, []() -> Body {
    TaskGroup group(co_await current_scope());
    const auto waits = []() -> Task<void> { (void)co_await until_cancelled(); };
    group.spawn("first", waits());
    co_await or_return(sleep_for(milliseconds(5)));
    for (int i = 0; i < 10; ++i) group.spawn("later", waits());
    co_await yield();
    const WaitingTasks all = waiting_tasks(100);
    const WaitingTasks few = waiting_tasks(all.tasks.size() - 3);
    EXPECT_EQ(few.left_off, 3U);
    EXPECT_TRUE(std::ranges::is_sorted(all.tasks, std::greater{}, &WaitingTask::waited));
    EXPECT_GT(find(all, "first")->waited, find(all, "later")->waited);

    group.cancel();
    co_await or_return(co_await group.join());
    EXPECT_EQ(find(waiting_tasks(100), "later"), nullptr) << "a wait that is cancelled is none";
    co_return kOk;
  });
}

}  // namespace
}  // namespace sofa::io
