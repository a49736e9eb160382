#include "sofa/wire/dubbo/frame_codec.h"

#include <cassert>

namespace sofa::dubbo {

namespace {

constexpr uint8_t kRequestFlag = 0x80;
constexpr uint8_t kTwoWayFlag = 0x40;
constexpr uint8_t kEventFlag = 0x20;
constexpr uint8_t kSerializationMask = 0x1f;
constexpr size_t kLengthAt = 12;
constexpr size_t kMostBody = INT32_MAX;

uint8_t flags_of(const FrameHead& head) {
  return static_cast<uint8_t>((head.request ? kRequestFlag : 0) | (head.two_way ? kTwoWayFlag : 0) | (head.event ? kEventFlag : 0) |
                              (head.serialization & kSerializationMask));
}

}  // namespace

ParseStatus FrameParser::next(Buffer& in, Frame& frame) {
  if (failed_) return ParseStatus::error;
  if (frame_size_ == 0) {
    const ParseStatus status = parse_head(in.span());
    if (status == ParseStatus::too_large) static_cast<FrameHead&>(frame) = head_;
    if (status != ParseStatus::frame) return status;
  }
  if (in.size() < frame_size_) return ParseStatus::need_more;
  static_cast<FrameHead&>(frame) = head_;
  in.consume(kHeadSize);
  frame.body = in.take(frame_size_ - kHeadSize);
  frame_size_ = 0;
  return ParseStatus::frame;
}

ParseStatus FrameParser::parse_head(ByteSpan in) {
  constexpr uint8_t kFirst[] = {kMagic >> 8, kMagic & 0xff};
  for (size_t i = 0; i < std::min(in.size(), sizeof kFirst); ++i) {
    if (in[i] == kFirst[i]) continue;
    failed_ = true;
    reason_ = fmt::format("byte {} of a frame is 0x{:02x}, not 0x{:02x}: no Dubbo frame begins so", i, in[i], kFirst[i]);
    return ParseStatus::error;
  }
  if (in.size() < kHeadSize) return ParseStatus::need_more;
  const uint8_t flags = in[2];
  head_.request = (flags & kRequestFlag) != 0;
  head_.two_way = (flags & kTwoWayFlag) != 0;
  head_.event = (flags & kEventFlag) != 0;
  head_.serialization = flags & kSerializationMask;
  head_.status = static_cast<Status>(in[3]);
  head_.id = load_be<uint64_t>(in.data() + 4);
  const auto size = load_be<uint32_t>(in.data() + kLengthAt);
  if (size > kMostBody) {
    failed_ = true;
    reason_ = fmt::format("body length {} of frame {} is over 2 GiB: Java reads it as negative", size, head_.id);
    return ParseStatus::error;
  }
  if (size > max_body_) {  // the head is looked at again by every further call: the answer stays the same
    reason_ = fmt::format("body of frame {} has {} bytes, over max_frame {}", head_.id, size, max_body_);
    return ParseStatus::too_large;
  }
  frame_size_ = kHeadSize + size;
  return ParseStatus::frame;
}

size_t begin_frame(Buffer& out, const FrameHead& head) {
  const size_t offset = out.size();
  uint8_t* at = out.extend(kHeadSize);
  store_be(at, kMagic);
  at[2] = flags_of(head);
  at[3] = static_cast<uint8_t>(head.status);
  store_be(at + 4, head.id);
  store_be(at + kLengthAt, uint32_t{0});
  return offset;
}

Result<void> end_frame(Buffer& out, size_t offset) {
  const size_t size = out.size() - offset - kHeadSize;
  if (size > kMostBody) {
    out.truncate(offset);
    return fail(Code::invalid_argument, "a body of {} bytes does not fit a Dubbo frame (2 GiB - 1)", size);
  }
  out.patch_be32(offset + kLengthAt, static_cast<uint32_t>(size));
  return {};
}

void append_frame(Buffer& out, const FrameHead& head, ByteSpan body) {
  assert(body.size() <= kMostBody);
  const size_t offset = begin_frame(out, head);
  out.append(body);
  out.patch_be32(offset + kLengthAt, static_cast<uint32_t>(body.size()));
}

}  // namespace sofa::dubbo
