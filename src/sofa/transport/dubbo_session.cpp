#include "sofa/transport/dubbo_session.h"

namespace sofa::transport {

using dubbo::ParseStatus;
using dubbo::Status;

namespace {

/// A write buffer that grew beyond this for one big frame is given back.
constexpr size_t kKeptBuffer = 256 * 1024;
/// The longest body of an event that is given back with its answer: the null of a serialization that is not spoken here.
constexpr size_t kMostEventBody = 64;

}  // namespace

DubboSessionRef DubboSession::create(io::Stream stream, DubboSessionOptions options, DubboHandler* handler, SessionShared* shared, Buffer prefix) {
  return DubboSessionRef(*new DubboSession(std::move(stream), options, handler, shared, std::move(prefix)));
}

DubboSession::DubboSession(io::Stream stream, const DubboSessionOptions& options, DubboHandler* handler, SessionShared* shared, Buffer prefix)
    : SessionBase("dubbo session", std::move(stream), options, shared, std::move(prefix)),
      readonly_grace_(options.readonly_grace),
      handler_(handler),
      parser_(options.limits.max_frame) {}

DubboSession::~DubboSession() { finish(CloseKind::local, Error(Code::unavailable, "the session was dropped"), false); }

// ---------------------------------------------------------------- reading

void DubboSession::take_frames() {
  dubbo::Frame frame;
  while (is_open() && !must_pause(out_.size())) {
    switch (parser_.next(in_, frame)) {
      case ParseStatus::need_more:
        return;
      case ParseStatus::frame:
        frame_taken();
        on_frame(frame);
        break;
      case ParseStatus::error:
        return fail(CloseKind::protocol_error, parser_.reason());
      case ParseStatus::too_large:
        return on_too_large(frame);
    }
  }
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
    told_to_go_ = event == dubbo::Event::readonly;
  }
  if (frame.two_way && is_open()) {
    const bool own_null = frame.serialization == dubbo::kHessian2 || frame.body.size() > kMostEventBody;
    dubbo::append_frame(out_, dubbo::response_to(frame, Status::ok), own_null ? dubbo::event_body(dubbo::Event::heartbeat) : frame.body.span());
    wrote_frame();
  }
  end_if_drained();
}

// Ids of ours fit 32 bits.
DubboCall* DubboSession::take_pending(uint64_t id) {
  return id <= UINT32_MAX ? static_cast<DubboCall*>(pending_.remove(static_cast<uint32_t>(id))) : nullptr;
}

void DubboSession::on_response(dubbo::Frame& frame) {
  DubboCall* call = take_pending(frame.id);
  if (call == nullptr) {
    ++stats_.late_responses;
    return;
  }
  call->finish(std::move(frame));
  end_if_drained();
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
  if (DubboCall* call = take_pending(head.id)) {
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

void DubboSession::send_heartbeat() { send_event(dubbo::Event::heartbeat, true); }

void DubboSession::flush() {
  if (out_.empty() || !stream_.is_open()) return;
  const size_t written = stream_.write_now(out_.span());
  stats_.bytes_out += written;
  out_.consume(written);
  if (!out_.empty()) {
    stats_.bytes_out += out_.size();
    if (auto queued = stream_.write(out_.take()); !queued) return write_failed(std::move(queued.error()));
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

// ---------------------------------------------------------------- calls

Result<uint32_t> DubboSession::begin_call(ByteSpan body) {
  if (auto callable = check_callable(body.size()); !callable) return forward_error(callable);
  const uint32_t id = free_id();
  dubbo::append_frame(out_, {.two_way = true, .id = id}, body);
  ++stats_.calls_out;
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

// ---------------------------------------------------------------- end

void DubboSession::drain() {
  if (draining_ || !is_open()) return;
  draining_ = true;
  drain_until_ = deadline_after(shard_.now(), readonly_grace_);
  send_event(dubbo::Event::readonly, false);
  arm_timer();
}

bool DubboSession::may_end() const { return told_to_go_ || (draining_ && shard_.now() >= drain_until_); }

}  // namespace sofa::transport
