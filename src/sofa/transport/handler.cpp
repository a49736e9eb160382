#include "sofa/transport/handler.h"

#include "sofa/transport/session.h"

namespace sofa::transport {

using bolt::Status;

Result<void> Handlers::add(std::string class_name, Handler& handler, HeaderKind header) {
  auto [at, added] = entries_.try_emplace(class_name, Entry{class_name, &handler, header});
  if (!added) return fail(Code::already_exists, "class {} has a handler already; a connection takes one a class", class_name);
  return {};
}

const Handlers::Entry* Handlers::find(std::string_view class_name) const {
  const auto at = entries_.find(class_name);
  if (at != entries_.end()) return &at->second;
  return fallback_.handler == nullptr ? nullptr : &fallback_;
}

Responder::Responder(Session& session, const bolt::FrameHead& request) : session_(session), request_(request) {}

Responder::Responder(Responder&& other) noexcept
    : session_(std::move(other.session_)), request_(other.request_), answered_(other.answered_), counted_(other.counted_) {
  if (session_ != nullptr && !answered_ && !counted_) {
    counted_ = true;
    session_->count_in_flight();
  }
}

Responder& Responder::operator=(Responder&& other) noexcept {
  Responder taken(std::move(other));
  std::swap(session_, taken.session_);
  std::swap(request_, taken.request_);
  std::swap(answered_, taken.answered_);
  std::swap(counted_, taken.counted_);
  return *this;
}

Responder::~Responder() {
  if (answered()) return;
  if (!oneway()) session_->send_status(request_, Status::server_exception);
  done();
}

Result<void> Responder::answer(std::string_view class_name, ByteSpan header, Bytes content) {
  if (answered()) return fail(Code::failed_precondition, "request {} is answered already", request_.id);
  return send(session_->answer_head(request_, Status::success), class_name, header, std::move(content));
}

Result<void> Responder::answer_error(Status status, std::string_view class_name, ByteSpan header, Bytes content, uint8_t codec) {
  if (answered()) return fail(Code::failed_precondition, "request {} is answered already", request_.id);
  bolt::FrameHead head = session_->answer_head(bolt::error_response_to(request_, status), status);
  head.codec = codec;
  return send(head, class_name, header, std::move(content));
}

Result<void> Responder::send(const bolt::FrameHead& head, std::string_view class_name, ByteSpan header, Bytes content) {
  Result<void> sent;
  if (!oneway() && session_->is_open()) {
    sent = session_->out_.append(head, class_name, header, std::move(content));
    if (sent) {
      session_->wrote_frame();
    } else {
      session_->send_status(request_, Status::server_serial_exception);
    }
  }
  done();
  return sent;
}

Result<Buffer*> Responder::begin(std::string_view class_name, ByteSpan header, Buffer& discarded) {
  if (answered()) return fail(Code::failed_precondition, "request {} is answered already", request_.id);
  if (oneway() || !session_->is_open()) return &discarded;
  auto content = session_->out_.begin(session_->answer_head(request_, Status::success), class_name, header);
  if (!content) {
    session_->send_status(request_, Status::server_serial_exception);
    done();
  }
  return content;
}

void Responder::abandon(bool discarded) {
  if (!discarded) session_->out_.abandon();
}

Result<bool> Responder::finish(bool discarded) {
  Result<void> finished;
  if (!discarded) {
    finished = session_->out_.finish();
    if (finished) {
      session_->wrote_frame();
    } else {
      session_->send_status(request_, Status::server_serial_exception);
    }
  }
  done();
  if (!finished) return forward_error(finished);
  return true;
}

void Responder::done() {
  answered_ = true;
  if (counted_) session_->uncount_in_flight();
  counted_ = false;
}

}  // namespace sofa::transport
