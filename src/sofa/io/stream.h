#pragma once
// Stream: a connected TCP or Unix socket on one shard. Reads take what is there; writes are queued and leave with one gathered system call at
// the end of the loop turn. TLS (tls.h) is a layer inside, behind this same class.
//
// Errors: once a stream has failed (reset, stalled, closed), every call and every wait gives that error.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "sofa/base/bytes.h"
#include "sofa/io/address.h"
#include "sofa/io/shard.h"

namespace sofa::io {

namespace detail {
class StreamCore;
struct StreamAccess;
}  // namespace detail

struct StreamOptions {
  size_t max_write_queue = 16 << 20;                        // bytes not yet taken by the kernel; past it write() fails
  Duration write_stall_timeout = std::chrono::seconds(30);  // a peer that takes no byte for so long fails the stream; zero: never
  bool no_delay = true;                                     // TCP_NODELAY
  bool keep_alive = true;                                   // SO_KEEPALIVE: a dead idle peer is noticed in about a minute and a half
  Duration user_timeout{0};                                 // TCP_USER_TIMEOUT: unacknowledged data fails the stream; zero: the system's
};

struct ConnectOptions {
  Duration timeout = std::chrono::seconds(5);  // for all addresses of a name together
  std::optional<Address> bind{};               // the local address, numeric
  StreamOptions stream{};
};

/// The answer of one attempt to read.
struct TryRead {
  enum class State : uint8_t { data, would_block, end };
  State state;
  size_t bytes = 0;  // > 0 with data
};

/// A connected descriptor that no shard has adopted: what a listener hands out. Closes it when dropped.
class AcceptedSocket {
 public:
  AcceptedSocket(int fd, Address peer) : fd_(fd), peer_(std::move(peer)) {}
  AcceptedSocket(AcceptedSocket&& other) noexcept : fd_(std::exchange(other.fd_, -1)), peer_(std::move(other.peer_)) {}
  AcceptedSocket& operator=(AcceptedSocket&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(peer_, other.peer_);
    return *this;
  }
  ~AcceptedSocket();
  const Address& peer() const { return peer_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
  Address peer_;
};

class [[nodiscard]] Stream {
 public:
  /// Connects to an address or a name (each of its addresses in turn). Errors name the address.
  static Task<Result<Stream>> connect(Address address, ConnectOptions options = {});
  /// Takes over a connected socket on this shard.
  static Result<Stream> adopt(AcceptedSocket socket, StreamOptions options = {});

  Stream(Stream&&) noexcept;
  Stream& operator=(Stream&&) noexcept;
  /// close().
  ~Stream();

  /// One read into `space`, if the socket may have something. No system call when it is known to be drained.
  Result<TryRead> try_read(std::span<uint8_t> space);

  class ReadSome;
  class Drained;
  /// `Result<size_t> n = co_await stream.read_some(in)`: appends at most `max` bytes to `in` and gives their number; 0 is the end of the stream.
  /// `in` grows only when bytes are there. No coroutine frame, no queue when data is there. One reader at a time.
  ReadSome read_some(Buffer& in, size_t max = kDefaultRead);

  /// Queues bytes for the end of this turn. Code::resource_exhausted when more than max_write_queue would wait: nothing is taken then.
  Result<void> write(Bytes bytes);
  Result<void> write(GatherList&& list);
  /// Gives the kernel bytes at once, without a queue, when none wait before them. How many it took: the rest, also after a failure, is for write().
  size_t write_now(ByteSpan bytes);
  /// Writes now instead of at the end of the turn.
  void flush();
  /// `Result<void> r = co_await stream.drained(low_water)`: until at most so many bytes wait. Back-pressure: write, then await drained.
  Drained drained(size_t low_water = 0);
  size_t pending_write_bytes() const;
  /// `call` is called on the stream's shard whenever queued bytes were offered to the kernel: pending_write_bytes has fallen, or will not for now. It
  /// must not write or close. `context` outlives the stream, or another call takes its place; null: nobody is told.
  void on_flushed(void (*call)(void* context), void* context);

  /// Waits until all is written, then closes. An error when that was not possible; it is closed all the same.
  Task<Result<void>> close_after_flush();
  /// Closes at once; what is queued is lost, waits fail with Code::unavailable. May be called again.
  void close();
  /// Sends an end of stream after what is queued; reading goes on.
  void shutdown_write();

  bool is_open() const;
  /// The peer has sent its end, or reset; data may still be there to read.
  bool peer_closed() const;
  const Address& peer() const;
  const Address& local() const;

  /// Whether TLS protects it.
  bool is_secure() const;
  /// Whether its handshake went on from an earlier connection's, and was shorter.
  bool is_resumed() const;
  /// The protocol that the handshake chose (ALPN): "h2"; empty without one. Lives as long as the stream.
  std::string_view alpn() const;
  /// Who the peer has proved to be: the first DNS name or URI of its certificate, or its common name; empty without a certificate.
  std::string_view peer_certificate_name() const;

  static constexpr size_t kDefaultRead = 64 << 10;

 private:
  friend struct detail::StreamAccess;
  explicit Stream(std::unique_ptr<detail::StreamCore> core);
  std::unique_ptr<detail::StreamCore> core_;
};

class [[nodiscard]] Stream::ReadSome : public Wait {
 public:
  ReadSome(detail::StreamCore& core, Buffer& in, size_t max) : core_(core), in_(in), max_(max) {}
  bool await_ready() const { return false; }
  template <detail::ScopedPromise P>
  bool await_suspend(std::coroutine_handle<P> self) {
    if (!admit(self) || attempt()) return false;
    begin(self);
    enlist();
    return true;
  }
  Result<size_t> await_resume();
  Wait& wait() { return *this; }

 private:
  friend class detail::StreamCore;
  /// Reads; true when there is an answer.
  bool attempt();
  void enlist();
  detail::StreamCore& core_;  // not touched after the wake: the stream may be gone by then
  Buffer& in_;
  size_t max_;
  std::optional<Result<size_t>> answer_;
};

class [[nodiscard]] Stream::Drained : public Wait {
 public:
  Drained(detail::StreamCore& core, size_t low_water) : core_(core), low_water_(low_water) {}
  bool await_ready() const { return false; }
  template <detail::ScopedPromise P>
  bool await_suspend(std::coroutine_handle<P> self) {
    if (!admit(self) || attempt()) return false;
    begin(self);
    enlist();
    return true;
  }
  Result<void> await_resume();
  Wait& wait() { return *this; }

 private:
  friend class detail::StreamCore;
  bool attempt();
  void enlist();
  detail::StreamCore& core_;
  size_t low_water_;
  std::optional<Error> failure_;
};

}  // namespace sofa::io
