#pragma once
// One HTTP/2 connection, of either side: nghttp2's session between a Stream and the exchanges. One mem_recv a read, one write a loop turn.

#include <nghttp2/nghttp2.h>

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "sofa/base/log.h"
#include "sofa/http/detail/flood_guard.h"
#include "sofa/http/detail/frame_scanner.h"
#include "sofa/http/detail/held_body.h"
#include "sofa/http/detail/http2_stream.h"
#include "sofa/http/detail/output.h"
#include "sofa/http/detail/ping_guard.h"
#include "sofa/http/detail/request_rules.h"
#include "sofa/http/detail/spares.h"
#include "sofa/http/options.h"
#include "sofa/io/shard.h"
#include "sofa/io/task_group.h"
#include "sofa/transport/options.h"

namespace sofa::http::detail {

using transport::CloseKind;

/// Bodies ride along as slices from so many bytes of a frame on; less is copied.
inline constexpr size_t kSharedFrom = 4096;

/// What can be sent at no cost of one's own.
enum class Flood : uint8_t { resets, empty_data, settings, pings, priorities, unknown_frames, window_updates };
inline constexpr size_t kFloods = 7;

/// What a request of HTTP/1.1 that asks for "h2c" hands over (RFC 7540, 3.2): it has no body, and 101 has been said.
struct Http2Upgrade {
  RequestHead request;
  std::string settings;  // the value of "http2-settings", decoded: whole entries of 6 bytes
};

/// Belongs to its shard. run() it once and await its end before it goes; exchanges may outlive it.
class Http2Connection {
 public:
  enum class Side : uint8_t { server, client };

  /// `handler` answers what the peer asks (a server's); it and `options` outlive the connection. `prefix`: bytes that were read already.
  /// `close_log` (null: none) bounds the lines about closed connections.
  Http2Connection(io::Stream stream, Side side, const Http2Options& options, Handler* handler, LogRate* close_log, Buffer prefix = {});
  /// A server's, before run(): the request becomes stream 1, and is answered over HTTP/2.
  void upgrade(Http2Upgrade upgrade) { upgrade_ = std::move(upgrade); }
  ~Http2Connection();
  Http2Connection(const Http2Connection&) = delete;
  Http2Connection& operator=(const Http2Connection&) = delete;

  /// Serves the connection to its end; cancelling its scope closes it. Every exchange has got its on_abort when it ends.
  io::Task<void> run();
  /// GOAWAY in two steps (RFC 9113, 6.8); ends when the last exchange has ended.
  void drain();
  /// Ends it now: run() aborts what is left and ends.
  void close(std::string_view why);

  bool is_open() const { return kind_ == CloseKind::open; }
  /// Client: whether start() would be taken.
  Result<void> check_can_start() const;
  Result<ExchangePtr> start(RequestHead request, MessageSink& sink, bool end);
  size_t running() const { return streams_.size(); }
  const io::Address& peer() const { return peer_->address; }
  CloseKind close_kind() const { return kind_; }
  /// The peer has sent GOAWAY.
  bool told_to_go() const { return told_to_go_.has_value(); }
  /// The peer has sent GOAWAY because PINGs of ours came too often for its policy.
  bool pinged_too_often() const;
  const transport::SessionStats& stats() const { return stats_; }

 private:
  friend class Http2Exchange;
  friend struct Http2Callbacks;

  // Of Http2Exchange
  Result<void> send_response(Http2Stream& stream, int status, const Headers& headers, bool end);
  Result<void> room_for(const Http2Stream& stream, size_t bytes) const;
  Result<void> send_data(Http2Stream& stream, Bytes data, bool end);
  Result<void> send_trailers(Http2Stream& stream, const Headers& trailers);
  void consume(int32_t id, size_t n);
  void hold_to(const PingPolicy& policy);
  void reset(Http2Exchange& exchange, Reset reason);
  void drop(Http2Exchange& exchange);

