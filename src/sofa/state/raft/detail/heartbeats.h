#pragma once
// The receiver's side of heartbeats that come together in one message: what their groups answer leaves together, too. The sender's side: peers.h.

#include <memory>

#include "sofa/io/timer.h"
#include "sofa/state/raft/detail/node_impl.h"
#include "sofa/state/raft/detail/reply.h"

namespace sofa::raft::detail {

/// Sent when all answers are there; after kLongestWait, or when nobody is left who would give one, without those that are missing: to the sender
/// their heartbeats are lost, and no others.
class HeartbeatAnswers : public std::enable_shared_from_this<HeartbeatAnswers> {
 public:
  HeartbeatAnswers(size_t heartbeats, Reply reply);
  ~HeartbeatAnswers() { send(); }
  /// Where the answer to the heartbeat with this number goes, once.
  NodeImpl::Answer place(size_t number);

 private:
  /// Most answers are there at once. One waits when the term that it rests on is not saved yet.
  static constexpr Duration kLongestWait = std::chrono::milliseconds(20);
  void put(size_t number, const jraft::Message& answer);
  void send();

  jraft::HeartbeatsResponse response_{};
  size_t missing_;
  std::optional<Reply> reply_;  // until it is sent
  io::TimerNode timer_;
};

/// Adds to the answer to a heartbeat that this node takes several in one message.
NodeImpl::Answer telling_together(NodeImpl::Answer answer);

}  // namespace sofa::raft::detail
