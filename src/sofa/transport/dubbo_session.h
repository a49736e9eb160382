#pragma once
// DubboSession: one Dubbo 2 connection, symmetric. Either side sends requests; what was written in one loop turn leaves in one write.
//
//   DubboSessionRef session = DubboSession::create(std::move(stream), DubboSessionOptions::client());
//   group.spawn("dubbo session", session->run());
//   Result<dubbo::Frame> answer = co_await session->call(body, std::chrono::seconds(3));

#include <cstdint>
#include <optional>
#include <string>

#include "sofa/base/bytes.h"
#include "sofa/base/error.h"
#include "sofa/base/log.h"
#include "sofa/io/shard.h"
#include "sofa/io/stream.h"
#include "sofa/transport/detail/pending_calls.h"
#include "sofa/transport/detail/ref.h"
#include "sofa/transport/options.h"
#include "sofa/transport/session.h"
#include "sofa/transport/status.h"
#include "sofa/wire/dubbo/body.h"
#include "sofa/wire/dubbo/frame_codec.h"

namespace sofa::transport {

class DubboSession;
/// Keeps a DubboSession in memory; it may be closed. Not atomic: stays on the session's shard.
using DubboSessionRef = Ref<DubboSession>;

/// Rules of one connection: those of SessionOptions, but for what only Bolt knows (protocol, version, send_goaway). Heartbeats and idle times are
/// Dubbo's (docs/protocols/dubbo.md, section 4).
struct DubboSessionOptions : SessionOptions {
  Duration readonly_grace = std::chrono::milliseconds(100);  ///< a drain serves what still arrives for so long after READONLY was sent

  static DubboSessionOptions client() {
    DubboSessionOptions options;
    options.heartbeat_interval = std::chrono::seconds(60);
    return options;
  }
  static DubboSessionOptions server() {
    DubboSessionOptions options;
    options.heartbeat_interval = Duration::zero();
    options.idle_timeout = std::chrono::seconds(180);
    return options;
  }
};

/// A request of the peer that is no event, in Hessian. A handler that answers later moves `frame` away.
struct DubboRequest {
  dubbo::Frame& frame;
  DubboSession& session;
  Instant arrival;  ///< start of the loop turn that read it, on the shard's clock
};

/// Answers one request, at most once, on the session's shard: at once or later. After the connection has ended an answer goes nowhere, in silence.
/// Dropped without an answer it sends status 80. To a request that wants no answer (no two-way flag) nothing is ever sent.
class DubboResponder {
 public:
  /// The first move makes the request count as in flight until it is answered.
  DubboResponder(DubboResponder&& other) noexcept;
  DubboResponder& operator=(DubboResponder&&) = delete;
  ~DubboResponder();

  /// Status ok: `encode(buffer)` appends the body to the write buffer of the connection, gives false to take it back (the request is then still
  /// unanswered), and must not touch the session. True: answered. A body over 2 GiB is answered with status 50.
  template <class Encode>
  bool answer_with(Encode&& encode) {
    Buffer discarded;
    Buffer& out = begin(discarded);
    const size_t offset = dubbo::begin_frame(out, dubbo::response_to(request_, dubbo::Status::ok));
    bool keep = false;
    try {
      keep = encode(out);
    } catch (...) {
      out.truncate(offset);
      throw;
    }
    if (keep) return finish(out, offset), true;
    out.truncate(offset);
    return false;
  }
  /// Another status, and its sentence.
  void answer_error(dubbo::Status status, std::string_view sentence);
  /// Ends the request without an answer: its caller has given up already.
  void discard() {
    if (!answered_) done();
  }

  bool answered() const { return answered_; }
  bool oneway() const { return !request_.two_way; }
  const dubbo::FrameHead& request() const { return request_; }
  /// The connection, kept in memory by this responder.
  DubboSession& session() const { return *session_; }

 private:
  friend class DubboSession;
  DubboResponder(DubboSession& session, const dubbo::FrameHead& request) : session_(session), request_(request) {}
  bool silent() const;
  Buffer& begin(Buffer& discarded);
  void finish(Buffer& out, size_t offset);
  void done();

  DubboSessionRef session_;
  dubbo::FrameHead request_;
  bool answered_ = false;
  bool counted_ = false;
};

/// What a connection does with the requests of its peer. Called on the shard of the connection, so by several threads when shards share it.
class DubboHandler {
 public:
  virtual ~DubboHandler() = default;
  /// Answers through `responder`, or moves it (and what it needs of `request`) away to answer later. Must not block and must not throw: an exception
  /// costs the connection.
  virtual void handle(DubboRequest& request, DubboResponder& responder) = 0;
  /// A line of a text connection (docs/protocols/dubbo.md, section 6), without its end; the answer may have several lines.
  virtual io::Task<std::string> command(std::string line, const io::Address& peer) = 0;
};

/// A call that was sent, as transport::Call: it lives where it was made and ends by answer, timeout, end of the connection or cancellation.
class [[nodiscard]] DubboCall {
 public:
  DubboCall(const DubboCall&) = delete;
  DubboCall& operator=(const DubboCall&) = delete;
  ~DubboCall() { forget(); }

