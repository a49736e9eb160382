#pragma once
// Calls of a service of this process by the client that would call it over a wire: no server, no socket, no bytes.
//
//   auto shop = co_await or_return(rpc::connect_in_process(make_shop()));   // std::shared_ptr<Shop>, as rpc::connect<Shop>(url) gives it
//   const Receipt receipt = co_await or_return(shop->place_order(order));
//
// The client is one of rpc::connect in all but its transport: unary calls of all five kinds, the three kinds of streaming, timeouts, cancellation,
// filters on both sides, baggage and headers both ways, retries, trace context. What differs:
// * The service gets copies of the arguments and the caller a copy of the result, by the types' own assignment; messages of streams are moved. A type
//   that cannot be copied (Graph<T>) is Code::unimplemented in a unary call. Sizes are not limited.
// * The service runs on the client's shard, a unary call in the task of its caller: it ends when the implementation has. An implementation is told of
//   the deadline, and of a caller that is gone, by its scope: its waits end. A plain function is not cut short.
// * Errors come whole, with their details: a JavaException keeps its class where gRPC carries the sentence alone.
// * Context::grpc() is null, and Context::peer() is "unix:in-process", which is a loopback peer.
// * CallOptions::target still calls whom it names, over a wire.
//
// Shards: a client belongs to the shard that made it, and so does its use of the service. From other shards and threads unary calls hop there, and a
// stream is refused (Code::failed_precondition); a service that clients of several shards share guards its state, or each shard has its own.

#include "sofa/rpc/client.h"
#include "sofa/rpc/server.h"

namespace sofa::rpc {

struct InProcessOptions {
  ServiceOptions service{};     ///< as when a server has it: limits, pool, filters, methods; `thread_safe` and `delay` mean nothing here
  ClientOptions client{};       ///< max_pending: calls of methods that stream, and oneway calls, that run
  size_t stream_messages = 16;  ///< of a stream that wait to be read, in each direction; a further write waits
};

namespace detail {
Task<Result<void>> bind_in_process(Interface& client, ServiceNames names, std::shared_ptr<Interface> service, InProcessOptions options);
}  // namespace detail

/// A client of `service` on the current shard. It keeps the service; when it is destroyed, until the calls that it has cancelled then have ended.
/// Fails as a server's start does: a method without implementation that is not excluded, a name that is no method.
template <ServiceInterface T>
Task<Result<std::shared_ptr<T>>> connect_in_process(std::shared_ptr<T> service, InProcessOptions options = {}) {
  auto client = std::make_shared<T>();
  co_await or_return(detail::bind_in_process(*client, detail::names_of<T>(), std::move(service), std::move(options)));
  co_return client;
}

/// Makes a client of an object that the caller has made, as connect_into does.
template <ServiceInterface T>
Task<Result<void>> connect_in_process_into(T& client, std::shared_ptr<T> service, InProcessOptions options = {}) {
  return detail::bind_in_process(client, detail::names_of<T>(), std::move(service), std::move(options));
}

}  // namespace sofa::rpc
