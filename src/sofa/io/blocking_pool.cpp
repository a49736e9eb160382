#include "sofa/io/blocking_pool.h"

#include <pthread.h>

namespace sofa::io {

BlockingPool::BlockingPool(std::string name, unsigned threads, size_t queue_limit) : name_(std::move(name)), queue_limit_(queue_limit) {
  for (unsigned i = 0; i < std::max(1U, threads); ++i) threads_.emplace_back([this] { work(); });
}

BlockingPool::~BlockingPool() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  arrived_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

Result<void> BlockingPool::submit(std::shared_ptr<detail::BlockingJob> job) {
  {
    std::lock_guard lock(mutex_);
    if (queue_.size() >= queue_limit_) {
      return fail(Code::resource_exhausted, "the {} pool is full: {} jobs wait for {} threads; give it more threads or a longer queue", name_,
                  queue_.size(), threads_.size());
    }
    queue_.push_back(std::move(job));
  }
  arrived_.notify_one();
  return {};
}

size_t BlockingPool::queued() const {
  std::lock_guard lock(mutex_);
  return queue_.size();
}

void BlockingPool::work() {
  pthread_setname_np(pthread_self(), name_.substr(0, 15).c_str());
  std::unique_lock lock(mutex_);
  while (true) {
    arrived_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) return;
    auto job = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    job->run();
    job.reset();
    lock.lock();
  }
}

namespace detail {

void WaitedJob::run() {
  State expected = State::queued;
  if (!state_.compare_exchange_strong(expected, State::begun)) return;
  work();
  home_.post([self = shared_from_this()] {
    if (self->waiter_ == nullptr) return;  // the caller has left
    self->waiter_->hook_.unlink();
    self->waiter_->wait_.wake();
  });
}

void WaitedJob::Awaiter::on_cancel(CancelHook& hook, const Error& reason) {
  Awaiter& me = static_cast<Hook&>(hook).awaiter;
  State expected = State::queued;
  const bool never_begins = me.job_.state_.compare_exchange_strong(expected, State::given_up);
  if (!never_begins && me.job_.when_cancelled_ == WhenCancelled::finish_if_begun) return;
  me.given_up_ = reason;
  me.job_.waiter_ = nullptr;
  me.wait_.wake();
}

}  // namespace detail
}  // namespace sofa::io
