#pragma once
// Reply: the answer to one request, from whatever shard its connection belongs to.

#include <memory>

#include "sofa/io/shard.h"
#include "sofa/state/raft/detail/peers.h"
#include "sofa/transport/handler.h"

namespace sofa::raft::detail {

/// Called once, or dropped: then the peer gets Bolt's status 2. Any shard.
class Reply {
 public:
  /// On the shard of the connection.
  explicit Reply(transport::Responder responder) : held_(new transport::Responder(std::move(responder)), ToShard{&io::Shard::current()}) {}
  void operator()(const jraft::Message& response) {
    io::Shard* const shard = held_.get_deleter().shard;
    if (shard->is_current()) {
      answer_message(*held_, response);
      held_.reset();
    } else {
      shard->post([held = std::move(held_), response]() mutable { answer_message(*held, response); });
    }
  }

 private:
  struct ToShard {
    io::Shard* shard = nullptr;
    void operator()(transport::Responder* responder) const {
      if (shard->is_current()) {
        delete responder;
      } else {
        shard->post([responder] { delete responder; });
      }
    }
  };
  std::unique_ptr<transport::Responder, ToShard> held_;
};

}  // namespace sofa::raft::detail
