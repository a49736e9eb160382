#include "sofa/transport/session.h"

#include <limits>

namespace sofa::transport {

using bolt::Command;
using bolt::FrameType;
using bolt::ParseStatus;
using bolt::Status;

namespace {

int32_t timeout_field(Duration timeout) {
  const int64_t milliseconds = std::chrono::ceil<std::chrono::milliseconds>(timeout).count();
  return static_cast<int32_t>(std::min<int64_t>(milliseconds, std::numeric_limits<int32_t>::max()));
}

bool announces_goaway(const bolt::Frame& heartbeat) {
  const auto header = bolt::HeaderMap::parse(heartbeat.header());
  return header && header->get(bolt::kGoawayKey) == bolt::kGoawayKnown;
}

}  // namespace

SessionRef Session::create(io::Stream stream, SessionOptions options, const Handlers* handlers, SessionShared* shared, Buffer prefix) {
  return SessionRef(*new Session(std::move(stream), options, handlers, shared, std::move(prefix)));
}

Session::Session(io::Stream stream, const SessionOptions& options, const Handlers* handlers, SessionShared* shared, Buffer prefix)
    : SessionBase("bolt session", std::move(stream), options, shared, std::move(prefix)), handlers_(handlers), parser_(options.limits) {
  channel_.protocol = options.protocol;
  channel_.version = options.protocol == 2 ? options.version : 1;
  channel_.switches = channel_.version == 2 ? bolt::kSwitchCrc : 0;
  if (options.announce_goaway) announce_goaway();
}

Session::~Session() { finish(CloseKind::local, Error(Code::unavailable, "the session was dropped"), false); }

// ---------------------------------------------------------------- reading

void Session::take_frames() {
  bolt::Frame frame;
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
  if (frame.header_size != 0 && announces_goaway(frame)) {
    peer_knows_goaway_ = true;
    tell_to_go();
  }
  if (frame.type == FrameType::oneway) return;
  bolt::FrameHead ack = bolt::heartbeat_ack(frame);
  if (ack.protocol == 2 && channel_.protocol == 2) ack.version = channel_.version;
  out_.append(ack);
  wrote_frame();
}

void Session::on_response(bolt::Frame& frame) {
  auto* call = static_cast<Call*>(pending_.remove(frame.id));
  if (call == nullptr) {
    ++stats_.late_responses;
    return;
  }
  call->finish(Response{std::move(frame)});
  end_if_drained();
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
  if ((draining_ && !peer_is_told_ && !oneway) || over_limits()) {
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
  if (auto* call = static_cast<Call*>(pending_.remove(head.id))) {
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
  if (auto queued = stream_.write(std::move(list)); !queued) return write_failed(std::move(queued.error()));
  stream_.flush();
}

void Session::announce_goaway() {
  Buffer header;
  bolt::append_header_pair(header, bolt::kGoawayKey, bolt::kGoawayKnown);
  [[maybe_unused]] const auto fits = out_.append(bolt::heartbeat(channel_, free_id()), {}, header.span(), {});
  ++stats_.heartbeats_out;
  wrote_frame();
}

void Session::send_heartbeat() {
  out_.append(bolt::heartbeat(channel_, free_id()));
  wrote_frame();
}

// ---------------------------------------------------------------- calls

Result<void> Session::oneway(const Request& request) {
  if (auto sendable = check_sendable(request.content.size()); !sendable) return sendable;
  return append_request(bolt::FrameType::oneway, request, free_id());
}

Result<uint32_t> Session::begin_call(const Request& request) {
  if (auto callable = check_callable(request.content.size()); !callable) return forward_error(callable);
  const uint32_t id = free_id();
  if (auto sent = append_request(bolt::FrameType::request, request, id); !sent) return forward_error(sent);
  return id;
}

Result<void> Session::append_request(bolt::FrameType type, const Request& request, uint32_t id) {
  bolt::FrameHead head = channel_;
  head.type = type;
  head.command = bolt::Command::request;
  head.id = id;
  head.codec = request.codec;
  head.timeout_ms = type == bolt::FrameType::oneway ? -1 : timeout_field(request.timeout);
  if (auto sent = out_.append(head, request.class_name, request.header, request.content); !sent) {
    return std::unexpected(with_status(std::move(sent.error()), Status::client_send_error));
  }
  channel_fixed_ = true;
  ++stats_.calls_out;
  wrote_frame();
  return {};
}

// ---------------------------------------------------------------- end

void Session::drain() {
  if (draining_ || !is_open()) return;
  draining_ = true;
  tell_to_go();
  // At the end of the turn: requests that were read in it are answered first.
  at_turn_end();
}

void Session::tell_to_go() {
  if (!draining_ || peer_is_told_ || !(options_.send_goaway || peer_knows_goaway_)) return;
  peer_is_told_ = true;
  out_.append(bolt::goaway(channel_, free_id()));
  wrote_frame();
}

bool Session::may_end() const { return told_to_go_ || (draining_ && !peer_is_told_); }

// Status 9 with the id, then the end (docs/protocols/bolt.md, section 8). Lingers, so that the bytes still coming do not reset what was said.
void Session::refuse(const bolt::FrameHead& request, CloseKind kind, std::string reason) {
  if (request.type == FrameType::request) send_status(request, Status::codec_exception);
  flush();
  finish(kind, Error(Code::unavailable, std::move(reason)), true);
}

}  // namespace sofa::transport
