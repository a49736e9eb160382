#pragma once
// Event, Semaphore and Mutex for tasks of one shard. They must outlive their waits. Waiters are served in the order of their coming.

#include <utility>

#include "sofa/io/wait.h"

namespace sofa::io {

/// Stays set until cleared.
class Event {
 public:
  void set() {
    set_ = true;
    while (!waits_.empty()) waits_.front().wake();
  }
  void clear() { set_ = false; }
  bool is_set() const { return set_; }
  /// `Result<void> r = co_await event.wait()`.
  auto wait() { return Waiting(*this); }

 private:
  class [[nodiscard]] Waiting : public Wait {
   public:
    explicit Waiting(Event& event) : event_(event) {}
    bool await_ready() const { return false; }
    template <detail::ScopedPromise P>
    bool await_suspend(std::coroutine_handle<P> self) {
      if (!admit(self) || event_.set_) return false;
      begin(self);
      event_.waits_.push_back(*this);
      return true;
    }
    Result<void> await_resume() const { return outcome(); }
    Wait& wait() { return *this; }

   private:
    Event& event_;
  };
  bool set_ = false;
  WaitQueue waits_;
};

/// A number of permits.
class Semaphore {
 public:
  explicit Semaphore(size_t permits) : permits_(permits) {}

  /// Gives its permit back when destroyed.
  class [[nodiscard]] Permit {
   public:
    Permit(Permit&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)) {}
    Permit& operator=(Permit&& other) noexcept {
      std::swap(owner_, other.owner_);
      return *this;
    }
    ~Permit() {
      if (owner_ != nullptr) owner_->release();
    }

   private:
    friend class Semaphore;
    explicit Permit(Semaphore& owner) : owner_(&owner) {}
    Semaphore* owner_;
  };

  /// `Result<Permit> permit = co_await semaphore.acquire()`.
  auto acquire() { return Acquire(*this); }
  size_t available() const { return permits_; }

 private:
  class [[nodiscard]] Acquire : public Wait {
   public:
    explicit Acquire(Semaphore& semaphore) : semaphore_(semaphore) {}
    ~Acquire() {
      if (granted_) semaphore_.release();
    }
    bool await_ready() const { return false; }
    template <detail::ScopedPromise P>
    bool await_suspend(std::coroutine_handle<P> self) {
      if (!admit(self)) return false;
      if (semaphore_.permits_ > 0) {
        --semaphore_.permits_;
        granted_ = true;
        return false;
      }
      begin(self);
      semaphore_.waits_.push_back(*this);
      return true;
    }
    Result<Permit> await_resume() {
      if (!granted_) return std::unexpected<Error>(outcome().error());
      granted_ = false;
      return Permit(semaphore_);
    }
    Wait& wait() { return *this; }

   private:
    friend class Semaphore;
    Semaphore& semaphore_;
    bool granted_ = false;
  };

  void release() {
    if (waits_.empty()) {
      ++permits_;
      return;
    }
    auto& next = static_cast<Acquire&>(waits_.front());
    next.granted_ = true;
    next.wake();
  }

  size_t permits_;
  WaitQueue waits_;
};

/// `auto held = co_await or_return(mutex.lock());` unlocks at the end of the block.
class Mutex {
 public:
  auto lock() { return semaphore_.acquire(); }
  bool locked() const { return semaphore_.available() == 0; }

 private:
  Semaphore semaphore_{1};
};

}  // namespace sofa::io
