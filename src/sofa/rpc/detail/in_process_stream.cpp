#include "sofa/rpc/detail/in_process_stream.h"

#include "sofa/rpc/detail/channel_protocol.h"

namespace sofa::rpc::detail {

HeldMessage::HeldMessage(const ValueShape& shape, void* from) : shape_(shape), at_(::operator new(shape.size, std::align_val_t(shape.align))) {
  shape_.construct(at_);
  shape_.take(at_, from);
}

HeldMessage::~HeldMessage() {
  if (at_ == nullptr) return;
  shape_.destroy(at_);
  ::operator delete(at_, std::align_val_t(shape_.align));
}

Task<Result<void>> MessageLane::write(void* message) {
  for (;;) {
    if (failure_) co_return std::unexpected(*failure_);
    if (ended_) co_return fail(Code::failed_precondition, "a message after finish_writes()");
    if (messages_.size() < most_) break;
    co_await or_return(change());
  }
  messages_.emplace_back(shape_, message);
  wake();
  co_return Result<void>();
}

Task<Result<bool>> MessageLane::read(void* into) {
  while (messages_.empty()) {
    if (failure_) co_return std::unexpected(*failure_);
    if (ended_) co_return false;
    co_await or_return(change());
  }
  messages_.front().move_to(into);
  messages_.pop_front();
  wake();
  co_return true;
}

Task<Result<void>> MessageLane::change() {
  changed_.clear();
  co_return co_await changed_.wait();
}

void MessageLane::end() {
  ended_ = true;
  wake();
}

void MessageLane::cut_off(Error error) {
  if (!failure_ && !ended_) failure_ = std::move(error);
  wake();
}

void InProcessStream::give_up(Error reason) {
  if (answers.is_over()) return;
  if (scope != nullptr) return scope->cancel(std::move(reason));
  given_up = std::move(reason);
}

void InProcessStream::finish(Result<void> status) {
  questions.cut_off(Error(Code::failed_precondition, "the service has ended the call; read its status"));
  if (status) return answers.end();
  answers.cut_off(std::move(status.error()));
}

Task<Result<bool>> InProcessClientEnd::read(void* into) {
  auto got = co_await stream_->answers.read(into);
  if (!got) co_return std::unexpected(with_call_status(std::move(got.error())));
  co_return got;
}

InProcessClientEnd::~InProcessClientEnd() { stream_->give_up(Error(Code::cancelled, fmt::format("the caller of {} is gone", method_))); }

}  // namespace sofa::rpc::detail
