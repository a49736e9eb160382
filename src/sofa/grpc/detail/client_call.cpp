#include "sofa/grpc/detail/client_call.h"

#include "sofa/grpc/detail/fields.h"
#include "sofa/io/shard.h"

namespace sofa::grpc::detail {

ClientCall::ClientCall(std::string_view path, const CallOptions& options, size_t max_message, Deadline deadline)
    : path_(path), options_(options), deadline_(deadline), inbox_(max_message, Encoding::identity), encoding_(options.encoding) {}

ClientCall::~ClientCall() = default;

void ClientCall::attach(http::ExchangePtr exchange) {
  exchange_ = std::move(exchange);
  inbox_.attach(*exchange_);
  if (deadline_ != kNoDeadline) io::Shard::current().schedule(timer_, deadline_);
}

Result<void> ClientCall::send(ByteSpan message, bool end) {
  if (inbox_.failure() != nullptr) return std::unexpected(*inbox_.failure());
  // The server has ended already: its status, which read() gives, tells more than an error here.
  if (inbox_.ended()) return fail(Code::failed_precondition, "{}: the server has ended the call; read its status", path_);
  if (writes_finished_) return fail(Code::failed_precondition, "{}: a message after finish_writes()", path_);
  auto framed = frame(message, encoding_);
  if (!framed) return forward_error(framed);
  writes_finished_ = end;
  return exchange_->send_data(std::move(*framed), end);
}

Result<void> ClientCall::finish_writes() {
  if (std::exchange(writes_finished_, true) || inbox_.ended() || inbox_.failure() != nullptr) return {};
  return exchange_->send_data({}, true);
}

void ClientCall::on_response(http::ResponseHead& head, bool final) {
  if (!final) return;
  head_ = std::move(head);
  is_grpc_ = head_->status == 200 && head_->headers.get_or("content-type").starts_with("application/grpc");
  if (const auto encoding = encoding_of(head_->headers.get_or("grpc-encoding"))) {
    inbox_.set_encoding(*encoding);
  } else {
    inbox_.abort(Error(Code::internal, fmt::format("{}: the answer's grpc-encoding is '{}', which is none of {}", path_,
                                                   head_->headers.get_or("grpc-encoding"), accepted_encodings())));
  }
  inbox_.wake();
}

void ClientCall::on_data(ByteSpan data) {
  if (!is_grpc_) return exchange_->consumed(data.size());
  inbox_.on_data(data);
}

void ClientCall::on_end(http::Headers& trailers) {
  timer_.cancel();
  trailers_ = std::move(trailers);
  if (head_ && !trailers_.contains("grpc-status") && head_->headers.contains("grpc-status")) trailers_ = head_->headers;
  keep_metadata();
  if (auto done = status(); !done) inbox_.abort(std::move(done.error()));
  inbox_.on_end();
}

void ClientCall::keep_metadata() {
  if (options_.headers != nullptr && head_) *options_.headers = head_->headers;
  if (options_.trailers != nullptr) *options_.trailers = trailers_;
}

Result<void> ClientCall::status() const {
  if (trailers_.contains("grpc-status")) return read_status(trailers_);
  if (!head_) return fail(Code::internal, "{}: the server ended the call without an answer", path_);
  if (!is_grpc_) {
    return fail(code_of_http_status(head_->status), "{}: the server answered HTTP {} with content-type '{}' and no grpc-status", path_, head_->status,
                head_->headers.get_or("content-type"));
  }
  return fail(Code::unknown, "{}: the server ended the call without a grpc-status", path_);
}

void ClientCall::on_abort(Error error) {
  timer_.cancel();
  const auto* reset = error.detail<http::ResetDetail>();
  const Code code = reset == nullptr ? Code::unavailable : code_of_reset(reset->code);
  inbox_.abort(Error(code, fmt::format("{}: the call was cut off", path_)).with_cause(std::move(error)));
}

void ClientCall::on_deadline(void* context) {
  auto& self = *static_cast<ClientCall*>(context);
  self.exchange_->reset(http::Reset::cancel);
  self.inbox_.abort(Error(Code::deadline_exceeded, fmt::format("{}: no answer within the deadline", self.path_)));
}

bool ClientCall::not_processed() const {
  const auto* reset = inbox_.failure() == nullptr ? nullptr : inbox_.failure()->detail<http::ResetDetail>();
  return reset != nullptr && reset->not_processed() && !head_;
}

io::Task<Result<std::optional<Bytes>>> ClientCall::read() { return inbox_.read(); }

io::Task<Result<Bytes>> ClientCall::read_only() {
  auto message = co_await io::or_return(inbox_.read());
  if (!message) co_return fail(Code::internal, "{}: the server answered OK without a message", path_);
  if (co_await io::or_return(inbox_.read())) co_return fail(Code::internal, "{}: the server answered with more than one message", path_);
  co_return std::move(*message);
}

io::Task<Result<const http::Headers*>> ClientCall::headers() {
  while (!head_) {
    if (inbox_.failure() != nullptr) co_return std::unexpected(*inbox_.failure());
    co_await io::or_return(inbox_.change());
  }
  co_return &head_->headers;
}

}  // namespace sofa::grpc::detail
