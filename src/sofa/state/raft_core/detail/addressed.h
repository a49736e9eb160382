#pragma once
// A request with the fields that every one has.

#include "sofa/state/raft_core/core.h"

namespace sofa::raft {

template <class Request>
Request Core::addressed(const PeerId& to) const {
  Request request;
  request.group_id = options_.group;
  request.server_id = options_.self.to_string();
  request.peer_id = to.to_string();
  if constexpr (requires { request.term; }) request.term = term_;
  return request;
}

}  // namespace sofa::raft
