#include "sofa/wire/bolt/frame_writer.h"

#include <zlib.h>

#include <limits>

namespace sofa::bolt {

namespace {

constexpr size_t kMaxShort = 32767;
constexpr size_t kMaxContent = std::numeric_limits<int32_t>::max();
constexpr uint8_t kCommandVersion = 1;
/// The longest fixed header, with a CRC behind it.
constexpr size_t kMaxHead = 24 + 4;
/// Small frames share blocks of this size, so that a busy connection allocates rarely.
constexpr size_t kBlockSize = 16 * 1024;
/// A block that grew beyond this for one big frame is given back.
constexpr size_t kKeptBlock = 256 * 1024;

Result<void> check_sizes(std::string_view class_name, ByteSpan header) {
  if (class_name.size() > kMaxShort) {
    return fail(Code::invalid_argument, "class name of {} bytes does not fit a Bolt frame, which takes {}", class_name.size(), kMaxShort);
  }
  if (header.size() > kMaxShort) {
    return fail(Code::invalid_argument, "header of {} bytes does not fit a Bolt frame, which takes {}; send less baggage", header.size(), kMaxShort);
  }
  return {};
}

Result<void> check_content(size_t size) {
  if (size <= kMaxContent) return {};
  return fail(Code::invalid_argument, "content of {} bytes does not fit a Bolt frame, which takes {}", size, kMaxContent);
}

/// zlib takes a null pointer as the order to start anew, so no bytes must leave the sum as it is.
uint32_t crc_of(uint32_t crc, ByteSpan bytes) {
  return bytes.empty() ? crc : static_cast<uint32_t>(crc32(crc, bytes.data(), static_cast<uInt>(bytes.size())));
}

}  // namespace

// Frames that are complete move on when the block is full: they are never copied to a larger one.
void FrameWriter::make_room(size_t size) {
  if (tail_.empty()) tail_.clear();
  if (tail_.room() >= size) return;
  if (!tail_.empty()) parts_.add(tail_.take());
  tail_.reserve(std::max(size, kBlockSize));
}

void FrameWriter::append_head(const FrameHead& head, std::string_view class_name, ByteSpan header, size_t content_size) {
  uint8_t* at = tail_.extend(head.head_size() + class_name.size() + header.size());
  *at++ = head.protocol;
  if (head.protocol == 2) *at++ = head.version;
  *at++ = static_cast<uint8_t>(head.type);
  store_be(at, static_cast<uint16_t>(head.command));
  at[2] = kCommandVersion;
  store_be(at + 3, head.id);
  at[7] = head.codec;
  at += 8;
  if (head.protocol == 2) *at++ = head.switches;
  if (head.is_response()) {
    store_be(at, static_cast<uint16_t>(head.status));
    at += 2;
  } else {
    store_be(at, head.timeout_ms);
    at += 4;
  }
  store_be(at, static_cast<uint16_t>(class_name.size()));
  store_be(at + 2, static_cast<uint16_t>(header.size()));
  store_be(at + 4, static_cast<uint32_t>(content_size));
  at += 8;
  if (!class_name.empty()) std::memcpy(at, class_name.data(), class_name.size());
  if (!header.empty()) std::memcpy(at + class_name.size(), header.data(), header.size());
}

Result<void> FrameWriter::append(const FrameHead& head, std::string_view class_name, ByteSpan header, Bytes content) {
  if (auto ok = check_sizes(class_name, header); !ok) return ok;
  if (auto ok = check_content(content.size()); !ok) return ok;
  const bool copied = content.size() <= copy_limit_;
  make_room(kMaxHead + class_name.size() + header.size() + (copied ? content.size() : 0));
  const size_t start = tail_.size();
  append_head(head, class_name, header, content.size());
  const ByteSpan written = tail_.span().subspan(start);
  const uint32_t crc = head.has_crc() ? crc_of(crc_of(0, written), content) : 0;
  if (copied) {
    tail_.append(content.span());
  } else {
    parts_.add(tail_.take());
    parts_.add(std::move(content));
  }
  if (head.has_crc()) tail_.append_be32(crc);
  return {};
}

void FrameWriter::append(const FrameHead& head) {
  make_room(kMaxHead);
  append_head(head, {}, {}, 0);
  if (head.has_crc()) tail_.append_be32(crc_of(0, tail_.span().last(head.head_size())));
}

Result<Buffer*> FrameWriter::begin(const FrameHead& head, std::string_view class_name, ByteSpan header) {
  if (auto ok = check_sizes(class_name, header); !ok) return forward_error(ok);
  make_room(kMaxHead + class_name.size() + header.size());
  open_head_ = head;
  open_at_ = tail_.size();
  append_head(head, class_name, header, 0);
  content_at_ = tail_.size();
  return &tail_;
}

Result<void> FrameWriter::finish() {
  const size_t content_size = tail_.size() - content_at_;
  if (auto ok = check_content(content_size); !ok) {
    abandon();
    return ok;
  }
  const size_t length_at = open_at_ + open_head_.head_size() - 4;
  tail_.patch_be32(length_at, static_cast<uint32_t>(content_size));
  if (open_head_.has_crc()) tail_.append_be32(crc_of(0, tail_.span().subspan(open_at_)));
  return {};
}

void FrameWriter::abandon() { tail_.truncate(open_at_); }

void FrameWriter::consume(size_t size) {
  tail_.consume(size);
  if (tail_.empty() && tail_.room() > kKeptBlock) tail_ = Buffer();
}

void FrameWriter::take(GatherList& out) {
  if (out.empty()) {
    std::swap(out, parts_);
  } else {
    for (const Bytes& part : parts_.parts()) out.add(part);
  }
  parts_.clear();
  if (!tail_.empty()) out.add(tail_.take());
}

}  // namespace sofa::bolt
