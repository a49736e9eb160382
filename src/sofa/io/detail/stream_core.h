#pragma once
// The state of one stream: descriptor, readiness, out queue, waits. Its address is stable; belongs to its shard.

#include <optional>
#include <vector>

#include "sofa/io/stream.h"

namespace sofa::io::detail {

class TlsLayer;

class StreamCore final : public Pollable {
 public:
  StreamCore(int descriptor, Address peer, StreamOptions options);
  ~StreamCore();
  StreamCore(const StreamCore&) = delete;
  StreamCore& operator=(const StreamCore&) = delete;

  /// Socket options, addresses and registration; the descriptor is connected or connecting.
  Result<void> open(bool connecting);

  Result<TryRead> try_read(std::span<uint8_t> space);
  /// One read from the socket, whatever stands above it.
  Result<TryRead> receive(std::span<uint8_t> space);
  /// Reads for a waiting coroutine; true when it has its answer.
  bool read_for(Stream::ReadSome& reader);
  Result<void> enqueue(Bytes bytes);
  Result<void> enqueue(GatherList&& list);
  size_t write_now(ByteSpan bytes);
  void flush();
  void on_flushed(void (*call)(void*), void* context) {
    flushed_ = call;
    flushed_context_ = context;
  }
  void shutdown_write();
  /// Tells the peer that no more comes; all that was queued has left.
  void end_writing();
  /// From now on bytes pass through the layer. Nothing is queued.
  void secure(std::unique_ptr<TlsLayer> layer);
  /// Null on a plain stream.
  TlsLayer* tls() const { return tls_.get(); }
  /// Ends the stream: closes the descriptor, fails every wait with `error`; the first error stays.
  void fail(Error error);
  void close();

  WaitQueue& readers() { return readers_; }
  WaitQueue& drained_waits() { return drained_waits_; }
  /// Woken by any event of the socket, and by the end of the stream: for the time before there are readers.
  WaitQueue& event_waits() { return event_waits_; }
  bool connecting() const { return connecting_; }
  bool readable() const { return readable_; }
  const std::optional<Error>& failure() const { return failure_; }
  size_t pending() const;
  bool peer_closed() const { return peer_closed_ || failure_.has_value(); }
  const Address& peer() const { return peer_; }
  const Address& local() const { return local_; }

 private:
  static void handle_events(Pollable& self, uint32_t events);
  static void end_of_turn(void* self);
  static void check_stall(void* self);
  void set_socket_options();
  Result<void> admit(size_t more) const;
  void flush_at_turn_end();
  /// One system call; false when the kernel takes no more or the stream failed.
  bool write_batch();
  /// The same through the layer: encrypts what is queued, a batch at a time.
  bool write_sealed();
  bool send_sealed();
  void seal_batch();
  size_t copy_queued(std::span<uint8_t> into) const;
  Result<TryRead> read_sealed(std::span<uint8_t> space);
  size_t seal_and_send(ByteSpan bytes);
  void watch_for_stall();
  void note_write_error(int error);
  void drop_written(size_t bytes);
  void serve_readers();
  void wake_drained();

  Shard& shard_;
  const StreamOptions options_;
  Address peer_;
  Address local_;
  bool connecting_ = false;
  bool readable_ = false;  // the registration reports what is there already
  bool writable_ = true;
  bool peer_closed_ = false;
  bool shutdown_wanted_ = false;
  bool read_later_ = false;  // a reader that had its share of this turn
  unsigned reads_in_turn_ = 0;
  Instant read_turn_{};
  std::optional<Error> failure_;

  std::vector<Bytes> queue_;
  size_t queue_head_ = 0;   // first part not fully written
  size_t head_offset_ = 0;  // bytes of it that are written
  size_t pending_ = 0;      // bytes of the queue; with TLS those that are not encrypted yet
  Instant last_progress_{};
  std::unique_ptr<TlsLayer> tls_;  // null: plain

  void (*flushed_)(void*) = nullptr;  // null: nobody is told
  void* flushed_context_ = nullptr;

  WaitQueue readers_;
  WaitQueue drained_waits_;
  WaitQueue event_waits_;
  TurnEndHook turn_end_{&StreamCore::end_of_turn, this};
  TimerNode stall_timer_{&StreamCore::check_stall, this};
};

}  // namespace sofa::io::detail
