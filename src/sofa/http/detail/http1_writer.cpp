#include "sofa/http/detail/http1_writer.h"

#include <boost/beast/http/status.hpp>

#include "sofa/http/detail/http1_syntax.h"
#include "sofa/http/detail/text.h"

namespace sofa::http::detail {

namespace {

constexpr std::string_view kCrlf = "\r\n";

bool belongs_to_connection(std::string_view name) {
  return name == "connection" || name == "transfer-encoding" || name == "keep-alive" || name == "upgrade" || name == "te" || name == "trailer" ||
         name == "proxy-connection";
}

void append_field(Buffer& out, std::string_view name, std::string_view value) {
  uint8_t* at = out.extend(name.size() + value.size() + 4);
  const auto put = [&at](std::string_view text) {
    std::memcpy(at, text.data(), text.size());
    at += text.size();
  };
  put(name);
  put(": ");
  put(value);
  put(kCrlf);
}

void append_fields(Buffer& out, const Headers& headers, const HeadFrame& frame) {
  bool has_length = false;
  for (const HeaderField field : headers) {
    if (belongs_to_connection(field.name) && !(frame.framing == Framing::raw && field.name == "upgrade")) continue;
    if (field.name == "content-length") {
      if (frame.no_length || frame.framing == Framing::chunked || frame.framing == Framing::raw) continue;
      has_length = true;
    }
    append_field(out, field.name, field.value);
  }
  if (frame.zero_length && !has_length) append_field(out, "content-length", "0");
  if (frame.framing == Framing::chunked) append_field(out, "transfer-encoding", "chunked");
  if (!frame.connection.empty()) append_field(out, "connection", frame.connection);
  if (!frame.date.empty() && !headers.contains("date")) append_field(out, "date", frame.date);
  out.append(kCrlf);
}

std::string_view version_word(Version version) { return version == Version::http1_0 ? "HTTP/1.0" : "HTTP/1.1"; }

}  // namespace

void append_response_head(Buffer& out, int status, Version version, const Headers& headers, const HeadFrame& frame) {
  const char digits[5] = {' ', static_cast<char>('0' + status / 100), static_cast<char>('0' + status / 10 % 10), static_cast<char>('0' + status % 10),
                          ' '};
  out.append(version_word(version));
  out.append(std::string_view(digits, sizeof digits));
  out.append(reason_phrase(status));
  out.append("\r\n");
  append_fields(out, headers, frame);
}

void append_request_head(Buffer& out, const RequestHead& head, const HeadFrame& frame) {
  out.append(head.method);
  out.append(" ");
  out.append(head.target);
  out.append(" HTTP/1.1\r\n");
  if (!head.headers.contains("host")) append_field(out, "host", head.authority);
  append_fields(out, head.headers, frame);
}

std::string_view reason_phrase(int status) {
  const auto text = boost::beast::http::obsolete_reason(boost::beast::http::int_to_status(static_cast<unsigned>(status)));
  return {text.data(), text.size()};
}

Result<void> BodyWriter::data(Bytes data, bool end, GatherList& out) {
  const size_t size = data.size();
  switch (framing_) {
    case Framing::none:
      if (size > 0) return fail(Code::failed_precondition, "{} bytes were sent of a message that has no body", size);
      break;
    case Framing::length:
      if (size > left_) {
        return fail(Code::failed_precondition, "{} bytes were sent, and {} are left of the content-length: send what it says", size, left_);
      }
      left_ -= size;
      if (!discard_) out.add(std::move(data));
      break;
    case Framing::chunked:
      if (size == 0 || discard_) break;
      out.add(Bytes::copy_of(fmt::format("{:x}\r\n", size)));
      out.add(std::move(data));
      out.add(Bytes::literal(kCrlf));
      break;
    case Framing::until_close:
    case Framing::raw:
      if (!discard_) out.add(std::move(data));
      break;
  }
  return end ? this->end(nullptr, out) : Result<void>{};
}

Result<void> BodyWriter::end(const Headers* trailers, GatherList& out) {
  if (framing_ == Framing::length && left_ > 0 && !discard_) {
    return fail(Code::failed_precondition, "the message ended with {} bytes of its content-length missing: send what it says", left_);
  }
  if (framing_ != Framing::chunked || discard_) return {};
  Buffer last;
  last.append("0\r\n");
  if (trailers != nullptr) {
    for (const HeaderField field : *trailers) append_field(last, field.name, field.value);
  }
  last.append(kCrlf);
  out.add(last.take());
  return {};
}

std::optional<uint64_t> content_length(const Headers& headers) { return headers.get("content-length").and_then(whole_number<uint64_t>); }

}  // namespace sofa::http::detail
