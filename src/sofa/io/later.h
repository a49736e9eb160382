#pragma once
// Later: a value that somebody gives later, from any thread.
//
//   service->pay = [&gateway](Payment payment) -> io::Task<Result<Receipt>> {
//     io::Later<Receipt> receipt;
//     gateway.submit(payment, [give = receipt.giver()](Receipt done) { give(std::move(done)); });   // called by a thread of the gateway
//     co_return co_await receipt.wait();
//   };

#include <atomic>
#include <cassert>
#include <memory>
#include <optional>

#include "sofa/base/error.h"
#include "sofa/io/shard.h"
#include "sofa/io/sync.h"
#include "sofa/io/task.h"

namespace sofa::io {

/// Belongs to the shard that made it.
template <class T>
class Later {
  struct State {
    Shard& home = Shard::current();
    std::atomic<bool> given{false};
    std::optional<Result<T>> value{};  // written and read at home
    Event is_there{};
  };
  /// What the copies of a giver share: the last one to go tells, if none has given.
  struct Promise {
    explicit Promise(std::shared_ptr<State> to) : state(std::move(to)) {}
    ~Promise() {
      if (!state->given) give(fail(Code::internal, "the value that a task waits for was given up: every giver of it is gone"));
    }
    void give(Result<T> value) {
      if (state->given.exchange(true)) return;
      Shard& home = state->home;
      home.post([kept = state, given = std::move(value)]() mutable {
        kept->value.emplace(std::move(given));
        kept->is_there.set();
      });
    }
    const std::shared_ptr<State> state;
  };

 public:
  /// Gives the value, once: a later one is dropped. Copies give the same; when all are gone and none has given, the waiting task gets Code::internal.
  /// Any thread. The shard's runtime must still live when it gives and when the last copy goes; the waiting task need not.
  class Giver {
   public:
    void operator()(Result<T> value) const { promise_->give(std::move(value)); }

   private:
    friend class Later;
    explicit Giver(std::shared_ptr<State> state) : promise_(std::make_shared<Promise>(std::move(state))) {}
    std::shared_ptr<Promise> promise_;
  };

  /// Once: what else gives is a copy of it.
  Giver giver() {
    assert(!has_giver_ && "copy the giver instead");
    has_giver_ = true;
    return Giver(state_);
  }

  /// The value, once; the scope's reason when it is cancelled before. Keeps what it needs: the Later may go.
  Task<Result<T>> wait() const { return wait(state_); }

 private:
  static Task<Result<T>> wait(std::shared_ptr<State> state) {
    co_await or_return(state->is_there.wait());
    co_return std::move(*state->value);
  }
  const std::shared_ptr<State> state_ = std::make_shared<State>();
  bool has_giver_ = false;
};

}  // namespace sofa::io
