// The client of the CLI: finds the leader and asks it, as JRaft's CliServiceImpl does (jraft.md 8).

#include <algorithm>

#include "sofa/base/random.h"
#include "sofa/io/scope.h"
#include "sofa/io/shard.h"
#include "sofa/state/raft/cli.h"
#include "sofa/state/raft/describe.h"
#include "sofa/transport/pool.h"
#include "sofa/transport/status.h"

namespace sofa::raft {

using jraft::Configuration;
using jraft::RaftError;

namespace {

constexpr Duration kPause = std::chrono::milliseconds(100);   // between two looks for a leader
constexpr Duration kMostOfOneNode = std::chrono::seconds(1);  // of the question who leads
constexpr std::string_view kNobody = "the members name no node";

transport::PoolOptions pool_options(std::shared_ptr<io::TlsClientContext> tls) {
  transport::PoolOptions options;
  options.reconnect = false;
  options.backoff.most = kPause;
  options.tls = std::move(tls);
  return options;
}

std::vector<PeerId> peers_of(const std::vector<std::string>& texts) {
  std::vector<PeerId> peers;
  for (const std::string& text : texts) {
    if (auto peer = PeerId::parse(text)) peers.push_back(*std::move(peer));
  }
  return peers;
}

bool is_code(const Error& error, RaftError code) {
  const auto* status = error.detail<RaftStatus>();
  return status != nullptr && status->status.code == code;
}

/// No answer of a node, and time is left.
bool is_connection_lost(const Error& error) { return error.detail<RaftStatus>() == nullptr && error.code() == Code::unavailable; }

/// The answer of one node as the message that was hoped for.
template <class Response>
Result<Response> response_of(const PeerId& from, const bolt::Frame& frame) {
  if (frame.status != bolt::Status::success) {
    return fail(Code::unimplemented, "{} does not know this request: it answers '{}'", from.to_string(), to_string(frame.status));
  }
  std::optional<jraft::ErrorResponse> refusal;
  if (frame.class_name() == jraft::ErrorResponse::kName) {
    auto answer = jraft::decode<jraft::ErrorResponse>(frame.content_bytes());
    if (!answer) return std::unexpected(answer.error());
    refusal = *std::move(answer);
    if constexpr (std::same_as<Response, jraft::ErrorResponse>) {
      if (refusal->code == 0) return *std::move(refusal);
    }
  } else if (frame.class_name() == Response::kName) {
    auto answer = jraft::decode<Response>(frame.content_bytes());
    if constexpr (requires { answer->error->message; }) {
      if (answer && answer->error) refusal = *std::move(answer->error);
    }
    if (!refusal) return answer;
  }
  if (!refusal) return fail(Code::internal, "{} answers with {}, which is no {}", from.to_string(), frame.class_name(), Response::kName);
  return std::unexpected(
      error_of({static_cast<RaftError>(refusal->code), std::move(refusal->message).value_or("")}).wrap(fmt::format("{} refuses", from.to_string())));
}

}  // namespace

struct CliClient::Impl {
  Impl(Duration time, std::shared_ptr<io::TlsClientContext> tls) : timeout(time), pool(pool_options(std::move(tls)), Random(system_seed())) {}

  /// Within the deadline of the scope.
  template <class Response, class Request>
  io::Task<Result<Response>> ask(const PeerId& node, const Request& request) {
    const io::Address address = co_await io::or_return(io::Address::parse(node.address()));
    const auto session = co_await io::or_return(pool.get(address));
    const auto answer = co_await io::or_return(
        session->call({.class_name = Request::kName, .header = {}, .content = jraft::encode(request), .timeout = co_await io::remaining()}));
    co_return response_of<Response>(node, answer.frame);
  }