  bool await_ready() const { return answer_.has_value(); }
  template <io::detail::ScopedPromise P>
  bool await_suspend(std::coroutine_handle<P> self) {
    return wait_.begin(self);
  }
  /// The answer's frame, of any status.
  Result<dubbo::Frame> await_resume();
  io::Wait& wait() { return wait_; }

 private:
  friend class DubboSession;
  DubboCall(DubboSession& session, ByteSpan body, Duration timeout);
  void finish(Result<dubbo::Frame> answer);
  void forget();
  static void on_timeout(void* self);

  DubboSession* session_ = nullptr;  // null when it is not pending
  uint32_t id_ = 0;
  Duration timeout_;
  std::optional<Result<dubbo::Frame>> answer_;
  io::Wait wait_;
  io::TimerNode timer_{&DubboCall::on_timeout, this};
};

/// Belongs to the shard it was created on; every member is called there. Kept by DubboSessionRef.
class DubboSession {
 public:
  /// `prefix`: bytes that were read from the stream already. `handler` (null: none; every request gets status 40) and `shared` (null: none) outlive
  /// it.
  static DubboSessionRef create(io::Stream stream, DubboSessionOptions options, DubboHandler* handler = nullptr, SessionShared* shared = nullptr,
                                Buffer prefix = {});

  /// Serves the connection until it has ended; spawned once. Cancelling its scope closes the connection. The result says why it ended: ok when
  /// either side closed it in good order.
  io::Task<Result<void>> run() { return serve(DubboSessionRef(*this)); }

  /// Sends a call whose body is encoded already (dubbo::write_call_head and the rest). Errors carry a TransportStatus.
  DubboCall call(ByteSpan body, Duration timeout) { return DubboCall(*this, body, timeout); }
  /// Sends a request that gets no answer; ok says only that it is queued.
  Result<void> oneway(ByteSpan body);

  /// Neither closed, nor draining, nor told READONLY: fit for a new call.
  bool usable() const { return is_open() && !draining_ && !readonly_; }
  bool is_open() const { return kind_ == CloseKind::open; }

  /// Closes at once; pending calls end with connection_closed. May be called again.
  void close(std::string_view why = "closed by this side");
  /// Closes in good order: sends READONLY, answers what comes within the grace and what runs, then ends. Own pending calls are waited for too.
  void drain();

  /// A scope for work done for the peer: cancelled when the connection ends. The session must be kept as long as a child is in it.
  io::Scope& scope() { return scope_; }

  CloseKind close_kind() const { return kind_; }
  const io::Address& peer() const { return peer_; }
  const io::Address& local() const { return local_; }
  const SessionStats& stats() const { return stats_; }
  size_t pending_calls() const { return pending_.size(); }

  void retain() { ++references_; }
  void release() {
    if (--references_ == 0) delete this;
  }

 private:
  friend class DubboCall;
  friend class DubboResponder;
  DubboSession(io::Stream stream, DubboSessionOptions options, DubboHandler* handler, SessionShared* shared, Buffer prefix);
  ~DubboSession();

  // Reading
  static io::Task<Result<void>> serve(DubboSessionRef self);
  io::Task<void> pause_reading();
  io::Task<void> end_reading(Result<size_t> last);
  void on_bytes(size_t count);
  void take_input();
  void take_frames();
  bool must_pause() const;
  void note_half_frame();
  Instant half_frame_deadline() const;
  void hold_input(size_t bytes);
  void on_frame(dubbo::Frame& frame);
  void on_event(const dubbo::Frame& frame);
  void on_request(dubbo::Frame& frame);
  void on_response(dubbo::Frame& frame);
  void on_too_large(const dubbo::FrameHead& head);
  bool over_limits() const;

  // Writing
  void send_error(const dubbo::FrameHead& request, dubbo::Status status, std::string_view sentence);
  void send_event(dubbo::Event event, bool two_way);
  void wrote_frame();
  void flush();
  static void on_turn_end(void* self);

  // Calls
  Result<uint32_t> begin_call(DubboCall& call, ByteSpan body);
  Result<void> check_sendable(size_t size) const;
  uint32_t free_id();
  void count_in_flight();
  void uncount_in_flight();
  void end_if_drained();

  // Life
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
  const DubboSessionOptions options_;
  DubboHandler* handler_;
  SessionShared* shared_;
  const io::Address peer_, local_;

  Buffer in_, out_;
  dubbo::FrameParser parser_;
  io::TurnEndHook turn_end_{&DubboSession::on_turn_end, this};

  PendingCalls<DubboCall> pending_;
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
  io::TimerNode timer_{&DubboSession::on_timer, this};
  Instant timer_at_ = kNoDeadline;

  CloseKind kind_ = CloseKind::open;
  std::optional<Error> close_reason_;
  bool lingering_ = false;  // ended, but the peer may still be reading the last answers
  Instant linger_until_ = kNoDeadline;
  bool draining_ = false;
  Instant drain_until_ = kNoDeadline;
  bool readonly_ = false;  // the peer said so
  SessionStats stats_;
  io::Scope scope_;
};

}  // namespace sofa::transport
