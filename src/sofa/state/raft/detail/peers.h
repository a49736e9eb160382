#pragma once
// Peers: the connections to other nodes, one for each address (jraft.md 1.5), and calls over them. Belongs to a shard.
//
// Entries for a node without a connection fail at once, as in JRaft, and connecting begins; the listener hears when there is one again. Any other
// call waits for the attempt under way: a vote that is asked for at a start, or a read, would be lost for nothing.
//
// Heartbeats of several groups in one turn of the loop leave in one message, to a node that takes them so (messages.h, HeartbeatsRequest): it says
// so, for as long as the connection lives, in its answer to a heartbeat of the usual kind.

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>

#include "sofa/base/clock.h"
#include "sofa/io/shard.h"
#include "sofa/io/task_group.h"
#include "sofa/transport/pool.h"
#include "sofa/wire/jraft/messages.h"
#include "sofa/wire/jraft/peer.h"
#include "sofa/wire/jraft/status.h"

namespace sofa::raft::detail {

using Answered = std::function<void(Result<jraft::Message>)>;

/// The class name, the header that AppendEntries has, and the content of a request.
struct EncodedRequest {
  std::string_view class_name;
  Bytes header{};
  Bytes content{};
};
EncodedRequest encode_request(const jraft::Message& request);
/// Answers a request, whatever the message is.
void answer_message(transport::Responder& responder, const jraft::Message& response);

class Peers {
 public:
  Peers(std::shared_ptr<io::TlsClientContext> tls, uint64_t seed);

  /// Of an address "ip:port" that has a connection again.
  void on_connected(std::function<void(const std::string& address)> listener) { listener_ = std::move(listener); }
  /// Sends at once, in the order of the calls to one address; `done` is called once, from the loop, within the timeout.
  void call(const std::string& address, jraft::Message request, Duration timeout, Answered done);
  /// The same for a task, which waits for a connection.
  io::Task<Result<jraft::Message>> ask(std::string address, jraft::Message request, Duration timeout);
  /// The live connection to an address; null when there is none.
  transport::SessionRef session(const std::string& address);
  /// Ends all calls and connections.
  io::Task<void> close();

 private:
  struct Heartbeat {
    jraft::AppendEntriesRequest request{};
    Answered done{};
  };
  struct Peer {
    io::Address address{};
    transport::ConnectionPool::Peer* connections = nullptr;
    bool watched = false;                    // somebody waits for a connection
    Instant wanted{};                        // when it was last called without one
    Instant silent_since{};                  // when the first of the calls began that had no answer in time, in a row; zero: there are none
    transport::SessionRef takes_together{};  // the connection whose other end takes heartbeats together
    std::map<Duration, std::vector<Heartbeat>> together{};  // by their timeout: they leave when the turn ends
  };
  Result<Peer*> peer(const std::string& address);
  void watch(const std::string& address, Peer& peer);
  io::Task<void> wait_for_connection(std::string address, Peer& peer);
  io::Task<void> connect_and_call(std::string address, jraft::Message request, Duration timeout, Answered done);
  io::Task<void> carry_out(Peer& peer, transport::SessionRef session, EncodedRequest request, Duration timeout, Answered done);
  void beat(Peer& peer, transport::Session& session, jraft::AppendEntriesRequest heartbeat, Duration timeout, Answered done);
  void turn_ends();
  void send_together(Peer& peer, std::span<Heartbeat> heartbeats, Duration timeout);

  static constexpr Duration kLongestWatch = std::chrono::seconds(30);   // for a node that nobody calls any more
  static constexpr Duration kLongestSilence = std::chrono::seconds(5);  // then the connection is taken for dead

  std::unordered_map<std::string, Peer> peers_;
  std::vector<Peer*> beating_;  // that have heartbeats to be sent together
  io::TurnEndHook turn_end_{[](void* me) { static_cast<Peers*>(me)->turn_ends(); }, this};
  std::function<void(const std::string&)> listener_;
  transport::ConnectionPool pool_;
  io::TaskGroup tasks_;
};

}  // namespace sofa::raft::detail
