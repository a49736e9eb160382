#include "sofa/grpc/detail/translated_exchange.h"

namespace sofa::grpc::detail {

namespace {

/// Fields that speak of the body as it came, or of the protocol that it came in.
bool is_replaced(std::string_view name) {
  return name == "content-type" || name == "content-length" || name == "te" || name == "grpc-timeout" || name == "content-encoding" ||
         name == "accept-encoding" || name.starts_with("connect-");
}

http::RequestHead as_grpc(const http::RequestHead& from, std::string_view timeout) {
  // A call by GET has its message in the query.
  http::RequestHead head{.method = "POST", .scheme = from.scheme, .authority = from.authority, .target = std::string(from.path())};
  head.version = from.version;
  head.headers.add("content-type", "application/grpc");
  head.headers.add("te", "trailers");
  if (!timeout.empty()) head.headers.add("grpc-timeout", timeout);
  for (const http::HeaderField field : from.headers) {
    if (!is_replaced(field.name)) head.headers.add(field.name, field.value);
  }
  return head;
}

}  // namespace

TranslatedExchange::TranslatedExchange(http::ExchangePtr inner, std::string_view timeout) : ExchangeFilter(std::move(inner)) {
  request_ = as_grpc(this->inner().request(), timeout);
  this->inner().set_sink(this);
}

TranslatedExchange::~TranslatedExchange() {
  if (gone_ != nullptr) *gone_ = true;
}

void TranslatedExchange::give_back() {
  if (received_ > 0) inner().consumed(std::exchange(received_, 0));
}

void TranslatedExchange::consumed(size_t n) {
  handed_ -= std::min(n, handed_);
  if (handed_ == 0) give_back();
}

Result<void> TranslatedExchange::hold(size_t bytes) {
  held_ = bytes;
  return inner().hold(kept_ + held_);
}

Result<void> TranslatedExchange::hold_here(size_t bytes) {
  kept_ = bytes;
  return inner().hold(kept_ + held_);
}

void TranslatedExchange::on_data(ByteSpan data) {
  received_ += data.size();
  if (over_) return give_back();
  bool gone = false;
  gone_ = &gone;
  translate(data);
  if (gone) return;
  gone_ = nullptr;
  // A part of a message, which its reader cannot give back before it is whole.
  if (handed_ == 0) give_back();
}

bool TranslatedExchange::hand_over(ByteSpan framed) {
  if (framed.empty()) return true;
  bool gone = false;
  bool* const outer = std::exchange(gone_, &gone);
  handed_ += framed.size();
  sink_->on_data(framed);
  if (gone) {
    if (outer != nullptr) *outer = true;
    return false;
  }
  gone_ = outer;
  return true;
}

void TranslatedExchange::hand_over_end() {
  http::Headers none;
  if (!over_) sink_->on_end(none);
}

void TranslatedExchange::refuse(const Error& error) {
  answer_error(error);
  over_ = true;
  sink_->on_abort(error);
}

void TranslatedExchange::on_abort(Error error) {
  if (!std::exchange(over_, true)) sink_->on_abort(std::move(error));
}

void TranslatedExchange::on_hang_up() {
  if (!over_) sink_->on_hang_up();
}

void TranslatedExchange::on_writable() {
  if (!over_) sink_->on_writable();
}

}  // namespace sofa::grpc::detail
