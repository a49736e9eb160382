#pragma once
// Shard: one thread and one event loop (epoll, edge-triggered, one registration a socket for its life). A connection and all that it touches
// live on one shard, without locks; crossing to another shard is an awaited call, io::on.
//
// A turn: expire timers, take what other threads posted, poll, run what is ready, then the turn-end hooks (one gathered write a connection).

#include <atomic>
#include <cassert>
#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "sofa/base/clock.h"
#include "sofa/io/detail/list.h"
#include "sofa/io/scope.h"
#include "sofa/io/task.h"
#include "sofa/io/timer.h"
#include "sofa/io/wait.h"

struct epoll_event;

namespace sofa::io {

class Runtime;
class Shard;

namespace detail {
struct TurnEndTag {};
}  // namespace detail

/// A message to a shard that its sender embeds: no allocation. It must stay alive until `run` is called there.
struct PostNode {
  using Run = void (*)(PostNode& self);
  explicit PostNode(Run run_there) : run(run_there) {}
  Run run;
  PostNode* next = nullptr;
};

/// Work for the end of the current loop turn; leaves the list before it is called and may enlist again.
class TurnEndHook : public detail::ListHook<detail::TurnEndTag> {
 public:
  using Callback = void (*)(void* context);
  TurnEndHook(Callback callback, void* context) : callback_(callback), context_(context) {}

 private:
  friend class Shard;
  Callback callback_;
  void* context_;
};

/// A file descriptor known to the shard's epoll. `on_events` gets the EPOLL* bits of an edge; it must only wake waits and do input and output,
/// never destroy a socket. Embedded by its user; forget before closing the descriptor.
struct Pollable {
  using OnEvents = void (*)(Pollable& self, uint32_t events);
  explicit Pollable(OnEvents handler) : on_events(handler) {}
  OnEvents on_events;
  int fd = -1;
};

class Shard {
 public:
  /// The shard of this thread; asserts that there is one.
  static Shard& current() {
    assert(current_ != nullptr && "only code on a shard may use this");
    return *current_;
  }
  static Shard* current_or_null() { return current_; }

  unsigned index() const { return index_; }
  Runtime& runtime() const { return runtime_; }
  bool is_current() const { return current_ == this; }

  // From any thread. What is posted runs in order of posting; a batch costs one wake-up.
  void post(PostNode& node);
  template <std::invocable F>
  void post(F function) {
    struct Heap : PostNode {
      explicit Heap(F f) : PostNode(&Heap::run_owned), work(std::move(f)) {}
      static void run_owned(PostNode& self) {
        std::unique_ptr<Heap> owned(static_cast<Heap*>(&self));
        owned->work();
      }
      F work;
    };
    PostNode* node = new Heap(std::move(function));
    post(*node);
  }

  // From the shard itself.
  /// The time at the start of this turn's work.
  Instant now() const { return now_; }
  const Clock& clock() const { return clock_; }
  void schedule(TimerNode& node, Instant when) { timers_.schedule(node, when); }
  size_t pending_timers() const { return timers_.size(); }
  void at_turn_end(TurnEndHook& hook) {
    if (!hook.linked()) turn_end_.push_back(hook);
  }
  void make_ready(Wait& wait) { ready_.push_back(wait); }
  /// Until it becomes ready.
  void add_waiting(Wait& wait) { waiting_.push_back(wait); }
  /// That which has waited longest first.
  template <std::invocable<const Wait&> F>
  void for_each_waiting(F&& visit) {
    waiting_.for_each(visit);
  }
  /// Registers pollable.fd for its life: EPOLLIN, EPOLLOUT, EPOLLRDHUP, edge-triggered.
  Result<void> watch(Pollable& pollable);
  void forget(Pollable& pollable);
  /// The parent of all scopes of the shard; cancelled when the runtime stops.
  Scope& root_scope() { return *root_scope_; }

