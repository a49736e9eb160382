#include "sofa/grpc/detail/inbox.h"

namespace sofa::grpc::detail {

void Inbox::on_data(ByteSpan data) {
  if (failure_) return;
  held_ += data.size();
  deframer_.feed(data);
  if (auto held = exchange_->hold(deframer_.held() + given_); !held) abort(std::move(held.error()));
  wake();
}

void Inbox::on_end() {
  ended_ = true;
  wake();
}

void Inbox::abort(Error error) {
  if (!failure_) failure_ = std::move(error);
  wake();
}

Result<void> Inbox::give_back(size_t bytes) {
  const size_t n = std::min(bytes, held_);
  held_ -= n;
  if (failure_) return {};
  if (n > 0) exchange_->consumed(n);
  return exchange_->hold(deframer_.held() + given_);
}

io::Task<Result<void>> Inbox::change() {
  changed_.clear();
  co_return co_await changed_.wait();
}

io::Task<Result<std::optional<Bytes>>> Inbox::read() {
  given_ = 0;
  for (;;) {
    auto message = deframer_.next();
    if (message && *message) {
      // What it takes when it is decompressed counts until the next one is asked for.
      given_ = (*message)->size();
      auto held = give_back(given_ + kPrefix);
      if (held) co_return message;
      abort(std::move(held.error()));
    }
    if (!message && !failure_) co_return message;
    if (failure_) co_return std::unexpected(*failure_);
    if (ended_ && deframer_.is_inside()) co_return fail(Code::internal, "the peer's stream ended inside a message");
    if (ended_) co_return std::optional<Bytes>();
    // What is here is a part of the message that is waited for: the rest may need its window.
    [[maybe_unused]] const auto less = give_back(held_);
    co_await io::or_return(change());
  }
}

io::Task<Result<void>> Inbox::writable() {
  while (!failure_ && exchange_->write_blocked()) co_await io::or_return(change());
  if (failure_) co_return std::unexpected(*failure_);
  co_return Result<void>();
}

}  // namespace sofa::grpc::detail