  // Events of nghttp2, in detail/http2_callbacks.cpp
  void begin_head(const nghttp2_frame& frame);
  void add_field(std::string_view name, std::string_view value);
  void add_pseudo_field(std::string_view name, std::string_view value);
  void on_frame(const nghttp2_frame& frame);
  void on_head(const nghttp2_frame& frame);
  void on_request(const nghttp2_frame& frame);
  void on_trailers(Http2Stream& stream, bool end);
  void hand_over(Http2Stream& stream, bool expects_continue);
  void take_upgrade();
  void on_response(Http2Stream& stream);
  void on_end(Http2Stream& stream);
  void on_data(int32_t id, ByteSpan data);
  void on_ping();
  void on_ping_answered(const uint8_t (&opaque)[8]);
  void on_frame_sent(const nghttp2_frame& frame);
  void on_goaway(const nghttp2_frame& frame);
  void on_invalid_frame(const nghttp2_frame& frame);
  void on_fault_of_stream(int32_t id);
  void reset_malformed(int32_t id);
  void reset_malformed(Http2Stream& stream);
  void on_reset_sent(int32_t id, uint32_t code);
  void on_request_not_sent(int32_t id, int error);
  void on_stream_closed(Http2Stream& stream, uint32_t code);
  void body_shrank(Http2Stream& stream, size_t by);
  ssize_t read_body(Http2Stream& stream, size_t max, uint32_t& flags);
  void write_body(Http2Stream& stream, ByteSpan frame_head, size_t n);

  // Streams and exchanges
  Http2Stream& open_stream();
  void release_stream(Http2Stream& stream);
  Http2Stream* stream_of(int32_t id) const;
  std::unique_ptr<Http2Exchange> open_exchange(Http2Stream& stream, RequestHead&& request);
  MessageSink* sink_of(const Http2Stream& stream) const;
  void unlink(Http2Exchange& exchange);
  void abandon(Http2Stream& stream, Reset reason);
  void refuse(Http2Stream& stream, int status);
  bool block_too_large() const;
  void body_grew(Http2Stream& stream);
  void put_field(std::string_view name, std::string_view value, uint8_t flags = NGHTTP2_NV_FLAG_NONE);
  void put_fields(const Headers& headers);

  // Input and output
  void submit_settings();
  void on_bytes(size_t count);
  void schedule_flush() { shard_.at_turn_end(turn_end_); }
  static void on_turn_end(void* self);
  void flush();
  void write_frames();
  bool collect();
  void tell_writable();
  size_t waiting() const { return stream_.pending_write_bytes(); }
  /// With so many bytes more; false when the connection is to close.
  bool count_unsent(size_t more = 0) { return answers_.set(queued_ + waiting() + more, stats_.bytes_out - waiting()); }
  void give_up_answers();
  io::Task<void> write_on();
  io::Task<void> end_reading(Result<size_t> last);
  void finish(CloseKind kind, Error reason, bool linger);
  void end_if_done();
  std::string why_told_to_go() const;
  void log_close() const;
  void abort_all();

  // Frames before nghttp2 sees them, and the peer's faults: detail/http2_guard.cpp
  void take_input();
  bool feed(size_t to);
  void begin_frame(const FrameHead& head);
  bool check_not_closed(const FrameHead& head, size_t begins_at);
  void note_half_frame(bool begun);
  void accuse(uint32_t code, std::string reason, std::string_view debug_text = {});
  void count_flood(Flood flood, std::string_view what);
  void remember_reset(int32_t id);
  bool was_reset_here(int32_t id) const;
  void end_for_fault();
  void on_session_error(ssize_t error);

  // Time, in detail/http2_life.cpp
  Instant next_check() const;
  void arm_timer();
  static void on_timer(void* self);
  void check_timers();
  bool may_ping() const;
  void check_keep_alive(Instant now);
  void check_age(Instant now);
  void look_for_stalls(Instant now);
  std::string_view slowness(Http2Stream& stream, Instant now, Duration since_last_check) const;
  void give_up(Http2Stream& stream, std::string reason);
  Duration stall_interval() const;
  void say_last_goaway();
  /// `debug_text`: what the peer reads; empty: the reason.
  void end_with_goaway(CloseKind kind, uint32_t code, std::string reason, std::string_view debug_text = {});

