#pragma once
// The two ends of one HTTP/2 stream: what the connection keeps (Http2Stream) and what the user holds (Http2Exchange). Either may end first.

#include <optional>
#include <vector>

#include "sofa/base/clock.h"
#include "sofa/base/recycled.h"
#include "sofa/http/detail/held_body.h"
#include "sofa/http/exchange.h"

namespace sofa::http::detail {

class Http2Connection;
class Http2Exchange;

/// Bytes of one message that wait to be sent. Keeps its memory.
class SendQueue {
 public:
  size_t size() const { return size_; }
  void push(Bytes bytes) {
    if (bytes.empty()) return;
    size_ += bytes.size();
    parts_.push_back(std::move(bytes));
  }
  /// How many bytes a frame of at most `most` takes so that it ends where a part does; `most` when not even the first part ends in it.
  size_t whole_parts(size_t most) const;
  /// Takes the first bytes, `n` at most, of one part.
  Bytes take(size_t n);
  /// Copies the first `n` bytes out.
  void copy_to(uint8_t* into, size_t n);
  void clear();

 private:
  void drop(size_t n);  // from the first part
  std::vector<Bytes> parts_;
  size_t head_ = 0;    // the first part with bytes left
  size_t offset_ = 0;  // taken of it
  size_t size_ = 0;
};

/// The connection's side: from the message's first head until the stream is closed, whether or not the user still has the exchange. Recycled.
struct Http2Stream {
  int32_t id = 0;
  size_t index = 0;                   // in the connection's list
  Http2Exchange* exchange = nullptr;  // null: the user has let it go
  SendQueue queue;
  Headers trailers;
  bool head_sent = false;      // given to nghttp2; a request's is from the beginning
  bool send_ended = false;     // the user has said all
  bool end_sent = false;       // END_STREAM is on its way to the socket
  bool with_trailers = false;  // `trailers` end the message
  bool head_received = false;  // the final one
  bool received_all = false;   // the peer has said all
  bool deferred = false;       // nghttp2 waits for more of `queue`
  bool blocked = false;        // above the high-water mark, and not yet under the low one
  bool peer_reset = false;
  bool malformed = false;                 // the request breaks RFC 9113, 8: RST_STREAM is on its way
  std::optional<uint64_t> body_length{};  // what the peer has said of its body
  bool body_timed = false;                // a request's body has to come at a rate
  Reset unanswered = Reset::cancel;       // what the peer is told when the user lets go before its message has ended
  Instant received_at{};                  // the last byte of the body, or when the user last gave some back
  Instant body_begun{};                   // later by the time in which its window was shut
  uint64_t received = 0;                  // bytes of it
  Instant sent_at{};                      // since when `sent` is counted
  size_t sent = 0;                        // bytes of `queue` taken since

  /// As new, with its memory kept.
  void reset();
};

/// Who is at the other end; shared by the exchanges, which may outlive their connection.
struct Http2Peer {
  io::Address address;
  std::string certificate_name;
};

/// The user's side.
class Http2Exchange final : public Exchange, public Recycled {
 public:
  Http2Exchange(Http2Connection& connection, Http2Stream& stream, RequestHead&& request, std::shared_ptr<const Http2Peer> peer);
  ~Http2Exchange() override;

  const io::Address& peer() const override { return peer_->address; }
  std::string_view peer_certificate_name() const override { return peer_->certificate_name; }
  void consumed(size_t n) override;
  void let_body_rest() override;
  Result<void> hold(size_t bytes) override;
  Result<void> room_for(size_t bytes) const override;
  Result<void> send_response(int status, const Headers& headers, bool end) override;
  Result<void> send_data(Bytes data, bool end) override;
  Result<void> send_trailers(const Headers& trailers) override;
  void hold_to(const PingPolicy& policy) override;
  void reset(Reset reason) override;
  size_t pending_bytes() const override { return stream_ == nullptr ? 0 : stream_->queue.size(); }
  bool write_blocked() const override { return stream_ != nullptr && stream_->blocked; }

 private:
  friend class Http2Connection;
  Result<void> check_open() const;
  /// Tells the sink, last of all.
  void abort(Error error);

  Http2Connection* connection_;  // null: it has ended
  Http2Stream* stream_;          // null: both messages have ended, or it was reset
  size_t index_ = 0;             // in the connection's list
  size_t unconsumed_ = 0;        // bytes of on_data not given back yet
  HeldBody held_;
  size_t head_size_ = 0;  // of the request received, as the connection holds it
  const int32_t id_;
  const std::shared_ptr<const Http2Peer> peer_;
};

}  // namespace sofa::http::detail
