// The parts of Http2Connection that time decides: draining, keep-alive, age, idleness, stalls.
#include "sofa/base/rate.h"
#include "sofa/http/detail/http2_connection.h"

namespace sofa::http::detail {

namespace {

const Logger kLog{"http"};

constexpr uint8_t kKeepAlivePing[8] = {'k', 'e', 'e', 'p', 'l', 'i', 'v', 'e'};
constexpr uint8_t kLastStreamPing[8] = {'l', 'a', 's', 't', 'o', 'n', 'e', 's'};
/// What a peer's window must take in send_stall_timeout.
constexpr size_t kLeastProgress = 4096;

bool positive(Duration rule) { return rule > Duration::zero(); }

}  // namespace

// ---------------------------------------------------------------- draining

// A server lets in what is on its way: GOAWAY with the highest id, and a round trip later GOAWAY with the last stream (RFC 9113, 6.8).
void Http2Connection::drain() {
  if (!is_open() || draining_) return;
  draining_ = true;
  if (side_ == Side::client) return say_last_goaway();
  nghttp2_submit_shutdown_notice(session_);
  nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, kLastStreamPing);
  last_goaway_at_ = deadline_after(shard_.now(), options_.limits.linger);
  schedule_flush();
}

void Http2Connection::say_last_goaway() {
  last_goaway_at_ = kNoDeadline;
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session_), NGHTTP2_NO_ERROR, nullptr, 0);
  schedule_flush();
}

void Http2Connection::on_ping_answered(const uint8_t (&opaque)[8]) {
  if (std::equal(opaque, opaque + 8, kKeepAlivePing)) ping_sent_.reset();
  if (last_goaway_at_ != kNoDeadline && std::equal(opaque, opaque + 8, kLastStreamPing)) say_last_goaway();
}

// What still runs is aborted.
void Http2Connection::end_with_goaway(CloseKind kind, uint32_t code, std::string reason, std::string_view debug_text) {
  const ByteSpan text = as_bytes(debug_text.empty() ? std::string_view(reason) : debug_text);
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session_), code, text.data(), text.size());
  flush();
  finish(kind, Error(Code::unavailable, std::move(reason)), true);
}

// ---------------------------------------------------------------- the timer

Duration Http2Connection::stall_interval() const {
  const Duration receive = options_.limits.body_stall_timeout, send = options_.send_stall_timeout;
  if (!positive(receive)) return send / 4;
  return positive(send) ? std::min(receive, send) / 4 : receive / 4;
}

Instant Http2Connection::next_check() const {
  if (!is_open()) return linger_until_;
  Instant next = std::min({age_at_, grace_until_, last_goaway_at_});
  const auto consider = [&next](Instant from, Duration rule) {
    if (positive(rule)) next = std::min(next, deadline_after(from, rule));
  };
  if (streams_.empty()) {
    consider(last_frame_, options_.limits.idle_timeout);
  } else {
    consider(last_stall_check_, stall_interval());
  }
  if (half_begun_) consider(*half_begun_, options_.limits.head_timeout);
  if (ping_sent_) {
    consider(*ping_sent_, options_.keep_alive_timeout);
  } else if (may_ping()) {
    consider(last_read_, options_.keep_alive_interval);
  }
  return next;
}

// Deadlines that move away cost nothing: the timer fires at the old one and is set anew.
void Http2Connection::arm_timer() {
  const Instant next = next_check();
  if (next == kNoDeadline || (timer_.pending() && timer_at_ <= next)) return;
  timer_at_ = next;
  shard_.schedule(timer_, next);
}

void Http2Connection::on_timer(void* self) {
  auto& connection = *static_cast<Http2Connection*>(self);
  connection.check_timers();
  if (connection.stream_.is_open()) connection.arm_timer();
}

void Http2Connection::check_timers() {
  const Instant now = shard_.now();
  if (!is_open()) {
    if (now >= linger_until_) stream_.close();
    return;
  }
  const MessageLimits& limits = options_.limits;
  const auto passed = [now](Instant since, Duration rule) { return positive(rule) && now >= deadline_after(since, rule); };
  if (half_begun_ && passed(*half_begun_, limits.head_timeout)) {
    return end_with_goaway(CloseKind::half_frame, NGHTTP2_ENHANCE_YOUR_CALM, "a frame or header block was not whole in time (head_timeout)");
  }
  if (streams_.empty() && passed(last_frame_, limits.idle_timeout)) {
    return end_with_goaway(CloseKind::idle, NGHTTP2_NO_ERROR, "no exchange ran and no frame came for the whole idle_timeout");
  }
  if (now >= last_goaway_at_) say_last_goaway();
  check_keep_alive(now);
  check_age(now);
  if (is_open() && passed(last_stall_check_, stall_interval())) look_for_stalls(now);
  if (in_.empty()) in_ = Buffer();  // a quiet connection keeps no memory
}

