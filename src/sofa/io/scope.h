#pragma once
// Scope: what a chain of tasks shares: whether it is cancelled and why, its deadline, its name. It is inherited by every awaited Task through
// a pointer; every leaf wait honours it. Belongs to one shard (io::on carries cancellation and deadline to another).

#include <optional>

#include "sofa/base/clock.h"
#include "sofa/base/error.h"
#include "sofa/io/detail/list.h"
#include "sofa/io/task.h"
#include "sofa/io/timer.h"

namespace sofa::io {

namespace detail {
struct ScopeTag {};
Deadline deadline_from_now(Duration timeout);
}  // namespace detail

/// Something to be told when a scope is cancelled: called once, on the scope's shard, then no longer registered.
class CancelHook : public detail::ListHook<detail::ScopeTag> {
 public:
  using Callback = void (*)(CancelHook& self, const Error& reason);
  explicit CancelHook(Callback on_cancel) : on_cancel_(on_cancel) {}

 private:
  friend class Scope;
  Callback on_cancel_;
};

/// What a module hangs on a scope: what the work in it is for (rpc: the call that is served). Found by `Scope::context()` and dynamic_cast.
struct ScopeContext {
  virtual ~ScopeContext() = default;
};

class Scope : private CancelHook {
 public:
  /// A scope under `parent` (null: none): cancelled with it, and when `deadline` has passed. `name` must be static; null takes the parent's.
  explicit Scope(Scope* parent, const char* name = nullptr, Deadline deadline = kNoDeadline);
  ~Scope();
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

  /// Ends every wait in this scope and below with `reason`, now and from now on; the first reason stays. Tasks run on until their next wait.
  void cancel(Error reason);
  bool cancelled() const { return reason_.has_value(); }
  /// Why it is cancelled; only when cancelled().
  const Error& reason() const { return *reason_; }
  /// Ok, or the reason: for loops that never wait.
  Result<void> check() const;

  /// The earlier of its own and its parent's deadline.
  Deadline deadline() const { return deadline_; }
  const char* name() const { return name_; }
  /// Its own or its parent's at the time of its making; null when there is none. Does not cross to another shard.
  const ScopeContext* context() const { return context_; }
  /// `context` must outlive the scope; set it before scopes are made below.
  void set_context(const ScopeContext* context) { context_ = context; }
  /// Registers a hook; calls it at once when already cancelled.
  void watch(CancelHook& hook);

 private:
  static void on_parent_cancelled(CancelHook& self, const Error& reason);
  static void on_deadline(void* self);

  std::optional<Error> reason_;
  Deadline deadline_;
  Instant begun_{};
  const char* name_;
  const ScopeContext* context_ = nullptr;
  detail::List<CancelHook, detail::ScopeTag> hooks_;
  TimerNode timer_;
};

namespace detail {
struct CurrentScope {
  Scope* scope = nullptr;
  bool await_ready() const noexcept { return false; }
  template <ScopedPromise P>
  bool await_suspend(std::coroutine_handle<P> self) noexcept {
    scope = self.promise().scope();
    return false;
  }
  Scope& await_resume() const noexcept { return *scope; }
};
struct CurrentRemaining : CurrentScope {
  Duration await_resume() const noexcept;
};
}  // namespace detail

/// `Scope& scope = co_await current_scope();`
inline detail::CurrentScope current_scope() { return {}; }
/// `Duration left = co_await remaining();` until the deadline of the current scope: Duration::max() without one, zero when it has passed.
inline detail::CurrentRemaining remaining() { return {}; }

/// Runs `task` with a deadline: its waits fail with Code::deadline_exceeded from then on. An earlier inherited deadline stays in force.
template <class T>
Task<Result<T>> with_deadline(Deadline deadline, Task<Result<T>> task) {
  Scope scope(&co_await current_scope(), nullptr, deadline);
  co_return co_await std::move(task).in(scope);
}
/// The same, counted from now on.
template <class T>
Task<Result<T>> with_timeout(Duration timeout, Task<Result<T>> task) {
  co_return co_await with_deadline(detail::deadline_from_now(timeout), std::move(task));
}

/// Cancels by hand: `CancelSource source(co_await current_scope()); co_await source.run(task)`, and `source.cancel()` from elsewhere on the shard.
class CancelSource {
 public:
  explicit CancelSource(Scope& parent) : scope_(&parent) {}
  void cancel(std::string_view why = "the operation was cancelled") { scope_.cancel(Error(Code::cancelled, std::string(why))); }
  bool cancelled() const { return scope_.cancelled(); }
  Scope& scope() { return scope_; }
  template <class T>
  Task<T> run(Task<T> task) {
    co_return co_await std::move(task).in(scope_);
  }

 private:
  Scope scope_;
};

}  // namespace sofa::io
