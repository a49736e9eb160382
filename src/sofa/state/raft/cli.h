#pragma once
// The CLI service of JRaft (jraft.md 1.3, 8): commands for a group, answered by its nodes and asked by this client. Works on Java's groups, too.
//
//   raft::CliClient cli(std::chrono::seconds(5));
//   auto change = co_await io::or_return(cli.add_peer("counter", members, *PeerId::parse("10.0.0.4:8700")));

#include <memory>
#include <string>
#include <vector>

#include "sofa/base/clock.h"
#include "sofa/base/error.h"
#include "sofa/io/task.h"
#include "sofa/io/tls.h"
#include "sofa/state/raft/node.h"
#include "sofa/wire/jraft/messages.h"
#include "sofa/wire/jraft/peer.h"

namespace sofa::raft {

/// The server's side: answers one of CliRequests for the nodes that `find` gives. Texts and codes are JRaft's.
class NodeTable {
 public:
  virtual ~NodeTable() = default;
  /// All members of a group on this server.
  virtual std::vector<Node*> nodes_of(std::string_view group) = 0;
};
/// `request` is one of CliRequests; its answer, an ErrorResponse for failures.
io::Task<jraft::Message> answer_cli(NodeTable& nodes, jraft::Message request);
/// The class names of the requests that answer_cli takes.
const std::vector<std::string>& cli_class_names();

/// Of a change of peers only these are known, of one of learners only those.
struct MembersChange {
  jraft::Configuration before{}, after{};
};

struct DescribeResponse;

/// Asks any node of `members` for the leader, and the leader for the change. Every call ends within the timeout, retries included: of nodes that
/// cannot be reached, while nobody leads, and of a node that does not lead any more. A code of JRaft's is in the error (RaftStatus).
/// Belongs to a shard; closed before it is destroyed. No call after close().
class CliClient {
 public:
  explicit CliClient(Duration timeout = std::chrono::seconds(5), std::shared_ptr<io::TlsClientContext> tls = {});
  ~CliClient();

  io::Task<Result<PeerId>> leader(std::string group, jraft::Configuration members);
  /// Peers and learners as the leader knows them; `only_alive`: those that it has heard of lately.
  io::Task<Result<jraft::Configuration>> peers(std::string group, jraft::Configuration members, bool only_alive = false);
  io::Task<Result<MembersChange>> add_peer(std::string group, jraft::Configuration members, PeerId peer);
  io::Task<Result<MembersChange>> remove_peer(std::string group, jraft::Configuration members, PeerId peer);
  io::Task<Result<MembersChange>> change_peers(std::string group, jraft::Configuration members, jraft::Configuration next);
  /// Asked of one node, whoever leads: for a group that has lost its majority.
  io::Task<Result<void>> reset_peers(std::string group, PeerId node, jraft::Configuration next);
  io::Task<Result<MembersChange>> add_learners(std::string group, jraft::Configuration members, std::vector<PeerId> learners);
  io::Task<Result<MembersChange>> remove_learners(std::string group, jraft::Configuration members, std::vector<PeerId> learners);
  io::Task<Result<MembersChange>> reset_learners(std::string group, jraft::Configuration members, std::vector<PeerId> learners);
  /// A learner becomes a peer: two changes, as JRaft makes them.
  io::Task<Result<MembersChange>> promote_learner(std::string group, jraft::Configuration members, PeerId learner);
  /// Nobody: to the peer that lags least. Ends when the leader has taken the order: leader() tells who leads.
  io::Task<Result<void>> transfer(std::string group, jraft::Configuration members, PeerId to);
  io::Task<Result<void>> snapshot(std::string group, PeerId node);
  /// How one node is, whoever leads. Errors: unimplemented for a node of Java's; those of the CLI.
  io::Task<Result<DescribeResponse>> describe(std::string group, PeerId node);
  /// Closes its connections.
  io::Task<void> close();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sofa::raft
