#pragma once
// Session: one Bolt connection, symmetric. Either side sends requests, each with its own ids; frames of one loop turn leave in one write.
//
//   SessionRef session = Session::create(std::move(stream), SessionOptions::client(), &handlers);
//   group.spawn("bolt session", session->run());
//   Result<Response> answer = co_await session->call({.class_name = "com.acme.Ask", .content = bytes});

#include <cstdint>
#include <optional>
#include <string>

#include "sofa/base/bytes.h"
#include "sofa/base/error.h"
#include "sofa/base/log.h"
#include "sofa/io/shard.h"
#include "sofa/io/stream.h"
#include "sofa/transport/detail/pending_calls.h"
#include "sofa/transport/handler.h"
#include "sofa/transport/options.h"
#include "sofa/transport/status.h"
#include "sofa/wire/bolt/frame_writer.h"

namespace sofa::transport {

/// What to ask the peer. Class name, header and content are used before `call` or `oneway` returns; only `content` may be kept (shared, not copied).
struct Request {
  std::string_view class_name;
  ByteSpan header;
  Bytes content;
  uint8_t codec = bolt::kCodecHessian;
  Duration timeout = std::chrono::seconds(3);  ///< sent in the frame, in ms, rounded up; zero or less: ends as a timeout without being sent
};

/// What the peer answered: any status, success or not; an error status may carry class and content too.
struct Response {
  bolt::Frame frame;
  bolt::Status status() const { return frame.status; }
  bool ok() const { return frame.status == bolt::Status::success; }
};

/// What the connections of one server have in common, over all shards.
struct SessionShared {
  explicit SessionShared(uint32_t max, uint32_t log_lines_per_second = 50, size_t max_bytes = size_t{1} << 30)
      : max_in_flight(max), max_half_frame_bytes(max_bytes), close_log(log_lines_per_second) {}
  const uint32_t max_in_flight;       ///< requests that wait for their answer, all connections together
  const size_t max_half_frame_bytes;  ///< received bytes of frames that are not whole, likewise
  std::atomic<uint32_t> in_flight{0};
  std::atomic<size_t> half_frame_bytes{0};
  LogRate close_log;  ///< bounds the lines about closed connections
};

/// A call that was sent: `Result<Response> r = co_await session->call(request)`, also through or_return. It lives where it was made (in the
/// caller's coroutine frame; nothing is allocated) and ends by answer, timeout, end of the connection or cancellation of the caller's scope.
/// Destroying it forgets the call; a late answer is counted and dropped.
class [[nodiscard]] Call {
 public:
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  ~Call();

  /// The frame's id, or 0 when it was not sent.
  uint32_t id() const { return id_; }
  bool done() const { return answer_.has_value(); }

  bool await_ready() const { return done(); }
  template <io::detail::ScopedPromise P>
  bool await_suspend(std::coroutine_handle<P> self) {
    return wait_.begin(self);
  }
  Result<Response> await_resume();
  io::Wait& wait() { return wait_; }

 private:
  friend class Session;
  Call(Session& session, const Request& request);
  void finish(Result<Response> answer);
  void forget();
  static void on_timeout(void* self);

  Session* session_ = nullptr;  // null when it is not pending
  uint32_t id_ = 0;
  Duration timeout_;
  std::optional<Result<Response>> answer_;
  io::Wait wait_;
  io::TimerNode timer_{&Call::on_timeout, this};
};

/// Belongs to the shard it was created on; every member is called there. Kept by SessionRef.
class Session {
 public:
  /// `prefix`: bytes that were read from the stream already. `handlers` (null: none) and `shared` (null: none) outlive the session.
  static SessionRef create(io::Stream stream, SessionOptions options, const Handlers* handlers = nullptr, SessionShared* shared = nullptr,
                           Buffer prefix = {});

  /// Serves the connection until it has ended; spawned once, in a group that outlives the session's use. Cancelling its scope closes the
  /// connection. The result says why it ended: ok when either side closed it in good order.
  io::Task<Result<void>> run() { return serve(SessionRef(*this)); }

  /// Sends a request. Errors (see status.h) come out of the awaited Call; the connection may be used on.
  Call call(const Request& request) { return Call(*this, request); }
  /// Sends a request that gets no answer. Fails as a call does; ok says only that it is queued.
  Result<void> oneway(const Request& request);

  /// Neither closed, nor draining, nor told to go away: fit for a new call.
  bool usable() const { return kind_ == CloseKind::open && !draining_ && !told_to_go_; }
  bool is_open() const { return kind_ == CloseKind::open; }
  /// The peer has sent GoAway: pending calls go on, new ones belong on another connection.
  bool told_to_go() const { return told_to_go_; }

