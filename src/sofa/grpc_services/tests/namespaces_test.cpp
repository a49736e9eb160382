// The public headers, as a program uses them that writes `using namespace sofa`: no header of ours brings another namespace `grpc`.

#include <gtest/gtest.h>

#include "sofa/grpc_services/health.h"
#include "sofa/grpc_services/protobuf_json.h"
#include "sofa/grpc_services/reflection.h"

using namespace sofa;

TEST(Namespaces, GrpcIsSofasOwnToWhoUsesItsNamespace) {
  const rpc::Server server = grpc::with_reflection(grpc::with_health(rpc::Server{}.port(0).json(grpc::protobuf_json()), grpc::Health()));
  EXPECT_EQ(server.proto_services().size(), 3u);
}
