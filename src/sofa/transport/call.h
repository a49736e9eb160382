#pragma once
// A call of this side that waits for its answer: what its session knows of it, and what its caller awaits.

#include <coroutine>
#include <cstdint>
#include <optional>
#include <utility>

#include "sofa/base/clock.h"
#include "sofa/base/error.h"
#include "sofa/io/shard.h"
#include "sofa/io/wait.h"

namespace sofa::transport {

class SessionBase;

/// The part that does not depend on the answer's type. It lives where it was made (in the caller's coroutine frame; nothing is allocated).
class CallBase {
 public:
  CallBase(const CallBase&) = delete;
  CallBase& operator=(const CallBase&) = delete;

  /// The frame's id, or 0 when it was not sent.
  uint32_t id() const { return id_; }
  io::Wait& wait() { return wait_; }

 protected:
  explicit CallBase(Duration timeout) : timeout_(timeout) {}
  /// Forgets the call; a late answer is counted and dropped.
  ~CallBase() { forget(); }

  static Error no_time_left(const SessionBase& session);
  /// It was written: puts it into the session's table. Fails when that write has ended the connection.
  Result<void> pend(SessionBase& session, uint32_t id);
  /// Takes it out of the table, if it is there.
  void forget();
  /// It has its answer, and is out of the table.
  void ended();
  /// The error of a wait that was cancelled or ran out of time.
  Error cancelled();

 private:
  friend class SessionBase;
  /// Ends it without an answer.
  virtual void fail(Error error) = 0;
  static void on_timeout(void* self);

  SessionBase* session_ = nullptr;  // null when it is not pending
  uint32_t id_ = 0;
  const Duration timeout_;
  io::Wait wait_;
  io::TimerNode timer_{&CallBase::on_timeout, this};
};

/// `Result<Answer> r = co_await session->call(...)`, also through or_return. Ends by answer, timeout, end of the connection or cancellation of the
/// caller's scope.
template <class Answer>
class [[nodiscard]] CallOf final : public CallBase {
 public:
  bool done() const { return answer_.has_value(); }

  bool await_ready() const { return done(); }
  template <io::detail::ScopedPromise P>
  bool await_suspend(std::coroutine_handle<P> self) {
    return wait().begin(self);
  }
  Result<Answer> await_resume() {
    if (answer_) return std::move(*answer_);
    forget();
    return std::unexpected(cancelled());
  }

  /// For sessions: `begin()` writes the request and gives its id.
  template <class Begin>
  CallOf(SessionBase& session, Duration timeout, Begin&& begin) : CallBase(timeout) {
    Result<uint32_t> id = timeout > Duration::zero() ? begin() : std::unexpected(no_time_left(session));
    Result<void> pending = id ? pend(session, *id) : forward_error(id);
    if (!pending) answer_ = forward_error(pending);
  }
  /// For sessions, once the call is out of the table.
  void finish(Result<Answer> answer) {
    answer_.emplace(std::move(answer));
    ended();
  }

 private:
  void fail(Error error) override { finish(std::unexpected(std::move(error))); }

  std::optional<Result<Answer>> answer_;
};

}  // namespace sofa::transport
