// What Http2Connection holds against a peer: frames are looked at before nghttp2 takes them, and what is wrong ends the connection with GOAWAY.
#include "sofa/http/detail/http2_connection.h"

namespace sofa::http::detail {

namespace {

constexpr size_t kRememberedResets = 1024;
constexpr std::string_view kTooManyPings = "too_many_pings";  // the words that gRPC's clients know

}  // namespace

// One call of nghttp2 for all that was read, but where a frame's fault shows only when it knows those before.
void Http2Connection::take_input() {
  fed_ = 0;
  bool begun = false;
  for (size_t at = 0; !fault_;) {
    const std::optional<FrameHead> head = scanner_.next(in_.span(), at);
    if (!head) break;
    begun = begun || head->type != NGHTTP2_CONTINUATION;
    begin_frame(*head);
    const bool of_message = head->type == NGHTTP2_DATA || head->type == NGHTTP2_HEADERS;
    if (of_message && !check_not_closed(*head, at - std::min(at, FrameScanner::kHeadSize))) break;
  }
  if (!fault_ && feed(in_.size())) note_half_frame(begun);
}

// Gives nghttp2 what was read up to `to`; false when the connection is at its end.
bool Http2Connection::feed(size_t to) {
  if (to <= fed_) return is_open();
  inside_ = true;
  const ssize_t taken = nghttp2_session_mem_recv(session_, in_.data() + fed_, to - fed_);
  inside_ = false;
  fed_ = to;
  highest_fed_ = highest_id_;
  reset_waits_ = false;
  if (taken < 0 && is_open()) on_session_error(taken);
  return is_open() && !fault_;
}

void Http2Connection::begin_frame(const FrameHead& head) {
  ++stats_.frames_in;
  last_frame_ = shard_.now();
  last_type_ = head.type;
  const bool acknowledges = (head.flags & NGHTTP2_FLAG_ACK) != 0;
  switch (head.type) {
    case NGHTTP2_DATA:
      if (head.length == 0 && (head.flags & NGHTTP2_FLAG_END_STREAM) == 0) {
        count_flood(Flood::empty_data, "empty DATA frames");
      } else if ((head.flags & NGHTTP2_FLAG_PADDED) != 0 && stream_of(head.stream) == nullptr) {
        // Whether it is all padding is not looked at any more. The data of a request that was refused at once may be on its way, and is not padded.
        count_flood(Flood::empty_data, "padded DATA frames of no open stream");
      }
      return;
    case NGHTTP2_HEADERS:
    case NGHTTP2_PUSH_PROMISE:
    case NGHTTP2_CONTINUATION:
      block_open_ = (head.flags & NGHTTP2_FLAG_END_HEADERS) == 0;
      return;
    case NGHTTP2_RST_STREAM:
      reset_waits_ = true;
      if (side_ == Side::server) count_flood(Flood::resets, "RST_STREAM frames (rapid reset)");
      return;
    case NGHTTP2_SETTINGS:
      if (!acknowledges) count_flood(Flood::settings, "SETTINGS frames");
      return;
    case NGHTTP2_PING:
      if (!acknowledges && !std::exchange(ping_due_, false)) count_flood(Flood::pings, "PING frames");
      return;
    case NGHTTP2_PRIORITY:
      return count_flood(Flood::priorities, "PRIORITY frames");
    case NGHTTP2_WINDOW_UPDATE:
      if (window_updates_due_ > 0) return void(--window_updates_due_);
      return count_flood(Flood::window_updates, "WINDOW_UPDATE frames that no data of this side calls for");
    case NGHTTP2_GOAWAY:
      return;
    default:
      return count_flood(Flood::unknown_frames, "frames of unknown types");
  }
}

// nghttp2 forgets closed streams and ignores what comes on them; RFC 9113, 5.1 wants an error, unless the peer may not know yet that it was this
// side that closed it. False when the connection is at its end.
bool Http2Connection::check_not_closed(const FrameHead& head, size_t begins_at) {
  if (side_ == Side::client || draining_) return true;
  if (head.type == NGHTTP2_HEADERS && head.stream > highest_id_) {
    highest_id_ = head.stream;
    return true;
  }
  const bool unknown_yet = head.stream > highest_fed_ && (head.type == NGHTTP2_HEADERS || reset_waits_);
  if (head.stream > highest_fed_ && !unknown_yet) return true;
  if ((unknown_yet || reset_waits_) && !feed(begins_at)) return false;
  if (head.stream > highest_id_ || nghttp2_session_find_stream(session_, head.stream) != nullptr || was_reset_here(head.stream)) return true;
  accuse(NGHTTP2_STREAM_CLOSED, fmt::format("{} came for stream {}, which is closed", head.type == NGHTTP2_DATA ? "DATA" : "HEADERS", head.stream));
  return false;
}

// A body may rest within a frame; nothing else may.
void Http2Connection::note_half_frame(bool begun) {
  const bool half = block_open_ || scanner_.inside_head() || (scanner_.inside_payload() && last_type_ != NGHTTP2_DATA);
  if (!half) {
    half_begun_.reset();
  } else if (begun || !half_begun_) {
    half_begun_ = shard_.now();
  }
}

void Http2Connection::on_session_error(ssize_t error) {
  if (error == NGHTTP2_ERR_TOO_MANY_CONTINUATIONS) {
    accuse(NGHTTP2_ENHANCE_YOUR_CALM,
           fmt::format("more than {} CONTINUATION frames of one header block (max_continuations)", options_.max_continuations));
  } else if (error == NGHTTP2_ERR_FLOODED) {
    accuse(NGHTTP2_ENHANCE_YOUR_CALM, "more frames that ask for an answer than are read");
  }
  accuse(NGHTTP2_PROTOCOL_ERROR, last_error_.empty() ? nghttp2_strerror(static_cast<int>(error)) : last_error_);
}

// The first stays; the caller leaves nghttp2 and ends the connection.
void Http2Connection::accuse(uint32_t code, std::string reason, std::string_view debug_text) {
  if (fault_) return;
  const CloseKind kind = code == NGHTTP2_ENHANCE_YOUR_CALM ? CloseKind::flood : CloseKind::protocol_error;
  fault_ = Fault{kind, code, std::move(reason), debug_text};
}

void Http2Connection::hold_to(const PingPolicy& policy) {
  if (!ping_guard_) ping_guard_.emplace(policy);
}

void Http2Connection::on_ping() {
  if (!ping_guard_ || ping_guard_->admit(shard_.now(), !streams_.empty())) return;
  accuse(NGHTTP2_ENHANCE_YOUR_CALM, "PINGs came sooner than is permitted (PingPolicy)", kTooManyPings);
}

bool Http2Connection::pinged_too_often() const {
  return told_to_go_ && told_to_go_->code == NGHTTP2_ENHANCE_YOUR_CALM && told_to_go_->text == kTooManyPings;
}

void Http2Connection::count_flood(Flood flood, std::string_view what) {
  if (guards_[static_cast<size_t>(flood)].admit(shard_.now())) return;
  accuse(NGHTTP2_ENHANCE_YOUR_CALM,
         fmt::format("more than {} {}, or {} a second (flood_burst, flood_per_second)", options_.flood_burst, what, options_.flood_per_second));
}

void Http2Connection::remember_reset(int32_t id) {
  if (reset_here_.size() < kRememberedResets) return reset_here_.push_back(id);
  reset_here_[next_reset_here_++ % kRememberedResets] = id;
}

bool Http2Connection::was_reset_here(int32_t id) const { return std::find(reset_here_.begin(), reset_here_.end(), id) != reset_here_.end(); }

void Http2Connection::end_for_fault() {
  if (!fault_ || !is_open()) return;
  const Fault fault = *fault_;
  end_with_goaway(fault.kind, fault.code, fault.reason, fault.debug_text);
}

}  // namespace sofa::http::detail
