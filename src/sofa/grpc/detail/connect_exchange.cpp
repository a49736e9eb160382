#include "sofa/grpc/detail/connect_exchange.h"

#include "sofa/base/json.h"
#include "sofa/grpc/detail/fields.h"
#include "sofa/http/router.h"

namespace sofa::grpc::detail {

namespace {

constexpr uint8_t kCompressedFlag = 1, kEndStreamFlag = 2;
constexpr size_t kLeastCompressed = 1024;  // bytes of a message that is worth it

/// The JSON behind a stream's last message.
std::string end_of_stream(const Result<void>& status, const http::Headers& trailers) {
  std::string metadata;
  for (const http::HeaderField field : trailers) {
    if (is_status_field(field.name)) continue;
    metadata += fmt::format("{}{}:[{}]", metadata.empty() ? "" : ",", json_quoted(field.name), json_quoted(field.value));
  }
  std::string json = status ? "" : fmt::format("\"error\":{}", error_json(status.error()));
  if (!metadata.empty()) json += fmt::format("{}\"metadata\":{{{}}}", json.empty() ? "" : ",", metadata);
  return "{" + json + "}";
}

Bytes envelope(uint8_t flags, ByteSpan message) {
  Buffer out(kPrefix + message.size());
  out.append_u8(flags);
  out.append_be32(static_cast<uint32_t>(message.size()));
  out.append(message);
  return out.take();
}

/// Fields of the head of gRPC that the answer keeps.
void keep(const http::Headers& from, http::Headers& to) {
  for (const http::HeaderField field : from) {
    if (field.name != "content-type" && !is_status_field(field.name)) to.add(field.name, field.value);
  }
}

}  // namespace

void answer_connect_error(http::Exchange& exchange, const Error& error, http::Headers headers) {
  [[maybe_unused]] const auto sent =
      http::respond(exchange, http::status_of(error.code()), "application/json", Bytes::copy_of(error_json(error)), std::move(headers));
}

Result<Bytes> ConnectMessages::to_grpc(ByteSpan message) const {
  if (json_ == nullptr) return frame(message, Encoding::identity);
  Buffer out;
  out.extend(kPrefix);
  if (auto done = json_->read_request(path_, as_text(message), out); !done) return forward_error(done);
  finish_prefix(out, 0, false);
  return out.take();
}

Result<void> ConnectMessages::from_grpc(ByteSpan message, Buffer& out) const {
  if (json_ != nullptr) return json_->write_response(path_, message, out);
  out.append(message);
  return {};
}

OneMessageExchange::OneMessageExchange(http::ExchangePtr inner, const ConnectForm& form, ByteSpan message)
    : TranslatedExchange(std::move(inner), form.timeout),
      messages_(request().path(), form.json),
      encoding_(form.encoding),
      max_message_(form.max_message) {
  body_.append(message);
}

void OneMessageExchange::translate(ByteSpan data) {
  if (body_.size() + data.size() > max_message_) {
    return refuse(Error(Code::resource_exhausted,
                        fmt::format("the body has more than {} bytes, which is the most for a message; send a smaller one", max_message_)));
  }
  body_.append(data);
  if (auto kept = hold_here(body_.size()); !kept) refuse(kept.error());
}

void OneMessageExchange::on_end(http::Headers&) {
  if (is_over()) return;
  [[maybe_unused]] const auto whole = hold_here(0);
  Result<Bytes> message = encoding_ == Encoding::gzip && !body_.empty() ? decompress(body_.span(), max_message_) : body_.take();
  if (!message) return refuse(message.error());
  const auto framed = messages_.to_grpc(*message);
  if (!framed) return refuse(framed.error());
  if (hand_over(*framed)) hand_over_end();
}

ConnectUnary::ConnectUnary(http::ExchangePtr inner, const ConnectForm& form, ByteSpan message)
    : OneMessageExchange(std::move(inner), form, message), accepts_gzip_(form.accepts_gzip) {}

void ConnectUnary::answer_error(const Error& error) { answer_connect_error(inner(), error, std::move(head_)); }

Result<void> ConnectUnary::send_response(int, const http::Headers& headers, bool end) {
  keep(headers, head_);
  return end ? answer(headers) : Result<void>();
}

// The answer is not compressed: the request that the server saw accepts nothing.
Result<void> ConnectUnary::send_data(Bytes data, bool) {
  message_ = data.slice(kPrefix);
  return {};
}

Result<void> ConnectUnary::send_trailers(const http::Headers& trailers) {
  for (const http::HeaderField field : trailers) {
    if (!is_status_field(field.name)) head_.add(fmt::format("trailer-{}", field.name), field.value);
  }
  return answer(trailers);
}

Result<void> ConnectUnary::answer(const http::Headers& trailers) {
  set_over();
  Result<void> status = read_status(trailers);
  Buffer body;
  if (status) status = messages().from_grpc(message_, body);
  if (!status) return answer_error(status.error()), Result<void>();
  Bytes whole = body.take();
  if (accepts_gzip_ && whole.size() >= kLeastCompressed) {
    auto compressed = compress(whole);
    if (!compressed) return answer_error(compressed.error()), Result<void>();
    whole = std::move(*compressed);
    head_.add("content-encoding", "gzip");
  }
  if (accepts_gzip_) head_.add("vary", "accept-encoding");
  return http::respond(inner(), 200, fmt::format("application/{}", messages().name()), std::move(whole), std::move(head_));
}

ConnectStream::ConnectStream(http::ExchangePtr inner, const ConnectForm& form)
    : TranslatedExchange(std::move(inner), form.timeout),
      messages_(request().path(), form.json),
      accepts_gzip_(form.accepts_gzip),
      requests_(form.max_message, form.encoding) {}

void ConnectStream::translate(ByteSpan data) {
  requests_.feed(data);
  for (;;) {
    const auto message = requests_.next();
    if (!message) return refuse(message.error());
    if (!*message) break;
    const auto framed = messages_.to_grpc(**message);
    if (!framed) return refuse(framed.error());
    if (!hand_over(*framed)) return;
  }
  if (auto kept = hold_here(requests_.held()); !kept) refuse(kept.error());
}

void ConnectStream::on_end(http::Headers&) {
  if (!is_over() && requests_.is_inside()) return refuse(Error(Code::invalid_argument, "the body ends inside an envelope"));
  hand_over_end();
}

void ConnectStream::answer_error(const Error& error) {
  if (!head_sent_ && !send_response(200, {}, false)) return;
  [[maybe_unused]] const auto sent = inner().send_data(envelope(kEndStreamFlag, as_bytes(end_of_stream(std::unexpected(error), {}))), true);
}

Result<void> ConnectStream::send_response(int, const http::Headers& headers, bool end) {
  http::Headers head{{"content-type", messages_.name() == "json" ? "application/connect+json" : "application/connect+proto"}};
  if (accepts_gzip_) head.add("connect-content-encoding", "gzip");
  keep(headers, head);
  head_sent_ = true;
  auto sent = inner().send_response(200, head, false);
  return sent && end ? send_trailers(headers) : sent;
}

Result<void> ConnectStream::send_data(Bytes data, bool) {
  Buffer message;
  if (auto written = messages_.from_grpc(data.slice(kPrefix), message); !written) return written;
  if (!accepts_gzip_ || message.size() < kLeastCompressed) return inner().send_data(envelope(0, message.span()), false);
  auto compressed = compress(message.span());
  if (!compressed) return forward_error(compressed);
  return inner().send_data(envelope(kCompressedFlag, *compressed), false);
}

Result<void> ConnectStream::send_trailers(const http::Headers& trailers) {
  set_over();
  // Of an answer that is a status alone the fields have gone with the head.
  return inner().send_data(envelope(kEndStreamFlag, as_bytes(end_of_stream(read_status(trailers), trailers))), true);
}

JsonStream::JsonStream(http::ExchangePtr inner, const ConnectForm& form, bool as_events)
    : OneMessageExchange(std::move(inner), form, {}), as_events_(as_events) {}

Bytes JsonStream::error_line(const Error& error) const {
  return Bytes::copy_of(fmt::format("{}{{\"error\":{}}}{}", as_events_ ? "event: error\ndata: " : "", error_json(error), as_events_ ? "\n\n" : "\n"));
}

Result<void> JsonStream::send_head(int status) {
  head_sent_ = true;
  head_.set("content-type", as_events_ ? "text/event-stream" : "application/x-ndjson");
  if (as_events_) head_.set("cache-control", "no-store");
  return inner().send_response(status, head_, false);
}

Result<void> JsonStream::end(const Error& error) {
  if (!head_sent_) {
    if (auto sent = send_head(http::status_of(error.code())); !sent) return sent;
  }
  return inner().send_data(error_line(error), true);
}

void JsonStream::answer_error(const Error& error) { [[maybe_unused]] const auto sent = end(error); }

// The head waits for the first message, so that an error before it may have its status.
Result<void> JsonStream::send_response(int, const http::Headers& headers, bool end) {
  keep(headers, head_);
  return end ? send_trailers(headers) : Result<void>();
}

Result<void> JsonStream::send_data(Bytes data, bool) {
  if (!head_sent_) {
    if (auto sent = send_head(200); !sent) return sent;
  }
  Buffer line;
  line.append(std::string_view(as_events_ ? "data: " : ""));
  if (auto written = messages().from_grpc(data.slice(kPrefix), line); !written) return written;
  line.append(std::string_view(as_events_ ? "\n\n" : "\n"));
  return inner().send_data(line.take(), false);
}

Result<void> JsonStream::send_trailers(const http::Headers& trailers) {
  set_over();
  if (const auto status = read_status(trailers); !status) return end(status.error());
  if (!head_sent_) {
    if (auto sent = send_head(200); !sent) return sent;
  }
  return inner().send_data({}, true);
}

}  // namespace sofa::grpc::detail
