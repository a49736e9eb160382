#pragma once
// The same for consumers of Dubbo 3.3 that prefer protobuf: org.apache.dubbo.metadata.MetadataServiceV2 over Triple (docs/protocols/dubbo.md,
// section 10).

#include <memory>

#include "sofa/grpc/server.h"
#include "sofa/rpc/detail/dubbo_metadata.h"

namespace sofa::rpc::detail {

/// Serves all shards.
class DubboMetadataV2 final : public grpc::UnaryHandler {
 public:
  static constexpr std::string_view kName = "org.apache.dubbo.metadata.MetadataServiceV2";

  /// `application` may be null: then nothing is served.
  explicit DubboMetadataV2(std::shared_ptr<const DubboApplication> application) : application_(std::move(application)) {}
  /// Fails when a service of that name is there already.
  Result<void> add_to(grpc::Server& server);
  /// The metadata of the revision that is asked for; not_found for another one.
  void handle(std::unique_ptr<grpc::UnaryCall> call) override;

 private:
  const std::shared_ptr<const DubboApplication> application_;
};

}  // namespace sofa::rpc::detail
