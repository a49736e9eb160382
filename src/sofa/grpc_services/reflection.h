#pragma once
// Reflection (grpc.reflection.v1 and v1alpha): grpcurl and other tools learn the services and messages of a server from itself.
//
//   auto server = grpc::with_reflection(rpc::Server{}.port(12200).add(ledger));

#include "sofa/rpc/server.h"

namespace sofa::grpc {

/// Adds both versions of the reflection service, which tell of all services of the server that come from a .proto, themselves among them.
rpc::Server with_reflection(rpc::Server server);

}  // namespace sofa::grpc