  // For the watchdog, any thread.
  /// Grows with every step (task resumed, callback called) and is odd while one runs.
  uint64_t steps() const { return steps_.load(std::memory_order_acquire); }
  /// The name of the running task.
  const char* running() const { return running_.load(std::memory_order_acquire); }

  ~Shard();

 private:
  friend class Runtime;
  Shard(Runtime& runtime, unsigned index, const Clock& clock);
  Result<void> open();
  void run();
  void turn();
  void poll();
  std::optional<Duration> poll_timeout() const;  // nothing: until an event comes
  int wait_for_events(std::span<epoll_event> events, std::optional<Duration> timeout);
  void run_posted();
  void run_ready();
  void run_turn_end();
  void begin_step(const char* name);
  void end_step();
  void wake_thread();

  static inline thread_local constinit Shard* current_ = nullptr;

  Runtime& runtime_;
  const unsigned index_;
  const Clock& clock_;
  Instant now_;
  TimerWheel timers_;
  WaitQueue ready_;
  detail::List<Wait, detail::WaitingTag> waiting_;
  detail::List<TurnEndHook, detail::TurnEndTag> turn_end_;
  std::unique_ptr<Scope> root_scope_;
  int epoll_fd_ = -1;
  bool fine_sleep_ = true;  // the kernel has epoll_pwait2
  int wake_fd_ = -1;
  bool stopping_ = false;
  alignas(64) std::atomic<PostNode*> posted_{nullptr};
  std::atomic<bool> asleep_{false};
  alignas(64) std::atomic<uint64_t> steps_{0};
  std::atomic<const char*> running_{nullptr};
};

namespace detail {

/// Suspends until the coroutine's turn in the ready queue comes again.
class Yield {
 public:
  /// `scope` names the task for the watchdog where its coroutine has no scope yet.
  explicit Yield(Scope* scope = nullptr) : scope_(scope) {}
  bool await_ready() const noexcept { return false; }
  template <ScopedPromise P>
  void await_suspend(std::coroutine_handle<P> self) {
    wait_.begin_uncancellable(self);
    if (scope_ != nullptr) wait_.set_scope(*scope_);
    wait_.wake();
  }
  void await_resume() const noexcept {}

 private:
  Scope* scope_;
  Wait wait_;
};

/// Suspends until the loop has looked at its sockets and timers, and what they bring has been read.
class NextTurn {
 public:
  NextTurn() = default;
  NextTurn(const NextTurn&) = delete;  // woken_ refers to wait_
  NextTurn& operator=(const NextTurn&) = delete;
  bool await_ready() const noexcept { return false; }
  template <ScopedPromise P>
  void await_suspend(std::coroutine_handle<P> self) {
    wait_.begin_uncancellable(self);
    Shard::current().post(woken_);
  }
  void await_resume() const noexcept {}

 private:
  struct Woken : PostNode {
    explicit Woken(Wait& waits) : PostNode([](PostNode& node) { static_cast<Woken&>(node).wait.wake(); }), wait(waits) {}
    Wait& wait;
  };
  Wait wait_;
  Woken woken_{wait_};
};

class Sleep {
 public:
  explicit Sleep(Instant until) : until_(until) {}
  bool await_ready() const { return false; }
  template <ScopedPromise P>
  bool await_suspend(std::coroutine_handle<P> self) {
    if (!wait_.begin(self)) return false;
    Shard::current().schedule(timer_, until_);
    return true;
  }
  Result<void> await_resume() {
    timer_.cancel();
    return wait_.outcome();
  }
  Wait& wait() { return wait_; }

 private:
  Instant until_;
  Wait wait_;
  TimerNode timer_{[](void* self) { static_cast<Sleep*>(self)->wait_.wake(); }, this};
};

/// The part of on() that does not depend on types. Lives in the frame of the calling coroutine; see shard.cpp for the messages.
class RemoteCall {
 public:
  explicit RemoteCall(Shard& target) : home_(Shard::current()), target_(target) {}

