#include "sofa/http/detail/websocket_codec.h"

#include <openssl/evp.h>
#include <zlib.h>

#include <algorithm>

#include "sofa/base/base64.h"
#include "sofa/base/utf8.h"
#include "sofa/http/detail/text.h"

namespace sofa::http::detail {

namespace {

constexpr size_t kStep = size_t{16} << 10;
constexpr size_t kMaxControl = 125;
constexpr uint8_t kFinal = 0x80, kDeflated = 0x40, kMasked = 0x80;
/// What a sync flush ends with, and what a sender leaves away (RFC 7692, 7.2.1).
constexpr uint8_t kFlushTail[4] = {0x00, 0x00, 0xff, 0xff};

bool is_control(Opcode opcode) { return static_cast<uint8_t>(opcode) >= 8; }
bool is_known(Opcode opcode) { return opcode <= Opcode::binary || (opcode >= Opcode::close && opcode <= Opcode::pong); }

/// Applies the mask from its byte `at` on.
void unmask(uint8_t* bytes, size_t size, const uint8_t (&mask)[4], size_t at) {
  for (size_t i = 0; i < size; ++i) bytes[i] ^= mask[(at + i) & 3];
}

}  // namespace

// ---------------------------------------------------------------- permessage-deflate

MessageDeflater::MessageDeflater(const DeflateRules& rules) : stream_(std::make_unique<z_stream>()), takeover_(rules.own_takeover) {
  ::deflateInit2(stream_.get(), 1, Z_DEFLATED, -rules.own_window_bits, 8, Z_DEFAULT_STRATEGY);
}
MessageDeflater::~MessageDeflater() { ::deflateEnd(stream_.get()); }

Bytes MessageDeflater::deflate(ByteSpan message) {
  Buffer out;
  stream_->next_in = const_cast<Bytef*>(message.data());
  stream_->avail_in = static_cast<uInt>(message.size());
  do {
    out.reserve(kStep);
    const size_t room = out.room();
    stream_->next_out = out.free_space().data();
    stream_->avail_out = static_cast<uInt>(room);
    ::deflate(stream_.get(), Z_SYNC_FLUSH);
    out.commit(room - stream_->avail_out);
  } while (stream_->avail_out == 0);
  if (out.size() >= sizeof kFlushTail) out.truncate(out.size() - sizeof kFlushTail);
  if (out.empty()) out.append_u8(0);
  if (!takeover_) ::deflateReset(stream_.get());
  return out.take();
}

MessageInflater::MessageInflater(const DeflateRules& rules) : stream_(std::make_unique<z_stream>()), takeover_(rules.peer_takeover) {
  ::inflateInit2(stream_.get(), -MAX_WBITS);
}
MessageInflater::~MessageInflater() { ::inflateEnd(stream_.get()); }

Result<Bytes> MessageInflater::inflate(ByteSpan packed, size_t max) {
  Buffer out;
  for (const ByteSpan part : {packed, ByteSpan(kFlushTail)}) {
    stream_->next_in = const_cast<Bytef*>(part.data());
    stream_->avail_in = static_cast<uInt>(part.size());
    do {
      out.reserve(kStep);
      const size_t room = out.room();
      stream_->next_out = out.free_space().data();
      stream_->avail_out = static_cast<uInt>(room);
      const int code = ::inflate(stream_.get(), Z_SYNC_FLUSH);
      out.commit(room - stream_->avail_out);
      if (out.size() > max) return fail(Code::resource_exhausted, "the message has more than {} bytes when decompressed (max_message)", max);
      if (code == Z_STREAM_END) ::inflateReset(stream_.get());
      if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) {
        return fail(Code::invalid_argument, "a compressed message is no DEFLATE: {}", stream_->msg == nullptr ? "it is damaged" : stream_->msg);
      }
      if (code == Z_BUF_ERROR) break;
    } while (stream_->avail_in > 0 || stream_->avail_out == 0);
  }
  if (!takeover_) ::inflateReset(stream_.get());
  return out.take();
}

