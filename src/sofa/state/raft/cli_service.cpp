// The server's side of the CLI: what JRaft's processors of CliRequests answer, in their words (jraft.md 1.2, 1.3, 8).

#include <algorithm>

#include "sofa/io/shard.h"
#include "sofa/state/raft/cli.h"
#include "sofa/state/raft/detail/find_node.h"

namespace sofa::raft {

using jraft::Configuration;
using jraft::Message;
using jraft::RaftError;

namespace detail {

Result<Node*> find_node(NodeTable& nodes, const std::string& group, const std::string& peer) {
  const std::vector<Node*> members = nodes.nodes_of(group);
  Node* found = nullptr;
  if (!peer.empty()) {
    const auto wanted = parse_peer(peer);
    if (!wanted) return std::unexpected(wanted.error());
    const auto at = std::ranges::find_if(members, [&](Node* node) { return node->self() == *wanted; });
    if (at == members.end()) return refuse(RaftError::enoent, fmt::format("Fail to find node {} in group {}", wanted->to_string(), group));
    found = *at;
  } else {
    if (members.empty()) return refuse(RaftError::enoent, fmt::format("Empty nodes in group {}", group));
    if (members.size() > 1) {
      return refuse(RaftError::einval, fmt::format("Peer must be specified since there're {} nodes in group {}", members.size(), group));
    }
    found = members.front();
  }
  if (!found->takes_cli()) {
    return refuse(RaftError::eacces, fmt::format("Cli service is not allowed to access node <{}/{}>", group, found->self().to_string()));
  }
  return found;
}

}  // namespace detail

namespace {

using detail::find_node;
using detail::parse_peer;
using detail::refuse;

/// JRaft's own answer is -1 "handleRequest internal error": whoever asks knows no more than before.
Result<Node*> find_leader(NodeTable& nodes, const std::string& group, const std::string& peer) {
  auto node = find_node(nodes, group, peer);
  if (!node || (*node)->core().role() == Role::leader) return node;
  const PeerId& leader = (*node)->core().leader();
  return refuse(RaftError::unknown,
                fmt::format("Not leader: {} does not lead group {}, {}", (*node)->self().to_string(), group,
                            leader.is_nobody() || leader == (*node)->self() ? "and knows no leader" : "its leader is " + leader.to_string()));
}

const Configuration& members_of(const Node& node) { return node.core().members().current; }

Result<std::vector<PeerId>> parse_peers(const std::vector<std::string>& texts) {
  std::vector<PeerId> peers;
  for (const std::string& text : texts) {
    auto peer = parse_peer(text);
    if (!peer) return forward_error(peer);
    if (std::ranges::find(peers, *peer) == peers.end()) peers.push_back(*std::move(peer));
  }
  return peers;
}

bool has(const std::vector<PeerId>& peers, const PeerId& peer) { return std::ranges::find(peers, peer) != peers.end(); }

/// Answers when the change is committed; a leader that is removed still answers.
template <class Response>
io::Task<Result<Message>> change_peers(Node& node, Configuration next) {
  Response response{.old_peers = texts_of(members_of(node).peers), .new_peers = texts_of(next.peers)};
  co_await io::or_return(node.change_members(std::move(next)));
  co_return Message(std::move(response));
}

io::Task<Result<Message>> answer(NodeTable& nodes, const jraft::AddPeerRequest& request) {
  Node& leader = *co_await io::or_return(find_leader(nodes, request.group_id, request.leader_id));
  const PeerId peer = co_await io::or_return(parse_peer(request.peer_id));
  Configuration next = members_of(leader);
  if (next.has_peer(peer)) {
    co_return refuse(RaftError::unknown,
                     fmt::format("{} is a peer of group {} already: there is nothing to add", peer.to_string(), request.group_id));
  }
  next.peers.push_back(peer);
  co_return co_await change_peers<jraft::AddPeerResponse>(leader, std::move(next));
}

io::Task<Result<Message>> answer(NodeTable& nodes, const jraft::RemovePeerRequest& request) {
  Node& leader = *co_await io::or_return(find_leader(nodes, request.group_id, request.leader_id));
  const PeerId peer = co_await io::or_return(parse_peer(request.peer_id));
  Configuration next = members_of(leader);
  if (std::erase(next.peers, peer) == 0) {
    co_return refuse(RaftError::unknown, fmt::format("{} is no peer of group {}: there is nothing to remove", peer.to_string(), request.group_id));
  }
  co_return co_await change_peers<jraft::RemovePeerResponse>(leader, std::move(next));
}

/// Learners stay, except those that become peers.
io::Task<Result<Message>> answer(NodeTable& nodes, const jraft::ChangePeersRequest& request) {
  Node& leader = *co_await io::or_return(find_leader(nodes, request.group_id, request.leader_id));
  Configuration next{.peers = co_await io::or_return(parse_peers(request.new_peers)), .learners = members_of(leader).learners};
  std::erase_if(next.learners, [&](const PeerId& learner) { return has(next.peers, learner); });
  co_return co_await change_peers<jraft::ChangePeersResponse>(leader, std::move(next));
}

io::Task<Result<Message>> change_learners(Node& node, std::vector<PeerId> learners) {
  Configuration next{.peers = members_of(node).peers, .learners = std::move(learners)};
  jraft::LearnersOpResponse response{.old_learners = texts_of(members_of(node).learners), .new_learners = texts_of(next.learners)};
  co_await io::or_return(node.change_members(std::move(next)));
  co_return Message(std::move(response));
}

/// What is a learner already stays one.
io::Task<Result<Message>> answer(NodeTable& nodes, const jraft::AddLearnersRequest& request) {
  Node& leader = *co_await io::or_return(find_leader(nodes, request.group_id, request.leader_id));
  std::vector<PeerId> learners = members_of(leader).learners;
  for (PeerId& peer : co_await io::or_return(parse_peers(request.learners))) {
    if (!has(learners, peer)) learners.push_back(std::move(peer));
  }
  co_return co_await change_learners(leader, std::move(learners));
}

/// What is no learner stays none.
io::Task<Result<Message>> answer(NodeTable& nodes, const jraft::RemoveLearnersRequest& request) {
  Node& leader = *co_await io::or_return(find_leader(nodes, request.group_id, request.leader_id));
  const std::vector<PeerId> leaving = co_await io::or_return(parse_peers(request.learners));
  std::vector<PeerId> learners = members_of(leader).learners;
  std::erase_if(learners, [&](const PeerId& learner) { return has(leaving, learner); });
  co_return co_await change_learners(leader, std::move(learners));
}

io::Task<Result<Message>> answer(NodeTable& nodes, const jraft::ResetLearnersRequest& request) {
  Node& leader = *co_await io::or_return(find_leader(nodes, request.group_id, request.leader_id));
  co_return co_await change_learners(leader, co_await io::or_return(parse_peers(request.learners)));
}

/// Of one node, whoever leads; its learners are left out, as JRaft does it.
io::Task<Result<Message>> answer(NodeTable& nodes, const jraft::ResetPeerRequest& request) {
  Node& node = *co_await io::or_return(find_node(nodes, request.group_id, request.peer_id));
  co_await io::or_return(node.reset_peers({.peers = co_await io::or_return(parse_peers(request.new_peers))}));
  co_return Message(jraft::ErrorResponse{});
}

io::Task<Result<Message>> answer(NodeTable& nodes, const jraft::SnapshotRequest& request) {
  Node& node = *co_await io::or_return(find_node(nodes, request.group_id, request.peer_id.value_or("")));
  co_await io::or_return(node.snapshot());
  co_return Message(jraft::ErrorResponse{});
}

/// Answers when it is begun.
io::Task<Result<Message>> answer(NodeTable& nodes, const jraft::TransferLeaderRequest& request) {
  Node& node = *co_await io::or_return(find_node(nodes, request.group_id, request.leader_id));
  PeerId to;
  if (request.peer_id) to = co_await io::or_return(parse_peer(*request.peer_id));
  co_await io::or_return(node.transfer(std::move(to)));
  co_return Message(jraft::ErrorResponse{});
}

io::Task<Result<Message>> answer(NodeTable& nodes, const jraft::GetLeaderRequest& request) {
  std::vector<Node*> asked;
  if (request.peer_id) {
    (void)co_await io::or_return(parse_peer(*request.peer_id));
    asked.push_back(co_await io::or_return(find_node(nodes, request.group_id, *request.peer_id)));
  } else {
    asked = nodes.nodes_of(request.group_id);
  }
  if (asked.empty()) co_return refuse(RaftError::enoent, fmt::format("No nodes in group {}", request.group_id));
  for (const Node* node : asked) {
    if (const PeerId& leader = node->core().leader(); !leader.is_nobody())
      co_return Message(jraft::GetLeaderResponse{.leader_id = leader.to_string()});
  }
  co_return refuse(RaftError::eagain, "Unknown leader");
}

/// Of a leader: itself, and who has answered within its lease.
bool is_alive(const Node& leader, const std::vector<Core::Follower>& followers, const PeerId& peer, Instant now) {
  if (peer == leader.self()) return true;
  const auto at = std::ranges::find(followers, peer, &Core::Follower::peer);
  return at != followers.end() && now - at->last_answer <= leader.core().options().lease();
}

io::Task<Result<Message>> answer(NodeTable& nodes, const jraft::GetPeersRequest& request) {
  const Node& leader = *co_await io::or_return(find_leader(nodes, request.group_id, request.leader_id.value_or("")));
  Configuration members = members_of(leader);
  if (request.only_alive.value_or(false)) {
    const auto followers = leader.core().followers();
    const Instant now = io::Shard::current().now();
    const auto is_dead = [&](const PeerId& peer) { return !is_alive(leader, followers, peer, now); };
    std::erase_if(members.peers, is_dead);
    std::erase_if(members.learners, is_dead);
  }
  co_return Message(jraft::GetPeersResponse{.peers = texts_of(members.peers), .learners = texts_of(members.learners)});
}

template <class Request>
concept CliRequest = requires(NodeTable& nodes, const Request& request) { answer(nodes, request); };

}  // namespace

io::Task<Message> answer_cli(NodeTable& nodes, Message request) {
  // The request lives in this frame, so the answer may refer to it.
  std::optional<io::Task<Result<Message>>> answering;
  std::visit(
      [&]<class Request>(const Request& one) {
        if constexpr (CliRequest<Request>) answering.emplace(answer(nodes, one));
      },
      request);
  if (!answering) co_return jraft::error_response({RaftError::erequest, "this is no request of the CLI"});
  auto answered = co_await std::move(*answering);
  if (!answered) co_return jraft::error_response(status_of(answered.error()));
  co_return *std::move(answered);
}

const std::vector<std::string>& cli_class_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    [&]<size_t... at>(std::index_sequence<at...>) {
      const auto add = [&]<class Request>(const Request*) {
        if constexpr (CliRequest<Request>) all.emplace_back(Request::kName);
      };
      (add(static_cast<const std::variant_alternative_t<at, Message>*>(nullptr)), ...);
    }(std::make_index_sequence<std::variant_size_v<Message>>());
    return all;
  }();
  return names;
}

}  // namespace sofa::raft
