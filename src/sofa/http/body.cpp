#include "sofa/http/body.h"

#include <algorithm>

namespace sofa::http {

io::Task<Result<void>> Body::wait_for_change() {
  changed_.clear();
  co_return co_await changed_.wait();
}

io::Task<Result<Bytes>> Body::read(size_t max) {
  while (received_.empty() && !ended_) {
    if (failure_) co_return std::unexpected<Error>(*failure_);
    co_await io::or_return(wait_for_change());
  }
  const size_t n = std::min(max, received_.size());
  if (n == 0) co_return Bytes();
  Bytes taken = received_.take(n);
  if (collecting_) collected_ += n;
  if (!failure_) {
    exchange_.consumed(n);
    [[maybe_unused]] const auto less = exchange_.hold(received_.size() + collected_);
  }
  co_return taken;
}

io::Task<Result<Bytes>> Body::read_all(size_t max) {
  Buffer whole;
  collecting_ = true;
  for (;;) {
    const Bytes part = co_await io::or_return(read());
    if (part.empty()) co_return whole.take();
    if (whole.size() + part.size() > max) {
      co_return fail(Code::resource_exhausted, "the body is longer than {} bytes; send a smaller one or raise the limit", max);
    }
    whole.append(part);
  }
}

io::Task<Result<ResponseHead*>> Body::response() {
  while (!response_) {
    if (failure_) co_return std::unexpected<Error>(*failure_);
    co_await io::or_return(wait_for_change());
  }
  co_return &*response_;
}

io::Task<Result<void>> Body::write(Bytes data, bool end) {
  if (auto sent = exchange_.send_data(std::move(data), end); !sent) co_return sent;
  while (exchange_.write_blocked()) {
    if (failure_) co_return std::unexpected<Error>(*failure_);
    co_await io::or_return(wait_for_change());
  }
  co_return Result<void>();
}

void Body::on_response(ResponseHead& head, bool final) {
  if (!final) return;
  response_ = std::move(head);
  changed_.set();
}

void Body::on_data(ByteSpan data) {
  if (failure_) return;
  received_.append(data);
  if (auto held = exchange_.hold(received_.size() + collected_); !held) let_go(std::move(held.error()));
  changed_.set();
}

void Body::let_go(Error error) {
  failure_ = Error(Code::unavailable, std::string(error.message()));
  received_ = Buffer();
  [[maybe_unused]] const auto nothing = exchange_.hold(0);
}

void Body::on_end(Headers& trailers) {
  if (failure_) return;  // it was let go: what was read is not the whole
  trailers_ = std::move(trailers);
  ended_ = true;
  [[maybe_unused]] const auto whole = exchange_.hold(0);
  changed_.set();
}

void Body::on_abort(Error error) {
  failure_ = std::move(error);
  changed_.set();
  cancel_scope();
}

void Body::on_hang_up() { cancel_scope(); }

void Body::cancel_when_gone(io::Scope& scope) {
  scope_ = &scope;
  if (gone_) cancel_scope();
}

void Body::cancel_scope() {
  gone_ = true;
  if (scope_ != nullptr) scope_->cancel(Error(Code::cancelled, "the caller is gone"));
}

void Body::on_writable() { changed_.set(); }

}  // namespace sofa::http