// ---------------------------------------------------------------- reading

WebSocketReader::WebSocketReader(bool masked, size_t max_message, const DeflateRules* deflate) : masked_(masked), max_message_(max_message) {
  if (deflate != nullptr) inflater_.emplace(*deflate);
}

WebSocketReader::Event WebSocketReader::fail(uint16_t code, std::string problem) {
  close_code_ = code;
  problem_ = std::move(problem);
  return Event::failed;
}

WebSocketReader::Event WebSocketReader::next(Buffer& in) {
  for (;;) {
    if (!in_frame_) {
      const Event event = take_head(in);
      if (event != Event::message) return event;
    }
    if (left_ > 0) {
      if (in.empty()) return Event::need_more;
      take_bytes(in);
      if (left_ > 0) return Event::need_more;
    }
    in_frame_ = false;
    const Event event = end_frame();
    if (event != Event::need_more) return event;
  }
}

// Event::message: a head was taken, and it is in order.
WebSocketReader::Event WebSocketReader::take_head(Buffer& in) {
  if (in.size() < 2) return Event::need_more;
  const uint8_t* bytes = in.data();
  const uint8_t short_length = bytes[1] & 0x7f;
  const size_t length_bytes = short_length == 126 ? 2 : short_length == 127 ? 8 : 0;
  const bool has_mask = (bytes[1] & kMasked) != 0;
  const size_t size = 2 + length_bytes + (has_mask ? 4 : 0);
  final_ = (bytes[0] & kFinal) != 0;
  reserved_bits_ = bytes[0] & 0x70;
  frame_ = static_cast<Opcode>(bytes[0] & 0x0f);
  left_ = short_length;
  if (has_mask != masked_) return fail(1002, masked_ ? "a client's frame is not masked" : "a server's frame is masked");
  if (const Event wrong = check_head(); wrong == Event::failed) return wrong;
  if (in.size() < size) return Event::need_more;
  if (length_bytes == 2) left_ = load_be<uint16_t>(bytes + 2);
  if (length_bytes == 8) left_ = load_be<uint64_t>(bytes + 2);
  const bool shortest = length_bytes == 0 || (length_bytes == 2 ? left_ > 125 : left_ > 0xffff && left_ >> 63 == 0);
  if (!shortest) return fail(1002, "the length of a frame is not written in its shortest form");
  if (!is_control(frame_) && left_ > max_message_ - std::min(max_message_, message_.size())) {
    return fail(1009, fmt::format("a message has more than {} bytes (max_message)", max_message_));
  }
  if (has_mask) std::copy_n(bytes + size - 4, 4, mask_);
  mask_at_ = 0;
  in.consume(size);
  in_frame_ = true;
  return Event::message;
}

WebSocketReader::Event WebSocketReader::check_head() {
  if (!is_known(frame_)) return fail(1002, fmt::format("the opcode {} is not known", static_cast<int>(frame_)));
  if (is_control(frame_)) {
    if (reserved_bits_ != 0) return fail(1002, "a control frame has a reserved bit set");
    if (!final_ || left_ > kMaxControl) return fail(1002, "a control frame is fragmented or has more than 125 bytes");
    return Event::need_more;
  }
  const bool first = frame_ != Opcode::continuation;
  if (first == in_message_) return fail(1002, first ? "a message begins inside another one" : "a continuation has no message before it");
  const bool deflated = reserved_bits_ == kDeflated && first && inflater_.has_value();
  if (reserved_bits_ != 0 && !deflated) return fail(1002, "a frame has a reserved bit set");
  return Event::need_more;
}

WebSocketReader::Event WebSocketReader::take_bytes(Buffer& in) {
  Buffer& into = is_control(frame_) ? control_ : message_;
  const size_t n = std::min<uint64_t>(left_, in.size());
  uint8_t* at = into.extend(n);
  std::memcpy(at, in.data(), n);
  if (masked_) unmask(at, n, mask_, mask_at_);
  mask_at_ += n;
  left_ -= n;
  in.consume(n);
  return Event::need_more;
}

