#include "sofa/io/waiting_tasks.h"

#include "sofa/io/shard.h"

namespace sofa::io {

namespace {

/// The first word of a suspended coroutine's frame is the address of its code, in all compilers' ABIs.
uintptr_t code_of(detail::PromiseBase& promise) {
  return *static_cast<const uintptr_t*>(std::coroutine_handle<detail::PromiseBase>::from_promise(promise).address());
}

WaitingTask look_at(const Wait& wait, Instant now) {
  WaitingTask task{.name = wait.scope() == nullptr ? nullptr : wait.scope()->name(), .waited = now - wait.since()};
  for (detail::PromiseBase* at = wait.waiter(); at != nullptr && task.depth < WaitingTask::kMostFrames; at = at->parent()) {
    task.frames[task.depth++] = code_of(*at);
  }
  return task;
}

}  // namespace

WaitingTasks waiting_tasks(size_t most) {
  WaitingTasks found;
  Shard& shard = Shard::current();
  shard.for_each_waiting([&](const Wait& wait) {
    if (found.tasks.size() < most) {
      found.tasks.push_back(look_at(wait, shard.now()));
    } else {
      ++found.left_off;
    }
  });
  return found;
}

}  // namespace sofa::io
