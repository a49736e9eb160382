#include "sofa/admin/tasks_part.h"

#include <algorithm>
#include <map>

#include "sofa/admin/detail/symbols.h"
#include "sofa/io/blocking_pool.h"
#include "sofa/io/runtime.h"
#include "sofa/io/waiting_tasks.h"

namespace sofa::admin {

namespace {

constexpr size_t kMostOfAShard = 100'000;  // a look at so many holds the shard for about 10 ms

struct TaskGroupInfo {
  std::string task{};
  std::vector<std::string> functions{};
  uint64_t count = 0;
  uint64_t longest_ms = 0;
  static void describe(Description<TaskGroupInfo>& d) {
    d.java_type("sofa.WaitingTasks").doc("Tasks that wait in the same place.");
    d.field("task", &TaskGroupInfo::task).doc("its name");
    d.field("functions", &TaskGroupInfo::functions).doc("outermost first; the last one waits");
    d.field("count", &TaskGroupInfo::count).doc("how many");
    d.field("longest_ms", &TaskGroupInfo::longest_ms).doc("of that which has waited longest").unit("ms");
  }
};

struct TaskList {
  std::vector<TaskGroupInfo> tasks{};
  uint64_t left_off = 0;
  static void describe(Description<TaskList>& d) {
    d.java_type("sofa.TaskList").doc("What waits, the longest first.");
    d.field("tasks", &TaskList::tasks);
    d.field("left_off", &TaskList::left_off).doc("tasks that were not looked at, since there are too many");
  }
};

/// Tasks of one name and one place.
using Place = std::pair<std::string, std::vector<uintptr_t>>;
struct Places {
  struct Count {
    uint64_t tasks = 0;
    Duration longest{};
  };
  std::map<Place, Count> counts;
  uint64_t left_off = 0;

  void add(const io::WaitingTasks& waiting) {
    left_off += waiting.left_off;
    for (const io::WaitingTask& task : waiting.tasks) {
      Count& count = counts[{task.name == nullptr ? "" : task.name, {task.frames.begin(), task.frames.begin() + task.depth}}];
      ++count.tasks;
      count.longest = std::max(count.longest, task.waited);
    }
  }
};

/// Reads symbol tables: not for a shard.
TaskList named(const Places& places) {
  const detail::Symbols symbols;
  TaskList list{.left_off = places.left_off};
  for (const auto& [place, count] : places.counts) {
    TaskGroupInfo group{.task = place.first, .count = count.tasks};
    group.longest_ms = static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(count.longest).count());
    for (auto frame = place.second.rbegin(); frame != place.second.rend(); ++frame) group.functions.push_back(symbols.name_of(*frame));
    list.tasks.push_back(std::move(group));
  }
  std::ranges::sort(list.tasks, std::greater{}, &TaskGroupInfo::longest_ms);
  return list;
}

io::Task<Result<TaskList>> tasks() {
  io::Runtime& runtime = io::Shard::current().runtime();
  Places places;
  for (unsigned i = 0; i < runtime.shard_count(); ++i) {
    places.add(co_await io::or_return(
        co_await io::on(runtime.shard(i), []() -> io::Task<Result<io::WaitingTasks>> { co_return io::waiting_tasks(kMostOfAShard); })));
  }
  co_return co_await io::run_blocking(
      runtime.blocking_pool(), [places = std::move(places)]() -> Result<TaskList> { return named(places); }, io::WhenCancelled::leave);
}

}  // namespace

void TasksPart::add_to(Routes& routes) {
  routes.get("ListTasks", "/v1/tasks", "profiles:read", [] { return tasks(); }).doc("The tasks that wait, by the place where they do.");
}

}  // namespace sofa::admin
