#include "sofa/transport/session.h"

namespace sofa::transport {

using bolt::Command;
using bolt::FrameType;
using bolt::ParseStatus;
using bolt::Status;

namespace {

const Logger kLog{"transport"};

/// A read buffer that grew beyond this for one big frame is given back.
constexpr size_t kKeptReadBuffer = 256 * 1024;
/// Unfinished frames count against the server's budget in steps of this: small ones cost nothing.
constexpr size_t kHeldStep = 16 * 1024;

}  // namespace

SessionRef Session::create(io::Stream stream, SessionOptions options, const Handlers* handlers, SessionShared* shared, Buffer prefix) {
  return SessionRef(*new Session(std::move(stream), options, handlers, shared, std::move(prefix)));
}

Session::Session(io::Stream stream, SessionOptions options, const Handlers* handlers, SessionShared* shared, Buffer prefix)
    : shard_(io::Shard::current()),
      stream_(std::move(stream)),
      options_(options),
      handlers_(handlers),
      shared_(shared),
      peer_(stream_.peer()),
      local_(stream_.local()),
      in_(std::move(prefix)),
      parser_(options.limits),
      last_read_(shard_.now()),
      last_heartbeat_(last_read_),
      half_begun_(last_read_),
      half_since_(last_read_),
      scope_(&shard_.root_scope(), "bolt session") {
  channel_.protocol = options.protocol;
  channel_.version = options.protocol == 2 ? options.version : 1;
  channel_.switches = channel_.version == 2 ? bolt::kSwitchCrc : 0;
}

Session::~Session() {
  finish(CloseKind::local, Error(Code::unavailable, "the session was dropped"), false);
  hold_input(0);
}

// ---------------------------------------------------------------- reading

io::Task<Result<void>> Session::serve(SessionRef self) {
  Session& s = *self;
  s.arm_timer();
  if (!s.in_.empty()) s.on_bytes(s.in_.size());
  Result<size_t> got = size_t{0};
  for (;;) {
    got = co_await s.stream_.read_some(s.in_, s.options_.read_size);
    if (!got || *got == 0) break;
    s.on_bytes(*got);
    while (s.must_pause()) {
      co_await s.pause_reading();
      s.take_input();
    }
  }
  co_await s.end_reading(std::move(got));
  if (s.kind_ == CloseKind::local || s.kind_ == CloseKind::peer) co_return Result<void>{};
  co_return std::unexpected(*s.close_reason_);
}

bool Session::must_pause() const {
  const size_t waiting = stream_.pending_write_bytes() + out_.size();
  return is_open() && waiting > options_.write_high_water && stats_.bytes_out + out_.size() - written_at_pause_ > options_.write_high_water;
}

// Whoever lets answers pile up is read no further as long as it takes some. When it takes nothing at all it may be waiting for us in the same way:
// then another write_high_water of answers is let through.
io::Task<void> Session::pause_reading() {
  auto drained = [](io::Stream& stream, size_t low) -> io::Task<Result<void>> { co_return co_await stream.drained(low); };
  flush();
  half_frame_ = false;  // a frame that is not whole now is looked at anew afterwards: the pause is ours, not the peer's
  for (size_t before = SIZE_MAX; is_open() && stream_.pending_write_bytes() < before;) {
    before = stream_.pending_write_bytes();
    const auto outcome = co_await io::with_timeout(options_.read_pause, drained(stream_, options_.write_high_water / 2));
    last_read_ = shard_.now();  // not the peer's silence: nothing was read
    if (outcome || outcome.error().code() != Code::deadline_exceeded) break;
  }
  written_at_pause_ = stats_.bytes_out + out_.size();
}

io::Task<void> Session::end_reading(Result<size_t> last) {
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
  hold_input(0);
}

void Session::on_bytes(size_t count) {
  last_read_ = shard_.now();
  misses_ = 0;
  stats_.bytes_in += count;
  take_input();
}

// Takes what is whole, then looks at what is left.
void Session::take_input() {
  if (is_open()) take_frames();
  if (is_open()) hold_input(in_.size());
  if (!is_open()) {
    in_.clear();
    hold_input(0);
  }
  half_frame_ = half_frame_ && !in_.empty();
  if (!in_.empty()) {
    if (!must_pause()) note_half_frame();
    return;
  }
  if (in_.room() > kKeptReadBuffer) {
    in_ = Buffer();
  } else {
    in_.clear();
  }
}

void Session::take_frames() {
  bolt::Frame frame;
  while (is_open() && !must_pause()) {
    switch (parser_.next(in_, frame)) {
      case ParseStatus::need_more:
        return;
      case ParseStatus::frame:
        half_frame_ = false;
        on_frame(frame);
        break;
      case ParseStatus::error:
        return fail(CloseKind::protocol_error, parser_.reason());
      case ParseStatus::too_large:
        return on_too_large(frame);
    }
  }
}

// A head must be whole within the time; a body must move on, and not too slowly.
void Session::note_half_frame() {
  if (!half_frame_) half_begun_ = shard_.now();
  if (!half_frame_ || parser_.frame_size() != 0) half_since_ = shard_.now();
  half_frame_ = true;
  arm_timer();
}

Instant Session::half_frame_deadline() const {
  const Instant standing = deadline_after(half_since_, options_.half_frame_timeout);
  if (options_.min_frame_rate == 0 || parser_.frame_size() == 0) return standing;
  const auto earned = Duration(static_cast<int64_t>(static_cast<double>(in_.size()) / static_cast<double>(options_.min_frame_rate) * 1e9));
  return std::min(standing, deadline_after(half_begun_, options_.half_frame_timeout + earned));
}

void Session::hold_input(size_t bytes) {
  const size_t held = bytes / kHeldStep * kHeldStep;
  if (shared_ == nullptr || held == held_) return;
  const bool more = held > held_;
  const size_t all = shared_->half_frame_bytes.fetch_add(held - held_, std::memory_order_relaxed) + held - held_;  // less: the difference wraps
  held_ = held;
  if (!more || all <= shared_->max_half_frame_bytes) return;
  fail(CloseKind::frame_budget, fmt::format("{} bytes of a frame of {} came, but the unfinished frames of all connections have {} bytes already "
                                            "(max_half_frame_bytes {})",
                                            bytes, parser_.frame_size(), all, shared_->max_half_frame_bytes));
}

void Session::on_frame(bolt::Frame& frame) {
  ++stats_.frames_in;
  if (!channel_fixed_) {
    channel_fixed_ = true;
    channel_.protocol = frame.protocol;
    channel_.version = frame.version;
    channel_.switches = frame.version == 2 ? bolt::kSwitchCrc : 0;
  }
  switch (frame.command) {
    case Command::heartbeat:
      return on_heartbeat(frame);
    case Command::goaway:
      told_to_go_ = true;
      return end_if_drained();
    case Command::request:
      return on_request(frame);
    case Command::response:
      return on_response(frame);
  }
}

void Session::on_heartbeat(const bolt::Frame& frame) {
  if (frame.is_response()) return;
  ++stats_.heartbeats_in;
  if (frame.type == FrameType::oneway) return;
  bolt::FrameHead ack = bolt::heartbeat_ack(frame);
  if (ack.protocol == 2 && channel_.protocol == 2) ack.version = channel_.version;
  out_.append(ack);
  wrote_frame();
}

void Session::on_response(bolt::Frame& frame) {
  Call* call = pending_.remove(frame.id);
  if (call == nullptr) {
    ++stats_.late_responses;
    return;
  }
  call->finish(Response{std::move(frame)});
  end_if_drained();
}

bool Session::over_limits() const {
  if (in_flight_ >= options_.max_in_flight) return true;
  return shared_ != nullptr && shared_->in_flight.load(std::memory_order_relaxed) >= shared_->max_in_flight;
}

const Handlers::Entry* Session::find_handler(std::string_view class_name) {
  if (last_handler_ != nullptr && last_handler_->class_name == class_name) return last_handler_;
  const Handlers::Entry* entry = handlers_ == nullptr ? nullptr : handlers_->find(class_name);
  if (entry != nullptr && entry->class_name == class_name) last_handler_ = entry;
  return entry;
}

void Session::on_request(bolt::Frame& frame) {
  ++stats_.requests_in;
  const bool oneway = frame.type == FrameType::oneway;
  if (oneway) ++stats_.oneways_in;
  // While draining a caller is told "busy", which the original's clients take as the word to ask elsewhere.
  if ((draining_ && !options_.send_goaway && !oneway) || over_limits()) {
    ++stats_.busy;
    if (!oneway) send_status(frame, Status::server_busy);
    return;
  }
  const Handlers::Entry* entry = find_handler(frame.class_name());
  if (entry == nullptr) {
    if (!oneway) send_status(frame, Status::server_exception);
    return;
  }
  bolt::HeaderMap header;
  if (entry->header == HeaderKind::map && frame.header_size != 0) {
    auto parsed = bolt::HeaderMap::parse(frame.header(), options_.limits.max_header_pairs);
    if (!parsed) return refuse(frame, CloseKind::bad_header, std::string(parsed.error().message()));
    header = *parsed;
  }
  IncomingRequest request{frame, header, *this, shard_.now()};
  try {
    Responder responder(*this, frame);  // not answered: status 2 when it goes
    entry->handler->handle(request, responder);
  } catch (const std::exception& e) {
    flush();
    finish(CloseKind::handler_fault, Error(Code::internal, fmt::format("the handler of '{}' threw an exception: {}", entry->class_name, e.what())),
           true);
  }
}

void Session::on_too_large(const bolt::Frame& head) {
  if (!head.is_response()) return refuse(head, CloseKind::too_large, parser_.reason());
  if (Call* call = pending_.remove(head.id)) {
    call->finish(
        std::unexpected(with_status(Error(Code::resource_exhausted, "the answer is too large: " + parser_.reason()), Status::codec_exception)));
  }
  fail(CloseKind::too_large, parser_.reason());
}

// ---------------------------------------------------------------- writing

// A v2 answer has the version of the channel's first frame (docs/protocols/bolt.md, section 7).
bolt::FrameHead Session::answer_head(const bolt::FrameHead& request, Status status) const {
  bolt::FrameHead head = bolt::response_to(request, status);
  if (head.protocol == 2 && channel_.protocol == 2) head.version = channel_.version;
  return head;
}

void Session::send_status(const bolt::FrameHead& request, Status status) {
  if (!is_open()) return;
  out_.append(answer_head(bolt::error_response_to(request, status), status));
  wrote_frame();
}

void Session::wrote_frame() {
  ++stats_.frames_out;
  shard_.at_turn_end(turn_end_);
  if (stream_.pending_write_bytes() + out_.size() > options_.max_write_queue) {
    fail(CloseKind::slow_reader, fmt::format("{} bytes wait for the peer, which reads too slowly (max_write_queue {})",
                                             stream_.pending_write_bytes() + out_.size(), options_.max_write_queue));
  }
}

void Session::on_turn_end(void* self) {
  SessionRef session(*static_cast<Session*>(self));
  session->flush();
  session->end_if_drained();
}

void Session::flush() {
  if (out_.empty() || !stream_.is_open()) return;
  if (const ByteSpan bytes = out_.one_piece(); !bytes.empty()) {
    const size_t written = stream_.write_now(bytes);
    stats_.bytes_out += written;
    out_.consume(written);
    if (out_.empty()) return;
  }
  GatherList list;
  out_.take(list);
  stats_.bytes_out += list.size();
  if (auto queued = stream_.write(std::move(list)); !queued) {
    const CloseKind kind = close_kind_of(queued.error());
    return finish(kind, std::move(queued.error()), false);
  }
  stream_.flush();
}

// ---------------------------------------------------------------- requests in flight

void Session::count_in_flight() {
  ++in_flight_;
  if (shared_ != nullptr) shared_->in_flight.fetch_add(1, std::memory_order_relaxed);
}

void Session::uncount_in_flight() {
  --in_flight_;
  if (shared_ != nullptr) shared_->in_flight.fetch_sub(1, std::memory_order_relaxed);
  if (draining_ || told_to_go_) shard_.at_turn_end(turn_end_);
}

// ---------------------------------------------------------------- end

void Session::drain() {
  if (draining_ || !is_open()) return;
  draining_ = true;
  if (options_.send_goaway) {
    out_.append(bolt::goaway(channel_, free_id()));
    ++stats_.frames_out;
  }
  // At the end of the turn: requests that were read in it are answered first.
  shard_.at_turn_end(turn_end_);
}

// With GoAway it is the peer who closes, after its last answer.
void Session::end_if_drained() {
  if (!is_open() || in_flight_ > 0 || !pending_.empty()) return;
  if (told_to_go_ || (draining_ && !options_.send_goaway)) {
    flush();
    finish(CloseKind::local, Error(Code::unavailable, "closed in good order"), true);
  }
}

void Session::close(std::string_view why) {
  SessionRef self(*this);
  flush();
  finish(CloseKind::local, Error(Code::unavailable, std::string(why)), false);
}

void Session::fail(CloseKind kind, std::string reason) {
  flush();
  finish(kind, Error(Code::unavailable, std::move(reason)), false);
}

// Status 9 with the id, then the end (docs/protocols/bolt.md, section 8). Lingers, so that the bytes still coming do not reset what was said.
void Session::refuse(const bolt::FrameHead& request, CloseKind kind, std::string reason) {
  if (request.type == FrameType::request) send_status(request, Status::codec_exception);
  flush();
  finish(kind, Error(Code::unavailable, std::move(reason)), true);
}

void Session::finish(CloseKind kind, Error reason, bool linger) {
  if (!is_open()) return;
  ++references_;  // not a SessionRef: also called by the destructor
  kind_ = kind;
  close_reason_ = std::move(reason);
  log_close();
  if (!pending_.empty()) {
    Error ended = with_status(
        Error(Code::unavailable, kind == CloseKind::peer ? fmt::format("connection to {} closed by peer while call was pending", peer_.to_string())
                                                         : fmt::format("connection to {} closed while call was pending: {}", peer_.to_string(),
                                                                       close_reason_->message())),
        Status::connection_closed);
    while (Call* call = pending_.remove_any()) call->finish(std::unexpected(ended));
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

void Session::log_close() const {
  const std::string peer = peer_.to_string();
  if (!is_fault(kind_)) return kLog.debug("connection closed", {{"peer", peer}, {"kind", to_string(kind_)}, {"reason", close_reason_->message()}});
  if (shared_ == nullptr) return kLog.warn("connection closed", {{"peer", peer}, {"kind", to_string(kind_)}, {"reason", close_reason_->message()}});
  kLog.warn(shared_->close_log, "connection closed", {{"peer", peer}, {"kind", to_string(kind_)}, {"reason", close_reason_->message()}});
}

// ---------------------------------------------------------------- timer

Instant Session::next_check() const {
  if (lingering_) return linger_until_;
  Instant next = kNoDeadline;
  const auto consider = [&next](Instant from, Duration rule) {
    if (rule > Duration::zero()) next = std::min(next, deadline_after(from, rule));
  };
  consider(std::max(last_read_, last_heartbeat_), options_.heartbeat_interval);
  consider(last_read_, options_.idle_timeout);
  if (half_frame_ && options_.half_frame_timeout > Duration::zero()) next = std::min(next, half_frame_deadline());
  return next;
}

// Deadlines that move away cost nothing: the timer fires at the old one and is set anew.
void Session::arm_timer() {
  const Instant next = next_check();
  if (next == kNoDeadline || (timer_.pending() && timer_at_ <= next)) return;
  timer_at_ = next;
  shard_.schedule(timer_, next);
}

void Session::on_timer(void* self) {
  SessionRef session(*static_cast<Session*>(self));
  session->check_timers();
  if (session->stream_.is_open()) session->arm_timer();
}

void Session::check_timers() {
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
  out_.release();
}

void Session::check_heartbeat(Instant now) {
  if (options_.heartbeat_interval <= Duration::zero() || now < std::max(last_read_, last_heartbeat_) + options_.heartbeat_interval) return;
  if (misses_ >= options_.heartbeat_misses) {
    return fail(CloseKind::idle, fmt::format("{} heartbeats in a row were not answered", misses_));
  }
  ++misses_;
  ++stats_.heartbeats_out;
  last_heartbeat_ = now;
  out_.append(bolt::heartbeat(channel_, free_id()));
  wrote_frame();
}

}  // namespace sofa::transport
