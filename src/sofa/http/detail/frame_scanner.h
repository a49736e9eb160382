#pragma once
// Finds the heads of HTTP/2's frames in a stream of bytes (RFC 9113, 4.1), wherever reads cut it.

#include <array>
#include <optional>

#include "sofa/base/bytes.h"

namespace sofa::http::detail {

struct FrameHead {
  uint32_t length;  // of the payload
  uint8_t type;
  uint8_t flags;
  int32_t stream;
};

class FrameScanner {
 public:
  static constexpr size_t kHeadSize = 9;

  /// `preface`: bytes before the first frame.
  explicit FrameScanner(size_t preface) : skip_(preface) {}

  /// The next frame head that ends in `bytes` at or after `at`, which moves behind it; nothing when it takes more bytes.
  std::optional<FrameHead> next(ByteSpan bytes, size_t& at) {
    while (at < bytes.size()) {
      if (skip_ > 0) {
        const size_t now = std::min(skip_, bytes.size() - at);
        skip_ -= now;
        at += now;
      } else if (have_ == 0 && bytes.size() - at >= kHeadSize) {
        at += kHeadSize;
        return parse(bytes.data() + at - kHeadSize);
      } else {
        partial_[have_++] = bytes[at++];
        if (have_ < kHeadSize) continue;
        have_ = 0;
        return parse(partial_.data());
      }
    }
    return std::nullopt;
  }
  /// Whether a frame's head, or its payload, has begun and is not whole.
  bool inside_head() const { return have_ > 0; }
  bool inside_payload() const { return skip_ > 0; }

 private:
  FrameHead parse(const uint8_t* bytes) {
    const uint32_t length = load_be<uint32_t>(bytes) >> 8;
    skip_ = length;
    return {length, bytes[3], bytes[4], static_cast<int32_t>(load_be<uint32_t>(bytes + 5) & 0x7fffffff)};
  }

  size_t skip_;      // bytes to the next head
  size_t have_ = 0;  // of partial_
  std::array<uint8_t, kHeadSize> partial_{};
};

}  // namespace sofa::http::detail
