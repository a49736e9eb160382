#include "sofa/state/raft/detail/heartbeats.h"

namespace sofa::raft::detail {

HeartbeatAnswers::HeartbeatAnswers(size_t heartbeats, Reply reply)
    : missing_(heartbeats), reply_(std::move(reply)), timer_([](void* me) { static_cast<HeartbeatAnswers*>(me)->send(); }, this) {
  const jraft::AppendEntriesResponse none{.error =
                                              jraft::error_response({jraft::RaftError::etimedout, "the group has not answered the heartbeat yet"})};
  response_.answers.assign(heartbeats, none);
  io::Shard::current().schedule(timer_, io::Shard::current().now() + kLongestWait);
}

NodeImpl::Answer HeartbeatAnswers::place(size_t number) {
  return [self = shared_from_this(), number](const jraft::Message& answer) { self->put(number, answer); };
}

void HeartbeatAnswers::put(size_t number, const jraft::Message& answer) {
  if (!reply_) return;
  jraft::AppendEntriesResponse& one = response_.answers[number];
  if (const auto* append = std::get_if<jraft::AppendEntriesResponse>(&answer)) {
    one = *append;
  } else if (const auto* refusal = std::get_if<jraft::ErrorResponse>(&answer)) {
    one.error = *refusal;
  }
  if (--missing_ == 0) send();
}

void HeartbeatAnswers::send() {
  if (!reply_) return;
  timer_.cancel();
  Reply reply = std::move(*reply_);
  reply_.reset();
  reply(std::move(response_));
}

NodeImpl::Answer telling_together(NodeImpl::Answer answer) {
  return [answer = std::move(answer)](const jraft::Message& response) mutable {
    const auto* append = std::get_if<jraft::AppendEntriesResponse>(&response);
    if (append == nullptr) return answer(response);
    jraft::AppendEntriesResponse told = *append;
    told.together = true;
    answer(told);
  };
}

}  // namespace sofa::raft::detail
