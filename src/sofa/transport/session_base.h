#pragma once
// SessionBase: what one connection of framed messages does whatever its protocol: it reads and pauses, bounds what is half received and what is
// unsent, keeps its deadlines, knows the calls that wait, and ends. Session (Bolt) and DubboSession add their frames.

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>

#include "sofa/base/bytes.h"
#include "sofa/base/error.h"
#include "sofa/base/log.h"
#include "sofa/io/shard.h"
#include "sofa/io/stream.h"
#include "sofa/transport/byte_budget.h"
#include "sofa/transport/call.h"
#include "sofa/transport/detail/pending_calls.h"
#include "sofa/transport/detail/ref.h"
#include "sofa/transport/options.h"
#include "sofa/transport/status.h"
#include "sofa/transport/unsent_answers.h"

namespace sofa::transport {

/// What the connections of one server have in common, over all shards.
struct SessionShared {
  explicit SessionShared(uint32_t max, uint32_t log_lines_per_second = 50, size_t max_bytes = size_t{1} << 30,
                         std::shared_ptr<UnsentAnswers> all_unsent = nullptr)
      : max_in_flight(max), half_frames(max_bytes), unsent(std::move(all_unsent)), close_log(log_lines_per_second) {}
  const uint32_t max_in_flight;  ///< requests that wait for their answer, all connections together
  std::atomic<uint32_t> in_flight{0};
  ByteBudget half_frames;                       ///< received bytes of frames that are not whole, likewise
  const std::shared_ptr<UnsentAnswers> unsent;  ///< null: no bound
  LogRate close_log;                            ///< bounds the lines about closed connections
};

/// Belongs to the shard it was created on; every member is called there. Kept by a Ref.
class SessionBase {
 public:
  /// Serves the connection until it has ended; spawned once, in a group that outlives the session's use. Cancelling its scope closes the
  /// connection. The result says why it ended: ok when either side closed it in good order.
  io::Task<Result<void>> run() { return serve(Ref<SessionBase>(*this)); }

  /// Neither closed, nor draining, nor told to go away: fit for a new call.
  bool usable() const { return is_open() && !draining_ && !told_to_go_; }
  bool is_open() const { return kind_ == CloseKind::open; }
  /// The peer takes no new calls (Bolt's GoAway, Dubbo's READONLY): pending ones go on, new ones belong on another connection.
  bool told_to_go() const { return told_to_go_; }

  /// Closes at once; pending calls end with connection_closed. May be called again.
  void close(std::string_view why = "closed by this side");

  /// A scope for work done for the peer: cancelled when the connection ends. The session must be kept (by a Ref) as long as a child is in it.
  io::Scope& scope() { return scope_; }

  CloseKind close_kind() const { return kind_; }
  const io::Address& peer() const { return peer_; }
  const io::Address& local() const { return local_; }
  const SessionStats& stats() const { return stats_; }
  const SessionOptions& options() const { return options_; }
  uint32_t in_flight() const { return in_flight_; }
  size_t pending_calls() const { return pending_.size(); }

  void retain() { ++references_; }
  void release() {
    if (--references_ == 0) delete this;
  }

 protected:
  /// `name`, a literal: the scope's. `shared` (null: none) outlives it. `prefix`: bytes that were read from the stream already.
  SessionBase(const char* name, io::Stream stream, const SessionOptions& options, SessionShared* shared, Buffer prefix);
  /// The derived one has called finish() before.
  virtual ~SessionBase();

  // What the protocol adds
  /// Takes the whole frames out of in_, while the session is open and need not pause.
  virtual void take_frames() = 0;
  /// Of the frame at the front of in_; 0 as long as it is not known.
  virtual size_t frame_size() const = 0;
  /// Bytes written that the stream has not got.
  virtual size_t unsent() const = 0;
  /// Gives them to the stream.
  virtual void flush() = 0;
  /// Gives back the memory of an empty write buffer.
  virtual void release_output() = 0;
  virtual void send_heartbeat() = 0;
  /// Whether an idle connection is to end: drained, or told to go.
  virtual bool may_end() const = 0;

  // Reading
  bool must_pause(size_t unsent) const;
  /// A frame was taken: what is left is no longer half of it.
  void frame_taken() { half_frame_ = false; }
  bool over_limits() const;

  // Writing
  /// After each frame that was written.
  void wrote_frame(size_t unsent);
  void at_turn_end() { shard_.at_turn_end(turn_end_); }
  void write_failed(Error error);

  // Calls
  Result<void> check_sendable(size_t size) const;
  /// check_sendable, and room for one more call.
  Result<void> check_callable(size_t size) const;
  /// Unique among the pending ones of this connection; all 2^32 are used, 0 too.
  uint32_t free_id();
  void count_in_flight();
  void uncount_in_flight();

  // Life
  void fail(CloseKind kind, std::string reason);
  void finish(CloseKind kind, Error reason, bool linger);
  void end_if_drained();
  void arm_timer();

  io::Shard& shard_;
  io::Stream stream_;
  const SessionOptions options_;
  SessionShared* const shared_;
  Buffer in_;

  PendingCalls<CallBase> pending_;
  uint32_t next_id_ = 1;
  bool draining_ = false;
  Instant drain_until_ = kNoDeadline;  // what still arrives until then is served, also while draining
  bool told_to_go_ = false;
  SessionStats stats_;

 private:
  friend class CallBase;

  static io::Task<Result<void>> serve(Ref<SessionBase> self);
  io::Task<void> pause_reading();
  io::Task<void> end_reading(Result<size_t> last);
  void on_bytes(size_t count);
  void take_input();
  void note_half_frame();
  Instant half_frame_deadline() const;
  void hold_input(size_t bytes);
  /// False when this connection is to close.
  bool count_unsent(size_t waiting) { return answers_.set(waiting, stats_.bytes_out - stream_.pending_write_bytes()); }
  void give_up_answers();
  static void on_turn_end(void* self);
  void log_close() const;
  Instant next_check() const;
  void check_timers();
  void check_heartbeat(Instant now);
  static void on_timer(void* self);

  uint32_t references_ = 0;
  const io::Address peer_, local_;
  io::TurnEndHook turn_end_{&SessionBase::on_turn_end, this};
  uint32_t in_flight_ = 0;

  Instant last_read_;
  Instant last_heartbeat_;
  Instant half_begun_;     // when the unfinished frame began
  Instant half_since_;     // when its head began, or its body last grew
  HeldBytes held_;         // of shared_->half_frames
  AnswerAccount answers_;  // of shared_->unsent
  bool half_frame_ = false;
  uint64_t written_at_pause_ = 0;  // bytes written or waiting when reading went on after a pause
  uint32_t misses_ = 0;
  io::TimerNode timer_{&SessionBase::on_timer, this};
  Instant timer_at_ = kNoDeadline;

  CloseKind kind_ = CloseKind::open;
  std::optional<Error> close_reason_;
  bool lingering_ = false;  // ended, but the peer may still be reading the last answers
  Instant linger_until_ = kNoDeadline;
  io::Scope scope_;
};

}  // namespace sofa::transport