WebSocketReader::Event WebSocketReader::end_frame() {
  if (is_control(frame_)) return end_control();
  if (frame_ != Opcode::continuation) {
    in_message_ = true;
    message_opcode_ = frame_;
    compressed_ = reserved_bits_ == kDeflated;
  }
  if (!final_) return Event::need_more;
  in_message_ = false;
  return end_message();
}

WebSocketReader::Event WebSocketReader::end_message() {
  opcode_ = message_opcode_;
  payload_ = message_.take();
  if (compressed_) {
    auto plain = inflater_->inflate(payload_.span(), max_message_);
    if (!plain) return fail(plain.error().code() == Code::resource_exhausted ? 1009 : 1007, std::string(plain.error().message()));
    payload_ = std::move(*plain);
  }
  if (opcode_ == Opcode::text && !is_utf8(payload_.text())) return fail(1007, "a text message is not UTF-8");
  return Event::message;
}

WebSocketReader::Event WebSocketReader::end_control() {
  opcode_ = frame_;
  payload_ = control_.take();
  if (frame_ == Opcode::close) return end_close();
  return frame_ == Opcode::ping ? Event::ping : Event::pong;
}

WebSocketReader::Event WebSocketReader::end_close() {
  close_code_ = 1005;
  if (payload_.empty()) return Event::close;
  if (payload_.size() == 1) return fail(1002, "a close frame has half a code");
  const uint16_t code = load_be<uint16_t>(payload_.data());
  if (!is_close_code(code)) return fail(1002, fmt::format("the close code {} is none", code));
  payload_ = payload_.slice(2);
  if (!is_utf8(payload_.text())) return fail(1007, "the reason of a close frame is not UTF-8");
  close_code_ = code;
  return Event::close;
}

// ---------------------------------------------------------------- writing

void append_frame(Buffer& out, Opcode opcode, ByteSpan payload, bool compressed, const uint8_t* mask) {
  out.append_u8(static_cast<uint8_t>(kFinal | (compressed ? kDeflated : 0) | static_cast<uint8_t>(opcode)));
  const uint8_t bit = mask == nullptr ? 0 : kMasked;
  if (payload.size() <= 125) {
    out.append_u8(static_cast<uint8_t>(bit | payload.size()));
  } else if (payload.size() <= 0xffff) {
    out.append_u8(bit | 126);
    out.append_be16(static_cast<uint16_t>(payload.size()));
  } else {
    out.append_u8(bit | 127);
    out.append_be64(payload.size());
  }
  if (mask == nullptr) return out.append(payload);
  out.append(ByteSpan(mask, 4));
  if (payload.empty()) return;
  uint8_t key[4];
  std::copy_n(mask, 4, key);
  uint8_t* at = out.extend(payload.size());
  std::memcpy(at, payload.data(), payload.size());
  unmask(at, payload.size(), key, 0);
}

Bytes close_payload(uint16_t code, std::string_view reason) {
  Buffer out;
  if (code == 1005) return {};
  out.append_be16(code);
  size_t size = std::min(reason.size(), kMaxControl - 2);
  while (size > 0 && !is_utf8(reason.substr(0, size))) --size;
  out.append(reason.substr(0, size));
  return out.take();
}

bool is_close_code(uint16_t code) {
  if (code >= 3000 && code <= 4999) return true;
  return code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006;
}

// ---------------------------------------------------------------- the handshake

std::string websocket_accept(std::string_view key) {
  const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  uint8_t digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  ::EVP_Digest(text.data(), text.size(), digest, &size, ::EVP_sha1(), nullptr);
  return to_base64(ByteSpan(digest, size));
}