  /// One round: the first member that knows a leader.
  io::Task<Result<PeerId>> look_for_leader(const std::string& group, const Configuration& members) {
    Error last(Code::invalid_argument, std::string(kNobody));
    for (const auto* some : {&members.peers, &members.learners}) {
      for (const PeerId& member : *some) {
        auto answer = co_await io::with_timeout(
            kMostOfOneNode, ask<jraft::GetLeaderResponse>(member, jraft::GetLeaderRequest{.group_id = group, .peer_id = member.to_string()}));
        if (!answer) {
          // What a node says is worth more than that another cannot be reached.
          if (last.detail<RaftStatus>() == nullptr) last = std::move(answer.error());
          continue;
        }
        if (auto leader = PeerId::parse(answer->leader_id)) co_return *std::move(leader);
      }
    }
    co_return std::unexpected(std::move(last));
  }

  io::Task<Result<PeerId>> leader_of(const std::string& group, const Configuration& members) {
    for (;;) {
      auto leader = co_await look_for_leader(group, members);
      if (leader || !is_passing(leader.error())) co_return leader;
      co_await io::or_return(pause(leader.error(), group));
    }
  }

  /// Whether looking again may help.
  static bool is_passing(const Error& error) {
    return is_connection_lost(error) || is_code(error, RaftError::eagain) || is_code(error, RaftError::eperm) ||
           error.code() == Code::deadline_exceeded;
  }

  /// Until the next try; out of time, the last failure is what happened.
  io::Task<Result<void>> pause(const Error& last, const std::string& group) {
    const Duration left = co_await io::remaining();
    if (left > kPause) co_return co_await io::sleep_for(kPause);
    const Code code = is_connection_lost(last) ? Code::unavailable : Code::deadline_exceeded;
    co_return std::unexpected(
        Error(code, fmt::format("no leader of group {} has answered within {} ms", group, timeout / std::chrono::milliseconds(1))).with_cause(last));
  }

  /// JRaft's nodes say -1 for all that they did not expect, and that they do not lead is among it.
  io::Task<bool> still_leads(const PeerId& node, const std::string& group) {
    const auto answer = co_await ask<jraft::GetLeaderResponse>(node, jraft::GetLeaderRequest{.group_id = group, .peer_id = node.to_string()});
    co_return answer&& PeerId::parse(answer->leader_id) == node;
  }

  /// `maybe_done` (null: nobody asks): whether an earlier try was sent and never answered.
  template <class Response, class Request>
  io::Task<Result<Response>> ask_leader(const Configuration& members, Request request, bool* maybe_done = nullptr) {
    for (;;) {
      const PeerId leader = co_await io::or_return(leader_of(request.group_id, members));
      request.leader_id = leader.to_string();
      auto answer = co_await ask<Response>(leader, request);
      if (answer) co_return answer;
      const Error& error = answer.error();
      const bool again = is_connection_lost(error) || is_code(error, RaftError::eagain) || is_code(error, RaftError::eperm) ||
                         (is_code(error, RaftError::unknown) && !co_await still_leads(leader, request.group_id));
      if (!again && error.code() == Code::deadline_exceeded && error.detail<RaftStatus>() == nullptr) {
        co_return std::unexpected(
            std::move(answer.error())
                .wrap(fmt::format("{}, the leader of group {}, has not answered in time; what it was asked to do may still be done",
                                  leader.to_string(), request.group_id)));
      }
      if (!again) co_return answer;
      if (maybe_done != nullptr && is_connection_lost(error) && transport::sent_of(error) == transport::Sent::maybe) *maybe_done = true;
      co_await io::or_return(pause(error, request.group_id));
    }
  }

  io::Task<Result<Configuration>> peers(const std::string& group, const Configuration& members, bool only_alive) {
    const auto answer =
        co_await io::or_return(ask_leader<jraft::GetPeersResponse>(members, jraft::GetPeersRequest{.group_id = group, .only_alive = only_alive}));
    co_return Configuration{.peers = peers_of(answer.peers), .learners = peers_of(answer.learners)};
  }

