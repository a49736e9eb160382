#include "sofa/transport/call.h"

#include "sofa/transport/session_base.h"

namespace sofa::transport {

using bolt::Status;

Error CallBase::no_time_left(const SessionBase& session) {
  return with_status(Error(Code::deadline_exceeded, fmt::format("no time is left to call {}: nothing was sent", session.peer().to_string())),
                     Status::timeout);
}

Result<void> CallBase::pend(SessionBase& session, uint32_t id) {
  if (!session.is_open()) return std::unexpected(with_status(std::move(session.check_sendable(0).error()), Status::connection_closed));
  session.pending_.insert(id, *this);
  id_ = id;
  session_ = &session;
  if (timeout_ != Duration::max()) session.shard_.schedule(timer_, deadline_after(session.shard_.now(), timeout_));
  return {};
}

void CallBase::forget() {
  if (session_ == nullptr) return;
  timer_.cancel();
  Ref<SessionBase> session(*std::exchange(session_, nullptr));
  session->pending_.remove(id_);
  session->end_if_drained();
}

void CallBase::ended() {
  session_ = nullptr;
  timer_.cancel();
  wait_.wake();
}

Error CallBase::cancelled() {
  Error error = std::move(wait_.outcome().error());
  return error.code() == Code::deadline_exceeded ? with_status(std::move(error), Status::timeout) : error;
}

void CallBase::on_timeout(void* self) {
  auto& call = *static_cast<CallBase*>(self);
  Ref<SessionBase> session(*call.session_);
  session->pending_.remove(call.id_);
  ++session->stats_.timeouts;
  call.fail(with_status(Error(Code::deadline_exceeded, fmt::format("no answer from {} to call {} within {} ms", session->peer().to_string(), call.id_,
                                                                   std::chrono::ceil<std::chrono::milliseconds>(call.timeout_).count())),
                        Status::timeout));
  session->end_if_drained();
}

}  // namespace sofa::transport
