#pragma once
// Which node of a server a command is for (jraft.md 1.2, 8).

#include <fmt/format.h>

#include <string>

#include "sofa/state/raft/cli.h"

namespace sofa::raft::detail {

inline std::unexpected<Error> refuse(jraft::RaftError code, std::string text) { return std::unexpected<Error>(error_of({code, std::move(text)})); }

inline Result<PeerId> parse_peer(const std::string& text) {
  if (auto peer = PeerId::parse(text)) return *std::move(peer);
  return refuse(jraft::RaftError::einval, fmt::format("Fail to parse peer id {}", text));
}

/// The node that is meant; of a group with one member here the peer may be left out.
Result<Node*> find_node(NodeTable& nodes, const std::string& group, const std::string& peer);

}  // namespace sofa::raft::detail