  bool await_ready() const noexcept { return false; }
  template <ScopedPromise P>
  void await_suspend(std::coroutine_handle<P> self) {
    wait_.begin_uncancellable(self);
    begin(self.promise().scope());
  }
  void await_resume() const noexcept {}

 protected:
  ~RemoteCall() = default;
  /// Called on the target: starts the work in remote_scope().
  virtual void start() = 0;
  Scope& remote_scope() { return *scope_; }
  /// Called on the target when the work is done.
  void finished();

 private:
  struct Message : PostNode {
    Message(RemoteCall& owner, Run run_there) : PostNode(run_there), call(owner) {}
    RemoteCall& call;
  };
  struct Forward : CancelHook {
    Forward(RemoteCall& owner, Callback on_cancel) : CancelHook(on_cancel), call(owner) {}
    RemoteCall& call;
  };
  static void on_start(PostNode& node);
  static void on_finish(PostNode& node);
  static void on_cancel(PostNode& node);
  static void on_cancel_taken(PostNode& node);
  static void on_home_cancelled(CancelHook& hook, const Error& reason);
  void begin(Scope* scope);
  void one_less_pending();

  Shard& home_;
  Shard& target_;
  Wait wait_;
  Message start_message_{*this, &on_start};
  Message finish_message_{*this, &on_finish};
  Message cancel_message_{*this, &on_cancel};
  Forward forward_{*this, &on_home_cancelled};
  std::optional<Error> cancel_reason_;  // written at home before cancel_message_ is sent
  Deadline deadline_ = kNoDeadline;
  const char* name_ = nullptr;
  int pending_ = 1;             // home only: answers still to come
  std::optional<Scope> scope_;  // target only
};

/// A coroutine that nobody awaits: it frees itself at its end. Its body must not throw.
struct Root {
  struct promise_type : PromiseBase {
    Root get_return_object() noexcept { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { std::terminate(); }
  };
};

template <class F, class R>
class TypedRemoteCall final : public RemoteCall {
 public:
  TypedRemoteCall(Shard& target, F function) : RemoteCall(target), function_(std::move(function)) {}
  R take() {
    if (exception_) std::rethrow_exception(exception_);
    return std::move(*result_);
  }

 private:
  void start() override { drive(*this); }
  static Root drive(TypedRemoteCall& call) {
    try {
      call.result_.emplace(co_await call.function_().in(call.remote_scope()));
    } catch (...) {
      call.exception_ = std::current_exception();
    }
    call.finished();
  }

  F function_;
  std::optional<R> result_;
  std::exception_ptr exception_;
};

}  // namespace detail

/// Lets other ready tasks of the shard run first.
inline detail::Yield yield() { return detail::Yield(); }
/// Lets the loop take what has come to its sockets first: for work that many tasks may be ready for, and that is long beside a turn of the loop.
inline detail::NextTurn next_turn() { return {}; }
/// `Result<void> r = co_await sleep_for(d)`; an error when the scope is cancelled.
inline detail::Sleep sleep_until(Instant when) { return detail::Sleep(when); }
inline detail::Sleep sleep_for(Duration d) {
  const Shard& shard = Shard::current();
  return detail::Sleep(deadline_after(shard.clock().now_monotonic(), d));
}

/// Waits until the scope is cancelled: in main, until a signal ends the program.
inline detail::Sleep until_cancelled() { return detail::Sleep(kNoDeadline); }

/// Runs `function()`, which returns a Task<Result<T>>, on `target` and resumes here with its result. Cancellation and deadline cross over; the
/// wait itself ends only when the task over there has ended. What the function captures by reference stays valid meanwhile, but is touched by
/// another thread.
template <class F>
auto on(Shard& target, F function) -> std::invoke_result_t<F&> {
  if (target.is_current()) co_return co_await function();
  using R = typename std::invoke_result_t<F&>::value_type;
  detail::TypedRemoteCall<F, R> call(target, std::move(function));
  co_await call;
  co_return call.take();
}

}  // namespace sofa::io