  /// A peer more or less. Nodes that find it done already say -1: the members tell whether that is so, and whether it was this call that did it.
  template <class Response, class Request>
  io::Task<Result<MembersChange>> change_one(std::string group, Configuration members, PeerId peer, bool add) {
    bool maybe_done = false;
    auto answer = co_await ask_leader<Response>(members, Request{.group_id = group, .leader_id = "", .peer_id = peer.to_string()}, &maybe_done);
    if (answer) co_return change_of(*answer);
    if (!is_code(answer.error(), RaftError::unknown)) co_return forward_error(answer);
    auto now = co_await peers(group, members, false);
    if (!now || now->has_peer(peer) != add) co_return forward_error(answer);
    if (maybe_done) co_return MembersChange{.before = {}, .after = {.peers = std::move(now->peers)}};
    co_return std::unexpected(
        add ? Error(Code::already_exists, fmt::format("{} is a peer of group {} already", peer.to_string(), group)).with_cause(answer.error())
            : Error(Code::not_found, fmt::format("{} is no peer of group {}; its peers are {}", peer.to_string(), group,
                                                 Configuration{.peers = now->peers}.to_string()))
                  .with_cause(answer.error()));
  }

  template <class Response>
  static MembersChange change_of(const Response& response) {
    if constexpr (requires { response.old_learners; }) {
      return {.before = {.learners = peers_of(response.old_learners)}, .after = {.learners = peers_of(response.new_learners)}};
    } else {
      return {.before = {.peers = peers_of(response.old_peers)}, .after = {.peers = peers_of(response.new_peers)}};
    }
  }

  template <class Response, class Request>
  io::Task<Result<MembersChange>> change(Configuration members, Request request) {
    co_return change_of(co_await io::or_return(ask_leader<Response>(members, std::move(request))));
  }

  template <class Request>
  io::Task<Result<MembersChange>> change_learners(std::string group, Configuration members, std::vector<PeerId> learners) {
    return change<jraft::LearnersOpResponse>(std::move(members),
                                             Request{.group_id = std::move(group), .leader_id = "", .learners = texts_of(learners)});
  }

  /// The wire's change of peers says nothing of learners: those are set behind it.
  io::Task<Result<MembersChange>> change_peers(std::string group, Configuration members, Configuration next) {
    auto changed = co_await io::or_return(change<jraft::ChangePeersResponse>(
        members, jraft::ChangePeersRequest{.group_id = group, .leader_id = "", .new_peers = texts_of(next.peers)}));
    if (next.learners.empty()) co_return changed;
    auto learners = co_await io::or_return(change_learners<jraft::ResetLearnersRequest>(group, next, next.learners));
    changed.before.learners = std::move(learners.before.learners);
    changed.after.learners = std::move(learners.after.learners);
    co_return changed;
  }

  io::Task<Result<MembersChange>> promote(std::string group, Configuration members, PeerId learner) {
    const auto removed = co_await io::or_return(change_learners<jraft::RemoveLearnersRequest>(group, members, {learner}));
    if (!removed.before.has_learner(learner)) {
      co_return fail(Code::not_found, "{} is no learner of group {}; its learners are '{}'", learner.to_string(), group, removed.before.to_string());
    }
    co_return co_await change_one<jraft::AddPeerResponse, jraft::AddPeerRequest>(std::move(group), std::move(members), std::move(learner), true);
  }

  template <class Request>
  io::Task<Result<void>> order(PeerId node, Request request) {
    co_await io::or_return(ask<jraft::ErrorResponse>(node, request));
    co_return Result<void>();
  }

  io::Task<Result<void>> transfer(std::string group, Configuration members, PeerId to) {
    jraft::TransferLeaderRequest request{.group_id = std::move(group)};
    if (!to.is_nobody()) request.peer_id = to.to_string();
    co_await io::or_return(ask_leader<jraft::ErrorResponse>(members, std::move(request)));
    co_return Result<void>();
  }

