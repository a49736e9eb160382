#pragma once
// Inspector: what a running server tells of itself (RunningServer::inspector), and calls of any of its methods from JSON, without a wire.

#include <string>
#include <string_view>
#include <vector>

#include "sofa/base/error.h"
#include "sofa/io/address.h"
#include "sofa/io/task.h"
#include "sofa/rpc/interface.h"
#include "sofa/rpc/stages.h"

namespace sofa::rpc {

/// An open connection of one of the server's ports.
struct ServerConnection {
  uint64_t id = 0;  ///< of its port, for ever; with `local` it names the connection
  io::Address peer, local;
  std::string_view protocol{};  ///< of protocols(); empty while the first bytes have not told
  bool secure = false;          ///< over TLS
  unsigned shard = 0;
  Instant opened{};  ///< on its shard's clock
  // Counters of the protocols that count, Bolt and Dubbo; 0 of others.
  uint64_t requests = 0, bytes_in = 0, bytes_out = 0;
};

/// A call of a method by its names.
struct WrittenCall {
  std::string service;  ///< unique name
  std::string method{};
  std::string arguments = "[]";  ///< JSON: an array by position, or an object by name (docs/protocols/http.md, section 3)
  Duration timeout = std::chrono::seconds(3);
  std::string app{};  ///< who calls, as the counters have it
};

/// What became of it. An error is what its caller over a wire would have got.
struct WrittenAnswer {
  Result<std::string> result{};  ///< JSON; "null" of a method that returns nothing
  Duration took{};
  StageTimes stages{};
};

/// From any shard. After the server has stopped there are no connections and no methods.
class Inspector {
 public:
  virtual ~Inspector() = default;
  /// How many connections its ports have.
  virtual io::Task<Result<size_t>> open_connections() = 0;
  /// The connections, at most `most` of each port.
  virtual io::Task<Result<std::vector<ServerConnection>>> connections(size_t most) = 0;
  /// A method as the server has it. Lives as long as the server runs.
  struct Served {
    std::string_view service;  ///< unique name
    const detail::MethodBase* method;
  };
  /// All of them, those of one service together.
  virtual io::Task<Result<std::vector<Served>>> methods() = 0;
  /// Calls a unary method as one that came over HTTP would be: filters, limits and counters see it. It runs on the shard that started the server.
  /// Errors: not_found names what is not there, unimplemented a method that streams.
  virtual io::Task<Result<WrittenAnswer>> call(WrittenCall call) = 0;
};

}  // namespace sofa::rpc
