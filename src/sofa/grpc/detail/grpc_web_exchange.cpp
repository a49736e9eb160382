#include "sofa/grpc/detail/grpc_web_exchange.h"

#include "sofa/base/base64.h"
#include "sofa/grpc/detail/fields.h"

namespace sofa::grpc::detail {

namespace {

constexpr uint8_t kTrailersFlag = 0x80;
constexpr size_t kGroup = 4;

/// The frame that holds the trailers as lines of HTTP/1.1.
Bytes trailers_frame(const http::Headers& trailers) {
  Buffer out;
  out.append_u8(kTrailersFlag);
  out.append_be32(0);
  for (const http::HeaderField field : trailers) out.append(fmt::format("{}: {}\r\n", field.name, field.value));
  out.patch_be32(1, static_cast<uint32_t>(out.size() - kPrefix));
  return out.take();
}

/// Appends the bytes of whole groups; a padded one may stand anywhere, since each piece of a stream may be encoded alone.
bool decode_groups(std::string_view text, Buffer& out) {
  while (!text.empty()) {
    const size_t padded = text.find('=');
    const size_t size = padded == std::string_view::npos ? text.size() : (padded / kGroup + 1) * kGroup;
    const auto bytes = from_base64(text.substr(0, size));
    if (!bytes) return false;
    out.append(ByteSpan(*bytes));
    text.remove_prefix(size);
  }
  return true;
}

}  // namespace

GrpcWebExchange::GrpcWebExchange(http::ExchangePtr inner, std::string_view content_type)
    : TranslatedExchange(std::move(inner), {}), content_type_(content_type), is_text_(content_type.starts_with("application/grpc-web-text")) {
  // A deadline is said as in gRPC.
  if (const auto timeout = this->inner().request().headers.get("grpc-timeout")) request_.headers.set("grpc-timeout", *timeout);
}

void GrpcWebExchange::translate(ByteSpan data) {
  if (!is_text_) {
    [[maybe_unused]] const bool here = hand_over(data);
    return;
  }
  undecoded_.append(as_text(data));
  const size_t whole = undecoded_.size() / kGroup * kGroup;
  Buffer decoded;
  if (!decode_groups(std::string_view(undecoded_).substr(0, whole), decoded)) {
    return refuse(Error(Code::invalid_argument, "the body is no base64, as application/grpc-web-text says"));
  }
  undecoded_.erase(0, whole);
  [[maybe_unused]] const bool here = hand_over(decoded.take());
}

void GrpcWebExchange::on_end(http::Headers&) {
  if (!is_over() && !undecoded_.empty()) return refuse(Error(Code::invalid_argument, "the body ends inside a group of base64"));
  hand_over_end();
}

void GrpcWebExchange::answer_error(const Error& error) {
  http::Headers status;
  add_status(status, std::unexpected(error));
  [[maybe_unused]] const auto sent = head_sent_ ? send_trailers(status) : send_response(200, status, true);
}

Result<void> GrpcWebExchange::send_response(int status, const http::Headers& headers, bool end) {
  http::Headers head{{"content-type", content_type_}};
  http::Headers trailers;
  for (const http::HeaderField field : headers) {
    if (field.name != "content-type") (is_status_field(field.name) ? trailers : head).add(field.name, field.value);
  }
  head_sent_ = true;
  auto sent = inner().send_response(status, head, false);
  return sent && end ? send_trailers(trailers) : sent;
}

Result<void> GrpcWebExchange::send_data(Bytes data, bool end) {
  if (!is_text_) return inner().send_data(std::move(data), end);
  return inner().send_data(Bytes::copy_of(to_base64(data)), end);
}

Result<void> GrpcWebExchange::send_trailers(const http::Headers& trailers) {
  set_over();
  return send_data(trailers_frame(trailers), true);
}

}  // namespace sofa::grpc::detail
