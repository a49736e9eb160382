#include "sofa/base/log.h"
#include "sofa/grpc/detail/fields.h"
#include "sofa/grpc/detail/server_call.h"
#include "sofa/http/fields.h"

namespace sofa::grpc::detail {

namespace {
constexpr std::string_view kContentType = "application/grpc";
}  // namespace

void refuse(http::Exchange& exchange, const Error& error, const http::Headers& further) {
  http::Headers head{{"content-type", kContentType}};
  add_status(head, std::unexpected(error));
  for (const http::HeaderField field : further) head.add(field.name, field.value);
  [[maybe_unused]] const auto sent = exchange.send_response(200, head, true);
}

Result<void> ServerShard::room_for_call() const {
  if (running < options.max_calls) return {};
  return fail(Code::unavailable, "as many calls run as may (max_calls {}); try later", options.max_calls);
}

Result<void> ServerShard::room_for_stream() const {
  if (open_streams < options.max_streams) return {};
  return fail(Code::unavailable, "as many streams are open as may (max_streams {}); try later", options.max_streams);
}

CallCore::CallCore(http::ExchangePtr exchange, const Opening& opening, ServerShard& shard)
    : exchange_(std::move(exchange)), opening_(opening), shard_(shard) {
  shard_.counters.started.add();
  set_encoding(shard_.options.response_encoding);
}

CallCore::~CallCore() {
  if (counted_in_ != nullptr) --*counted_in_;
  Counters& counters = shard_.counters;
  (end_ == End::succeeded ? counters.succeeded : end_ == End::failed ? counters.failed : counters.cancelled).add();
}

void CallCore::add_header(std::string_view name, std::string_view value) { add_field(headers_, name, value); }
void CallCore::add_trailer(std::string_view name, std::string_view value) { add_field(trailers_, name, value); }

void CallCore::set_encoding(Encoding encoding) {
  encoding_ = opening_.accepts_gzip ? encoding : Encoding::identity;
  if (!head_sent_ && encoding_ == Encoding::gzip) head_encoding_ = Encoding::gzip;
}

/// Of the metadata that the service has set; the caller is told, and the metadata is dropped, when it cannot be sent.
Result<void> CallCore::check_metadata() {
  for (http::Headers* fields : {&headers_, &trailers_}) {
    const auto valid = http::check_fields(*fields);
    if (valid) continue;
    headers_.clear();
    trailers_.clear();
    return fail(Code::internal, "the metadata of the answer cannot be sent: {}", valid.error());
  }
  return {};
}

Result<void> CallCore::send_head() {
  static const http::Headers kPlain{{"content-type", kContentType}};
  static const http::Headers kGzip{{"content-type", kContentType}, {"grpc-encoding", "gzip"}};
  if (auto valid = check_metadata(); !valid) return valid;
  head_sent_ = true;
  const http::Headers& base = head_encoding_ == Encoding::gzip ? kGzip : kPlain;
  if (headers_.empty()) return exchange_->send_response(200, base);
  http::Headers head = base;
  for (const http::HeaderField field : headers_) head.add(field.name, field.value);
  return exchange_->send_response(200, head);
}

Result<void> CallCore::not_sent(Result<void> error) const {
  static const Logger log{"grpc"};
  constexpr uint32_t kLinesPerSecond = 10;
  static LogRate rate(kLinesPerSecond);
  log.warn(rate, "answer not sent", {{"path", exchange_->request().path()}, {"reason", error.error().message()}});
  return error;
}

Result<void> CallCore::send_framed(Bytes framed, size_t message_size) {
  if (message_size > shard_.options.max_send_message) {
    return not_sent(fail(Code::resource_exhausted, "the answer has {} bytes, more than max_send_message ({}); send less or raise the limit",
                         message_size, shard_.options.max_send_message));
  }
  if (!head_sent_) {
    if (auto room = exchange_->room_for(framed.size()); !room) return not_sent(std::move(room));
    if (auto sent = send_head(); !sent) return sent;
  }
  shard_.counters.messages_out.add();
  return exchange_->send_data(std::move(framed));
}

Result<void> CallCore::send_encoded(Buffer& out) {
  const size_t size = out.size() - kPrefix;
  if (compresses()) return send_message(out.take().slice(kPrefix));
  finish_prefix(out, 0, false);
  return send_framed(out.take(), size);
}

Result<void> CallCore::send_message(ByteSpan message) {
  auto framed = frame(message, compresses() ? Encoding::gzip : Encoding::identity);
  if (!framed) return forward_error(framed);
  return send_framed(std::move(*framed), message.size());
}

void CallCore::send_status(const Result<void>& wanted) {
  static const http::Headers kOk{{"grpc-status", "0"}};
  if (std::exchange(over_, true)) return;
  const Result<void> valid = check_metadata();
  const Result<void>& status = valid ? wanted : valid;
  end_ = status ? End::succeeded : End::failed;
  if (head_sent_ && status && trailers_.empty()) {
    [[maybe_unused]] const auto sent = exchange_->send_trailers(kOk);
    return;
  }
  http::Headers last;
  if (!head_sent_) {
    last.add("content-type", kContentType);
    for (const http::HeaderField field : headers_) last.add(field.name, field.value);
  }
  add_status(last, status);
  for (const http::HeaderField field : trailers_) last.add(field.name, field.value);
  [[maybe_unused]] const auto sent = head_sent_ ? exchange_->send_trailers(last) : exchange_->send_response(200, last, true);
}

}  // namespace sofa::grpc::detail
