#pragma once
// Bytes to frames and messages of RFC 6455 and back, with permessage-deflate (RFC 7692). Pure: no socket, no clock, randomness given.

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "sofa/base/bytes.h"
#include "sofa/base/error.h"

struct z_stream_s;

namespace sofa::http::detail {

enum class Opcode : uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

/// What was agreed on in the handshake.
struct DeflateRules {
  bool own_takeover = false;   ///< our compressor keeps its window from message to message
  bool peer_takeover = false;  ///< the peer's does
  int own_window_bits = 15;    ///< 9 to 15
};

/// Raw DEFLATE of one direction.
class MessageDeflater {
 public:
  explicit MessageDeflater(const DeflateRules& rules);
  ~MessageDeflater();
  Bytes deflate(ByteSpan message);

 private:
  std::unique_ptr<z_stream_s> stream_;
  const bool takeover_;
};
class MessageInflater {
 public:
  explicit MessageInflater(const DeflateRules& rules);
  ~MessageInflater();
  /// At most `max` bytes: resource_exhausted over it, invalid_argument for what is no DEFLATE.
  Result<Bytes> inflate(ByteSpan packed, size_t max);

 private:
  std::unique_ptr<z_stream_s> stream_;
  const bool takeover_;
};

/// Reads what a peer sends.
class WebSocketReader {
 public:
  enum class Event : uint8_t {
    need_more,
    message,  ///< opcode() is text or binary, payload() the whole message
    ping,     ///< payload()
    pong,     ///< payload()
    close,    ///< close_code() and payload(), the reason; no further call
    failed,   ///< close_code() and problem(); no further call
  };

  /// `masked`: the peer is a client and masks its frames; otherwise it must not. `deflate`: null when it was not agreed on.
  WebSocketReader(bool masked, size_t max_message, const DeflateRules* deflate);
  Event next(Buffer& in);

  Opcode opcode() const { return opcode_; }
  Bytes take_payload() { return std::move(payload_); }
  uint16_t close_code() const { return close_code_; }  ///< 1005: a close frame without a code
  const std::string& problem() const { return problem_; }
  size_t held() const { return message_.size() + control_.size(); }  ///< bytes of a message that is not whole

 private:
  Event fail(uint16_t code, std::string problem);
  Event take_head(Buffer& in);
  Event check_head();
  Event take_bytes(Buffer& in);
  Event end_frame();
  Event end_message();
  Event end_control();
  Event end_close();

  const bool masked_;
  const size_t max_message_;
  std::optional<MessageInflater> inflater_;

  bool in_frame_ = false;
  // The frame at hand.
  bool final_ = false;
  uint8_t reserved_bits_ = 0;
  Opcode frame_ = Opcode::continuation;
  uint64_t left_ = 0;
  uint8_t mask_[4] = {};
  size_t mask_at_ = 0;
  // The message at hand, and a control frame in the middle of it.
  bool in_message_ = false;
  bool compressed_ = false;
  Opcode message_opcode_ = Opcode::text;
  Buffer message_;
  Buffer control_;

  Opcode opcode_ = Opcode::text;
  Bytes payload_;
  uint16_t close_code_ = 0;
  std::string problem_;
};

/// Appends one whole frame; a client gives a mask.
void append_frame(Buffer& out, Opcode opcode, ByteSpan payload, bool compressed, const uint8_t* mask);
/// The payload of a close frame; the reason is cut to what fits.
Bytes close_payload(uint16_t code, std::string_view reason);
/// Codes that may stand in a close frame (RFC 6455, 7.4).
bool is_close_code(uint16_t code);

/// "sec-websocket-accept" for a key (RFC 6455, 4.2.2).
std::string websocket_accept(std::string_view key);

/// The answer of a server to the extensions that a client offers, and what it means for it; nothing when none is taken.
struct DeflateAnswer {
  DeflateRules rules;
  std::string header;
};
std::optional<DeflateAnswer> answer_deflate_offer(std::string_view offers, bool takeover);
/// What a client offers, and what the server's answer to it means. Code::invalid_argument for an answer that was not offered.
std::string deflate_offer(bool takeover);
Result<DeflateRules> read_deflate_answer(std::string_view answer, bool takeover);

}  // namespace sofa::http::detail
