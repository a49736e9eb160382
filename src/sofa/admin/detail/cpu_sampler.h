#pragma once
// Samples where the threads of this process are, by the CPU time that each has used (timer_create on the clock of each thread, SIGPROF).
// A stack is walked by its frame pointers, which the whole program keeps; each step reads through the kernel (process_vm_readv), so that a chain that
// a library without them has broken ends, and does no harm. One sampler in the process at a time; blocks, so not for a shard.

#include <array>
#include <cstdint>
#include <stop_token>
#include <vector>

#include "sofa/base/clock.h"
#include "sofa/base/error.h"

namespace sofa::admin::detail {

struct StackSample {
  static constexpr size_t kMostFrames = 48;
  const char* task = nullptr;  ///< what runs on the shard, a text that lives for ever; null: the thread is no shard, or between tasks
  uint32_t depth = 0;
  std::array<uintptr_t, kMostFrames> addresses{};  ///< innermost first; all but the first are return addresses
};

struct Samples {
  std::vector<StackSample> taken;
  uint64_t lost = 0;  ///< there was no room for
};

/// Blocks for `length` of real time, or until `stop`: then what was sampled so far is given. Fails with unavailable while another one runs.
Result<Samples> sample_cpu(Duration length, unsigned hertz, std::stop_token stop = {});

}  // namespace sofa::admin::detail
