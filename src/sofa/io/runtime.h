#pragma once
// Runtime: the shards, pools and watchdog of a program. Usually one for each process; tests make their own.
//
//   int main() {
//     return sofa::io::run(serve(), {.shards = 2});   // io::Task<int> serve(): SIGTERM and SIGINT cancel its scope
//   }

#include <memory>
#include <optional>
#include <semaphore>
#include <vector>

#include "sofa/base/clock.h"
#include "sofa/io/blocking_pool.h"
#include "sofa/io/shard.h"
#include "sofa/io/task.h"
#include "sofa/io/watchdog.h"

namespace sofa::io {

struct RuntimeOptions {
  unsigned shards = 0;            // 0: one for each processor
  unsigned blocking_threads = 4;  // for work that may block
  size_t blocking_queue = 4096;   // jobs that may wait for one of them
  unsigned file_threads = 4;      // for files
  size_t file_queue = 4096;
  Duration hold_limit = std::chrono::milliseconds(20);  // the watchdog names a task that holds a shard longer; zero: no watchdog
  Duration stop_timeout = std::chrono::seconds(10);     // run(): after a signal, then the program exits hard
  const Clock* clock = nullptr;                         // null: the machine's
};

class Runtime {
 public:
  /// Starts the threads. Ends the program with a sentence when the system refuses them: nothing can work then.
  explicit Runtime(RuntimeOptions options = {});
  /// All task groups must be joined. Cancels the shards' root scopes and joins the threads.
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  unsigned shard_count() const { return static_cast<unsigned>(shards_.size()); }
  Shard& shard(unsigned index) { return *shards_.at(index); }
  BlockingPool& blocking_pool() { return *blocking_; }
  BlockingPool& file_pool() { return *files_; }
  const Clock& clock() const { return clock_; }

  /// Runs a task on a shard and blocks this thread, which must not be a shard, until it is done: the bridge from main() and tests.
  template <class T>
  T block_on(Task<T> task, unsigned shard_index = 0);

 private:
  const RuntimeOptions options_;
  const Clock& clock_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::vector<std::thread> threads_;
  std::unique_ptr<BlockingPool> blocking_;
  std::unique_ptr<BlockingPool> files_;
  std::unique_ptr<Watchdog> watchdog_;
};

/// Runs `main` on shard 0 of a new runtime and returns its value as the exit code. The first SIGTERM or SIGINT cancels the task's scope (it
/// should end soon: a program that is idle stops in milliseconds); a second one, or stop_timeout, ends the process at once with 128 + signal.
int run(Task<int> main, RuntimeOptions options = {});
/// The same for a task that succeeds or fails: exit code 0, or its error on stderr and 1.
int run(Task<Result<void>> main, RuntimeOptions options = {});

namespace detail {
/// Drives a task from a thread that is no shard. `scope` is valid on the shard while the task runs.
template <class T>
struct OutsideCall {
  explicit OutsideCall(Task<T> work) : task(std::move(work)) {}
  Task<T> task;
  Scope* scope = nullptr;  // on the shard only
  std::optional<T> value;
  std::exception_ptr exception;
  void (*on_done)(OutsideCall&) = nullptr;
  void* context = nullptr;

  static Root drive(OutsideCall& call) {
    {
      Scope scope(&Shard::current().root_scope(), "main");
      call.scope = &scope;
      try {
        call.value.emplace(co_await std::move(call.task).in(scope));
        Task<T> finished = std::move(call.task);  // its frame is freed here, on the shard
      } catch (...) {
        call.exception = std::current_exception();
      }
      call.scope = nullptr;
    }
    call.on_done(call);
  }
};
}  // namespace detail

template <class T>
T Runtime::block_on(Task<T> task, unsigned shard_index) {
  if constexpr (std::is_void_v<T>) {
    block_on(
        [](Task<void> work) -> Task<int> {
          co_await std::move(work);
          co_return 0;
        }(std::move(task)),
        shard_index);
  } else {
    detail::OutsideCall<T> call(std::move(task));
    std::binary_semaphore done(0);
    call.context = &done;
    call.on_done = [](detail::OutsideCall<T>& self) { static_cast<std::binary_semaphore*>(self.context)->release(); };
    shard(shard_index).post([&call] { detail::OutsideCall<T>::drive(call); });
    done.acquire();
    if (call.exception) std::rethrow_exception(call.exception);
    return std::move(*call.value);
  }
}

}  // namespace sofa::io
