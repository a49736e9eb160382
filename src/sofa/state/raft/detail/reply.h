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
    with_responder([&](transport::Responder& responder) { answer_message(responder, response); },
                   [&] { return [response](transport::Responder& responder) { answer_message(responder, response); }; });
  }
  /// The same with a message that is none of JRaft's. `class_name`: a literal.
  void send(std::string_view class_name, Bytes content) {
    const auto answer = [class_name, content](transport::Responder& responder) {
      [[maybe_unused]] const auto sent = responder.answer(class_name, {}, content);
    };
    with_responder(answer, [&] { return answer; });
  }

 private:
  /// At once on the connection's shard; else there, with what `make_copy` gives.
  template <class Now, class MakeCopy>
  void with_responder(const Now& answer_now, const MakeCopy& make_copy) {
    io::Shard* const shard = held_.get_deleter().shard;
    if (shard->is_current()) {
      answer_now(*held_);
      held_.reset();
    } else {
      shard->post([held = std::move(held_), answer = make_copy()] { answer(*held); });
    }
  }
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
