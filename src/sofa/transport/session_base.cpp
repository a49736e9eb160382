#include "sofa/transport/session_base.h"

#include "sofa/base/rate.h"

namespace sofa::transport {

using bolt::Status;

namespace {

const Logger kLog{"transport"};

/// A read buffer that grew beyond this for one big frame is given back.
constexpr size_t kKeptReadBuffer = 256 * 1024;

}  // namespace

SessionBase::SessionBase(const char* name, io::Stream stream, const SessionOptions& options, SessionShared* shared, Buffer prefix)
    : shard_(io::Shard::current()),
      stream_(std::move(stream)),
      options_(options),
      shared_(shared),
      in_(std::move(prefix)),
      peer_(stream_.peer()),
      local_(stream_.local()),
      last_read_(shard_.now()),
      last_heartbeat_(last_read_),
      half_begun_(last_read_),
      half_since_(last_read_),
      held_(shared == nullptr ? nullptr : &shared->half_frames),
      answers_(
          shared == nullptr ? nullptr : shared->unsent, [](void* self) { static_cast<SessionBase*>(self)->give_up_answers(); }, this),
      scope_(&shard_.root_scope(), name) {
  if (!answers_.counts()) return;
  stream_.on_flushed(
      [](void* self) {
        auto& session = *static_cast<SessionBase*>(self);
        session.count_unsent(session.stream_.pending_write_bytes());
      },
      this);
}

SessionBase::~SessionBase() = default;

// ---------------------------------------------------------------- reading

io::Task<Result<void>> SessionBase::serve(Ref<SessionBase> self) {
  SessionBase& s = *self;
  s.arm_timer();
  if (!s.in_.empty()) s.on_bytes(s.in_.size());
  Result<size_t> got = size_t{0};
  for (;;) {
    got = co_await s.stream_.read_some(s.in_, s.options_.read_size);
    if (!got || *got == 0) break;
    s.on_bytes(*got);
    while (s.must_pause(s.unsent())) {
      co_await s.pause_reading();
      s.take_input();
    }
  }
  co_await s.end_reading(std::move(got));
  if (s.kind_ == CloseKind::local || s.kind_ == CloseKind::peer) co_return Result<void>{};
  co_return std::unexpected(*s.close_reason_);
}

bool SessionBase::must_pause(size_t unsent) const {
  return is_open() && stream_.pending_write_bytes() + unsent > options_.write_high_water &&
         stats_.bytes_out + unsent - written_at_pause_ > options_.write_high_water;
}

// Whoever lets answers pile up is read no further as long as it takes some. When it takes nothing at all it may be waiting for us in the same way:
// then another write_high_water of answers is let through.
io::Task<void> SessionBase::pause_reading() {
  auto drained = [](io::Stream& stream, size_t low) -> io::Task<Result<void>> { co_return co_await stream.drained(low); };
  flush();
  half_frame_ = false;  // a frame that is not whole now is looked at anew afterwards: the pause is ours, not the peer's
  for (size_t before = SIZE_MAX; is_open() && stream_.pending_write_bytes() < before;) {
    before = stream_.pending_write_bytes();
    const auto outcome = co_await io::with_timeout(options_.read_pause, drained(stream_, options_.write_high_water / 2));
    last_read_ = shard_.now();  // not the peer's silence: nothing was read
    if (outcome || outcome.error().code() != Code::deadline_exceeded) break;
  }
  written_at_pause_ = stats_.bytes_out + unsent();
}

io::Task<void> SessionBase::end_reading(Result<size_t> last) {
  flush();
  const bool end_of_stream = last.has_value();
  if (is_open()) {
    if (end_of_stream) {
      finish(CloseKind::peer, Error(Code::unavailable, "closed by peer"), true);
    } else if (last.error().code() == Code::cancelled) {
      finish(CloseKind::local, Error(Code::unavailable, "this side stops"), false);
    } else {
      const CloseKind kind = close_kind_of(last.error());
      finish(kind, std::move(last.error()), false);
    }
  }
  // The peer may have closed its writing side only: it gets what it was answered before.
  if (end_of_stream && stream_.pending_write_bytes() > 0) {
    [[maybe_unused]] const auto flushed = co_await io::with_timeout(options_.linger, stream_.close_after_flush());
  }
  stream_.close();
  timer_.cancel();
  in_ = Buffer();
  held_.hold(0);
  answers_.set(0, stats_.bytes_out);
}

void SessionBase::on_bytes(size_t count) {
  last_read_ = shard_.now();
  misses_ = 0;
  stats_.bytes_in += count;
  take_input();
}

// Takes what is whole, then looks at what is left.
void SessionBase::take_input() {
  if (is_open()) take_frames();
  if (is_open()) hold_input(in_.size());
  if (!is_open()) {
    in_.clear();
    held_.hold(0);
  }
  half_frame_ = half_frame_ && !in_.empty();
  if (!in_.empty()) {
    if (!must_pause(unsent())) note_half_frame();
    return;
  }
  if (in_.room() > kKeptReadBuffer) {
    in_ = Buffer();
  } else {
    in_.clear();
  }
}

// A head must be whole within the time; a body must move on, and not too slowly.
void SessionBase::note_half_frame() {
  if (!half_frame_) half_begun_ = shard_.now();
  if (!half_frame_ || frame_size() != 0) half_since_ = shard_.now();
  half_frame_ = true;
  arm_timer();
}

Instant SessionBase::half_frame_deadline() const {
  const Instant standing = deadline_after(half_since_, options_.half_frame_timeout);
  if (options_.min_frame_rate == 0 || frame_size() == 0) return standing;
  return std::min(standing, deadline_after(half_begun_, options_.half_frame_timeout + time_at_rate(in_.size(), options_.min_frame_rate)));
}

void SessionBase::hold_input(size_t bytes) {
  if (held_.hold(bytes)) return;
  fail(CloseKind::frame_budget, fmt::format("{} bytes of a frame of {} came, but the unfinished frames of all connections have {} bytes already "
                                            "(max_half_frame_bytes {})",
                                            bytes, frame_size(), shared_->half_frames.held(), shared_->half_frames.most()));
}

bool SessionBase::over_limits() const {
  if (in_flight_ >= options_.max_in_flight) return true;
  return shared_ != nullptr && shared_->in_flight.load(std::memory_order_relaxed) >= shared_->max_in_flight;
}

// ---------------------------------------------------------------- writing

void SessionBase::wrote_frame(size_t unsent) {
  ++stats_.frames_out;
  at_turn_end();
  const size_t waiting = stream_.pending_write_bytes() + unsent;
  if (waiting > options_.max_write_queue) {
    fail(CloseKind::slow_reader,
         fmt::format("{} bytes wait for the peer, which reads too slowly (max_write_queue {})", waiting, options_.max_write_queue));
  } else if (!count_unsent(waiting)) {
    give_up_answers();
  }
}

// Also while the end lingers: what waits then is dropped, too.
void SessionBase::give_up_answers() {
  Ref<SessionBase> self(*this);
  if (is_open()) fail(CloseKind::slow_reader, answers_.why());
  stream_.close();
  answers_.set(0, stats_.bytes_out);
}

void SessionBase::write_failed(Error error) {
  const CloseKind kind = close_kind_of(error);
  finish(kind, std::move(error), false);
}

void SessionBase::on_turn_end(void* self) {
  Ref<SessionBase> session(*static_cast<SessionBase*>(self));
  session->flush();
  session->count_unsent(session->stream_.pending_write_bytes());
  session->end_if_drained();
}

// ---------------------------------------------------------------- calls

Result<void> SessionBase::check_sendable(size_t size) const {
  if (!usable()) {
    const std::string why = close_reason_ ? std::string(close_reason_->message())
                            : told_to_go_ ? "the peer takes no new calls"
                                          : "this side is closing it";
    return std::unexpected(with_status(Error(Code::unavailable, fmt::format("the connection to {} cannot be used: {}", peer_.to_string(), why)),
                                       Status::comm_error, told_to_go_ ? Sent::no_closed : Sent::no));
  }
  const size_t waiting = stream_.pending_write_bytes() + unsent();
  if (waiting + size > options_.max_write_queue) {
    return std::unexpected(with_status(Error(Code::resource_exhausted, fmt::format("{} bytes wait to be written to {} already (max_write_queue {})",
                                                                                   waiting, peer_.to_string(), options_.max_write_queue)),
                                       Status::client_send_error));
  }
  return {};
}

Result<void> SessionBase::check_callable(size_t size) const {
  if (auto sendable = check_sendable(size); !sendable) return sendable;
  if (pending_.size() < options_.max_pending_calls) return {};
  return std::unexpected(with_status(Error(Code::resource_exhausted, fmt::format("{} calls to {} wait for their answer already (max_pending_calls)",
                                                                                 pending_.size(), peer_.to_string())),
                                     Status::client_send_error));
}

uint32_t SessionBase::free_id() {
  while (pending_.find(next_id_) != nullptr) ++next_id_;
  return next_id_++;
}

void SessionBase::count_in_flight() {
  ++in_flight_;
  if (shared_ != nullptr) shared_->in_flight.fetch_add(1, std::memory_order_relaxed);
}

void SessionBase::uncount_in_flight() {
  --in_flight_;
  if (shared_ != nullptr) shared_->in_flight.fetch_sub(1, std::memory_order_relaxed);
  if (draining_ || told_to_go_) at_turn_end();
}

// ---------------------------------------------------------------- end

void SessionBase::end_if_drained() {
  if (!is_open() || in_flight_ > 0 || !pending_.empty() || !may_end()) return;
  flush();
  finish(CloseKind::local, Error(Code::unavailable, "closed in good order"), true);
}

void SessionBase::close(std::string_view why) {
  Ref<SessionBase> self(*this);
  flush();
  finish(CloseKind::local, Error(Code::unavailable, std::string(why)), false);
}

void SessionBase::fail(CloseKind kind, std::string reason) {
  flush();
  finish(kind, Error(Code::unavailable, std::move(reason)), false);
}

void SessionBase::finish(CloseKind kind, Error reason, bool linger) {
  if (!is_open()) return;
  ++references_;  // not a Ref: also called by the destructor
  kind_ = kind;
  close_reason_ = std::move(reason);
  log_close();
  if (!pending_.empty()) {
    Error ended = with_status(
        Error(Code::unavailable, kind == CloseKind::peer ? fmt::format("connection to {} closed by peer while call was pending", peer_.to_string())
                                                         : fmt::format("connection to {} closed while call was pending: {}", peer_.to_string(),
                                                                       close_reason_->message())),
        Status::connection_closed);
    while (CallBase* call = pending_.remove_any()) call->fail(ended);
  }
  if (linger) {
    lingering_ = true;
    linger_until_ = deadline_after(shard_.now(), options_.linger);
    stream_.shutdown_write();
    arm_timer();
  } else {
    stream_.close();
  }
  scope_.cancel(*close_reason_);
  --references_;
}

void SessionBase::log_close() const {
  const std::string peer = peer_.to_string();
  if (!is_fault(kind_)) return kLog.debug("connection closed", {{"peer", peer}, {"kind", to_string(kind_)}, {"reason", close_reason_->message()}});
  if (shared_ == nullptr) return kLog.warn("connection closed", {{"peer", peer}, {"kind", to_string(kind_)}, {"reason", close_reason_->message()}});
  kLog.warn(shared_->close_log, "connection closed", {{"peer", peer}, {"kind", to_string(kind_)}, {"reason", close_reason_->message()}});
}

// ---------------------------------------------------------------- timer

Instant SessionBase::next_check() const {
  if (lingering_) return linger_until_;
  Instant next = kNoDeadline;
  const auto consider = [&next](Instant from, Duration rule) {
    if (rule > Duration::zero()) next = std::min(next, deadline_after(from, rule));
  };
  consider(std::max(last_read_, last_heartbeat_), options_.heartbeat_interval);
  consider(last_read_, options_.idle_timeout);
  if (draining_ && is_open() && shard_.now() < drain_until_) next = std::min(next, drain_until_);
  if (half_frame_ && options_.half_frame_timeout > Duration::zero()) next = std::min(next, half_frame_deadline());
  return next;
}

// Deadlines that move away cost nothing: the timer fires at the old one and is set anew.
void SessionBase::arm_timer() {
  const Instant next = next_check();
  if (next == kNoDeadline || (timer_.pending() && timer_at_ <= next)) return;
  timer_at_ = next;
  shard_.schedule(timer_, next);
}

void SessionBase::on_timer(void* self) {
  Ref<SessionBase> session(*static_cast<SessionBase*>(self));
  session->check_timers();
  if (session->stream_.is_open()) session->arm_timer();
}

void SessionBase::check_timers() {
  const Instant now = shard_.now();
  if (lingering_) {
    if (now >= linger_until_) stream_.close();
    return;
  }
  if (half_frame_ && options_.half_frame_timeout > Duration::zero() && now >= half_frame_deadline()) {
    const bool stands = now >= half_since_ + options_.half_frame_timeout;
    return fail(CloseKind::half_frame,
                stands ? fmt::format("{} bytes of a frame came and then nothing that completes it (half_frame_timeout)", in_.size())
                       : fmt::format("{} bytes of a frame came in {} s: too slow (min_frame_rate {} bytes a second)", in_.size(),
                                     std::chrono::duration_cast<std::chrono::seconds>(now - half_begun_).count(), options_.min_frame_rate));
  }
  if (options_.idle_timeout > Duration::zero() && now >= last_read_ + options_.idle_timeout) {
    return fail(CloseKind::idle, "not a byte came for the whole idle_timeout");
  }
  check_heartbeat(now);
  if (in_.empty()) in_ = Buffer();  // a quiet connection keeps no buffers
  release_output();
  if (draining_) end_if_drained();
}

void SessionBase::check_heartbeat(Instant now) {
  if (options_.heartbeat_interval <= Duration::zero() || now < std::max(last_read_, last_heartbeat_) + options_.heartbeat_interval) return;
  if (misses_ >= options_.heartbeat_misses) {
    return fail(CloseKind::idle, fmt::format("{} heartbeats in a row were not answered", misses_));
  }
  ++misses_;
  ++stats_.heartbeats_out;
  last_heartbeat_ = now;
  send_heartbeat();
}

}  // namespace sofa::transport
