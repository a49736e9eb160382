#pragma once
// Watchdog: a thread that looks at each shard every `limit` and reports, once a hold, the name of the task that holds it longer than that
// ("shard 0 is held by task 'x' for more than 20 ms; ..."). A hold is noticed after one to two limits. Names come from TaskGroup::spawn.

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "sofa/base/clock.h"

namespace sofa::io {

class Shard;

class Watchdog {
 public:
  Watchdog(std::vector<Shard*> shards, Duration limit);
  ~Watchdog();

 private:
  struct Seen {
    Shard* shard;
    uint64_t steps = 0;
    bool reported = false;
  };
  void run();
  void look(Seen& seen);

  std::vector<Seen> shards_;
  const Duration limit_;
  std::mutex mutex_;
  std::condition_variable stop_signal_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace sofa::io
