#pragma once
// The handler that answers HTTP beside the services of a server (Server::http, Server::rest), as the server sees it.

#include "sofa/http/filter.h"
#include "sofa/http/middleware.h"
#include "sofa/rpc/detail/grpc_face.h"

namespace sofa::rpc::detail {

/// Stands before that handler. Each of its requests
///   counts as a running call of its shard from when it is whole, or its answer begins, until it is answered; beyond max_calls it is answered 503,
///   is a rpc::Context to the tasks of its handler, so that calls made there pass on its trace context, which is answered, too,
///   tells REST routes which server it came to (server_of).
class HttpGuests final : public http::Middleware {
 public:
  /// `shards` outlives it.
  HttpGuests(http::Handler& next, const GrpcFace::Shards& shards) : Middleware(next), shards_(shards) {}
  void handle(http::ExchangePtr exchange) override;
  bool wants_body(const http::RequestHead& head) const override { return !here().is_full() && next().wants_body(head); }

 private:
  ShardServer& here() const { return *shards_[io::Shard::current().index()]; }
  const GrpcFace::Shards& shards_;
};

/// The server that a request came to, on its shard; null when it came to none. It lives until the connections of its port have ended.
ShardServer* server_of(http::Exchange& exchange);

}  // namespace sofa::rpc::detail
