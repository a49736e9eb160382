#pragma once
// BlockingPool: a bounded number of threads and a bounded queue for what may block (files, fsync, DNS, user code), so that shards never do.
// A runtime has two: blocking_pool() for all sorts of work and file_pool() for files.

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "sofa/base/error.h"
#include "sofa/io/shard.h"

namespace sofa::io {

namespace detail {
/// One piece of work; kept by both sides, so that a caller may leave before a thread has taken it.
class BlockingJob {
 public:
  virtual ~BlockingJob() = default;
  virtual void run() = 0;
};
}  // namespace detail

class BlockingPool {
 public:
  /// `name` appears in errors and thread names; `queue_limit` bounds the jobs that wait for a thread.
  BlockingPool(std::string name, unsigned threads, size_t queue_limit);
  /// Runs what is queued to its end, then joins.
  ~BlockingPool();

  /// Code::resource_exhausted when the queue is full. Any thread.
  Result<void> submit(std::shared_ptr<detail::BlockingJob> job);
  size_t queued() const;
  size_t queue_limit() const { return queue_limit_; }
  const std::string& name() const { return name_; }
  unsigned threads() const { return static_cast<unsigned>(threads_.size()); }

 private:
  void work();

  const std::string name_;
  const size_t queue_limit_;
  mutable std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<std::shared_ptr<detail::BlockingJob>> queue_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

/// May the caller leave a job that has begun, when its scope is cancelled? Only if the function owns all that it touches.
enum class WhenCancelled : uint8_t { finish_if_begun, leave };

namespace detail {

/// Runs on the pool, then wakes its waiter at home. States tell who is first: the thread that begins or the caller that gives up.
class WaitedJob : public BlockingJob, public std::enable_shared_from_this<WaitedJob> {
 public:
  explicit WaitedJob(WhenCancelled when_cancelled) : when_cancelled_(when_cancelled), home_(Shard::current()) {}
  void run() final;

  // The awaiting side, on the home shard.
  class Awaiter {
   public:
    explicit Awaiter(WaitedJob& job) : job_(job) {}
    bool await_ready() const { return false; }
    template <ScopedPromise P>
    bool await_suspend(std::coroutine_handle<P> self) {
      Scope* scope = self.promise().scope();
      wait_.begin_uncancellable(self);
      job_.waiter_ = this;
      if (scope != nullptr) scope->watch(hook_);
      return true;
    }
    /// Ok when the job has run; the reason when the caller gave it up.
    Result<void> await_resume() {
      job_.waiter_ = nullptr;
      if (given_up_) return std::unexpected<Error>(std::move(*given_up_));
      return {};
    }

   private:
    friend class WaitedJob;
    struct Hook : CancelHook {
      Hook(Awaiter& owner, Callback on_cancel) : CancelHook(on_cancel), awaiter(owner) {}
      Awaiter& awaiter;
    };
    static void on_cancel(CancelHook& hook, const Error& reason);
    WaitedJob& job_;
    Wait wait_;
    Hook hook_{*this, &on_cancel};
    std::optional<Error> given_up_;
  };

 protected:
  virtual void work() noexcept = 0;

 private:
  enum class State : uint8_t { queued, begun, given_up };
  const WhenCancelled when_cancelled_;
  Shard& home_;
  std::atomic<State> state_{State::queued};
  Awaiter* waiter_ = nullptr;  // home only
};

template <class F, class R>
class TypedJob final : public WaitedJob {
 public:
  TypedJob(WhenCancelled when_cancelled, F function) : WaitedJob(when_cancelled), function_(std::move(function)) {}
  R take() {
    if (exception_) std::rethrow_exception(exception_);
    return std::move(*result_);
  }

 private:
  void work() noexcept override {
    try {
      result_.emplace(function_());
    } catch (...) {
      exception_ = std::current_exception();
    }
  }
  F function_;
  std::optional<R> result_;
  std::exception_ptr exception_;
};

}  // namespace detail

/// Runs `function()`, which returns a Result<T>, on a thread of the pool and resumes here. On cancellation a job that no thread has taken is
/// dropped; one that has begun is waited for, unless `when_cancelled` allows to leave it.
template <class F>
auto run_blocking(BlockingPool& pool, F function, WhenCancelled when_cancelled = WhenCancelled::finish_if_begun) -> Task<std::invoke_result_t<F&>> {
  using R = std::invoke_result_t<F&>;
  auto job = std::make_shared<detail::TypedJob<F, R>>(when_cancelled, std::move(function));
  co_await or_return(pool.submit(job));
  auto waited = co_await detail::WaitedJob::Awaiter(*job);
  if (!waited) co_return forward_error(waited);
  co_return job->take();
}

}  // namespace sofa::io
