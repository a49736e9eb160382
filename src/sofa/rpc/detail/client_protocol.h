#pragma once
// What a client needs of the protocol that a provider speaks. Adding one is a class of this kind and a line in Caller::Core::protocol_of.

#include <functional>
#include <memory>

#include "sofa/rpc/detail/attempt.h"
#include "sofa/rpc/streaming.h"

namespace sofa::rpc::detail {

/// The connections of one client to all its providers of one protocol, and the bytes of its calls. Belongs to the client's shard. Must be closed
/// before it is destroyed.
class ClientProtocol {
 public:
  ClientProtocol() = default;
  ClientProtocol(const ClientProtocol&) = delete;
  ClientProtocol& operator=(const ClientProtocol&) = delete;
  virtual ~ClientProtocol() = default;

  /// Connects, unless there is a connection.
  virtual Task<Result<void>> reach(const io::Address& address) = 0;
  /// Whether a call can be sent there now; else it is connected to, for the calls to come.
  virtual bool is_live(const io::Address& address) = 0;
  /// Sends the call and reads its answer into the spec, within attempt.end(). An error is what the service threw, or what is wrong with the bytes,
  /// or carries the TransportStatus that says whether another provider may be asked.
  virtual Task<Result<void>> send(Attempt& attempt) = 0;
  /// Opens a call that streams.
  virtual Task<Result<std::unique_ptr<MessageStream>>> open_stream(const Provider& provider, const MethodSpec& method,
                                                                   const CallOptions& options) = 0;

  /// Closes the connections that are not in use, were not asked for since `before`, and whose address `keep` does not hold.
  virtual void forget_unused(Instant before, const std::function<bool(const io::Address&)>& keep) = 0;
  /// No address is known.
  virtual bool empty() const = 0;
  virtual Task<void> close() = 0;
};

/// Of the provider that is a service of this process; no URL says it.
inline constexpr std::string_view kInProcessScheme = "in-process";
inline constexpr Duration kDefaultTimeout = std::chrono::seconds(3);
inline constexpr std::string_view kClientDestroyed = "the client was destroyed";

}  // namespace sofa::rpc::detail
