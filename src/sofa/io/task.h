#pragma once
// Task<T>: a lazy coroutine. It starts when it is awaited, runs on the shard of its awaiter, and hands its value back without a queue.
//
//   io::Task<Result<Bytes>> fetch(io::Stream& stream) {
//     Buffer in;
//     co_await io::or_return(stream.write(Bytes::literal("GET")));   // on error: fetch itself ends with that error
//     const size_t n = co_await io::or_return(stream.read_some(in));
//     co_return in.take(n);
//   }
//
// Rules: a Task is awaited once, and a Task that has begun is awaited to its end (to stop one, cancel its scope: every wait inside returns an
// error). A lambda coroutine must outlive its task (its captures live in the lambda). Exceptions travel to the awaiter; at the root of a
// background task (TaskGroup) they are logged, and end the program in debug builds.

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <type_traits>
#include <utility>

#include "sofa/base/error.h"

namespace sofa::io {

class Scope;
template <class T = void>
class Task;

namespace detail {

/// Coroutine frames come from free lists of this thread, by size class; both the frame size and the memory kept are bounded (task.cpp).
void* allocate_frame(size_t size);
void free_frame(void* frame, size_t size) noexcept;

/// What every coroutine of a task chain has: who awaits it, and the scope it runs in.
class PromiseBase {
 public:
  static void* operator new(size_t size) { return allocate_frame(size); }
  static void operator delete(void* frame, size_t size) noexcept { free_frame(frame, size); }

  struct FinalAwaiter {
    bool await_ready() noexcept { return false; }
    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> self) noexcept {
      return self.promise().complete();
    }
    void await_resume() noexcept {}
  };
  std::suspend_always initial_suspend() noexcept { return {}; }
  FinalAwaiter final_suspend() noexcept { return {}; }

  Scope* scope() const { return scope_; }
  void set_scope(Scope* scope) { scope_ = scope; }
  void set_awaiter(std::coroutine_handle<> continuation, PromiseBase& parent) {
    continuation_ = continuation;
    parent_ = &parent;
  }
  PromiseBase* parent() const { return parent_; }
  /// Set by or_return: moves an error to the parent and says whether there was one.
  void set_forward(bool (*forward)(PromiseBase&)) { forward_ = forward; }

  /// Where control goes when this coroutine is done: to its awaiter, or past it when the awaiter forwards the error. A loop, so that an error
  /// passes through any number of levels without stack.
  std::coroutine_handle<> complete() noexcept {
    PromiseBase* done = this;
    while (done->forward_ != nullptr && done->forward_(*done)) done = done->parent_;
    return done->continuation_;
  }

 private:
  std::coroutine_handle<> continuation_ = std::noop_coroutine();
  PromiseBase* parent_ = nullptr;
  Scope* scope_ = nullptr;
  bool (*forward_)(PromiseBase&) = nullptr;
};

/// Coroutines of this module: leaf waits find the scope through their promise.
template <class P>
concept ScopedPromise = std::derived_from<P, PromiseBase>;

template <class T>
class Promise : public PromiseBase {
 public:
  Promise() {}
  ~Promise() {
    if (state_ == State::value) std::destroy_at(&value_);
    if (state_ == State::exception) std::destroy_at(&exception_);
  }
  Task<T> get_return_object() noexcept;
  void unhandled_exception() noexcept {
    std::construct_at(&exception_, std::current_exception());
    state_ = State::exception;
  }
  void return_value(T value) { emplace(std::move(value)); }
  template <class V>
    requires std::constructible_from<T, V&&>
  void return_value(V&& value) {
    emplace(std::forward<V>(value));
  }
  template <class... Args>
  void emplace(Args&&... args) {
    std::construct_at(&value_, std::forward<Args>(args)...);
    state_ = State::value;
  }
  /// The value, or null when an exception is held.
  T* value() { return state_ == State::value ? &value_ : nullptr; }
  T take() {
    if (state_ == State::exception) std::rethrow_exception(exception_);
    return std::move(value_);
  }