  const Duration timeout;
  transport::ConnectionPool pool;
};

CliClient::CliClient(Duration timeout, std::shared_ptr<io::TlsClientContext> tls) : impl_(std::make_unique<Impl>(timeout, std::move(tls))) {}
CliClient::~CliClient() = default;
io::Task<void> CliClient::close() { return impl_->pool.close(); }

io::Task<Result<PeerId>> CliClient::leader(std::string group, Configuration members) {
  co_return co_await io::with_timeout(impl_->timeout, impl_->leader_of(group, members));
}
io::Task<Result<Configuration>> CliClient::peers(std::string group, Configuration members, bool only_alive) {
  co_return co_await io::with_timeout(impl_->timeout, impl_->peers(group, members, only_alive));
}
io::Task<Result<MembersChange>> CliClient::add_peer(std::string group, Configuration members, PeerId peer) {
  return io::with_timeout(
      impl_->timeout, impl_->change_one<jraft::AddPeerResponse, jraft::AddPeerRequest>(std::move(group), std::move(members), std::move(peer), true));
}
io::Task<Result<MembersChange>> CliClient::remove_peer(std::string group, Configuration members, PeerId peer) {
  return io::with_timeout(impl_->timeout, impl_->change_one<jraft::RemovePeerResponse, jraft::RemovePeerRequest>(std::move(group), std::move(members),
                                                                                                                 std::move(peer), false));
}
io::Task<Result<MembersChange>> CliClient::change_peers(std::string group, Configuration members, Configuration next) {
  return io::with_timeout(impl_->timeout, impl_->change_peers(std::move(group), std::move(members), std::move(next)));
}
io::Task<Result<void>> CliClient::reset_peers(std::string group, PeerId node, Configuration next) {
  jraft::ResetPeerRequest request{.group_id = std::move(group), .peer_id = node.to_string(), .old_peers = {}, .new_peers = texts_of(next.peers)};
  return io::with_timeout(impl_->timeout, impl_->order(std::move(node), std::move(request)));
}
io::Task<Result<MembersChange>> CliClient::add_learners(std::string group, Configuration members, std::vector<PeerId> learners) {
  return io::with_timeout(impl_->timeout,
                          impl_->change_learners<jraft::AddLearnersRequest>(std::move(group), std::move(members), std::move(learners)));
}
io::Task<Result<MembersChange>> CliClient::remove_learners(std::string group, Configuration members, std::vector<PeerId> learners) {
  return io::with_timeout(impl_->timeout,
                          impl_->change_learners<jraft::RemoveLearnersRequest>(std::move(group), std::move(members), std::move(learners)));
}
io::Task<Result<MembersChange>> CliClient::reset_learners(std::string group, Configuration members, std::vector<PeerId> learners) {
  return io::with_timeout(impl_->timeout,
                          impl_->change_learners<jraft::ResetLearnersRequest>(std::move(group), std::move(members), std::move(learners)));
}
io::Task<Result<MembersChange>> CliClient::promote_learner(std::string group, Configuration members, PeerId learner) {
  return io::with_timeout(impl_->timeout, impl_->promote(std::move(group), std::move(members), std::move(learner)));
}
io::Task<Result<void>> CliClient::transfer(std::string group, Configuration members, PeerId to) {
  return io::with_timeout(impl_->timeout, impl_->transfer(std::move(group), std::move(members), std::move(to)));
}
io::Task<Result<void>> CliClient::snapshot(std::string group, PeerId node) {
  jraft::SnapshotRequest request{.group_id = std::move(group), .peer_id = node.to_string()};
  return io::with_timeout(impl_->timeout, impl_->order(std::move(node), std::move(request)));
}
io::Task<Result<DescribeResponse>> CliClient::describe(std::string group, PeerId node) {
  const auto ask = [](Impl& impl, PeerId at, DescribeRequest request) -> io::Task<Result<DescribeResponse>> {
    co_return co_await impl.ask<DescribeResponse>(at, request);
  };
  DescribeRequest request{.group_id = std::move(group), .peer_id = node.to_string()};
  return io::with_timeout(impl_->timeout, ask(*impl_, std::move(node), std::move(request)));
}

}  // namespace sofa::raft
