#pragma once
// Bytes to frames as they come, cut anywhere; and frames to bytes.

#include <cstdint>
#include <string>

#include "sofa/base/error.h"
#include "sofa/wire/dubbo/frame.h"

namespace sofa::dubbo {

enum class ParseStatus : uint8_t {
  need_more,  ///< the frame goes on behind the bytes at hand; nothing was consumed
  frame,      ///< a whole frame was taken from the buffer
  error,      ///< not Dubbo, or broken: close the connection. `reason()` says why
  too_large,  ///< a well-formed head whose body is over the limit: answer its id with an error, then close
};

/// Incremental decoder of one direction of a connection. Belongs to one thread. No memory is set aside for a declared length: the caller's
/// buffer grows only with bytes that arrived. After `error` or `too_large` every further call gives the same.
class FrameParser {
 public:
  /// `max_body`: most bytes of one body. Java refuses more than 8 MiB unless its `payload` is raised (docs/protocols/dubbo.md, section 1).
  explicit FrameParser(size_t max_body = size_t{8} << 20) : max_body_(max_body) {}

  /// Looks for one frame at the front of `in`. On `frame` it is moved out of `in` into `frame`; on `too_large` only the head of `frame` is set.
  ParseStatus next(Buffer& in, Frame& frame);

  /// Why `error` or `too_large`, as a sentence for the log and the peer.
  const std::string& reason() const { return reason_; }
  /// Total bytes of the frame at the front of the buffer once its head is known, else 0: a hint for how much to read.
  size_t frame_size() const { return frame_size_; }

 private:
  ParseStatus parse_head(ByteSpan in);

  size_t max_body_;
  FrameHead head_;
  size_t frame_size_ = 0;  // 0 while the head is not known
  bool failed_ = false;
  std::string reason_;
};

/// Appends one frame. The body is at most 2 GiB - 1: asserted, since the limits of a connection lie below.
void append_frame(Buffer& out, const FrameHead& head, ByteSpan body);

/// Appends a head whose body the caller appends behind it; gives the frame's offset in `out` for `end_frame`.
size_t begin_frame(Buffer& out, const FrameHead& head);
/// Sets the body length of the frame that began at `offset`. Fails with invalid_argument, taking the frame back, when it is over 2 GiB - 1.
Result<void> end_frame(Buffer& out, size_t offset);

}  // namespace sofa::dubbo