namespace {

/// The parameters of one "permessage-deflate; a; b=1".
struct DeflateParameters {
  bool own_name = false;  // it is permessage-deflate
  bool valid = true;
  bool server_no_takeover = false, client_no_takeover = false;
  std::optional<int> server_bits, client_bits;
  bool client_bits_asked = false;  // client_max_window_bits, with a value or without
};

/// 8 to 15, without a leading zero (RFC 7692, 7.1.2).
std::optional<int> window_bits(std::string_view value) {
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
  const auto bits = whole_number(value);
  if (!bits || *bits < 8 || *bits > 15 || value.front() == '0') return std::nullopt;
  return static_cast<int>(*bits);
}

void read_parameter(DeflateParameters& read, std::string_view parameter) {
  const size_t equals = std::min(parameter.find('='), parameter.size());
  const std::string_view name = trimmed(parameter.substr(0, equals));
  const bool has_value = equals < parameter.size();
  const std::string_view value = has_value ? trimmed(parameter.substr(equals + 1)) : std::string_view{};
  const auto once = [&](bool& seen) {
    if (seen || has_value) read.valid = false;
    seen = true;
  };
  if (name == "server_no_context_takeover") return once(read.server_no_takeover);
  if (name == "client_no_context_takeover") return once(read.client_no_takeover);
  if (name == "server_max_window_bits") {
    if (read.server_bits) read.valid = false;
    read.server_bits = window_bits(value);
    if (!read.server_bits) read.valid = false;
    return;
  }
  if (name == "client_max_window_bits") {
    if (read.client_bits_asked) read.valid = false;
    if (has_value) read.client_bits = window_bits(value);
    if (has_value && !read.client_bits) read.valid = false;
    read.client_bits_asked = true;
    return;
  }
  read.valid = false;
}

DeflateParameters read_extension(std::string_view extension) {
  DeflateParameters read;
  bool first = true;
  for_each_item(
      extension,
      [&](std::string_view part) {
        if (std::exchange(first, false)) {
          read.own_name = equal_without_case(part, "permessage-deflate");
        } else {
          read_parameter(read, part);
        }
      },
      ';');
  return read;
}

}  // namespace

std::optional<DeflateAnswer> answer_deflate_offer(std::string_view offers, bool takeover) {
  std::optional<DeflateAnswer> answer;
  for_each_item(offers, [&](std::string_view offer) {
    const DeflateParameters read = read_extension(offer);
    // zlib writes no window of 8 bits.
    if (answer || !read.own_name || !read.valid || read.server_bits == 8) return;
    answer.emplace();
    answer->header = "permessage-deflate";
    answer->rules.own_takeover = takeover && !read.server_no_takeover;
    answer->rules.peer_takeover = takeover && !read.client_no_takeover;
    answer->rules.own_window_bits = read.server_bits.value_or(15);
    if (!answer->rules.own_takeover) answer->header += "; server_no_context_takeover";
    if (!answer->rules.peer_takeover) answer->header += "; client_no_context_takeover";
    if (read.server_bits) answer->header += fmt::format("; server_max_window_bits={}", *read.server_bits);
  });
  return answer;
}

std::string deflate_offer(bool takeover) {
  return takeover ? "permessage-deflate; client_max_window_bits"
                  : "permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits";
}

Result<DeflateRules> read_deflate_answer(std::string_view answer, bool takeover) {
  const DeflateParameters read = read_extension(answer);
  const bool offered = read.own_name && read.valid && (!read.client_bits_asked || read.client_bits) && read.client_bits != 8;
  if (!offered || answer.find(',') != std::string_view::npos) {
    return fail(Code::invalid_argument, "the server answered with the extensions '{}', which were not offered", answer);
  }
  DeflateRules rules;
  rules.own_takeover = takeover && !read.client_no_takeover;
  rules.peer_takeover = !read.server_no_takeover;
  rules.own_window_bits = read.client_bits.value_or(15);
  return rules;
}

}  // namespace sofa::http::detail
