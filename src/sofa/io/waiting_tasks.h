#pragma once
// What waits on a shard: every suspended task with its name, since when, and through which coroutines.

#include <array>
#include <cstdint>
#include <vector>

#include "sofa/base/clock.h"

namespace sofa::io {

struct WaitingTask {
  static constexpr size_t kMostFrames = 24;
  const char* name = nullptr;  ///< of its scope, a text that lives for ever; null: it has none
  Duration waited{};           ///< on the shard's clock, by turns of its loop
  uint32_t depth = 0;
  std::array<uintptr_t, kMostFrames> frames{};  ///< addresses of the coroutines' code, that which waits first, then those that await it
};

struct WaitingTasks {
  std::vector<WaitingTask> tasks;  ///< that which has waited longest first
  size_t left_off = 0;             ///< over `most`
};

/// Of the current shard, without the caller. Costs about 100 ns a task.
WaitingTasks waiting_tasks(size_t most);

}  // namespace sofa::io
