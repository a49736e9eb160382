#pragma once
// SOFARPC's http and h2c on a server: "/<service unique name>/<method>" over HTTP/1.1 and HTTP/2 (docs/protocols/http.md, section 3). Stands before
// gRPC's faces and takes what is not theirs.

#include <memory>
#include <vector>

#include "sofa/http/middleware.h"
#include "sofa/rpc/detail/http_call.h"
#include "sofa/rpc/detail/shard_server.h"

namespace sofa::rpc::detail {

class HttpFace final : public http::Middleware {
 public:
  using Shards = std::vector<std::unique_ptr<ShardServer>>;
  /// `messages`: JSON of protobuf methods, or null. All outlive it.
  HttpFace(http::Handler& next, const Shards& shards, const grpc::JsonCodec* messages) : Middleware(next), shards_(shards), messages_(messages) {}
  void handle(http::ExchangePtr exchange) override;

 private:
  ShardServer& here() const { return *shards_[io::Shard::current().index()]; }
  bool is_ours(const http::RequestHead& head, const HttpTarget& target) const;
  bool is_foreign(const http::RequestHead& head) const;
  static void serve(ShardServer& shard, std::unique_ptr<HttpRequest> request, const grpc::JsonCodec* messages);
  static Task<void> run(ShardServer& shard, CallsOfShard::Place place, std::unique_ptr<HttpRequest> request, HttpCallParts parts,
                        const MethodEntry& entry, CallTimer timer);

  const Shards& shards_;
  const grpc::JsonCodec* const messages_;
};

}  // namespace sofa::rpc::detail
