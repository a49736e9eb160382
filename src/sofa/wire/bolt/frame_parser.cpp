#include "sofa/wire/bolt/frame_parser.h"

#include <fmt/format.h>
#include <zlib.h>

namespace sofa::bolt {

namespace {

constexpr size_t kCrcSize = 4;

bool known_command(FrameType type, uint16_t command) {
  if (command == static_cast<uint16_t>(Command::heartbeat)) return true;
  if (type == FrameType::response) return command == static_cast<uint16_t>(Command::response);
  return command == static_cast<uint16_t>(Command::request) || command == static_cast<uint16_t>(Command::goaway);
}

}  // namespace

ParseStatus FrameParser::fail(std::string reason) {
  reason_ = std::move(reason);
  failed_ = ParseStatus::error;
  return failed_;
}

ParseStatus FrameParser::next(Buffer& in, Frame& frame) {
  if (failed_ == ParseStatus::error) return failed_;
  if (frame_size_ == 0) {
    const ParseStatus status = parse_head(in.span());
    if (status == ParseStatus::too_large) static_cast<FrameHead&>(frame) = head_;
    if (status != ParseStatus::frame) return status;
  }
  if (in.size() < frame_size_) return ParseStatus::need_more;
  if (head_.has_crc() && !crc_matches(in.span().first(frame_size_))) {
    return fail(fmt::format("the CRC of frame {} does not match its bytes", head_.id));
  }
  static_cast<FrameHead&>(frame) = head_;
  frame.class_size = static_cast<uint16_t>(class_size_);
  frame.header_size = static_cast<uint16_t>(header_size_);
  in.consume(head_.head_size());
  const size_t trailer = head_.has_crc() ? kCrcSize : 0;
  frame.body = in.take(frame_size_ - head_.head_size() - trailer);
  in.consume(trailer);
  frame_size_ = 0;
  return ParseStatus::frame;
}

// Refuses what the first bytes already show, so that a stranger is cut off without waiting for a whole head.
ParseStatus FrameParser::check_first_bytes(ByteSpan in) {
  if (in.empty()) return ParseStatus::need_more;
  const uint8_t protocol = in[0];
  if (protocol != 1 && protocol != 2) return fail(fmt::format("first byte 0x{:02x} is no Bolt version (1 or 2)", protocol));
  if (in.size() < 2) return ParseStatus::need_more;
  if (protocol == 2 && in[1] != 1 && in[1] != 2) return fail(fmt::format("Bolt v2 version byte is {}, not 1 or 2", in[1]));
  const size_t type_at = protocol == 1 ? 1 : 2;
  if (in.size() <= type_at) return ParseStatus::need_more;
  if (in[type_at] > 2) return fail(fmt::format("frame type {} is none of response, request, oneway", in[type_at]));
  return ParseStatus::frame;
}

ParseStatus FrameParser::parse_head(ByteSpan in) {
  if (const ParseStatus first = check_first_bytes(in); first != ParseStatus::frame) return first;
  FrameHead& head = head_;
  head = {};
  head.protocol = in[0];
  const uint8_t* at = in.data() + 1;
  if (head.protocol == 2) head.version = *at++;
  head.type = static_cast<FrameType>(*at++);
  if (in.size() < head.head_size()) return ParseStatus::need_more;

  const uint16_t command = load_be<uint16_t>(at);
  if (!known_command(head.type, command)) {
    return fail(fmt::format("command {} is unknown in a {}", command, head.is_response() ? "response" : "request"));
  }
  head.command = static_cast<Command>(command);
  at += 3;  // the command, and its own version byte, which no implementation looks at
  head.id = load_be<uint32_t>(at);
  head.codec = at[4];
  at += 5;
  if (head.protocol == 2) head.switches = *at++;
  if (head.is_response()) {
    head.status = static_cast<Status>(load_be<uint16_t>(at));
    at += 2;
  } else {
    head.timeout_ms = load_be<int32_t>(at);
    at += 4;
  }
  class_size_ = load_be<uint16_t>(at);
  header_size_ = load_be<uint16_t>(at + 2);
  const auto content_size = load_be<int32_t>(at + 4);
  if (content_size < 0) return fail(fmt::format("content length {} of frame {} is negative", content_size, head.id));
  frame_size_ = head.head_size() + class_size_ + header_size_ + static_cast<size_t>(content_size) + (head.has_crc() ? kCrcSize : 0);
  return check_head();
}

ParseStatus FrameParser::check_head() {
  if ((head_.switches & 0x80) != 0) return fail(fmt::format("switch byte 0x{:02x} of frame {} is over 127", head_.switches, head_.id));
  if (class_size_ > limits_.max_class) {
    return fail(fmt::format("class name of frame {} has {} bytes, over {}", head_.id, class_size_, limits_.max_class));
  }
  if (header_size_ > limits_.max_header) {
    return fail(fmt::format("header of frame {} has {} bytes, over {}", head_.id, header_size_, limits_.max_header));
  }
  const size_t content_size = frame_size_ - head_.head_size() - class_size_ - header_size_ - (head_.has_crc() ? kCrcSize : 0);
  if (content_size > limits_.max_frame) {
    frame_size_ = 0;  // the head is looked at again by every further call: the answer stays the same
    reason_ = fmt::format("content of frame {} has {} bytes, over max_frame {}", head_.id, content_size, limits_.max_frame);
    return ParseStatus::too_large;
  }
  return ParseStatus::frame;
}

bool FrameParser::crc_matches(ByteSpan frame) const {
  const ByteSpan covered = frame.first(frame.size() - kCrcSize);
  return crc32(0, covered.data(), static_cast<uInt>(covered.size())) == load_be<uint32_t>(frame.data() + covered.size());
}

}  // namespace sofa::bolt
