#pragma once
// Bytes to frames, as they come: cut anywhere, the same frames come out.

#include <cstdint>
#include <string>

#include "sofa/wire/bolt/frame.h"

namespace sofa::bolt {

/// What a peer may send (docs/protocols/bolt.md, section 8). All in bytes but `max_header_pairs`.
struct Limits {
  size_t max_frame = size_t{32} << 20;  ///< longest content; over it the sender gets status 9 and the connection ends
  size_t max_class = 32767;             ///< longest class name; Java reads the length as a signed 16-bit number
  size_t max_header = 32767;            ///< longest header, for the same reason
  size_t max_header_pairs = 512;        ///< most pairs of a header map
};

enum class ParseStatus : uint8_t {
  need_more,  ///< the frame goes on behind the bytes at hand; nothing was consumed
  frame,      ///< a whole frame was taken from the buffer
  error,      ///< not Bolt, or broken: close the connection. `reason()` says why
  too_large,  ///< a well-formed head whose content is over the limit: answer status 9 with its id, then close
};

/// Incremental decoder of one direction of a connection. v1 and v2 frames may be mixed. Belongs to one thread.
///
/// A head is parsed once and kept until its body is there. No memory is set aside for a declared length: the caller's buffer grows only
/// with bytes that arrived. After `error` or `too_large` every further call gives the same.
class FrameParser {
 public:
  explicit FrameParser(Limits limits = {}) : limits_(limits) {}

  /// Looks for one frame at the front of `in`. On `frame` it is moved out of `in` into `frame`; on `too_large` only the head of `frame` is set.
  ParseStatus next(Buffer& in, Frame& frame);

  /// Why `error` or `too_large`, as a sentence for the log.
  const std::string& reason() const { return reason_; }
  /// Total bytes of the frame at the front of the buffer once its head is known, else 0: a hint for how much to read.
  size_t frame_size() const { return frame_size_; }

 private:
  ParseStatus check_first_bytes(ByteSpan in);
  ParseStatus parse_head(ByteSpan in);
  ParseStatus check_head();
  ParseStatus fail(std::string reason);
  bool crc_matches(ByteSpan frame) const;

  Limits limits_;
  FrameHead head_;
  size_t class_size_ = 0;
  size_t header_size_ = 0;
  size_t frame_size_ = 0;  // 0 while the head is not known
  ParseStatus failed_ = ParseStatus::frame;
  std::string reason_;
};

}  // namespace sofa::bolt