bool Http2Connection::may_ping() const { return options_.keep_alive_when_idle || !streams_.empty(); }

void Http2Connection::check_keep_alive(Instant now) {
  if (!positive(options_.keep_alive_interval)) return;
  if (ping_sent_) {
    if (now < deadline_after(*ping_sent_, options_.keep_alive_timeout)) return;
    return finish(CloseKind::idle,
                  Error(Code::unavailable, fmt::format("{} did not answer a PING in time (keep_alive_timeout)", peer_->address.to_string())), false);
  }
  if (!may_ping() || now < deadline_after(last_read_, options_.keep_alive_interval)) return;
  ping_sent_ = now;
  nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, kKeepAlivePing);
  ++stats_.heartbeats_out;
  schedule_flush();
}

void Http2Connection::check_age(Instant now) {
  if (!is_open()) return;
  if (now >= grace_until_) return end_with_goaway(CloseKind::local, NGHTTP2_NO_ERROR, "the connection was too old (max_age, max_age_grace)");
  if (now < age_at_) return;
  age_at_ = kNoDeadline;
  grace_until_ = deadline_after(now, options_.max_age_grace);
  drain();
}

// ---------------------------------------------------------------- stalls

// Why the body that comes is given up; empty: it comes well.
std::string_view Http2Connection::slowness(Http2Stream& stream, Instant now, Duration since_last_check) const {
  const MessageLimits& limits = options_.limits;
  if (!positive(limits.body_stall_timeout) || !stream.body_timed || stream.received_all || stream.exchange == nullptr) return {};
  if (stream.exchange->unconsumed_ >= options_.initial_window / 2) return stream.body_begun += since_last_check, std::string_view();
  if (now >= deadline_after(stream.received_at, limits.body_stall_timeout)) return "no byte of a body came in time (body_stall_timeout)";
  if (limits.min_body_rate == 0) return {};
  const Duration may_take = limits.body_stall_timeout + time_at_rate(stream.received, limits.min_body_rate);
  return now >= deadline_after(stream.body_begun, may_take) ? "a body comes too slowly (min_body_rate)" : std::string_view();
}

void Http2Connection::look_for_stalls(Instant now) {
  const Duration since_last_check = now - std::exchange(last_stall_check_, now);
  const Duration send = options_.send_stall_timeout;
  for (size_t i = 0; i < streams_.size(); ++i) {
    Http2Stream& stream = *streams_[i];
    if (const std::string_view slow = slowness(stream, now, since_last_check); !slow.empty()) {
      give_up(stream, std::string(slow));
      continue;
    }
    if (!positive(send) || stream.queue.size() == 0) continue;
    if (stream.sent >= kLeastProgress) {
      stream.sent_at = now;
      stream.sent = 0;
    } else if (now >= deadline_after(stream.sent_at, send)) {
      give_up(stream,
              fmt::format("the peer took {} bytes of a message while {} wait, too slowly (send_stall_timeout)", stream.sent, stream.queue.size()));
    }
  }
}

void Http2Connection::give_up(Http2Stream& stream, std::string reason) {
  const std::string peer = peer_->address.to_string();
  const LogFields fields{{"peer", peer}, {"stream", stream.id}, {"reason", reason}};
  if (close_log_ == nullptr) {
    kLog.warn("exchange reset", fields);
  } else {
    kLog.warn(*close_log_, "exchange reset", fields);
  }
  Http2Exchange* exchange = stream.exchange;
  if (exchange == nullptr) return abandon(stream, Reset::enhance_your_calm);
  stream.unanswered = Reset::enhance_your_calm;
  if (stream.head_sent) {
    abandon(stream, stream.unanswered);
    return exchange->abort(Error(Code::deadline_exceeded, std::move(reason)));
  }
  exchange->abort(Error(Code::deadline_exceeded, std::move(reason)));  // which may answer
  if (stream.exchange == nullptr) return;
  if (!stream.send_ended) return abandon(stream, stream.unanswered);
  std::exchange(stream.exchange, nullptr)->stream_ = nullptr;  // on_frame_sent resets what still comes
}

}  // namespace sofa::http::detail
