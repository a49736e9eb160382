#pragma once
// The messages that the peer streams, as awaitable reads, and the wait for room in the other direction. Of both sides.

#include <optional>

#include "sofa/grpc/framing.h"
#include "sofa/http/exchange.h"
#include "sofa/io/sync.h"
#include "sofa/io/task.h"

namespace sofa::grpc::detail {

/// One reader and one writer at a time. Received bytes open their window again when their message is read, or when it is waited for.
class Inbox {
 public:
  /// The exchange, while it is there, outlives every wait.
  Inbox(http::Exchange& exchange, size_t max_message, Encoding encoding) : exchange_(&exchange), deframer_(max_message, encoding) {}
  Inbox(size_t max_message, Encoding encoding) : deframer_(max_message, encoding) {}
  void attach(http::Exchange& exchange) { exchange_ = &exchange; }
  void set_encoding(Encoding encoding) { deframer_.set_encoding(encoding); }

  void on_data(ByteSpan data);
  void on_end();
  /// Every wait ends with this error; messages that have arrived are still read. The first one stays.
  void abort(Error error);
  void wake() { changed_.set(); }
  const Error* failure() const { return failure_ ? &*failure_ : nullptr; }
  bool ended() const { return ended_; }
  bool was_compressed() const { return deframer_.was_compressed(); }

  /// The next message; nothing at the end.
  io::Task<Result<std::optional<Bytes>>> read();
  /// Waits until the exchange takes more.
  io::Task<Result<void>> writable();
  /// Waits for the next event, whatever it is.
  io::Task<Result<void>> change();

 private:
  /// Opens their window again, and says what is held.
  Result<void> give_back(size_t bytes);

  http::Exchange* exchange_ = nullptr;
  Deframer deframer_;
  std::optional<Error> failure_;
  bool ended_ = false;
  size_t held_ = 0;   // received bytes whose window is still closed
  size_t given_ = 0;  // bytes of the message that the reader has
  io::Event changed_;
};

}  // namespace sofa::grpc::detail
