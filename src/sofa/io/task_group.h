#pragma once
// TaskGroup: the owner of background tasks. Every task that nobody awaits is spawned in a group, and every group is joined.

#include <optional>
#include <vector>

#include "sofa/io/shard.h"

namespace sofa::io {

/// A name for the watchdog and for messages: a string literal, so that it is valid for ever.
struct TaskName {
  consteval TaskName(const char* literal) : text(literal) {}
  const char* text;
};

/// Belongs to one shard. A spawned task starts in the same loop turn, after its spawner has suspended.
/// Destroying a group with running tasks ends the program with a message that names them.
class TaskGroup {
 public:
  /// Tasks run in a scope under `parent`: usually `TaskGroup group(co_await current_scope());`, so that cancellation reaches them.
  explicit TaskGroup(Scope& parent) : scope_(&parent) {}
  /// Under the shard's root scope: for what lives as long as the shard.
  TaskGroup() : TaskGroup(Shard::current().root_scope()) {}
  ~TaskGroup();
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  void spawn(TaskName name, Task<void> task);
  /// An error is reported at once, unless it is the group's cancellation, and kept for join(); the other tasks go on.
  void spawn(TaskName name, Task<Result<void>> task);

  /// Cancels all tasks, now and those spawned later.
  void cancel(std::string_view why = "the task group was cancelled") { scope_.cancel(Error(Code::cancelled, std::string(why))); }
  size_t size() const { return running_; }
  Scope& scope() { return scope_; }

  /// Waits until no task runs, also when the awaiter is cancelled (its scope is the tasks' parent: they end too). Gives the first error of a
  /// task, cancellation aside. One joiner at a time; tasks may be spawned meanwhile and after.
  auto join() { return Join{*this, {}}; }

 private:
  struct MemberTag {};
  static detail::Root drive(TaskGroup& group, const char* name, Task<Result<void>> task);
  void ended(Result<void> result, const char* name);

  struct [[nodiscard]] Join {
    TaskGroup& group;
    Wait own_wait;
    bool await_ready() const { return group.running_ == 0; }
    template <detail::ScopedPromise P>
    bool await_suspend(std::coroutine_handle<P> self) {
      assert(group.joiner_ == nullptr);
      own_wait.begin_uncancellable(self);
      group.joiner_ = &own_wait;
      return true;
    }
    Result<void> await_resume() {
      group.joiner_ = nullptr;
      if (!group.first_error_) return {};
      return std::unexpected<Error>(*std::exchange(group.first_error_, std::nullopt));
    }
    Wait& wait() { return own_wait; }
  };

  struct Member : detail::ListHook<MemberTag> {
    const char* name = nullptr;
  };

  Scope scope_;
  size_t running_ = 0;
  Wait* joiner_ = nullptr;
  std::optional<Error> first_error_;
  detail::List<Member, MemberTag> members_;
};

/// Runs all at once on this shard. All values in order; or the first error, after which the others are cancelled and waited for.
template <class T>
Task<Result<std::vector<T>>> when_all(std::vector<Task<Result<T>>> tasks) {
  TaskGroup group(co_await current_scope());
  std::vector<std::optional<Result<T>>> results(tasks.size());
  std::optional<size_t> failed;
  for (size_t i = 0; i < tasks.size(); ++i) {
    group.spawn(
        "when_all",
        [](Task<Result<T>> task, std::optional<Result<T>>& into, std::optional<size_t>& first_failed, size_t index, TaskGroup& owner) -> Task<void> {
          into.emplace(co_await std::move(task));
          if (into->has_value() || first_failed) co_return;
          first_failed = index;
          owner.cancel("another task of the set has failed");
        }(std::move(tasks[i]), results[i], failed, i, group));
  }
  co_await or_return(co_await group.join());
  if (failed) co_return forward_error(*results[*failed]);
  std::vector<T> values;
  values.reserve(results.size());
  for (auto& result : results) values.push_back(std::move(**result));
  co_return values;
}

/// Runs all at once on this shard. The first success; the others are then cancelled and waited for. The first error when all fail.
template <class T>
Task<Result<T>> first_of(std::vector<Task<Result<T>>> tasks) {
  TaskGroup group(co_await current_scope());
  std::optional<Result<T>> best;
  for (auto& task : tasks) {
    group.spawn("first_of", [](Task<Result<T>> one, std::optional<Result<T>>& into, TaskGroup& owner) -> Task<void> {
      Result<T> result = co_await std::move(one);
      if (into && (into->has_value() || !result.has_value())) co_return;
      into.emplace(std::move(result));
      if (into->has_value()) owner.cancel("another task of the set was first");
    }(std::move(task), best, group));
  }
  co_await or_return(co_await group.join());
  if (!best) co_return fail(Code::invalid_argument, "first_of needs at least one task");
  co_return std::move(*best);
}

}  // namespace sofa::io