 private:
  enum class State : uint8_t { empty, value, exception };
  union {
    T value_;
    std::exception_ptr exception_;
  };
  State state_ = State::empty;
};

template <>
class Promise<void> : public PromiseBase {
 public:
  Task<void> get_return_object() noexcept;
  void unhandled_exception() noexcept { exception_ = std::current_exception(); }
  void return_void() noexcept {}
  void take() {
    if (exception_) std::rethrow_exception(exception_);
  }

 private:
  std::exception_ptr exception_;
};

}  // namespace detail

template <class T>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::Promise<T>;
  using value_type = T;

  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Task() {
    if (handle_) handle_.destroy();
  }

  /// Runs the task in `scope` (which must outlive it) instead of the awaiter's: `co_await std::move(task).in(scope)`.
  Task&& in(Scope& scope) && {
    handle_.promise().set_scope(&scope);
    return std::move(*this);
  }

  struct Awaiter {
    std::coroutine_handle<promise_type> task;
    bool await_ready() const noexcept { return false; }
    template <detail::ScopedPromise P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> awaiter) noexcept {
      promise_type& promise = task.promise();
      promise.set_awaiter(awaiter, awaiter.promise());
      if (promise.scope() == nullptr) promise.set_scope(awaiter.promise().scope());
      return task;
    }
    T await_resume() { return task.promise().take(); }
  };
  Awaiter operator co_await() && noexcept { return {handle_}; }

 private:
  friend promise_type;
  explicit Task(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  std::coroutine_handle<promise_type> handle_;
};

namespace detail {
template <class T>
Task<T> Promise<T>::get_return_object() noexcept {
  static_assert(alignof(Promise) <= 2 * sizeof(void*), "a frame must be found from its PromiseBase (waiting_tasks.cpp)");
  return Task<T>(std::coroutine_handle<Promise>::from_promise(*this));
}
inline Task<void> Promise<void>::get_return_object() noexcept { return Task<void>(std::coroutine_handle<Promise>::from_promise(*this)); }

template <class T>
struct ResultOf;
template <class T>
struct ResultOf<Result<T>> {
  using type = T;
};
template <class T>
concept AnyResult = requires { typename ResultOf<std::remove_cvref_t<T>>::type; };

/// Coroutines whose value is a Result: only they can end with a forwarded error.
template <class P>
concept ResultPromise = ScopedPromise<P> && requires(P promise, std::unexpected<Error> error) { promise.emplace(std::move(error)); };

template <class T>
struct OrReturnTask {
  Task<Result<T>> task;
  typename Task<Result<T>>::Awaiter inner{std::move(task).operator co_await()};

  bool await_ready() const noexcept { return false; }
  template <ResultPromise P>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<P> awaiter) noexcept {
    inner.task.promise().set_forward([](PromiseBase& child) {
      Result<T>* result = static_cast<Promise<Result<T>>&>(child).value();
      if (result == nullptr || result->has_value()) return false;
      static_cast<P*>(child.parent())->emplace(std::unexpected<Error>(std::move(result->error())));
      return true;
    });
    return inner.await_suspend(awaiter);
  }
  T await_resume() {
    Result<T> result = inner.await_resume();
    if constexpr (!std::is_void_v<T>) return std::move(*result);
  }
};

template <class T>
struct OrReturnValue {
  Result<T> result;
  bool await_ready() const noexcept { return result.has_value(); }
  template <ResultPromise P>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<P> awaiter) noexcept {
    awaiter.promise().emplace(std::unexpected<Error>(std::move(result.error())));
    return awaiter.promise().complete();
  }
  T await_resume() {
    if constexpr (!std::is_void_v<T>) return std::move(*result);
  }
};
}  // namespace detail

/// `T v = co_await or_return(f());` where f() is a Task<Result<T>> or a Result<T>: on error the enclosing Task<Result<U>> ends with that error.
/// The locals of the enclosing coroutine are destroyed when its awaiter lets the task go (at the end of the awaiting expression).
/// Leaf waits (read_some, receive, sleep_for, ...) go through the overload in wait.h.
template <class T>
detail::OrReturnTask<T> or_return(Task<Result<T>> task) {
  return detail::OrReturnTask<T>{std::move(task)};
}
template <class T>
detail::OrReturnValue<T> or_return(Result<T> result) {
  return detail::OrReturnValue<T>{std::move(result)};
}

}  // namespace sofa::io
