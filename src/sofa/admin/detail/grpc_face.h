#pragma once
// The operations as gRPC (and gRPC-Web): a service for each part, its messages described by the types (proto_shape.h), with reflection and health.
// Behind the same gate: "authorization" and "cookie" are metadata; of the operations those of GET change nothing.

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "sofa/admin/detail/gatekeeper.h"
#include "sofa/admin/detail/places.h"
#include "sofa/admin/detail/proto_schema.h"
#include "sofa/grpc/server.h"
#include "sofa/grpc/web.h"
#include "sofa/http/middleware.h"

namespace sofa::admin::detail {

class GrpcFace final : public http::Middleware {
 public:
  struct Needs {
    Gatekeeper& keeper;
    Places& streams;
    std::function<Result<void>()> ready;  ///< of health; null: always
    size_t max_message;
  };
  /// `next` gets what is no gRPC; it and what `needs` refers to outlive the face.
  GrpcFace(http::Handler& next, Needs needs) : Middleware(next), needs_(std::move(needs)) {}
  ~GrpcFace() override;

  /// On a shard, before requests come. The operations outlive the face. Fails when two have one name.
  Result<void> open(const std::deque<Operation>& operations);
  /// Ends the calls of the current shard.
  io::Task<void> stop_shard();

  void handle(http::ExchangePtr exchange) override;
  /// Of what was opened.
  const ProtoSchema& schema() const { return *schema_; }

 private:
  Result<void> add(std::string path, std::unique_ptr<grpc::StreamHandler> handler);

  const Needs needs_;
  std::unique_ptr<ProtoSchema> schema_;
  std::vector<std::unique_ptr<grpc::StreamHandler>> handlers_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<grpc::WebHandler> web_;
};

}  // namespace sofa::admin::detail
