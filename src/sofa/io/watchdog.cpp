#include "sofa/io/watchdog.h"

#include <fmt/format.h>

#include "sofa/io/report.h"
#include "sofa/io/shard.h"

namespace sofa::io {

Watchdog::Watchdog(std::vector<Shard*> shards, Duration limit) : limit_(limit) {
  for (Shard* shard : shards) shards_.push_back({shard});
  thread_ = std::thread([this] { run(); });
}

Watchdog::~Watchdog() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stop_signal_.notify_all();
  thread_.join();
}

void Watchdog::run() {
  std::unique_lock lock(mutex_);
  while (!stop_signal_.wait_for(lock, limit_, [this] { return stopping_; })) {
    for (Seen& seen : shards_) look(seen);
  }
}

void Watchdog::look(Seen& seen) {
  const char* name = seen.shard->running();
  const uint64_t steps = seen.shard->steps();
  const bool running = steps % 2 == 1;
  if (!running || steps != seen.steps) {
    seen.steps = steps;
    seen.reported = false;
    return;
  }
  if (seen.reported) return;
  seen.reported = true;
  report(fmt::format("shard {} is held by '{}' for more than {} ms; move the blocking work to run_blocking or let it yield", seen.shard->index(),
                     name == nullptr ? "?" : name, std::chrono::duration_cast<std::chrono::milliseconds>(limit_).count()));
}

}  // namespace sofa::io
