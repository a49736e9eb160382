#pragma once
// Frames to bytes: small ones side by side in one block, big contents gathered without a copy.

#include <cstdint>
#include <string_view>

#include "sofa/base/bytes.h"
#include "sofa/base/error.h"
#include "sofa/wire/bolt/frame.h"

namespace sofa::bolt {

/// The frames that wait to be written on one connection, in order. Belongs to one thread.
///
///     writer.append(response_to(request, Status::success), "com.acme.Answer", {}, content);
///     GatherList out;
///     writer.take(out);   // one gathered write
///
/// A content that is encoded on the spot needs no block of its own:
///
///     Buffer& content = *writer.begin(head, class_name, header);
///     encode(value, content);      // appends only
///     writer.finish();             // or abandon(), which takes the whole frame back
class FrameWriter {
 public:
  /// Contents up to `copy_limit` bytes are copied behind their head, longer ones are shared.
  explicit FrameWriter(size_t copy_limit = 4096) : copy_limit_(copy_limit) {}

  /// Adds one frame. Fails with invalid_argument, adding nothing, when class name or header are over 32767 bytes (Java reads the lengths as
  /// signed) or the content is over 2 GiB - 1.
  Result<void> append(const FrameHead& head, std::string_view class_name, ByteSpan header, Bytes content);
  /// A frame without class, header and content.
  void append(const FrameHead& head);

  /// Opens a frame whose content the caller appends to the buffer given back; nothing else may be called until `finish` or `abandon`.
  Result<Buffer*> begin(const FrameHead& head, std::string_view class_name, ByteSpan header);
  /// Closes the open frame: writes its content length and CRC. Fails (and takes the frame back) when the content is over 2 GiB - 1.
  Result<void> finish();
  void abandon();

  /// Bytes that wait, and whether there are any.
  size_t size() const { return parts_.size() + tail_.size(); }
  bool empty() const { return size() == 0; }
  /// Moves everything, in order, to the end of `out`.
  void take(GatherList& out);
  /// All that waits, when it lies in one piece (else nothing), and the end of its first bytes: for a write without a list. The block is kept.
  ByteSpan one_piece() const { return parts_.empty() ? tail_.span() : ByteSpan{}; }
  void consume(size_t size);
  /// Gives the block back, if nothing waits.
  void release() {
    if (empty()) tail_ = Buffer();
  }

 private:
  void make_room(size_t size);
  void append_head(const FrameHead& head, std::string_view class_name, ByteSpan header, size_t content_size);

  size_t copy_limit_;
  GatherList parts_;  // what stands before tail_
  Buffer tail_;
  FrameHead open_head_;
  size_t open_at_ = 0;     // offset of the open frame in tail_
  size_t content_at_ = 0;  // offset of its content
};

}  // namespace sofa::bolt
