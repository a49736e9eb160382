#include "sofa/transport/dubbo_session.h"

namespace sofa::transport {

using dubbo::ParseStatus;
using dubbo::Status;

namespace {

const Logger kLog{"transport"};

/// A read or write buffer that grew beyond this for one big frame is given back.
constexpr size_t kKeptBuffer = 256 * 1024;
/// Unfinished frames count against the server's budget in steps of this: small ones cost nothing.
constexpr size_t kHeldStep = 16 * 1024;
/// The longest body of an event that is given back with its answer: the null of a serialization that is not spoken here.
constexpr size_t kMostEventBody = 64;

}  // namespace

DubboSessionRef DubboSession::create(io::Stream stream, DubboSessionOptions options, DubboHandler* handler, SessionShared* shared, Buffer prefix) {
  return DubboSessionRef(*new DubboSession(std::move(stream), options, handler, shared, std::move(prefix)));
}

DubboSession::DubboSession(io::Stream stream, DubboSessionOptions options, DubboHandler* handler, SessionShared* shared, Buffer prefix)
    : shard_(io::Shard::current()),
      stream_(std::move(stream)),
      options_(options),
      handler_(handler),
      shared_(shared),
      peer_(stream_.peer()),
      local_(stream_.local()),
      in_(std::move(prefix)),
      parser_(options.limits.max_frame),
      last_read_(shard_.now()),
      last_heartbeat_(last_read_),
      half_begun_(last_read_),
      half_since_(last_read_),
      scope_(&shard_.root_scope(), "dubbo session") {}

DubboSession::~DubboSession() {
  finish(CloseKind::local, Error(Code::unavailable, "the session was dropped"), false);
  hold_input(0);
}

// ---------------------------------------------------------------- reading

io::Task<Result<void>> DubboSession::serve(DubboSessionRef self) {
  DubboSession& s = *self;
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

bool DubboSession::must_pause() const {
  const size_t waiting = stream_.pending_write_bytes() + out_.size();
  return is_open() && waiting > options_.write_high_water && stats_.bytes_out + out_.size() - written_at_pause_ > options_.write_high_water;
}

// Whoever lets answers pile up is read no further as long as it takes some. When it takes nothing at all it may be waiting for us in the same way:
// then another write_high_water of answers is let through.
io::Task<void> DubboSession::pause_reading() {
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

io::Task<void> DubboSession::end_reading(Result<size_t> last) {
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

void DubboSession::on_bytes(size_t count) {
  last_read_ = shard_.now();
  misses_ = 0;
  stats_.bytes_in += count;
  take_input();
}

// Takes what is whole, then looks at what is left.
void DubboSession::take_input() {
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
  if (in_.room() > kKeptBuffer) {
    in_ = Buffer();
  } else {
    in_.clear();
  }
}

void DubboSession::take_frames() {
  dubbo::Frame frame;
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
void DubboSession::note_half_frame() {
  if (!half_frame_) half_begun_ = shard_.now();
  if (!half_frame_ || parser_.frame_size() != 0) half_since_ = shard_.now();
  half_frame_ = true;
  arm_timer();
}

Instant DubboSession::half_frame_deadline() const {
  const Instant standing = deadline_after(half_since_, options_.half_frame_timeout);
  if (options_.min_frame_rate == 0 || parser_.frame_size() == 0) return standing;
  const auto earned = Duration(static_cast<int64_t>(static_cast<double>(in_.size()) / static_cast<double>(options_.min_frame_rate) * 1e9));
  return std::min(standing, deadline_after(half_begun_, options_.half_frame_timeout + earned));
}

void DubboSession::hold_input(size_t bytes) {
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

void DubboSession::on_frame(dubbo::Frame& frame) {
  ++stats_.frames_in;
  if (frame.event) return on_event(frame);
  if (frame.request) return on_request(frame);
  on_response(frame);
}

void DubboSession::on_event(const dubbo::Frame& frame) {
  if (!frame.request) return;  // the answer to a heartbeat of ours: a sign of life, as every byte is
  const dubbo::Event event = dubbo::read_event(frame.body);
  if (event == dubbo::Event::heartbeat) {
    ++stats_.heartbeats_in;
  } else {
    readonly_ = event == dubbo::Event::readonly;
  }
  if (frame.two_way && is_open()) {
    const bool own_null = frame.serialization == dubbo::kHessian2 || frame.body.size() > kMostEventBody;
    dubbo::append_frame(out_, dubbo::response_to(frame, Status::ok), own_null ? dubbo::event_body(dubbo::Event::heartbeat) : frame.body.span());
    wrote_frame();
  }
  end_if_drained();
}

void DubboSession::on_response(dubbo::Frame& frame) {
  DubboCall* call = frame.id <= UINT32_MAX ? pending_.remove(static_cast<uint32_t>(frame.id)) : nullptr;
  if (call == nullptr) {
    ++stats_.late_responses;
    return;
  }
  call->finish(std::move(frame));
  end_if_drained();
}

bool DubboSession::over_limits() const {
  if (in_flight_ >= options_.max_in_flight) return true;
  return shared_ != nullptr && shared_->in_flight.load(std::memory_order_relaxed) >= shared_->max_in_flight;
}

void DubboSession::on_request(dubbo::Frame& frame) {
  ++stats_.requests_in;
  if (!frame.two_way) ++stats_.oneways_in;
  if (frame.serialization != dubbo::kHessian2) {
    const std::string_view name = dubbo::serialization_name(frame.serialization);
    return send_error(frame, Status::bad_request,
                      fmt::format("serialization id {} ({}) is not spoken here; call with serialization hessian2 (id 2)", frame.serialization,
                                  name.empty() ? "unknown" : name));
  }
  if (over_limits()) {
    ++stats_.busy;
    return send_error(frame, Status::threadpool_exhausted, "busy: so many requests run already as the limits of this server allow");
  }
  if (handler_ == nullptr) return send_error(frame, Status::bad_request, "this side of the connection serves no requests");
  DubboRequest request{frame, *this, shard_.now()};
  try {
    DubboResponder responder(*this, frame);  // not answered: status 80 when it goes
    handler_->handle(request, responder);
  } catch (const std::exception& e) {
    flush();
    finish(CloseKind::handler_fault, Error(Code::internal, fmt::format("the handler of requests threw an exception: {}", e.what())), true);
  }
}

void DubboSession::on_too_large(const dubbo::FrameHead& head) {
  const std::string& reason = parser_.reason();
  if (head.request) {  // lingers, so that the bytes still coming do not reset what was said
    send_error(head, Status::bad_request, reason);
    flush();
    return finish(CloseKind::too_large, Error(Code::unavailable, reason), true);
  }
  DubboCall* call = head.id <= UINT32_MAX ? pending_.remove(static_cast<uint32_t>(head.id)) : nullptr;
  if (call != nullptr) {
    call->finish(std::unexpected(with_status(Error(Code::resource_exhausted, "the answer is too large: " + reason), bolt::Status::codec_exception)));
  }
  fail(CloseKind::too_large, reason);
}

// ---------------------------------------------------------------- writing

// In Hessian whatever the request had: the caller takes the serialization from this head.
void DubboSession::send_error(const dubbo::FrameHead& request, Status status, std::string_view sentence) {
  if (!is_open() || !request.two_way) return;
  dubbo::FrameHead head = dubbo::response_to(request, status);
  head.serialization = dubbo::kHessian2;
  const size_t offset = dubbo::begin_frame(out_, head);
  dubbo::write_sentence(out_, sentence);
  [[maybe_unused]] const auto fits = dubbo::end_frame(out_, offset);  // a sentence does
  wrote_frame();
}

void DubboSession::send_event(dubbo::Event event, bool two_way) {
  dubbo::append_frame(out_, {.two_way = two_way, .event = true, .id = free_id()}, dubbo::event_body(event));
  wrote_frame();
}

void DubboSession::wrote_frame() {
  ++stats_.frames_out;
  shard_.at_turn_end(turn_end_);
  const size_t waiting = stream_.pending_write_bytes() + out_.size();
  if (waiting > options_.max_write_queue) {
    fail(CloseKind::slow_reader,
         fmt::format("{} bytes wait for the peer, which reads too slowly (max_write_queue {})", waiting, options_.max_write_queue));
  }
}

void DubboSession::on_turn_end(void* self) {
  DubboSessionRef session(*static_cast<DubboSession*>(self));
  session->flush();
  session->end_if_drained();
}

void DubboSession::flush() {
  if (out_.empty() || !stream_.is_open()) return;
  const size_t written = stream_.write_now(out_.span());
  stats_.bytes_out += written;
  out_.consume(written);
  if (!out_.empty()) {
    stats_.bytes_out += out_.size();
    if (auto queued = stream_.write(out_.take()); !queued) {
      const CloseKind kind = close_kind_of(queued.error());
      return finish(kind, std::move(queued.error()), false);
    }
    stream_.flush();
  }
  if (out_.room() > kKeptBuffer) out_ = Buffer();
}

// ---------------------------------------------------------------- requests in flight

DubboResponder::DubboResponder(DubboResponder&& other) noexcept
    : session_(std::move(other.session_)), request_(other.request_), answered_(std::exchange(other.answered_, true)), counted_(other.counted_) {
  if (!answered_ && !counted_) {
    counted_ = true;
    session_->count_in_flight();
  }
}

DubboResponder::~DubboResponder() {
  if (!answered_) answer_error(Status::server_error, "the request was dropped without an answer");
}

bool DubboResponder::silent() const { return oneway() || !session_->is_open(); }

Buffer& DubboResponder::begin(Buffer& discarded) { return silent() ? discarded : session_->out_; }

void DubboResponder::finish(Buffer& out, size_t offset) {
  const auto fits = dubbo::end_frame(out, offset);
  if (!fits) {
    session_->send_error(request_, Status::bad_response, fits.error().message());
  } else if (!silent()) {
    session_->wrote_frame();
  }
  done();
}

void DubboResponder::answer_error(Status status, std::string_view sentence) {
  if (answered_) return;
  session_->send_error(request_, status, sentence);
  done();
}

void DubboResponder::done() {
  answered_ = true;
  if (counted_) session_->uncount_in_flight();
  counted_ = false;
}

void DubboSession::count_in_flight() {
  ++in_flight_;
  if (shared_ != nullptr) shared_->in_flight.fetch_add(1, std::memory_order_relaxed);
}

void DubboSession::uncount_in_flight() {
  --in_flight_;
  if (shared_ != nullptr) shared_->in_flight.fetch_sub(1, std::memory_order_relaxed);
  if (draining_ || readonly_) shard_.at_turn_end(turn_end_);
}

// ---------------------------------------------------------------- calls

namespace {
int64_t milliseconds_up(Duration d) { return std::chrono::ceil<std::chrono::milliseconds>(d).count(); }
}  // namespace

DubboCall::DubboCall(DubboSession& session, ByteSpan body, Duration timeout) : timeout_(timeout) {
  if (timeout_ <= Duration::zero()) {
    answer_ = std::unexpected(
        with_status(Error(Code::deadline_exceeded, fmt::format("no time is left to call {}: nothing was sent", session.peer().to_string())),
                    bolt::Status::timeout));
    return;
  }
  Result<uint32_t> id = session.begin_call(*this, body);
  if (!id) {
    answer_ = forward_error(id);
    return;
  }
  id_ = *id;
  session_ = &session;
  if (timeout_ != Duration::max()) session.shard_.schedule(timer_, deadline_after(session.shard_.now(), timeout_));
}

void DubboCall::forget() {
  if (session_ == nullptr) return;
  timer_.cancel();
  DubboSessionRef session(*std::exchange(session_, nullptr));
  session->pending_.remove(id_);
  session->end_if_drained();
}

void DubboCall::finish(Result<dubbo::Frame> answer) {
  answer_.emplace(std::move(answer));
  session_ = nullptr;
  timer_.cancel();
  wait_.wake();
}

Result<dubbo::Frame> DubboCall::await_resume() {
  if (answer_) return std::move(*answer_);
  forget();
  Error error = std::move(wait_.outcome().error());
  if (error.code() == Code::deadline_exceeded) error = with_status(std::move(error), bolt::Status::timeout);
  return std::unexpected(std::move(error));
}

void DubboCall::on_timeout(void* self) {
  auto& call = *static_cast<DubboCall*>(self);
  DubboSessionRef session(*call.session_);
  session->pending_.remove(call.id_);
  ++session->stats_.timeouts;
  call.finish(
      std::unexpected(with_status(Error(Code::deadline_exceeded, fmt::format("no answer from {} to call {} within {} ms", session->peer().to_string(),
                                                                             call.id_, milliseconds_up(call.timeout_))),
                                  bolt::Status::timeout)));
  session->end_if_drained();
}

Result<void> DubboSession::check_sendable(size_t size) const {
  if (!usable()) {
    const std::string why = close_reason_ ? std::string(close_reason_->message())
                            : readonly_   ? "the peer takes no new calls"
                                          : "this side is closing it";
    return std::unexpected(with_status(Error(Code::unavailable, fmt::format("the connection to {} cannot be used: {}", peer_.to_string(), why)),
                                       bolt::Status::connection_closed));
  }
  const size_t waiting = stream_.pending_write_bytes() + out_.size();
  if (waiting + size > options_.max_write_queue) {
    return std::unexpected(with_status(Error(Code::resource_exhausted, fmt::format("{} bytes wait to be written to {} already (max_write_queue {})",
                                                                                   waiting, peer_.to_string(), options_.max_write_queue)),
                                       bolt::Status::client_send_error));
  }
  return {};
}

Result<uint32_t> DubboSession::begin_call(DubboCall& call, ByteSpan body) {
  if (auto sendable = check_sendable(body.size()); !sendable) return forward_error(sendable);
  if (pending_.size() >= options_.max_pending_calls) {
    return std::unexpected(with_status(Error(Code::resource_exhausted, fmt::format("{} calls to {} wait for their answer already (max_pending_calls)",
                                                                                   pending_.size(), peer_.to_string())),
                                       bolt::Status::client_send_error));
  }
  const uint32_t id = free_id();
  dubbo::append_frame(out_, {.two_way = true, .id = id}, body);
  ++stats_.calls_out;
  pending_.insert(id, call);
  wrote_frame();
  return id;
}

Result<void> DubboSession::oneway(ByteSpan body) {
  if (auto sendable = check_sendable(body.size()); !sendable) return sendable;
  dubbo::append_frame(out_, {.id = free_id()}, body);
  ++stats_.calls_out;
  wrote_frame();
  return {};
}

// Ids are unique among the pending ones of this connection.
uint32_t DubboSession::free_id() {
  while (pending_.find(next_id_) != nullptr) ++next_id_;
  return next_id_++;
}

// ---------------------------------------------------------------- end

void DubboSession::drain() {
  if (draining_ || !is_open()) return;
  draining_ = true;
  drain_until_ = deadline_after(shard_.now(), options_.readonly_grace);
  send_event(dubbo::Event::readonly, false);
  arm_timer();
}

void DubboSession::end_if_drained() {
  if (!is_open() || in_flight_ > 0 || !pending_.empty()) return;
  if (readonly_ || (draining_ && shard_.now() >= drain_until_)) {
    flush();
    finish(CloseKind::local, Error(Code::unavailable, "closed in good order"), true);
  }
}

void DubboSession::close(std::string_view why) {
  DubboSessionRef self(*this);
  flush();
  finish(CloseKind::local, Error(Code::unavailable, std::string(why)), false);
}

void DubboSession::fail(CloseKind kind, std::string reason) {
  flush();
  finish(kind, Error(Code::unavailable, std::move(reason)), false);
}

void DubboSession::finish(CloseKind kind, Error reason, bool linger) {
  if (!is_open()) return;
  ++references_;  // not a DubboSessionRef: also called by the destructor
  kind_ = kind;
  close_reason_ = std::move(reason);
  log_close();
  if (!pending_.empty()) {
    Error ended = with_status(
        Error(Code::unavailable, kind == CloseKind::peer ? fmt::format("connection to {} closed by peer while call was pending", peer_.to_string())
                                                         : fmt::format("connection to {} closed while call was pending: {}", peer_.to_string(),
                                                                       close_reason_->message())),
        bolt::Status::connection_closed);
    while (DubboCall* call = pending_.remove_any()) call->finish(std::unexpected(ended));
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

void DubboSession::log_close() const {
  const std::string peer = peer_.to_string();
  if (!is_fault(kind_)) return kLog.debug("connection closed", {{"peer", peer}, {"kind", to_string(kind_)}, {"reason", close_reason_->message()}});
  if (shared_ == nullptr) return kLog.warn("connection closed", {{"peer", peer}, {"kind", to_string(kind_)}, {"reason", close_reason_->message()}});
  kLog.warn(shared_->close_log, "connection closed", {{"peer", peer}, {"kind", to_string(kind_)}, {"reason", close_reason_->message()}});
}

// ---------------------------------------------------------------- timer

Instant DubboSession::next_check() const {
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
void DubboSession::arm_timer() {
  const Instant next = next_check();
  if (next == kNoDeadline || (timer_.pending() && timer_at_ <= next)) return;
  timer_at_ = next;
  shard_.schedule(timer_, next);
}

void DubboSession::on_timer(void* self) {
  DubboSessionRef session(*static_cast<DubboSession*>(self));
  session->check_timers();
  if (session->stream_.is_open()) session->arm_timer();
}

void DubboSession::check_timers() {
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
  if (out_.empty()) out_ = Buffer();
  if (draining_) end_if_drained();
}

void DubboSession::check_heartbeat(Instant now) {
  if (options_.heartbeat_interval <= Duration::zero() || now < std::max(last_read_, last_heartbeat_) + options_.heartbeat_interval) return;
  if (misses_ >= options_.heartbeat_misses) {
    return fail(CloseKind::idle, fmt::format("{} heartbeats in a row were not answered", misses_));
  }
  ++misses_;
  ++stats_.heartbeats_out;
  last_heartbeat_ = now;
  send_event(dubbo::Event::heartbeat, true);
}

}  // namespace sofa::transport
