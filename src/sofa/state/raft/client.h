#pragma once
// Clients of a group's state machine: they find the leader, follow it when it changes, and try again within a deadline. The messages are ours: JRaft
// leaves them to its users. Works with any server that has a ClientService.
//
//   raft::Client client("counter", *Configuration::parse("10.0.0.1:8700,10.0.0.2:8700,10.0.0.3:8700"));
//   Bytes sum = co_await io::or_return(client.apply(encode(5)));
//   Bytes now = co_await io::or_return(client.ask({}));
//   co_await client.close();

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sofa/base/clock.h"
#include "sofa/base/error.h"
#include "sofa/io/shard.h"
#include "sofa/io/task.h"
#include "sofa/io/tls.h"
#include "sofa/state/raft/node.h"
#include "sofa/transport/handler.h"
#include "sofa/wire/jraft/peer.h"

namespace sofa::raft {

/// The bytes of an entry, or a question about the state.
struct ClientRequest {
  static constexpr std::string_view kName = "sofa.raft.ClientRequest";
  std::string group_id{};
  bool is_question = false;
  Bytes data{};
  std::optional<int64_t> session{}, number{};  ///< of an entry: SessionWrite
  static void fields(auto& self, auto& visit) {
    visit(1, self.group_id);
    visit(2, self.is_question);
    visit(3, self.data);
    visit(4, self.session);
    visit(5, self.number);
  }
  bool operator==(const ClientRequest&) const = default;
};

struct ClientResponse {
  static constexpr std::string_view kName = "sofa.raft.ClientResponse";
  int32_t code = 0;  ///< RaftError; EPERM, EBUSY and ENOENT say that nothing was begun
  std::string message{};
  std::string leader{};  ///< with an error: who leads, as far as this node knows
  Bytes result{};
  static void fields(auto& self, auto& visit) {
    visit(1, self.code);
    visit(2, self.message);
    visit(3, self.leader);
    visit(4, self.result);
  }
  bool operator==(const ClientResponse&) const = default;
};

/// The server's side, for its port: Server::open(options, {{std::string(ClientRequest::kName), &service}}). Made on the server's shard; outlives the
/// server.
class ClientService final : public transport::Handler {
 public:
  /// Answers a question about what a node's state machine holds, after Node::read(). Must not block.
  using Answer = std::function<Result<Bytes>(const Bytes& question)>;
  /// From now on requests for the node's group come to it, until the server stops or stop_serving().
  void serve(Node& node, Answer answer);
  void stop_serving(std::string_view group);
  void handle(transport::IncomingRequest& request, transport::Responder& responder) override;

 private:
  struct Served {
    Node* node = nullptr;
    Answer answer{};
  };
  void carry_out(ClientRequest request, std::function<void(ClientResponse)> reply);

  io::Shard& home_ = io::Shard::current();
  std::vector<Served> served_;
};

struct ClientOptions {
  Duration timeout = std::chrono::seconds(5);      ///< of a call, all tries together; an earlier deadline of the caller's scope stays in force
  Duration pause = std::chrono::milliseconds(50);  ///< before all members are asked once more
  /// Each entry is applied exactly once, however often it is sent again: the group, which must have sessions (NodeOptions::sessions), remembers it by
  /// this client's (session.h). Nothing is in doubt then. One entry at a time: others wait.
  bool exactly_once = false;
  std::shared_ptr<io::TlsClientContext> tls{};
};

/// Belongs to one shard. Any number of calls at once.
class Client {
 public:
  Client(std::string group, jraft::Configuration members, ClientOptions options = {});
  ~Client();

  /// Replicates an entry and gives the state machine's reply. Tried again as long as it is certain that nothing was begun. Errors: unavailable or
  /// deadline_exceeded, "it may have been applied" where that is so; those of the group carry a RaftStatus.
  io::Task<Result<Bytes>> apply(Bytes data);
  /// Asks about the state, after all that was acknowledged to anybody before this call. Tried again after any failure.
  io::Task<Result<Bytes>> ask(Bytes question);
  /// Ends the connections; calls fail from then on.
  io::Task<void> close();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sofa::raft
