#pragma once
// Wait: one coroutine suspended for one thing. The base of every leaf wait (timers, channels, sockets): it is woken by its source or by the
// cancellation of its scope, whichever comes first, then resumed from the shard's ready queue, never inside the waker.

#include <coroutine>
#include <cstdint>

#include "sofa/io/detail/list.h"
#include "sofa/io/scope.h"

namespace sofa::io {

namespace detail {
struct QueueTag {};
struct WaitingTag {};
}  // namespace detail

class Wait : public detail::ListHook<detail::QueueTag>, public detail::ListHook<detail::WaitingTag>, private CancelHook {
  using QueueHook = detail::ListHook<detail::QueueTag>;
  using WaitingHook = detail::ListHook<detail::WaitingTag>;

 public:
  Wait() : CancelHook(&Wait::on_scope_cancelled) {}

  /// Looks at the scope before anything is tried, so that a task whose waits are always satisfied sees its cancellation too: false when it is
  /// cancelled; do not suspend then, outcome() tells.
  template <detail::ScopedPromise P>
  bool admit(std::coroutine_handle<P> self) {
    scope_ = self.promise().scope();
    if (scope_ == nullptr || !scope_->cancelled()) return true;
    state_ = State::cancelled;
    return false;
  }
  /// Begins to wait; false as in admit().
  template <detail::ScopedPromise P>
  bool begin(std::coroutine_handle<P> self) {
    if (!admit(self)) return false;
    begin_uncancellable(self);
    if (scope_ != nullptr) scope_->watch(*this);
    return true;
  }
  /// For waits that must see their end (joins): cancellation does not wake them.
  template <detail::ScopedPromise P>
  void begin_uncancellable(std::coroutine_handle<P> self) {
    scope_ = self.promise().scope();
    if (!handle_) handle_ = self;
    waiter_ = &self.promise();
    state_ = State::waiting;
    enlist();
  }

  bool waiting() const { return state_ == State::waiting; }
  /// The source has what was waited for: leaves its queue and becomes ready. Does nothing when not waiting.
  void wake();
  /// Ok when woken, the scope's reason when cancelled.
  Result<void> outcome() const {
    if (state_ == State::cancelled) return std::unexpected<Error>(scope_->reason());
    return {};
  }
  bool was_cancelled() const { return state_ == State::cancelled; }

  /// Chooses what is resumed instead of the waiting coroutine (or_return); called once on the way out of the ready queue.
  using Redirect = std::coroutine_handle<> (*)(void* context);
  void set_redirect(Redirect redirect, void* context) {
    redirect_ = redirect;
    redirect_context_ = context;
  }

  const Scope* scope() const { return scope_; }
  /// Of the coroutine that waits, and since which turn of its shard; only when waiting().
  detail::PromiseBase* waiter() const { return waiter_; }
  Instant since() const { return since_; }
  void set_scope(Scope& scope) { scope_ = &scope; }
  /// Only the shard calls this.
  void resume() {
    const std::coroutine_handle<> next = redirect_ == nullptr ? handle_ : redirect_(redirect_context_);
    next.resume();
  }

 private:
  enum class State : uint8_t { idle, waiting, woken, cancelled };
  static void on_scope_cancelled(CancelHook& self, const Error&);
  void enlist();
  void become_ready(State state);

  std::coroutine_handle<> handle_;
  detail::PromiseBase* waiter_ = nullptr;
  Instant since_{};
  Scope* scope_ = nullptr;
  Redirect redirect_ = nullptr;
  void* redirect_context_ = nullptr;
  State state_ = State::idle;
};

/// Waits in the order of their coming.
using WaitQueue = detail::List<Wait, detail::QueueTag>;

namespace detail {

/// An awaitable whose result is a Result and whose Wait is reachable.
template <class L>
concept LeafWait = requires(L& leaf) {
  { leaf.wait() } -> std::same_as<Wait&>;
  { leaf.await_ready() } -> std::same_as<bool>;
} && AnyResult<decltype(std::declval<L&>().await_resume())>;

template <LeafWait L>
struct OrReturnLeaf {
  using R = decltype(std::declval<L&>().await_resume());
  using T = typename ResultOf<R>::type;

  L& leaf;
  std::optional<R> result{};
  PromiseBase* promise = nullptr;
  std::coroutine_handle<> self{};

  bool await_ready() {
    if (leaf.await_ready()) result.emplace(leaf.await_resume());
    return result.has_value() && result->has_value();
  }
  template <ResultPromise P>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<P> awaiter) {
    self = awaiter;
    promise = &awaiter.promise();
    if (!result) {
      leaf.wait().set_redirect(
          [](void* context) {
            auto& me = *static_cast<OrReturnLeaf*>(context);
            return me.template finish<P>();
          },
          this);
      if (leaf.await_suspend(awaiter)) return std::noop_coroutine();
    }
    return finish<P>();
  }
  T await_resume() {
    if constexpr (!std::is_void_v<T>) return std::move(**result);
  }

 private:
  template <class P>
  std::coroutine_handle<> finish() {
    if (!result) result.emplace(leaf.await_resume());
    if (result->has_value()) return self;
    static_cast<P*>(promise)->emplace(std::unexpected<Error>(std::move(result->error())));
    return promise->complete();
  }
};

}  // namespace detail

/// `co_await or_return(channel.receive())`: a leaf wait whose error ends the enclosing task; no frame is allocated.
template <class L>
  requires detail::LeafWait<std::remove_reference_t<L>>
detail::OrReturnLeaf<std::remove_reference_t<L>> or_return(L&& leaf) {
  return {leaf};
}

}  // namespace sofa::io
