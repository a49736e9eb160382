#include "sofa/io/scope.h"

#include "sofa/io/shard.h"

namespace sofa::io {

namespace detail {
Deadline deadline_from_now(Duration timeout) { return deadline_after(Shard::current().clock().now_monotonic(), timeout); }

Duration CurrentRemaining::await_resume() const noexcept {
  if (scope == nullptr || scope->deadline() == kNoDeadline) return Duration::max();
  return std::max(Duration::zero(), scope->deadline() - Shard::current().clock().now_monotonic());
}
}  // namespace detail

Scope::Scope(Scope* parent, const char* name, Deadline deadline)
    : CancelHook(&on_parent_cancelled), deadline_(deadline), name_(name), timer_(&on_deadline, this) {
  if (parent != nullptr) {
    if (name_ == nullptr) name_ = parent->name_;
    context_ = parent->context_;
    parent->watch(*this);
  }
  if (parent != nullptr && parent->deadline_ <= deadline_) {
    deadline_ = parent->deadline_;  // the parent's timer cancels this scope too
  } else if (deadline_ != kNoDeadline && !cancelled()) {
    Shard& shard = Shard::current();
    begun_ = shard.clock().now_monotonic();
    if (deadline_ <= begun_) {
      on_deadline(this);
    } else {
      shard.schedule(timer_, deadline_);
    }
  }
}

Scope::~Scope() = default;

void Scope::on_parent_cancelled(CancelHook& self, const Error& reason) { static_cast<Scope&>(self).cancel(reason); }

void Scope::on_deadline(void* self) {
  auto& scope = *static_cast<Scope*>(self);
  const auto given = std::chrono::round<std::chrono::milliseconds>(scope.deadline_ - scope.begun_).count();
  if (given <= 0) {
    scope.cancel(Error(Code::deadline_exceeded, "the deadline had passed before the work began"));
  } else {
    scope.cancel(Error(Code::deadline_exceeded, fmt::format("not finished within its time of {} ms", given)));
  }
}

void Scope::cancel(Error reason) {
  if (reason_) return;
  reason_.emplace(std::move(reason));
  timer_.cancel();
  while (!hooks_.empty()) {
    CancelHook& hook = hooks_.pop_front();
    hook.on_cancel_(hook, *reason_);
  }
}

Result<void> Scope::check() const {
  if (reason_) return std::unexpected<Error>(*reason_);
  return {};
}

void Scope::watch(CancelHook& hook) {
  if (reason_) {
    hook.on_cancel_(hook, *reason_);
  } else {
    hooks_.push_back(hook);
  }
}

}  // namespace sofa::io