  /// Closes at once; pending calls end with connection_closed. May be called again.
  void close(std::string_view why = "closed by this side");
  /// Closes in good order: takes no new requests, answers those in flight, ends after the last answer. Own pending calls are waited for too.
  void drain();

  /// A scope for work done for the peer: cancelled when the connection ends. The session must be kept (SessionRef) as long as a child is in it.
  io::Scope& scope() { return scope_; }

  CloseKind close_kind() const { return kind_; }
  const io::Address& peer() const { return peer_; }
  const io::Address& local() const { return local_; }
  const SessionStats& stats() const { return stats_; }
  const SessionOptions& options() const { return options_; }
  uint32_t in_flight() const { return in_flight_; }
  size_t pending_calls() const { return pending_.size(); }
  /// A place for the owner of the session to hang its own state on; not touched here.
  void* user_data = nullptr;

  /// The id that the next call tries first (ids are unsigned and wrap; those still pending are skipped). For tests.
  void set_next_id(uint32_t id) { next_id_ = id; }

  void retain() { ++references_; }
  void release() {
    if (--references_ == 0) delete this;
  }

 private:
  friend class Call;
  friend class Responder;
  Session(io::Stream stream, SessionOptions options, const Handlers* handlers, SessionShared* shared, Buffer prefix);
  ~Session();

  // Reading
  static io::Task<Result<void>> serve(SessionRef self);
  io::Task<void> pause_reading();
  io::Task<void> end_reading(Result<size_t> last);
  void on_bytes(size_t count);
  void take_input();
  void take_frames();
  bool must_pause() const;
  void note_half_frame();
  Instant half_frame_deadline() const;
  void hold_input(size_t bytes);
  void on_frame(bolt::Frame& frame);
  void on_request(bolt::Frame& frame);
  void on_response(bolt::Frame& frame);
  void on_heartbeat(const bolt::Frame& frame);
  void on_too_large(const bolt::Frame& head);
  const Handlers::Entry* find_handler(std::string_view class_name);
  bool over_limits() const;

  // Writing
  bolt::FrameHead answer_head(const bolt::FrameHead& request, bolt::Status status) const;
  void send_status(const bolt::FrameHead& request, bolt::Status status);
  void wrote_frame();
  void flush();
  static void on_turn_end(void* self);

  // Calls
  Result<uint32_t> begin_call(Call& call, const Request& request);
  Result<void> check_sendable(const Request& request) const;
  Result<void> append_request(bolt::FrameType type, const Request& request, uint32_t id);
  uint32_t free_id();
  void count_in_flight();
  void uncount_in_flight();
  void end_if_drained();

  // Life
  void refuse(const bolt::FrameHead& request, CloseKind kind, std::string reason);
  void fail(CloseKind kind, std::string reason);
  void finish(CloseKind kind, Error reason, bool linger);
  void log_close() const;
  void arm_timer();
  Instant next_check() const;
  void check_timers();
  void check_heartbeat(Instant now);
  static void on_timer(void* self);

  uint32_t references_ = 0;
  io::Shard& shard_;
  io::Stream stream_;
  const SessionOptions options_;
  const Handlers* handlers_;
  SessionShared* shared_;
  const io::Address peer_, local_;

  Buffer in_;
  bolt::FrameParser parser_;
  bolt::FrameWriter out_;
  io::TurnEndHook turn_end_{&Session::on_turn_end, this};
  bolt::FrameHead channel_;     // protocol and version of what this side sends first
  bool channel_fixed_ = false;  // the peer's first frame has come
  const Handlers::Entry* last_handler_ = nullptr;

  PendingCalls<Call> pending_;
  uint32_t next_id_ = 1;
  uint32_t in_flight_ = 0;

  Instant last_read_;
  Instant last_heartbeat_;
  Instant half_begun_;  // when the unfinished frame began
  Instant half_since_;  // when its head began, or its body last grew
  size_t held_ = 0;     // counted in shared_->half_frame_bytes
  bool half_frame_ = false;
  uint64_t written_at_pause_ = 0;  // bytes written or waiting when reading went on after a pause
  uint32_t misses_ = 0;
  io::TimerNode timer_{&Session::on_timer, this};
  Instant timer_at_ = kNoDeadline;

  CloseKind kind_ = CloseKind::open;
  std::optional<Error> close_reason_;
  bool lingering_ = false;  // ended, but the peer may still be reading the last answers
  Instant linger_until_ = kNoDeadline;
  bool draining_ = false;
  bool told_to_go_ = false;
  SessionStats stats_;
  io::Scope scope_;
};

}  // namespace sofa::transport
