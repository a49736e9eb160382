#pragma once
// What a connection has to write: small pieces are copied together, large ones ride along as slices.

#include <utility>

#include "sofa/base/bytes.h"
#include "sofa/base/error.h"
#include "sofa/http/options.h"
#include "sofa/io/stream.h"

namespace sofa::http::detail {

/// Belongs to one connection, which is empty between two turns. Its memory is the thread's: every connection writes from the same, so that it is
/// still in the processor's cache.
class Output {
 public:
  /// Takes the thread's memory, if nobody else has it now.
  void borrow() {
    if (tail_.empty()) tail_ = std::exchange(spare_, Buffer());
  }
  /// Gives it back, when nothing is left in it.
  void give_back() {
    if (empty() && tail_.room() <= kMostKept) spare_ = std::move(tail_);
    if (empty()) tail_ = Buffer();
  }
  void append(ByteSpan bytes) {
    tail_.append(bytes);
    size_ += bytes.size();
  }
  void append(std::string_view text) { append(as_bytes(text)); }
  /// `n` bytes at the end, which the caller fills at once.
  uint8_t* extend(size_t n) {
    size_ += n;
    return tail_.extend(n);
  }
  /// Shares `bytes`; worth it from a few KB on.
  void add(Bytes bytes) {
    if (!tail_.empty()) parts_.add(tail_.take());
    size_ += bytes.size();
    parts_.add(std::move(bytes));
  }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  /// Gives all to the stream: at once what the kernel takes, the rest into its queue. Fails as Stream::write does.
  Result<void> write_to(io::Stream& stream) {
    size_ = 0;
    if (parts_.empty()) {
      tail_.consume(stream.write_now(tail_.span()));
      if (tail_.empty()) return {};
    }
    if (!tail_.empty()) parts_.add(tail_.take());
    auto queued = stream.write(std::move(parts_));
    parts_.clear();
    if (queued) stream.flush();
    return queued;
  }

 private:
  static constexpr size_t kMostKept = size_t{256} << 10;
  static inline thread_local Buffer spare_;

  GatherList parts_;
  Buffer tail_;
  size_t size_ = 0;
};

/// Of a message that cannot be queued whatever the peer does.
inline Error larger_than_queue(size_t bytes, const MessageLimits& limits) {
  return Error(Code::resource_exhausted,
               fmt::format("the answer has {} bytes, more than may wait for a peer ({}, max_exchange_write_queue); send less, or "
                           "in pieces as the peer takes them, or raise the bound",
                           bytes, limits.max_exchange_write_queue));
}

}  // namespace sofa::http::detail