  io::Shard& shard_;
  io::Stream stream_;
  const Side side_;
  const Http2Options& options_;
  Handler* handler_;
  LogRate* close_log_;
  const std::shared_ptr<const Http2Peer> peer_;
  nghttp2_session* session_ = nullptr;

  Buffer in_;
  Output out_;
  io::TurnEndHook turn_end_{&Http2Connection::on_turn_end, this};
  io::TaskGroup tasks_;
  bool writing_ = false;  // write_on() runs
  bool inside_ = false;   // nghttp2 runs: it is not to be entered again

  std::vector<Http2Stream*> streams_;      // open ones
  std::vector<Http2Exchange*> exchanges_;  // with connection_ set
  std::vector<Http2Stream*> writable_;     // to be told on_writable
  std::vector<nghttp2_nv> fields_to_send_;
  size_t queued_ = 0;  // bytes in the queues of all streams

  HeldHeads held_heads_;  // of exchanges_
  transport::AnswerAccount answers_;

  std::optional<Http2Upgrade> upgrade_;

  // The header block that arrives: there is one at a time.
  RequestHead request_;
  ResponseHead response_;
  Headers trailers_;
  Headers* fields_ = nullptr;  // of one of the three
  RequestRules rules_;         // a server's
  size_t block_size_ = 0;      // as Headers::list_size
  size_t block_fields_ = 0;
  bool expects_continue_ = false;

  CloseKind kind_ = CloseKind::open;
  std::optional<Error> close_reason_;
  std::string last_error_;  // nghttp2's words about the peer's fault
  bool draining_ = false;

  struct GoAway {
    uint32_t code;
    std::string text;
  };
  std::optional<GoAway> told_to_go_;  // by the peer

  struct Fault {
    CloseKind kind;
    uint32_t code;
    std::string reason;
    std::string_view debug_text{};  // of GOAWAY; empty: the reason
  };
  std::optional<Fault> fault_;  // found inside nghttp2, which is left first
  std::array<FloodGuard, kFloods> guards_;
  std::optional<PingGuard> ping_guard_;  // of a peer that is held to a policy
  uint64_t window_updates_due_ = 0;      // that frames of ours call for
  bool ping_due_ = false;  // a message of ours has left since the last PING: gRPC's peers measure their way with one for each round trip
  FrameScanner scanner_;
  size_t fed_ = 0;                   // bytes of in_ that nghttp2 has
  int32_t highest_id_ = 0;           // of the peer's streams
  int32_t highest_fed_ = 0;          // of those that nghttp2 knows
  bool reset_waits_ = false;         // a RST_STREAM is not fed yet
  bool block_open_ = false;          // CONTINUATION comes next
  uint8_t last_type_ = 0;            // of the frame that began last
  std::vector<int32_t> reset_here_;  // streams whose frames may still be on their way; a ring
  size_t next_reset_here_ = 0;

  const Instant begun_;
  Instant last_read_;   // the last byte
  Instant last_frame_;  // the last frame of the peer that began
  Instant last_stall_check_;
  std::optional<Instant> half_begun_;     // of the frame, or header block, that is not whole
  std::optional<Instant> ping_sent_;      // and is not answered
  Instant age_at_ = kNoDeadline;          // when it is too old
  Instant grace_until_ = kNoDeadline;     // until what runs on an old one is closed
  Instant last_goaway_at_ = kNoDeadline;  // when the second GOAWAY goes out at the latest
  Instant linger_until_ = kNoDeadline;
  io::TimerNode timer_{&Http2Connection::on_timer, this};
  Instant timer_at_ = kNoDeadline;
  transport::SessionStats stats_;
};

}  // namespace sofa::http::detail
