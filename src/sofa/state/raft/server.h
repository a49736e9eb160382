#pragma once
// Server: the Raft side of a process. One port, one log and one folder for all groups of a shard, and the connections to other nodes.
//
//   auto server = co_await io::or_return(raft::Server::open({.folder = "data", .address = "10.0.0.1:8700"}));
//   raft::Node* node = co_await io::or_return(server->start({.group = "counter", .initial = members}, std::make_unique<Counter>()));
//   ...
//   co_await server->stop();
//
// Other nodes may be unmodified Java nodes of JRaft 1.3: messages and port are theirs (docs/protocols/jraft.md).

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sofa/base/metrics.h"
#include "sofa/io/tls.h"
#include "sofa/state/log/file.h"
#include "sofa/state/log/options.h"
#include "sofa/state/log/stats.h"
#include "sofa/state/raft/node.h"
#include "sofa/state/raft/pace.h"
#include "sofa/transport/handler.h"
#include "sofa/transport/port.h"

namespace sofa::raft {

/// TLS of the port and of the connections to other nodes, in both directions proved: each side shows a certificate that `ca` has signed, and that of
/// a node names the host of its address. Texts are paths of PEM files, read again when they change, or PEM itself. Clients and commands need a
/// certificate, too.
struct ServerTls {
  io::TlsCertificate certificate{};  ///< this node's
  std::string ca{};                  ///< who signs those of nodes and clients
  // While a group changes over: first both for all nodes, then without the second, then without the first.
  bool takes_plain = false;  ///< plain connections of others are not refused
  bool sends_plain = false;  ///< connections to other nodes are plain
};

struct ServerOptions {
  std::string folder{};   ///< made if missing; one process at a time
  std::string address{};  ///< "ip:port": how this node is named in the members of its groups, and where the others reach it
  std::string owner{};    ///< whose folder it is, beside the address ("group lab"): another's is refused
  std::string bind{};     ///< "ip:port" where it listens, of this machine; empty: at `address`
  log::LogOptions log{
      .folder = {}, .max_record_bytes = 24ull << 20, .cache_bytes = 0};  ///< its folder is <folder>/log; cores have the newest entries
  uint64_t snapshot_bytes_per_second = 0;                                ///< zero: no bound
  PaceOptions pace{};                                                    ///< of feeding who lags, beside writes
  std::optional<ServerTls> tls{};                                        ///< nothing: plain
  size_t max_write_queue = size_t{64} << 20;                 ///< bytes of answers that one peer has not taken; over it its connection ends
  Duration watch_interval = std::chrono::milliseconds(250);  ///< how often a node is asked on which quiet groups count
  Duration node_lost_after = std::chrono::seconds(1);        ///< without an answer; then they wake
  log::FileSystem* files = nullptr;                          ///< null: the machine's
};

/// Belongs to the shard that opened it.
class Server {
 public:
  /// Opens the folder, then the port. `own` (null: none): further handlers for the port, by class name; outlives the server.
  /// Errors: failed_precondition (folder in use, of another address, of a newer version), data_loss, an address that is taken.
  static io::Task<Result<std::unique_ptr<Server>>> open(ServerOptions options, std::vector<std::pair<std::string, transport::Handler*>> own = {});
  virtual ~Server() = default;

  /// Starts the member of a group: recovers it, and takes part from then on. The node lives until stop() or leave.
  /// Errors: invalid_argument (the name of the group, members), already_exists, data_loss.
  virtual io::Task<Result<Node*>> start(NodeOptions options, std::unique_ptr<StateMachine> machine) = 0;
  /// Ends one: hands leadership over before. Its data stays.
  virtual io::Task<Result<void>> leave(Node& node) = 0;
  /// Null: there is none.
  virtual Node* find(std::string_view group, const PeerId& self) = 0;
  /// By the name of the group.
  virtual std::vector<Node*> nodes() = 0;

  /// ServerOptions::address, and where it listens.
  virtual std::string address() const = 0;
  virtual const io::Address& local() const = 0;
  virtual log::LogStats log_stats() const = 0;
  /// Sums over all groups, and details of those that are busy, under JRaft's names as label values (docs/raft/running.md has the list). From the
  /// first call on a group that writes entries is counted in detail, 64 groups at most; before, and when nobody has asked for five minutes, nothing
  /// is.
  virtual std::vector<MetricValue> metrics() = 0;
  /// The same for a member of which somebody wants to know, though it is idle: for a quarter of an hour.
  virtual void count_in_detail(Node& node) = 0;

  /// Hands leaderships over, drains the port, closes the log.
  virtual io::Task<Result<void>> stop() = 0;
};

}  // namespace sofa::raft
