#pragma once
// What travels beside the arguments of a call: baggage, headers, deadline, target. `CallOptions` and `CallResponse` are the caller's side (Java:
// RpcInvokeContext), `Context` is the handler's. Header keys: docs/protocols/sofarpc.md, section 2.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sofa/base/clock.h"
#include "sofa/io/address.h"
#include "sofa/io/shard.h"
#include "sofa/wire/bolt/header_map.h"

namespace sofa::grpc {
class Call;
}
namespace sofa::http {
class Headers;
}

namespace sofa::rpc {

using io::or_return;
using io::Task;

/// Pairs of text in their order; of equal keys the last counts.
using Pairs = std::vector<std::pair<std::string, std::string>>;

/// The value under a key, or null.
const std::string* find_in(const Pairs& pairs, std::string_view key);

/// What an answer brought beside the result.
struct CallResponse {
  Pairs baggage{};        ///< response baggage, keys without "rpc_resp_baggage."
  Pairs headers{};        ///< every header of the answer as it stood on the wire
  io::Address address{};  ///< who answered, or the last one tried
  int attempts = 0;       ///< how many providers were asked
};

/// How one call differs from the method's and the client's defaults.
struct CallOptions {
  Duration timeout{};                ///< of one attempt; zero: the method's, else the client's. Never past the scope's deadline
  std::string target{};              ///< "host:port" or "bolt://host:port" to ask this provider and no other; empty: the balancer chooses
  Pairs baggage{};                   ///< request baggage, keys without "rpc_req_baggage."
  Pairs headers{};                   ///< further headers, sent as they are
  std::optional<int> retries{};      ///< further attempts after the first
  std::string tag{};                 ///< for routers (cluster/router.h)
  std::string hash_key{};            ///< what the hashing balancers go by; empty: the first argument
  CallResponse* response = nullptr;  ///< filled when the call ends, also with an error; must outlive the call
};

/// One call as its handler sees it. Lives until the call is answered, on the shard of the connection.
class Context : public io::ScopeContext {
 public:
  /// The service's unique name ("bank.Ledger:1.0") and the method's name.
  std::string_view service() const { return service_; }
  std::string_view method() const { return method_; }
  /// Who called.
  const io::Address& peer() const { return *peer_; }
  /// The caller's application name; empty when it sent none.
  std::string_view caller_app() const;
  /// When the caller stops waiting; kNoDeadline when it did not say. Calls made from the handler inherit it through the scope.
  Deadline deadline() const { return deadline_; }
  bool oneway() const { return oneway_; }

  /// A request header as it stood on the wire (over gRPC and HTTP: in lower case); empty when absent.
  std::string_view header(std::string_view key) const;
  /// All of them over Bolt; empty over gRPC; over HTTP the trace context, as Bolt has it.
  const bolt::HeaderMap& headers() const { return headers_; }
  /// An entry of the request baggage, or nothing.
  std::optional<std::string_view> baggage(std::string_view key) const;
  /// Sends an entry of response baggage with the answer.
  void put_response_baggage(std::string_view key, std::string_view value);
  /// Sends a header with the answer.
  void put_response_header(std::string key, std::string value) { response_headers_.emplace_back(std::move(key), std::move(value)); }
  const Pairs& response_headers() const { return response_headers_; }
  /// The call as gRPC has it, for what only gRPC has: binary metadata, trailers, compression. Null over Bolt.
  grpc::Call* grpc() const { return grpc_; }

 private:
  friend class ServerCallAccess;
  std::string_view service_, method_;
  const io::Address* peer_ = nullptr;
  Deadline deadline_ = kNoDeadline;
  bool oneway_ = false;
  bolt::HeaderMap headers_;
  const http::Headers* fields_ = nullptr;  // of gRPC and HTTP
  grpc::Call* grpc_ = nullptr;
  Pairs response_headers_;
};

/// The call that the current task works for, or null: `const rpc::Context* call = rpc::current_call(co_await io::current_scope());`
/// Calls made in such a task pass the trace context on by themselves.
const Context* current_call(const io::Scope& scope);

}  // namespace sofa::rpc
