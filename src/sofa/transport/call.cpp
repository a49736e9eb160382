#include <limits>

#include "sofa/transport/session.h"

namespace sofa::transport {

using bolt::Status;

namespace {

int64_t milliseconds_up(Duration d) { return std::chrono::ceil<std::chrono::milliseconds>(d).count(); }

int32_t timeout_field(Duration timeout) {
  return static_cast<int32_t>(std::min<int64_t>(milliseconds_up(timeout), std::numeric_limits<int32_t>::max()));
}

}  // namespace

Call::Call(Session& session, const Request& request) : timeout_(request.timeout) {
  if (timeout_ <= Duration::zero()) {
    answer_ = std::unexpected(with_status(
        Error(Code::deadline_exceeded, fmt::format("no time is left to call {}: nothing was sent", session.peer().to_string())), Status::timeout));
    return;
  }
  Result<uint32_t> id = session.begin_call(*this, request);
  if (!id) {
    answer_ = forward_error(id);
    return;
  }
  id_ = *id;
  session_ = &session;
  if (timeout_ != Duration::max()) session.shard_.schedule(timer_, deadline_after(session.shard_.now(), timeout_));
}

Call::~Call() { forget(); }

void Call::forget() {
  if (session_ == nullptr) return;
  timer_.cancel();
  SessionRef session(*std::exchange(session_, nullptr));
  session->pending_.remove(id_);
  session->end_if_drained();
}

void Call::finish(Result<Response> answer) {
  answer_.emplace(std::move(answer));
  session_ = nullptr;
  timer_.cancel();
  wait_.wake();
}

Result<Response> Call::await_resume() {
  if (answer_) return std::move(*answer_);
  forget();
  Error error = std::move(wait_.outcome().error());
  if (error.code() == Code::deadline_exceeded) error = with_status(std::move(error), Status::timeout);
  return std::unexpected(std::move(error));
}

void Call::on_timeout(void* self) {
  auto& call = *static_cast<Call*>(self);
  SessionRef session(*call.session_);
  session->pending_.remove(call.id_);
  ++session->stats_.timeouts;
  call.finish(
      std::unexpected(with_status(Error(Code::deadline_exceeded, fmt::format("no answer from {} to call {} within {} ms", session->peer().to_string(),
                                                                             call.id_, milliseconds_up(call.timeout_))),
                                  Status::timeout)));
  session->end_if_drained();
}

Result<void> Session::oneway(const Request& request) {
  if (auto sendable = check_sendable(request); !sendable) return sendable;
  return append_request(bolt::FrameType::oneway, request, free_id());
}

Result<uint32_t> Session::begin_call(Call& call, const Request& request) {
  if (auto sendable = check_sendable(request); !sendable) return forward_error(sendable);
  if (pending_.size() >= options_.max_pending_calls) {
    return std::unexpected(with_status(Error(Code::resource_exhausted, fmt::format("{} calls to {} wait for their answer already (max_pending_calls)",
                                                                                   pending_.size(), peer_.to_string())),
                                       Status::client_send_error));
  }
  const uint32_t id = free_id();
  if (auto sent = append_request(bolt::FrameType::request, request, id); !sent) return forward_error(sent);
  pending_.insert(id, call);
  return id;
}

Result<void> Session::check_sendable(const Request& request) const {
  if (!usable()) {
    const std::string why = close_reason_ ? std::string(close_reason_->message())
                            : told_to_go_ ? "the peer takes no new calls"
                                          : "this side is closing it";
    return std::unexpected(with_status(Error(Code::unavailable, fmt::format("the connection to {} cannot be used: {}", peer_.to_string(), why)),
                                       Status::connection_closed));
  }
  const size_t waiting = stream_.pending_write_bytes() + out_.size();
  if (waiting + request.content.size() > options_.max_write_queue) {
    return std::unexpected(with_status(Error(Code::resource_exhausted, fmt::format("{} bytes wait to be written to {} already (max_write_queue {})",
                                                                                   waiting, peer_.to_string(), options_.max_write_queue)),
                                       Status::client_send_error));
  }
  return {};
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

// Ids are unique among the pending ones of this connection; all 2^32 are used, 0 too.
uint32_t Session::free_id() {
  while (pending_.find(next_id_) != nullptr) ++next_id_;
  return next_id_++;
}

}  // namespace sofa::transport
